SELECT
    count() AS traces,
    toUnixTimestamp64Nano(min(started_at)) AS first_ns,
    max(
        least(toUnixTimestamp64Nano(started_at), {latest_ns:Int64})
        + toInt64(least(greatest(ifNull(ifNotFinite(duration_ms, 0), 0), 0), {longest_ms:Float64}) * 1e6)
    ) AS last_ns
FROM traces
WHERE tenant = {tenant:String}
    AND opened_at >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
    AND opened_at < fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC')

-- from_ns = 1795108000000000000
-- latest_ns = 9100000000000000000
-- longest_ms = 10000000000.0
-- tenant = 'default'
-- to_ns = 1795111600000000000
