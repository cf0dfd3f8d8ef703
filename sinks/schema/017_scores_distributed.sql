-- cluster only
CREATE TABLE IF NOT EXISTS {database}.scores{on_cluster} AS {database}.scores{local}
ENGINE = Distributed('{cluster}', '{database}', 'scores{local}', cityHash64(tenant, trace_id))
