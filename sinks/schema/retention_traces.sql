ALTER TABLE {database}.traces_in{on_cluster}
MODIFY COLUMN expires_at Date DEFAULT toDate(now('UTC')) + {retention_days}
