-- What the spans of each stored trace amount to, in the words of the trace row. No LLM call of the load has another
-- one right below it, so that the usage of every call counts. The verdict has to be the same on all spans of a trace.
SELECT
    toFixedString(unhex(s.trace_id), 16) AS trace_id,
    toInt64(max(s.revision)) AS revision,
    toBool(countIf(s.parent_span_id = '') > 0) AS complete,
    if(uniqExact(s.decision) = 1, toString(any(s.decision)), '(several)') AS decision,
    if(uniqExact(s.policy) = 1, toString(any(s.policy)), '(several)') AS policy,
    if(uniqExact(s.probability) = 1, any(s.probability), -1) AS probability,
    if(uniqExact(s.adjusted_count) = 1, any(s.adjusted_count), -1) AS adjusted_count,
    toString(anyIf(s.name, s.parent_span_id = '')) AS root_name,
    toString(argMin(s.service_name, (s.parent_span_id != '', s.started_at, s.span_id))) AS service_name,
    toString(anyIf(s.attributes['http.route'], s.parent_span_id = '')) AS route,
    min(toUnixTimestamp64Nano(s.started_at)) AS started_at,
    (max(toUnixTimestamp64Nano(s.started_at) + s.duration_ns) - min(toUnixTimestamp64Nano(s.started_at))) / 1000000
        AS duration_ms,
    toInt64(count()) AS span_count,
    toInt64(countIf(s.span_type = 'llm')) AS llm_calls,
    toInt64(countIf(s.span_type = 'tool')) AS tool_calls,
    toInt64(countIf(s.span_type = 'retrieval')) AS retrievals,
    toInt64(countIf(s.status_code = 'ERROR')) AS error_count,
    toInt64(countIf(s.status_code = 'ERROR' AND s.span_type = 'tool')) AS tool_error_count,
    toInt64(countIf(s.parent_span_id != '' AND NOT has(known.span_ids, s.parent_span_id))) AS orphans,
    toInt64(ifNull(sumIf(s.input_tokens, s.span_type = 'llm'), 0)) AS input_tokens,
    toInt64(ifNull(sumIf(s.output_tokens, s.span_type = 'llm'), 0)) AS output_tokens,
    toInt64(ifNull(sumIf(s.cache_read_tokens, s.span_type = 'llm'), 0)) AS cache_read_tokens,
    ifNull(sumIf(s.cost_usd, s.span_type = 'llm'), 0) AS cost_usd,
    arrayStringConcat(
        arraySort(groupUniqArrayIf(
            toString(if(s.response_model = '', s.request_model, s.response_model)), s.span_type = 'llm'
        )),
        ','
    ) AS models,
    arrayStringConcat(arraySort(groupUniqArrayIf(toString(s.provider), s.span_type = 'llm')), ',') AS providers
FROM spans AS s
INNER JOIN
(
    SELECT trace_id, groupArray(span_id) AS span_ids
    FROM spans
    WHERE tenant = 'default'
    GROUP BY trace_id
) AS known ON s.trace_id = known.trace_id
WHERE s.tenant = 'default'
GROUP BY s.trace_id
