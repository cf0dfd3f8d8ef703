CREATE TABLE IF NOT EXISTS {database}.migrations{on_cluster}
(
    name String,
    checksum String,
    applied_at DateTime64(3, 'UTC')
)
ENGINE = {replicated}ReplacingMergeTree(applied_at)
ORDER BY name
