SELECT
    id,
    span_id,
    name,
    kind,
    number,
    text,
    comment,
    author,
    source,
    at
FROM scores_latest
WHERE tenant = {tenant:String}
    AND trace_id = {trace_id:String}
ORDER BY at DESC, id
LIMIT {rows:UInt32}
