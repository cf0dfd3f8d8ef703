CREATE VIEW IF NOT EXISTS {database}.scores_latest{on_cluster}
SQL SECURITY INVOKER
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
    at,
    version
FROM {database}.scores
FINAL
