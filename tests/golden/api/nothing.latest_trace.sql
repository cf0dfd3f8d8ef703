SELECT
    count() AS traces,
    toUnixTimestamp64Nano(max(opened_at)) AS at_ns
FROM traces
WHERE tenant = {tenant:String}
    AND opened_at >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
    AND opened_at < fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC')

-- from_ns = 1792519600000000000
-- tenant = 'default'
-- to_ns = 1795111601000000000
