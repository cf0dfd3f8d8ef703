SELECT
    tenant,
    trace_id,
    span_id,
    parent_span_id,
    trace_state,
    name,
    kind,
    started_at,
    duration_ns,
    status_code,
    status_message,
    service_name,
    scope_name,
    scope_version,
    resource_attributes,
    attributes,
    events,
    links,
    span_type,
    operation,
    provider,
    request_model,
    response_model,
    model_params,
    finish_reason,
    session_id,
    user_id,
    route,
    environment,
    agent_name,
    tool_name,
    tool_call_id,
    prompt_id,
    prompt_version,
    git_sha,
    config_bundle_id,
    cache_hit,
    retry_of,
    error_type,
    input_tokens,
    output_tokens,
    cache_read_tokens,
    cache_write_tokens,
    reasoning_tokens,
    audio_tokens,
    cost_usd,
    cost_source,
    ttft_ms,
    decision,
    policy,
    probability,
    adjusted_count,
    revision,
    late,
    version
FROM spans
WHERE tenant = {tenant:String}
    AND trace_id = {trace_id:String}
    AND started_at >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
    AND started_at < fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC')
ORDER BY started_at, span_id
LIMIT {rows:UInt32}

-- from_ns = 1795108000000000000
-- rows = 20001
-- tenant = 'default'
-- to_ns = 1795108002500250000
-- trace_id = 'da3f018a4224dece20c7084a10b76a9c'
