/** The tables of the history: append-only, keyed by zxid. Comments go into the database itself: it is a public API. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
	`create schema if not exists chronokeeper`,

	`create table chronokeeper.txn (
		zxid bigint not null,
		epoch integer not null,
		time timestamptz not null,
		session bigint not null,
		cxid integer not null,
		type text collate "C" not null,
		path text collate "C",
		error integer not null,
		digest bigint,
		principal text,
		address text,
		door text collate "C" not null,
		request_id text,
		trace_id text collate "C",
		context bytea,
		hash bytea not null,
		primary key (zxid)
	) partition by range (zxid)`,
	`create table chronokeeper.txn_1 partition of chronokeeper.txn for values from (minvalue) to (maxvalue)`,
	`create index txn_session on chronokeeper.txn (session, zxid)`,
	`create index txn_time on chronokeeper.txn using brin (time)`,

	`create table chronokeeper.change (
		zxid bigint not null,
		ordinal integer not null,
		type text collate "C" not null,
		path text collate "C" not null,
		size_before integer,
		size_after integer,
		version integer,
		acl_id bigint,
		data bytea,
		primary key (zxid, ordinal)
	) partition by range (zxid)`,
	`create table chronokeeper.change_1 partition of chronokeeper.change for values from (minvalue) to (maxvalue)`,
	`create index change_path on chronokeeper.change (path, zxid)`,

	`create table chronokeeper.znode_version (
		from_zxid bigint not null,
		to_zxid bigint,
		czxid bigint not null,
		mzxid bigint not null,
		pzxid bigint not null,
		data_zxid bigint not null,
		ephemeral_owner bigint not null,
		ctime timestamptz not null,
		mtime timestamptz not null,
		acl_id bigint not null,
		version integer not null,
		cversion integer not null,
		aversion integer not null,
		client_cversion integer not null,
		data_length integer not null,
		num_children integer not null,
		span smallint not null,
		path text collate "C" not null,
		parent text collate "C",
		primary key (path, from_zxid)
	) partition by range (from_zxid)`,
	`create table chronokeeper.znode_version_1 partition of chronokeeper.znode_version for values from (minvalue) to (maxvalue)`,
	`create index znode_version_parent on chronokeeper.znode_version (parent, span, from_zxid)`,

	`create table chronokeeper.acl (
		id bigint primary key,
		acl jsonb not null
	)`,

	`create table chronokeeper.session (
		session bigint not null,
		opened_zxid bigint not null,
		opened timestamptz,
		timeout_ms integer not null,
		closed_zxid bigint,
		closed timestamptz,
		principal text,
		address text,
		primary key (session, opened_zxid)
	)`,

	`create index session_open on chronokeeper.session (session) where closed_zxid is null`,

	`create table chronokeeper.epoch (
		epoch integer primary key,
		first_zxid bigint not null,
		began timestamptz not null
	)`,

	`create table chronokeeper.snapshot (
		zxid bigint not null,
		source text not null,
		digest_zxid bigint,
		digest bigint,
		znodes bigint,
		sessions integer,
		bytes bigint,
		base boolean not null,
		recorded timestamptz not null default now(),
		primary key (zxid, source)
	)`,

	`create table chronokeeper.snapshot_node (
		snapshot_zxid bigint not null,
		path text collate "C" not null,
		czxid bigint not null,
		mzxid bigint not null,
		pzxid bigint not null,
		ephemeral_owner bigint not null,
		ctime timestamptz not null,
		mtime timestamptz not null,
		acl_id bigint not null,
		version integer not null,
		cversion integer not null,
		aversion integer not null,
		data bytea,
		primary key (path, snapshot_zxid)
	)`,

	`create table chronokeeper.snapshot_session (
		snapshot_zxid bigint not null,
		session bigint not null,
		timeout_ms integer not null,
		primary key (snapshot_zxid, session)
	)`,

	`create table chronokeeper.gap (
		after_zxid bigint not null,
		through_zxid bigint not null,
		kind text not null,
		reason text not null,
		noted timestamptz not null default now(),
		primary key (after_zxid, through_zxid)
	)`,

	`create table chronokeeper.mirror_cursor (
		id smallint primary key default 1 check (id = 1),
		zxid bigint,
		digest bigint,
		hash bytea,
		writer text,
		mirrored timestamptz,
		loading boolean not null default false
	)`,
	`insert into chronokeeper.mirror_cursor (id) values (1)`,
];
