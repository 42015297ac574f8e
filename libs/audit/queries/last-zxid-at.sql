select chronokeeper.last_zxid_at(to_timestamp($1::double precision / 1000)) as zxid
