SELECT name
FROM system.tables
WHERE database = 'system'
    AND match(name, '_log(_[0-9]+)?$')
    AND engine LIKE '%MergeTree'
    AND NOT match(engine_full, '\\bTTL\\b')
    AND name IN (SELECT table FROM system.columns WHERE database = 'system' AND name = 'event_date')
ORDER BY name
