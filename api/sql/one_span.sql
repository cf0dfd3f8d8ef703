SELECT
    $columns
FROM spans
WHERE tenant = {tenant:String}
    AND trace_id = {trace_id:String}
    AND span_id = {span_id:String}
    AND started_at >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
    AND started_at < fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC')
ORDER BY started_at
LIMIT 1
