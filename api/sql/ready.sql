SELECT trace_id
FROM traces
WHERE tenant = ''
    AND opened_at = fromUnixTimestamp64Nano(toInt64(0), 'UTC')
LIMIT 1
