CREATE TABLE IF NOT EXISTS {database}.otel_traces_trace_id_ts{local}{on_cluster}
(
    TraceId String CODEC(ZSTD(1)),
    Start SimpleAggregateFunction(min, DateTime('UTC')) CODEC(Delta, ZSTD(1)),
    End SimpleAggregateFunction(max, DateTime('UTC')) CODEC(Delta, ZSTD(1)),
    Tenant LowCardinality(String) CODEC(ZSTD(1)),
    ExpiresAt SimpleAggregateFunction(max, Date) CODEC(ZSTD(1)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = {replicated}AggregatingMergeTree
PARTITION BY toDate(Start)
ORDER BY (TraceId, Tenant)
TTL ExpiresAt
SETTINGS
    index_granularity = 8192,
    ttl_only_drop_parts = 1,
    min_parts_to_merge_at_once = 8
