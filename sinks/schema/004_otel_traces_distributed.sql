-- cluster only
CREATE TABLE IF NOT EXISTS {database}.otel_traces{on_cluster} AS {database}.otel_traces{local}
ENGINE = Distributed('{cluster}', '{database}', 'otel_traces{local}', cityHash64(Tenant, TraceId))
