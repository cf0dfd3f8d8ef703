SELECT
    $columns,
    $order_value AS $order_name,
    toUnixTimestamp64Nano(opened_at) AS $time_name
FROM traces_latest
WHERE tenant = {tenant:String}
    AND opened_at >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
    AND opened_at < fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC')
    AND ($filter)
    AND ($behind)
ORDER BY $order_by
LIMIT {rows:UInt32}
