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
    sources,
    reinterpretAsUInt64(ifNotFinite(toFloat64(cost_usd), NULL)) AS __order,
    toUnixTimestamp64Nano(opened_at) AS __time
FROM traces_latest
WHERE tenant = {tenant:String}
    AND opened_at >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
    AND opened_at < fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC')
    AND (((`error_count` > {filter0:Int64}) AND like(`root_name`, {filter1:String})))
    AND (true)
ORDER BY ifNotFinite(toFloat64(cost_usd), NULL) DESC NULLS LAST, trace_id, opened_at
LIMIT {rows:UInt32}

-- filter0 = 0
-- filter1 = 'invoke%'
-- from_ns = 1795108000000000000
-- rows = 101
-- tenant = 'default'
-- to_ns = 1795111600000000000
