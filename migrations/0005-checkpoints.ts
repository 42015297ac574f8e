/**
 * What makes the history verifiable as a whole: the ledger, a hash chain over everything that stands beside the transactions (gaps, snapshots,
 * the content of bases, checkpoints); signed checkpoints of both chains; and, in the hash of a transaction, the facts of its record that no
 * column of txn and change has. New tables and functions only: nothing that exists is rewritten, nobody waits.
 */
import { type Kysely, sql } from 'kysely';
import { commentOn } from './comment-on.ts';

export async function up(db: Kysely<unknown>): Promise<void> {
	for (const statement of statements) await sql.raw(statement).execute(db);
	for (const [table, { is, columns }] of Object.entries(tables)) {
		await commentOn(db, { [`table chronokeeper.${table}`]: is });
		for (const [column, text] of Object.entries(columns)) {
			await commentOn(db, { [`column chronokeeper.${table}.${column}`]: text });
		}
	}
	for (const [signature, text] of Object.entries(functions)) {
		await commentOn(db, { [`function chronokeeper.${signature}`]: text });
	}
	for (const statement of takeUp) await sql.raw(statement).execute(db);
}

const field = (value: string) => `chronokeeper.hash_field(${value})`;
const int8 = (column: string) => field(`int8send(${column})`);
const int4 = (column: string) => field(`int4send(${column})`);
const text = (column: string) => field(`convert_to(${column}, 'UTF8')`);
const time = (column: string) => field(`timestamptz_send(${column})`);

/** What COPY has of a transaction without its hash, and of its changes: those whose data are kept out of PostgreSQL have their hash, and come behind the others. */
const txnBytes = `
	${int8('t.zxid')} || ${int4('t.epoch')} || ${time('t.time')} || ${int8('t.session')} || ${int4('t.cxid')} || ${text('t.type')}
	|| ${text('t.path')} || ${int4('t.error')} || ${int8('t.digest')} || ${text('t.principal')} || ${text('t.address')} || ${text('t.door')}
	|| ${text('t.request_id')} || ${text('t.trace_id')} || ${field('t.context')}
	|| coalesce((select string_agg(
		case when c.data_hash is null then '\\x0009'::bytea else '\\x000a'::bytea end
		|| ${int8('c.zxid')} || ${int4('c.ordinal')} || ${text('c.type')} || ${text('c.path')} || ${int4('c.size_before')}
		|| ${int4('c.size_after')} || ${int4('c.version')} || ${int8('c.acl_id')} || ${field('c.data')}
		|| case when c.data_hash is null then ''::bytea else ${field('c.data_hash')} end, ''::bytea order by c.data_hash is not null, c.ordinal)
		from chronokeeper.change c where c.zxid = t.zxid), ''::bytea)`;

