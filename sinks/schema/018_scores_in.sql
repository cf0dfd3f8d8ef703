CREATE TABLE IF NOT EXISTS {database}.scores_in{on_cluster}
(
    tenant LowCardinality(String),
    trace_id String,
    id String,
    span_id String,
    name LowCardinality(String),
    kind LowCardinality(String),
    number Nullable(Float64),
    text String,
    comment String,
    author LowCardinality(String),
    source LowCardinality(String),
    at Int64,
    version UInt64,
    expires_at Date
)
ENGINE = Null
