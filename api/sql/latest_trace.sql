SELECT
    count() AS traces,
    toUnixTimestamp64Nano(max(opened_at)) AS at_ns
FROM traces
WHERE tenant = {tenant:String}
    AND opened_at >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
    AND opened_at < fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC')