const statements = [
	`create table chronokeeper.ledger (
		number bigint primary key,
		kind text collate "C" not null,
		subject text collate "C" not null,
		content bytea not null,
		noted timestamptz not null,
		hash bytea not null
	)`,
	`create index ledger_subject on chronokeeper.ledger (kind, subject, number)`,
	`create table chronokeeper.checkpoint (
		zxid bigint primary key,
		hash bytea not null,
		ledger bigint not null,
		ledger_hash bytea not null,
		time timestamptz not null,
		key_id text collate "C" not null,
		signature bytea not null
	)`,

	`create function chronokeeper.txn_facts(z bigint) returns bytea language sql stable as $$
		select coalesce(
			(select '\\xffff'::bytea || string_agg(${int8('v.ephemeral_owner')} || ${int4('p.cversion')}, ''::bytea order by c.ordinal)
				from chronokeeper.change c
				left join chronokeeper.znode_version v on v.path = c.path and v.from_zxid = z
				left join chronokeeper.znode_version p on p.path = coalesce(nullif(regexp_replace(c.path, '/[^/]*$', ''), ''), '/') and p.from_zxid = z
				where c.zxid = z and c.type in ('create', 'create2', 'createContainer', 'createTTL')),
			(select '\\xffff'::bytea || ${int4('s.timeout_ms')} from chronokeeper.txn t
				join chronokeeper.session s on s.session = t.session and s.opened_zxid = t.zxid where t.zxid = z and t.type = 'createSession'),
			''::bytea) $$`,
	`create or replace function chronokeeper.txn_hash(previous bytea, z bigint) returns bytea language sql stable as $$
		select sha256(previous || ${txnBytes} || chronokeeper.txn_facts(z))
		from chronokeeper.txn t where t.zxid = z $$`,
	`create function chronokeeper.txn_hash_without_facts(previous bytea, z bigint) returns bytea language sql stable as $$
		select sha256(previous || ${txnBytes})
		from chronokeeper.txn t where t.zxid = z $$`,
	`create or replace function chronokeeper.verify_chain(z1 bigint, z2 bigint) returns table (zxid bigint, problem text) language sql stable as $$
		select x.zxid, 'the row or its changes are not what was mirrored, or a row before it is missing' from (
			select t.zxid, t.hash, lag(t.hash) over (order by t.zxid) as previous from chronokeeper.txn t
			where t.zxid <= z2 and t.zxid >= coalesce((select max(p.zxid) from chronokeeper.txn p where p.zxid < z1), z1)
		) x
		where x.zxid >= z1
			and case when chronokeeper.txn_hash(coalesce(x.previous, '\\x'::bytea), x.zxid) = x.hash then false
				else chronokeeper.txn_hash_without_facts(coalesce(x.previous, '\\x'::bytea), x.zxid) <> x.hash end
		union all
		select null, 'acl ' || a.id || ' is not the one that was mirrored' from chronokeeper.acl a
		where ('x' || encode(substr(sha256(convert_to(a.acl::text, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint <> a.id
		order by 1 $$`,

	`create function chronokeeper.gap_content(g chronokeeper.gap) returns bytea language sql immutable parallel safe as $$
		select sha256(${int8('g.after_zxid')} || ${int8('g.through_zxid')} || ${text('g.kind')} || ${text('g.reason')} || ${time('g.noted')}) $$`,
	`create function chronokeeper.snapshot_content(s chronokeeper.snapshot) returns bytea language sql immutable parallel safe as $$
		select sha256(${int8('s.zxid')} || ${text('s.source')} || ${int8('s.digest_zxid')} || ${int8('s.digest')} || ${int8('s.znodes')}
			|| ${int4('s.sessions')} || ${int8('s.bytes')} || ${field('boolsend(s.base)')} || ${time('s.recorded')}) $$`,
	`create function chronokeeper.base_content(z bigint) returns bytea language sql stable as $$
		select sha256(
			(select int8send(count(*)) || coalesce(string_agg(sha256(case when n.data_hash is null then '\\x000d'::bytea else '\\x000e'::bytea end
				|| ${int8('n.snapshot_zxid')} || ${text('n.path')} || ${int8('n.czxid')} || ${int8('n.mzxid')} || ${int8('n.pzxid')}
				|| ${int8('n.ephemeral_owner')} || ${time('n.ctime')} || ${time('n.mtime')} || ${int8('n.acl_id')} || ${int4('n.version')}
				|| ${int4('n.cversion')} || ${int4('n.aversion')} || ${field('n.data')}
				|| case when n.data_hash is null then ''::bytea else ${field('n.data_hash')} end), ''::bytea order by n.path), ''::bytea)
				from chronokeeper.snapshot_node n where n.snapshot_zxid = z)
			|| (select int8send(count(*)) || coalesce(string_agg(sha256('\\x0003'::bytea
				|| ${int8('s.snapshot_zxid')} || ${int8('s.session')} || ${int4('s.timeout_ms')}), ''::bytea order by s.session), ''::bytea)
				from chronokeeper.snapshot_session s where s.snapshot_zxid = z)) $$`,
	`create function chronokeeper.checkpoint_message(c chronokeeper.checkpoint) returns text language sql stable parallel safe as $$
		select format(E'chronokeeper checkpoint 1\\nzxid %s\\nhash %s\\nledger %s %s\\ntime %s\\nkey %s\\n', chronokeeper.zxid_hex(c.zxid), encode(c.hash, 'hex'),
			c.ledger, encode(c.ledger_hash, 'hex'), to_char(c.time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), c.key_id) $$`,
	`create function chronokeeper.checkpoint_content(c chronokeeper.checkpoint) returns bytea language sql stable parallel safe as $$
		select sha256(${int8('c.zxid')} || ${field('c.hash')} || ${int8('c.ledger')} || ${field('c.ledger_hash')} || ${time('c.time')}
			|| ${text('c.key_id')} || ${field('c.signature')}) $$`,
	`create function chronokeeper.ledger_hash(previous bytea, l chronokeeper.ledger) returns bytea language sql immutable parallel safe as $$
		select sha256(previous || ${int8('l.number')} || ${text('l.kind')} || ${text('l.subject')} || ${field('l.content')} || ${time('l.noted')}) $$`,
	`create function chronokeeper.note_in_ledger(kind text, subject text, content bytea) returns bigint language plpgsql as $$
	declare
		last chronokeeper.ledger;
		next chronokeeper.ledger;
	begin
		perform pg_advisory_xact_lock(hashtext('chronokeeper.ledger'));
		select * into last from chronokeeper.ledger l order by l.number desc limit 1;
		next.number := coalesce(last.number, 0) + 1;
		next.kind := kind;
		next.subject := subject;
		next.content := content;
		next.noted := date_trunc('milliseconds', clock_timestamp());
		next.hash := chronokeeper.ledger_hash(coalesce(last.hash, ''::bytea), next);
		insert into chronokeeper.ledger select next.*;
		return next.number;
	end $$`,
	`create function chronokeeper.verify_ledger() returns table (kind text, subject text, problem text) language sql stable as $$
		with newest as (
			select distinct on (l.kind, l.subject) l.kind, l.subject, l.content from chronokeeper.ledger l order by l.kind, l.subject, l.number desc
		), there as (
			select 'gap' as kind, chronokeeper.zxid_hex(g.after_zxid) || ' ' || chronokeeper.zxid_hex(g.through_zxid) as subject, chronokeeper.gap_content(g) as content
				from chronokeeper.gap g
			union all
			select 'snapshot', chronokeeper.zxid_hex(s.zxid) || ' ' || s.source, chronokeeper.snapshot_content(s) from chronokeeper.snapshot s
			union all
			select 'base', chronokeeper.zxid_hex(b.zxid), chronokeeper.base_content(b.zxid)
				from (select s.zxid from chronokeeper.snapshot s where s.base union select n.snapshot_zxid from chronokeeper.snapshot_node n) b
			union all
			select 'checkpoint', chronokeeper.zxid_hex(c.zxid), chronokeeper.checkpoint_content(c) from chronokeeper.checkpoint c
		)
		select 'ledger', x.number::text, 'the row is not what was written, or a row before it is missing'
		from (select l as whole, l.number, l.hash, lag(l.hash) over w as previous, lag(l.number) over w as before from chronokeeper.ledger l window w as (order by l.number)) x
		where chronokeeper.ledger_hash(coalesce(x.previous, ''::bytea), x.whole) <> x.hash or x.number <> coalesce(x.before, 0) + 1
		union all
		select t.kind, t.subject, case when n.content is null or n.content = ''::bytea then 'the ledger does not know it' else 'it is not what the ledger says' end
		from there t left join newest n using (kind, subject) where n.content is distinct from t.content
		union all
		select n.kind, n.subject, 'it is in the ledger and nowhere else'
		from newest n left join there t using (kind, subject)
		where n.kind in ('gap', 'snapshot', 'base', 'checkpoint') and n.content <> ''::bytea and t.subject is null
		order by 1, 2 $$`,
];

