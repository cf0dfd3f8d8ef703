SELECT
    $columns,
    $order_value AS $order_name,
    toUnixTimestamp64Nano(started_at) AS $time_name
FROM spans
WHERE tenant = {tenant:String}
    AND started_at >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
    AND started_at < fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC')
    AND ($filter)
    AND ($behind)
ORDER BY $order_by
LIMIT {rows:UInt32}
