SELECT
    policy,
    count() AS traces,
    countIf(decision = 'keep') AS kept,
    sum(span_count) AS spans,
    sumIf(span_count, decision = 'keep') AS kept_spans,
    sum(size_bytes) AS bytes,
    sumIf(size_bytes, decision = 'keep') AS kept_bytes
FROM traces_latest
WHERE tenant = {tenant:String}
    AND opened_at >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
    AND opened_at < fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC')
GROUP BY policy
ORDER BY traces DESC, policy
LIMIT {rows:UInt32}

-- from_ns = 1795108000000000000
-- rows = 1000
-- tenant = 'default'
-- to_ns = 1795111600000000000
