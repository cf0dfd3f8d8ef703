tenant = {tenant:String}
    AND started_at >= fromUnixTimestamp64Nano({spans_from_ns:Int64}, 'UTC')
    AND started_at < fromUnixTimestamp64Nano({spans_to_ns:Int64}, 'UTC')
