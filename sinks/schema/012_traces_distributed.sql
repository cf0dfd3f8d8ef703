-- cluster only
CREATE TABLE IF NOT EXISTS {database}.traces{on_cluster} AS {database}.traces{local}
ENGINE = Distributed('{cluster}', '{database}', 'traces{local}', cityHash64(tenant, trace_id))