/** What an older version wrote is vouched for from here on. */
const takeUp = [
	`select chronokeeper.note_in_ledger('gap', chronokeeper.zxid_hex(g.after_zxid) || ' ' || chronokeeper.zxid_hex(g.through_zxid), chronokeeper.gap_content(g))
		from (select * from chronokeeper.gap order by after_zxid, through_zxid) o join chronokeeper.gap g using (after_zxid, through_zxid)`,
	`select chronokeeper.note_in_ledger('snapshot', chronokeeper.zxid_hex(s.zxid) || ' ' || s.source, chronokeeper.snapshot_content(s))
		from (select * from chronokeeper.snapshot order by zxid, source) o join chronokeeper.snapshot s using (zxid, source)`,
	`select chronokeeper.note_in_ledger('base', chronokeeper.zxid_hex(b.zxid), chronokeeper.base_content(b.zxid))
		from (select distinct zxid from chronokeeper.snapshot where base) b`,
];

const tables: Record<string, { is: string; columns: Record<string, string> }> = {
	ledger: {
		is: 'What was written beside the transactions, in a hash chain of its own: a gap, a snapshot, the content of a base, a checkpoint that is altered, added or removed shows. verify_ledger() checks it.',
		columns: {
			number: 'From 1, without a hole.',
			kind: 'gap, snapshot, checkpoint: a row of that table. base: the content of a base snapshot. pruned: the history before this zxid was removed on purpose.',
			subject:
				"Which: gap 'after_zxid through_zxid', snapshot 'zxid source', the others a zxid; zxids in hexadecimal. The newest row of a subject counts.",
			content:
				'SHA-256 of it: see gap_content(), snapshot_content(), base_content(), checkpoint_content(). Empty: it was removed on purpose. For pruned the hash chain of the transactions at that zxid.',
			noted: 'When this row was written.',
			hash: 'The chain: SHA-256 of the hash before it and this row; see ledger_hash().',
		},
	},
	checkpoint: {
		is: 'Signatures under the history: what was there at a checkpoint, and was signed with a key that is not in the database, cannot be rewritten. See checkpoint_message().',
		columns: {
			zxid: 'The history up to this transaction is signed.',
			hash: 'The hash chain there: txn.hash.',
			ledger: 'The ledger up to this number is signed, too.',
			ledger_hash: 'ledger.hash of that number.',
			time: "When it was signed, by the mirror's clock.",
			key_id: 'The first 8 bytes of the SHA-256 of the public key (SubjectPublicKeyInfo, DER), in hexadecimal.',
			signature: 'Ed25519 (RFC 8032) of checkpoint_message(), UTF-8: 64 bytes.',
		},
	},
};

