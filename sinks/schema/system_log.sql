ALTER TABLE system.{table}{on_cluster}
MODIFY TTL event_date + INTERVAL {retention_days} DAY
