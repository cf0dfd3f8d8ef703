SELECT
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
FROM traces_latest
WHERE tenant = {tenant:String}
    AND trace_id = {trace_id:String}
ORDER BY opened_at DESC
LIMIT 1

-- tenant = 'default'
-- trace_id = 'da3f018a4224dece20c7084a10b76a9c'
