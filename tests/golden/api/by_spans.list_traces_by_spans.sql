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
    toUnixTimestamp64Nano(opened_at) AS __order,
    toUnixTimestamp64Nano(opened_at) AS __time
FROM
(
    SELECT *
    FROM traces_latest
    WHERE tenant = {tenant:String}
        AND opened_at >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
        AND opened_at < fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC')
        AND (true)
) AS opened
LEFT JOIN
(
    SELECT trace_id, count() AS __spans, countIf(((`tool_name` = {filter1:String}) AND (`status_code` = {filter2:String}))) AS __q0 FROM spans WHERE tenant = {tenant:String}
    AND started_at >= fromUnixTimestamp64Nano({spans_from_ns:Int64}, 'UTC')
    AND started_at < fromUnixTimestamp64Nano({spans_to_ns:Int64}, 'UTC') GROUP BY trace_id
) AS counted USING (trace_id)
WHERE (toInt64(__q0) > {filter0:Int64})
ORDER BY opened_at DESC NULLS LAST, trace_id, opened_at
LIMIT {rows:UInt32}

-- filter0 = 0
-- filter1 = 'sql'
-- filter2 = 'ERROR'
-- from_ns = 1795108000000000000
-- rows = 101
-- spans_from_ns = 1795108000000000000
-- spans_to_ns = 1795108001559250001
-- tenant = 'default'
-- to_ns = 1795111600000000000
