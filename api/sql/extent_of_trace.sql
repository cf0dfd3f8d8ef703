SELECT
    count() AS found,
    toUnixTimestamp(min(Start)) AS first_s,
    toUnixTimestamp(max(End)) AS last_s
FROM otel_traces_trace_id_ts
WHERE TraceId = {trace_id:String}
    AND Tenant = {tenant:String}
