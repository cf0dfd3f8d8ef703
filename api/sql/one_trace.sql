SELECT
    $columns
FROM traces_latest
WHERE tenant = {tenant:String}
    AND trace_id = {trace_id:String}
ORDER BY opened_at DESC
LIMIT 1
