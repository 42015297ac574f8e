/** Roles, and a publication for logical replication. Both need rights that the owner of the schema may not have: then it is said, and all else works. */

/** What the mirror updates, and nothing else. */
const updated: Readonly<Record<string, string>> = {
	mirror_cursor: 'zxid, digest, hash, writer, mirrored, clock_zxid, redacted',
	znode_version: 'to_zxid, span',
	session: 'closed_zxid, closed',
	snapshot: 'base, znodes, sessions, bytes',
};

const readable: readonly string[] = [
	...['txn', 'change', 'version', 'session', 'acl', 'cursor'].map((it) => `select on chronokeeper.history_${it}`),
	...['epoch', 'gap', 'clock_run', 'snapshot_session'].map((it) => `select on chronokeeper.${it}`),
	'select (zxid, source, digest_zxid, znodes, sessions, bytes, base, recorded) on chronokeeper.snapshot',
];

const published = ['txn', 'change', 'acl', 'session', 'epoch', 'gap'].map((it) => `chronokeeper.${it}`).join(', ');

export const accessStatements = [
	/** Roles belong to the whole cluster of databases: another one may make them at the same moment. */
	`create function chronokeeper.set_up_access(reader text default 'chronokeeper_reader', writer text default 'chronokeeper_writer')
	returns setof text language plpgsql as $$
	declare
		wanted text;
		relation record;
	begin
		foreach wanted in array array[reader, writer] loop
			if not exists (select from pg_roles r where r.rolname = wanted) then
				begin
					execute format('create role %I nologin', wanted);
				exception
					when duplicate_object or unique_violation then null;
					when insufficient_privilege then
						return next format('%s may not create the role %s: let somebody who may run "create role %I nologin", then "select chronokeeper.set_up_access()"', current_user, wanted, wanted);
						continue;
				end;
			end if;
			execute format('grant usage on schema chronokeeper to %I', wanted);
		end loop;
		if exists (select from pg_roles r where r.rolname = reader) then
			${readable.map((it) => `execute format('grant ${it} to %I', reader);`).join('\n\t\t\t')}
		end if;
		if exists (select from pg_roles r where r.rolname = writer) then
			execute format('grant select on all tables in schema chronokeeper to %I', writer);
			for relation in
				select c.relname from pg_class c where c.relnamespace = 'chronokeeper'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
					and c.relname not like 'kysely%' and c.relname <> 'mirror_cursor'
			loop
				execute format('grant insert on chronokeeper.%I to %I', relation.relname, writer);
			end loop;
			${Object.entries(updated)
				.map(
					([table, columns]) => `execute format('grant update (${columns}) on chronokeeper.${table} to %I', writer);`,
				)
				.join('\n\t\t\t')}
		end if;
		if not exists (select from pg_publication p where p.pubname = 'chronokeeper') then
			begin
				create publication chronokeeper for table ${published}
					with (publish = 'insert, update', publish_via_partition_root = true);
			exception
				when duplicate_object or unique_violation then null;
				when insufficient_privilege then
					return next format('%s may not create the publication chronokeeper (it needs CREATE on the database): then "select chronokeeper.set_up_access()"', current_user);
			end;
		end if;
	end $$`,
];
