CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.scores_in_mv{on_cluster}
TO {database}.scores
AS SELECT
    tenant,
    trace_id,
    id,
    span_id,
    name,
    kind,
    number,
    text,
    comment,
    author,
    source,
    fromUnixTimestamp64Nano(s.at, 'UTC') AS at,
    version,
    expires_at
FROM {database}.scores_in AS s
