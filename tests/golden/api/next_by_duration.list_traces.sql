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
    reinterpretAsUInt64(ifNotFinite(toFloat64(duration_ms), NULL)) AS __order,
    toUnixTimestamp64Nano(opened_at) AS __time
FROM traces_latest
WHERE tenant = {tenant:String}
    AND opened_at >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
    AND opened_at < fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC')
    AND (true)
    AND (ifNotFinite(toFloat64(duration_ms), NULL) < reinterpretAsFloat64({after:UInt64}) OR (ifNotFinite(toFloat64(duration_ms), NULL) = reinterpretAsFloat64({after:UInt64}) AND (trace_id, opened_at) > ({after_trace_id:String}, fromUnixTimestamp64Nano({after_time:Int64}, 'UTC'))) OR ifNotFinite(toFloat64(duration_ms), NULL) IS NULL)
ORDER BY ifNotFinite(toFloat64(duration_ms), NULL) DESC NULLS LAST, trace_id, opened_at
LIMIT {rows:UInt32}

-- after = 4654312984724635648
-- after_time = 1795108000045000000
-- after_trace_id = '030b19ff275df1666cdf6820249268b0'
-- from_ns = 1795108000000000000
-- rows = 3
-- tenant = 'default'
-- to_ns = 1795111600000000000
