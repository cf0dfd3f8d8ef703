ALTER TABLE {database}.scores_in{on_cluster}
MODIFY COLUMN expires_at Date DEFAULT
    -- as in retention_spans.sql, from the day on which it was said
    toDate(
        least(
            greatest(
                toDate32(fromUnixTimestamp64Nano(at, 'UTC')),
                toDate32(now('UTC')) - least(7, {retention_days} - 1)
            ),
            toDate32(now('UTC'))
        ) + {retention_days}
    )
