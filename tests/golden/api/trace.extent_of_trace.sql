SELECT
    count() AS found,
    toUnixTimestamp(min(Start)) AS first_s,
    toUnixTimestamp(max(End)) AS last_s
FROM otel_traces_trace_id_ts
WHERE TraceId = {trace_id:String}
    AND Tenant = {tenant:String}

-- tenant = 'default'
-- trace_id = 'da3f018a4224dece20c7084a10b76a9c'
