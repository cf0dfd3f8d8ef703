CREATE TABLE IF NOT EXISTS {database}.traces{local}{on_cluster}
(
    tenant LowCardinality(String) CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    revision UInt32 CODEC(ZSTD(1)),
    complete Bool CODEC(ZSTD(1)),
    closed_by LowCardinality(String) CODEC(ZSTD(1)),
    opened_at DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    root_name LowCardinality(String) CODEC(ZSTD(1)),
    root_type LowCardinality(String) CODEC(ZSTD(1)),
    service_name LowCardinality(String) CODEC(ZSTD(1)),
    route LowCardinality(String) CODEC(ZSTD(1)),
    environment LowCardinality(String) CODEC(ZSTD(1)),
    session_id String CODEC(ZSTD(1)),
    user_id String CODEC(ZSTD(1)),
    started_at DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    duration_ms Nullable(Float64) CODEC(ZSTD(1)),
    ttft_ms Nullable(Float64) CODEC(ZSTD(1)),
    span_count UInt32 CODEC(ZSTD(1)),
    depth UInt32 CODEC(ZSTD(1)),
    hops UInt32 CODEC(ZSTD(1)),
    llm_calls UInt32 CODEC(ZSTD(1)),
    tool_calls UInt32 CODEC(ZSTD(1)),
    retrievals UInt32 CODEC(ZSTD(1)),
    error_count UInt32 CODEC(ZSTD(1)),
    tool_error_count UInt32 CODEC(ZSTD(1)),
    retry_count UInt32 CODEC(ZSTD(1)),
    fallback_count UInt32 CODEC(ZSTD(1)),
    input_tokens Nullable(Int64) CODEC(ZSTD(1)),
    output_tokens Nullable(Int64) CODEC(ZSTD(1)),
    cache_read_tokens Nullable(Int64) CODEC(ZSTD(1)),
    cost_usd Nullable(Float64) CODEC(ZSTD(1)),
    models Array(LowCardinality(String)) CODEC(ZSTD(1)),
    providers Array(LowCardinality(String)) CODEC(ZSTD(1)),
    orphans UInt32 CODEC(ZSTD(1)),
    size_bytes UInt64 CODEC(ZSTD(1)),
    route_p95_ms Nullable(Float64) CODEC(ZSTD(1)),
    decision LowCardinality(String) CODEC(ZSTD(1)),
    policy LowCardinality(String) CODEC(ZSTD(1)),
    probability Nullable(Float64) CODEC(ZSTD(1)),
    adjusted_count Nullable(Float64) CODEC(ZSTD(1)),
    version UInt64 CODEC(ZSTD(1)),
    sources Tuple(partition UInt32, offsets Array(UInt64)) CODEC(ZSTD(1)),
    expires_at Date CODEC(ZSTD(1)),
    INDEX idx_trace_id trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX idx_started_at started_at TYPE minmax GRANULARITY 1
)
ENGINE = {replicated}ReplacingMergeTree(version)
PARTITION BY toDate(opened_at)
PRIMARY KEY (tenant, toStartOfFiveMinutes(opened_at), trace_id)
ORDER BY (tenant, toStartOfFiveMinutes(opened_at), trace_id, opened_at)
TTL expires_at
SETTINGS
    index_granularity = 8192,
    ttl_only_drop_parts = 1,
    min_level_for_wide_part = 1,
    min_parts_to_merge_at_once = 8,
    min_age_to_force_merge_seconds = 3600,
    min_age_to_force_merge_on_partition_only = 1
