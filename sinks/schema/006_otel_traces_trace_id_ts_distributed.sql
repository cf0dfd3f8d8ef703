-- cluster only
CREATE TABLE IF NOT EXISTS {database}.otel_traces_trace_id_ts{on_cluster}
AS {database}.otel_traces_trace_id_ts{local}
ENGINE = Distributed(
    '{cluster}', '{database}', 'otel_traces_trace_id_ts{local}', cityHash64(Tenant, TraceId)
)
