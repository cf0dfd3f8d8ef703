ALTER TABLE {database}.traces_in{on_cluster}
MODIFY COLUMN expires_at Date DEFAULT
    -- as in retention_spans.sql, from the day on which the trace was opened
    toDate(
        least(
            greatest(
                toDate32(fromUnixTimestamp64Nano(opened_at, 'UTC')),
                toDate32(now('UTC')) - least(7, {retention_days} - 1)
            ),
            toDate32(now('UTC'))
        ) + {retention_days}
    )
