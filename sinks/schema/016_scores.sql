CREATE TABLE IF NOT EXISTS {database}.scores{local}{on_cluster}
(
    tenant LowCardinality(String) CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    name LowCardinality(String) CODEC(ZSTD(1)),
    kind LowCardinality(String) CODEC(ZSTD(1)),
    number Nullable(Float64) CODEC(ZSTD(1)),
    text String CODEC(ZSTD(1)),
    comment String CODEC(ZSTD(1)),
    author LowCardinality(String) CODEC(ZSTD(1)),
    source LowCardinality(String) CODEC(ZSTD(1)),
    at DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    version UInt64 CODEC(ZSTD(1)),
    expires_at Date CODEC(ZSTD(1))
)
ENGINE = {replicated}ReplacingMergeTree(version)
-- What is said again on another day lies in another partition: FINAL compares across them.
PARTITION BY toDate(at)
ORDER BY (tenant, trace_id, id)
TTL expires_at
SETTINGS
    index_granularity = 8192,
    ttl_only_drop_parts = 1,
    min_level_for_wide_part = 1,
    min_age_to_force_merge_seconds = 3600,
    min_age_to_force_merge_on_partition_only = 1