const functions: Record<string, string> = {
	'txn_facts(bigint)':
		'What the hash of a transaction covers beside its row and its changes: of each node it created the owner, and the cversion of its parent; of a session it opened the timeout.',
	'txn_hash(bytea, bigint)':
		'The hash that a transaction must have, from the hash before it, its row, its changes and its facts.',
	'txn_hash_without_facts(bytea, bigint)':
		'The same as versions before migration 0005 made it: without the facts. What they wrote stays verifiable.',
	'gap_content(chronokeeper.gap)': 'What the ledger says of a gap: SHA-256 of its row.',
	'snapshot_content(chronokeeper.snapshot)': 'What the ledger says of a snapshot: SHA-256 of its row.',
	'base_content(bigint)':
		'What the ledger says of the content of a base snapshot: SHA-256 of the number of its nodes, the SHA-256 of each in the order of the paths, and the same of its sessions.',
	'checkpoint_message(chronokeeper.checkpoint)': 'What is signed: six lines of text, each with its line feed.',
	'checkpoint_content(chronokeeper.checkpoint)': 'What the ledger says of a checkpoint: SHA-256 of its row.',
	'ledger_hash(bytea, chronokeeper.ledger)':
		'The hash that a row of the ledger must have, from the hash before it and the row.',
	'note_in_ledger(text, text, bytea)':
		'Adds a row to the ledger, in the transaction that writes what it is about. An empty content: it is removed.',
	'verify_ledger()':
		'What is not as the ledger says: gaps, snapshots, contents of bases and checkpoints that were altered, added or removed, and rows of the ledger itself.',
};
