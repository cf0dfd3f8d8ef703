CREATE TABLE IF NOT EXISTS {database}.otel_traces{local}{on_cluster}
(
    Timestamp DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    TraceId String CODEC(ZSTD(1)),
    SpanId String CODEC(ZSTD(1)),
    ParentSpanId String CODEC(ZSTD(1)),
    TraceState String CODEC(ZSTD(1)),
    SpanName LowCardinality(String) CODEC(ZSTD(1)),
    SpanKind LowCardinality(String) CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeName String CODEC(ZSTD(1)),
    ScopeVersion String CODEC(ZSTD(1)),
    SpanAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    Duration UInt64 CODEC(ZSTD(1)),
    StatusCode LowCardinality(String) CODEC(ZSTD(1)),
    StatusMessage String CODEC(ZSTD(1)),
    Events Nested
    (
        Timestamp DateTime64(9, 'UTC'),
        Name LowCardinality(String),
        Attributes Map(LowCardinality(String), String)
    ) CODEC(ZSTD(1)),
    Links Nested
    (
        TraceId String,
        SpanId String,
        TraceState String,
        Attributes Map(LowCardinality(String), String)
    ) CODEC(ZSTD(1)),
    Tenant LowCardinality(String) CODEC(ZSTD(1)),
    SpanType LowCardinality(String) CODEC(ZSTD(1)),
    Operation LowCardinality(String) CODEC(ZSTD(1)),
    Provider LowCardinality(String) CODEC(ZSTD(1)),
    RequestModel LowCardinality(String) CODEC(ZSTD(1)),
    ResponseModel LowCardinality(String) CODEC(ZSTD(1)),
    ModelParams String CODEC(ZSTD(1)),
    FinishReason LowCardinality(String) CODEC(ZSTD(1)),
    SessionId String CODEC(ZSTD(1)),
    UserId String CODEC(ZSTD(1)),
    Route LowCardinality(String) CODEC(ZSTD(1)),
    Environment LowCardinality(String) CODEC(ZSTD(1)),
    AgentName LowCardinality(String) CODEC(ZSTD(1)),
    ToolName LowCardinality(String) CODEC(ZSTD(1)),
    ToolCallId String CODEC(ZSTD(1)),
    PromptId LowCardinality(String) CODEC(ZSTD(1)),
    PromptVersion LowCardinality(String) CODEC(ZSTD(1)),
    GitSha LowCardinality(String) CODEC(ZSTD(1)),
    ConfigBundleId LowCardinality(String) CODEC(ZSTD(1)),
    CacheHit Nullable(Bool) CODEC(ZSTD(1)),
    RetryOf String CODEC(ZSTD(1)),
    ErrorType LowCardinality(String) CODEC(ZSTD(1)),
    InputTokens Nullable(Int64) CODEC(ZSTD(1)),
    OutputTokens Nullable(Int64) CODEC(ZSTD(1)),
    CacheReadTokens Nullable(Int64) CODEC(ZSTD(1)),
    CacheWriteTokens Nullable(Int64) CODEC(ZSTD(1)),
    ReasoningTokens Nullable(Int64) CODEC(ZSTD(1)),
    AudioTokens Nullable(Int64) CODEC(ZSTD(1)),
    CostUsd Nullable(Float64) CODEC(ZSTD(1)),
    CostSource LowCardinality(String) CODEC(ZSTD(1)),
    TtftMs Nullable(Float64) CODEC(ZSTD(1)),
    InputMessages String CODEC(ZSTD(1)),
    OutputMessages String CODEC(ZSTD(1)),
    SystemInstructions String CODEC(ZSTD(1)),
    ToolArguments String CODEC(ZSTD(1)),
    ToolResult String CODEC(ZSTD(1)),
    RetrievalQuery String CODEC(ZSTD(1)),
    Documents String CODEC(ZSTD(1)),
    Decision LowCardinality(String) CODEC(ZSTD(1)),
    Policy LowCardinality(String) CODEC(ZSTD(1)),
    Probability Nullable(Float64) CODEC(ZSTD(1)),
    AdjustedCount Nullable(Float64) CODEC(ZSTD(1)),
    Revision UInt32 CODEC(ZSTD(1)),
    Late Bool CODEC(ZSTD(1)),
    Version UInt64 CODEC(ZSTD(1)),
    ExpiresAt Date CODEC(ZSTD(1)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX idx_res_attr_key mapKeys(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_res_attr_value mapValues(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_span_attr_key mapKeys(SpanAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_span_attr_value mapValues(SpanAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_duration Duration TYPE minmax GRANULARITY 1
)
ENGINE = {replicated}ReplacingMergeTree(Version)
PARTITION BY toDate(Timestamp)
PRIMARY KEY (Tenant, toStartOfFiveMinutes(Timestamp), TraceId)
ORDER BY (Tenant, toStartOfFiveMinutes(Timestamp), TraceId, SpanId, Timestamp)
TTL ExpiresAt
SETTINGS
    index_granularity = 8192,
    ttl_only_drop_parts = 1,
    -- inserts write one file instead of 250: a third of their cost
    min_level_for_wide_part = 1,
    -- a merge costs a span more than its insert: fewer, larger ones
    min_parts_to_merge_at_once = 8,
    -- a day that is over becomes one part, a day that is still written to is never rewritten as a whole
    min_age_to_force_merge_seconds = 3600,
    min_age_to_force_merge_on_partition_only = 1
