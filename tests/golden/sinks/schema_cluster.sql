-- 001_database
CREATE DATABASE IF NOT EXISTS tracemill ON CLUSTER 'main';

-- 002_migrations
CREATE TABLE IF NOT EXISTS tracemill.migrations ON CLUSTER 'main'
(
    name String,
    checksum String,
    applied_at DateTime64(3, 'UTC')
)
ENGINE = ReplicatedReplacingMergeTree(applied_at)
ORDER BY name;

-- 003_otel_traces
CREATE TABLE IF NOT EXISTS tracemill.otel_traces_local ON CLUSTER 'main'
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
ENGINE = ReplicatedReplacingMergeTree(Version)
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
    min_age_to_force_merge_on_partition_only = 1;

-- 004_otel_traces_distributed
CREATE TABLE IF NOT EXISTS tracemill.otel_traces ON CLUSTER 'main' AS tracemill.otel_traces_local
ENGINE = Distributed('main', 'tracemill', 'otel_traces_local', cityHash64(Tenant, TraceId));

-- 005_otel_traces_trace_id_ts
CREATE TABLE IF NOT EXISTS tracemill.otel_traces_trace_id_ts_local ON CLUSTER 'main'
(
    TraceId String CODEC(ZSTD(1)),
    Start SimpleAggregateFunction(min, DateTime('UTC')) CODEC(Delta, ZSTD(1)),
    End SimpleAggregateFunction(max, DateTime('UTC')) CODEC(Delta, ZSTD(1)),
    Tenant LowCardinality(String) CODEC(ZSTD(1)),
    ExpiresAt SimpleAggregateFunction(max, Date) CODEC(ZSTD(1)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplicatedAggregatingMergeTree
PARTITION BY toDate(Start)
ORDER BY (TraceId, Tenant)
TTL ExpiresAt
SETTINGS
    index_granularity = 8192,
    ttl_only_drop_parts = 1,
    min_parts_to_merge_at_once = 8;

-- 006_otel_traces_trace_id_ts_distributed
CREATE TABLE IF NOT EXISTS tracemill.otel_traces_trace_id_ts ON CLUSTER 'main'
AS tracemill.otel_traces_trace_id_ts_local
ENGINE = Distributed(
    'main', 'tracemill', 'otel_traces_trace_id_ts_local', cityHash64(Tenant, TraceId)
);

-- 007_otel_traces_trace_id_ts_mv
CREATE MATERIALIZED VIEW IF NOT EXISTS tracemill.otel_traces_trace_id_ts_mv ON CLUSTER 'main'
TO tracemill.otel_traces_trace_id_ts_local
AS SELECT
    TraceId,
    min(Timestamp) AS Start,
    max(Timestamp) AS End,
    Tenant,
    max(ExpiresAt) AS ExpiresAt
FROM tracemill.otel_traces_local
GROUP BY TraceId, Tenant;

-- 008_spans_in
CREATE TABLE IF NOT EXISTS tracemill.spans_in ON CLUSTER 'main'
(
    tenant LowCardinality(String),
    trace_id FixedString(16),
    span_id FixedString(8),
    parent_span_id FixedString(8),
    trace_state String,
    name LowCardinality(String),
    kind LowCardinality(String),
    started_at DateTime64(9, 'UTC'),
    duration_ns Int64,
    status_code LowCardinality(String),
    status_message String,
    service_name LowCardinality(String),
    scope_name String,
    scope_version String,
    resource_attributes Map(LowCardinality(String), String),
    attributes Map(LowCardinality(String), String),
    events Array(Tuple(
        time DateTime64(9, 'UTC'),
        name LowCardinality(String),
        attributes Map(LowCardinality(String), String)
    )),
    links Array(Tuple(
        trace_id FixedString(16),
        span_id FixedString(8),
        trace_state String,
        attributes Map(LowCardinality(String), String)
    )),
    span_type LowCardinality(String),
    operation LowCardinality(String),
    provider LowCardinality(String),
    request_model LowCardinality(String),
    response_model LowCardinality(String),
    model_params String,
    finish_reason LowCardinality(String),
    session_id String,
    user_id String,
    route LowCardinality(String),
    environment LowCardinality(String),
    agent_name LowCardinality(String),
    tool_name LowCardinality(String),
    tool_call_id String,
    prompt_id LowCardinality(String),
    prompt_version LowCardinality(String),
    git_sha LowCardinality(String),
    config_bundle_id LowCardinality(String),
    cache_hit Nullable(Bool),
    retry_of String,
    error_type LowCardinality(String),
    input_tokens Nullable(Int64),
    output_tokens Nullable(Int64),
    cache_read_tokens Nullable(Int64),
    cache_write_tokens Nullable(Int64),
    reasoning_tokens Nullable(Int64),
    audio_tokens Nullable(Int64),
    cost_usd Nullable(Float64),
    cost_source LowCardinality(String),
    ttft_ms Nullable(Float64),
    input_messages String,
    output_messages String,
    system_instructions String,
    tool_arguments String,
    tool_result String,
    retrieval_query String,
    documents String,
    decision LowCardinality(String),
    policy LowCardinality(String),
    probability Nullable(Float64),
    adjusted_count Nullable(Float64),
    revision UInt32,
    late Bool,
    version UInt64,
    expires_at Date
)
ENGINE = Null;

-- 009_spans_in_mv
CREATE MATERIALIZED VIEW IF NOT EXISTS tracemill.spans_in_mv ON CLUSTER 'main'
TO tracemill.otel_traces
AS SELECT
    started_at AS Timestamp,
    lower(hex(trace_id)) AS TraceId,
    lower(hex(span_id)) AS SpanId,
    if(parent_span_id = toFixedString('', 8), '', lower(hex(parent_span_id))) AS ParentSpanId,
    trace_state AS TraceState,
    name AS SpanName,
    initcap(kind) AS SpanKind,
    service_name AS ServiceName,
    resource_attributes AS ResourceAttributes,
    scope_name AS ScopeName,
    scope_version AS ScopeVersion,
    attributes AS SpanAttributes,
    toUInt64(greatest(duration_ns, 0)) AS Duration,
    initcap(status_code) AS StatusCode,
    status_message AS StatusMessage,
    events.time AS `Events.Timestamp`,
    events.name AS `Events.Name`,
    events.attributes AS `Events.Attributes`,
    arrayMap(id -> lower(hex(id)), links.trace_id) AS `Links.TraceId`,
    arrayMap(id -> lower(hex(id)), links.span_id) AS `Links.SpanId`,
    links.trace_state AS `Links.TraceState`,
    links.attributes AS `Links.Attributes`,
    tenant AS Tenant,
    span_type AS SpanType,
    operation AS Operation,
    provider AS Provider,
    request_model AS RequestModel,
    response_model AS ResponseModel,
    model_params AS ModelParams,
    finish_reason AS FinishReason,
    session_id AS SessionId,
    user_id AS UserId,
    route AS Route,
    environment AS Environment,
    agent_name AS AgentName,
    tool_name AS ToolName,
    tool_call_id AS ToolCallId,
    prompt_id AS PromptId,
    prompt_version AS PromptVersion,
    git_sha AS GitSha,
    config_bundle_id AS ConfigBundleId,
    cache_hit AS CacheHit,
    retry_of AS RetryOf,
    error_type AS ErrorType,
    input_tokens AS InputTokens,
    output_tokens AS OutputTokens,
    cache_read_tokens AS CacheReadTokens,
    cache_write_tokens AS CacheWriteTokens,
    reasoning_tokens AS ReasoningTokens,
    audio_tokens AS AudioTokens,
    cost_usd AS CostUsd,
    cost_source AS CostSource,
    ttft_ms AS TtftMs,
    input_messages AS InputMessages,
    output_messages AS OutputMessages,
    system_instructions AS SystemInstructions,
    tool_arguments AS ToolArguments,
    tool_result AS ToolResult,
    retrieval_query AS RetrievalQuery,
    documents AS Documents,
    decision AS Decision,
    policy AS Policy,
    probability AS Probability,
    adjusted_count AS AdjustedCount,
    revision AS Revision,
    late AS Late,
    version AS Version,
    expires_at AS ExpiresAt
FROM tracemill.spans_in;

-- 010_spans
CREATE VIEW IF NOT EXISTS tracemill.spans ON CLUSTER 'main'
SQL SECURITY INVOKER
AS SELECT
    Tenant AS tenant,
    TraceId AS trace_id,
    SpanId AS span_id,
    ParentSpanId AS parent_span_id,
    TraceState AS trace_state,
    SpanName AS name,
    upper(SpanKind) AS kind,
    Timestamp AS started_at,
    Duration AS duration_ns,
    upper(StatusCode) AS status_code,
    StatusMessage AS status_message,
    ServiceName AS service_name,
    ScopeName AS scope_name,
    ScopeVersion AS scope_version,
    ResourceAttributes AS resource_attributes,
    SpanAttributes AS attributes,
    arrayMap(
        (at, title, pairs) -> CAST(
            (at, title, pairs),
            'Tuple(time DateTime64(9, \'UTC\'), name String, attributes Map(LowCardinality(String), String))'
        ),
        Events.Timestamp,
        Events.Name,
        Events.Attributes
    ) AS events,
    arrayMap(
        (trace, span, state, pairs) -> CAST(
            (trace, span, state, pairs),
            'Tuple(trace_id String, span_id String, trace_state String, attributes Map(LowCardinality(String), String))'
        ),
        Links.TraceId,
        Links.SpanId,
        Links.TraceState,
        Links.Attributes
    ) AS links,
    SpanType AS span_type,
    Operation AS operation,
    Provider AS provider,
    RequestModel AS request_model,
    ResponseModel AS response_model,
    ModelParams AS model_params,
    FinishReason AS finish_reason,
    SessionId AS session_id,
    UserId AS user_id,
    Route AS route,
    Environment AS environment,
    AgentName AS agent_name,
    ToolName AS tool_name,
    ToolCallId AS tool_call_id,
    PromptId AS prompt_id,
    PromptVersion AS prompt_version,
    GitSha AS git_sha,
    ConfigBundleId AS config_bundle_id,
    CacheHit AS cache_hit,
    RetryOf AS retry_of,
    ErrorType AS error_type,
    InputTokens AS input_tokens,
    OutputTokens AS output_tokens,
    CacheReadTokens AS cache_read_tokens,
    CacheWriteTokens AS cache_write_tokens,
    ReasoningTokens AS reasoning_tokens,
    AudioTokens AS audio_tokens,
    CostUsd AS cost_usd,
    CostSource AS cost_source,
    TtftMs AS ttft_ms,
    InputMessages AS input_messages,
    OutputMessages AS output_messages,
    SystemInstructions AS system_instructions,
    ToolArguments AS tool_arguments,
    ToolResult AS tool_result,
    RetrievalQuery AS retrieval_query,
    Documents AS documents,
    Decision AS decision,
    Policy AS policy,
    Probability AS probability,
    AdjustedCount AS adjusted_count,
    Revision AS revision,
    Late AS late,
    Version AS version
FROM tracemill.otel_traces
FINAL;

-- 011_traces
CREATE TABLE IF NOT EXISTS tracemill.traces_local ON CLUSTER 'main'
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
ENGINE = ReplicatedReplacingMergeTree(version)
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
    min_age_to_force_merge_on_partition_only = 1;

-- 012_traces_distributed
CREATE TABLE IF NOT EXISTS tracemill.traces ON CLUSTER 'main' AS tracemill.traces_local
ENGINE = Distributed('main', 'tracemill', 'traces_local', cityHash64(tenant, trace_id));

-- 013_traces_in
CREATE TABLE IF NOT EXISTS tracemill.traces_in ON CLUSTER 'main'
(
    tenant LowCardinality(String),
    trace_id String,
    revision UInt32,
    complete Bool,
    closed_by LowCardinality(String),
    opened_at Int64,
    root_name LowCardinality(String),
    root_type LowCardinality(String),
    service_name LowCardinality(String),
    route LowCardinality(String),
    environment LowCardinality(String),
    session_id String,
    user_id String,
    started_at Int64,
    duration_ms Nullable(Float64),
    ttft_ms Nullable(Float64),
    span_count UInt32,
    depth UInt32,
    hops UInt32,
    llm_calls UInt32,
    tool_calls UInt32,
    retrievals UInt32,
    error_count UInt32,
    tool_error_count UInt32,
    retry_count UInt32,
    fallback_count UInt32,
    input_tokens Nullable(Int64),
    output_tokens Nullable(Int64),
    cache_read_tokens Nullable(Int64),
    cost_usd Nullable(Float64),
    models Array(LowCardinality(String)),
    providers Array(LowCardinality(String)),
    orphans UInt32,
    size_bytes UInt64,
    route_p95_ms Nullable(Float64),
    decision LowCardinality(String),
    policy LowCardinality(String),
    probability Nullable(Float64),
    adjusted_count Nullable(Float64),
    version UInt64,
    sources Tuple(partition UInt32, offsets Array(UInt64)),
    expires_at Date
)
ENGINE = Null;

-- 014_traces_in_mv
CREATE MATERIALIZED VIEW IF NOT EXISTS tracemill.traces_in_mv ON CLUSTER 'main'
TO tracemill.traces
AS SELECT
    tenant,
    trace_id,
    revision,
    complete,
    closed_by,
    fromUnixTimestamp64Nano(t.opened_at, 'UTC') AS opened_at,
    root_name,
    root_type,
    service_name,
    route,
    environment,
    session_id,
    user_id,
    fromUnixTimestamp64Nano(t.started_at, 'UTC') AS started_at,
    duration_ms,
    ttft_ms,
    span_count,
    depth,
    hops,
    llm_calls,
    tool_calls,
    retrievals,
    error_count,
    tool_error_count,
    retry_count,
    fallback_count,
    input_tokens,
    output_tokens,
    cache_read_tokens,
    cost_usd,
    models,
    providers,
    orphans,
    size_bytes,
    route_p95_ms,
    decision,
    policy,
    probability,
    adjusted_count,
    version,
    sources,
    expires_at
FROM tracemill.traces_in AS t;

-- 015_traces_latest
CREATE VIEW IF NOT EXISTS tracemill.traces_latest ON CLUSTER 'main'
SQL SECURITY INVOKER
AS SELECT
    tenant,
    trace_id,
    revision,
    complete,
    closed_by,
    opened_at,
    root_name,
    root_type,
    service_name,
    route,
    environment,
    session_id,
    user_id,
    started_at,
    duration_ms,
    ttft_ms,
    span_count,
    depth,
    hops,
    llm_calls,
    tool_calls,
    retrievals,
    error_count,
    tool_error_count,
    retry_count,
    fallback_count,
    input_tokens,
    output_tokens,
    cache_read_tokens,
    cost_usd,
    models,
    providers,
    orphans,
    size_bytes,
    route_p95_ms,
    decision,
    policy,
    probability,
    adjusted_count,
    version,
    sources
FROM tracemill.traces
FINAL;

-- 016_scores
CREATE TABLE IF NOT EXISTS tracemill.scores_local ON CLUSTER 'main'
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
ENGINE = ReplicatedReplacingMergeTree(version)
-- What is said again on another day lies in another partition: FINAL compares across them.
PARTITION BY toDate(at)
ORDER BY (tenant, trace_id, id)
TTL expires_at
SETTINGS
    index_granularity = 8192,
    ttl_only_drop_parts = 1,
    min_level_for_wide_part = 1,
    min_age_to_force_merge_seconds = 3600,
    min_age_to_force_merge_on_partition_only = 1;

-- 017_scores_distributed
CREATE TABLE IF NOT EXISTS tracemill.scores ON CLUSTER 'main' AS tracemill.scores_local
ENGINE = Distributed('main', 'tracemill', 'scores_local', cityHash64(tenant, trace_id));

-- 018_scores_in
CREATE TABLE IF NOT EXISTS tracemill.scores_in ON CLUSTER 'main'
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
ENGINE = Null;

-- 019_scores_in_mv
CREATE MATERIALIZED VIEW IF NOT EXISTS tracemill.scores_in_mv ON CLUSTER 'main'
TO tracemill.scores
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
FROM tracemill.scores_in AS s;

-- 020_scores_latest
CREATE VIEW IF NOT EXISTS tracemill.scores_latest ON CLUSTER 'main'
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
FROM tracemill.scores
FINAL;

-- retention_scores
ALTER TABLE tracemill.scores_in ON CLUSTER 'main'
MODIFY COLUMN expires_at Date DEFAULT
    -- as in retention_spans.sql, from the day on which it was said
    toDate(
        least(
            greatest(
                toDate32(fromUnixTimestamp64Nano(at, 'UTC')),
                toDate32(now('UTC')) - least(7, 30 - 1)
            ),
            toDate32(now('UTC'))
        ) + 30
    );

-- retention_spans
ALTER TABLE tracemill.spans_in ON CLUSTER 'main'
MODIFY COLUMN expires_at Date DEFAULT
    -- from the span's own day, so that who writes it again later doesn't lengthen its life. A clock that is ahead isn't
    -- believed, or the row would stay for ever, nor one that says more than a week ago, or it would go as it comes
    toDate(
        least(
            greatest(toDate32(started_at), toDate32(now('UTC')) - least(7, 30 - 1)),
            toDate32(now('UTC'))
        ) + 30
    );

-- retention_traces
ALTER TABLE tracemill.traces_in ON CLUSTER 'main'
MODIFY COLUMN expires_at Date DEFAULT
    -- as in retention_spans.sql, from the day on which the trace was opened
    toDate(
        least(
            greatest(
                toDate32(fromUnixTimestamp64Nano(opened_at, 'UTC')),
                toDate32(now('UTC')) - least(7, 30 - 1)
            ),
            toDate32(now('UTC'))
        ) + 30
    );

