CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.otel_traces_trace_id_ts_mv{on_cluster}
TO {database}.otel_traces_trace_id_ts{local}
AS SELECT
    TraceId,
    min(Timestamp) AS Start,
    max(Timestamp) AS End,
    Tenant,
    max(ExpiresAt) AS ExpiresAt
FROM {database}.otel_traces{local}
GROUP BY TraceId, Tenant
