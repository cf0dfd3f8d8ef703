ALTER TABLE {database}.spans_in{on_cluster}
MODIFY COLUMN expires_at Date DEFAULT
    -- from the span's own day, so that who writes it again later doesn't lengthen its life. A clock that is ahead isn't
    -- believed, or the row would stay for ever, nor one that says more than a week ago, or it would go as it comes
    toDate(
        least(
            greatest(toDate32(started_at), toDate32(now('UTC')) - least(7, {retention_days} - 1)),
            toDate32(now('UTC'))
        ) + {retention_days}
    )
