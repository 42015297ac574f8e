/**
 * The life of sessions, and why the system itself did what it did. All of it is derived from the rows that are there, by the index of txn over sessions: no row is
 * read or written here, and no mirror has more to do. What is no transaction is in no log, so nobody could prove it: that a client came back with its session shows at its next
 * transaction.
 */
import { type Kysely, sql } from 'kysely';
import { commentOn } from './comment-on.ts';

export async function up(db: Kysely<unknown>): Promise<void> {
	for (const statement of statements) await sql.raw(statement).execute(db);
	await commentOn(db, comments);
}

/** ZooKeeper's leader closes a session that expired without a request, which has the cxid 0; a client numbers its own. */
const isExpiry = (t: string) =>
	`(${t}.door = 'system' and ${t}.request_id is distinct from 'restore' or ${t}.door = 'apache-zookeeper' and ${t}.cxid = 0)`;

/** The host of an address: IPv6 ones stand in brackets. */
const hostOf = (address: string) => `regexp_replace(${address}, ':[0-9]+$', '')`;

const statements = [
	`create function chronokeeper.txn_reason(z bigint) returns text language sql stable as $$
		select case
			when t.request_id = 'restore' and t.door = 'system' then
				'the cluster was restored into a directory: all sessions of then ended'
			when t.request_id ~ '^restore-.+-[^-]+$' then
				'a live restore or revert: ' || regexp_replace(t.request_id, '^restore-(.+)-[^-]+$', '\\1')
			when t.type = 'closeSession' and ${isExpiry('t')} then
				'the session expired: its client was not heard of for its timeout' || coalesce((select ' of ' || s.timeout_ms || ' ms'
					from chronokeeper.history_session s where s.session = t.session and s.opened_zxid <= t.zxid order by s.opened_zxid desc limit 1), '')
			when t.type = 'closeSession' then 'its client closed the session'
			when t.type = 'deleteContainer' then coalesce((select case v.kind
					when 'ttl' then 'a TTL node without children was not changed for its ' || chronokeeper.znode_ttl_ms(v.ephemeral_owner) || ' ms'
					when 'container' then 'a container whose last child was gone, or that never had one' end
				from chronokeeper.history_version v where v.path = t.path and v.from_zxid < t.zxid order by v.from_zxid desc limit 1),
				'a container or TTL node that was over')
			when t.type = 'error' and t.door = 'system' then 'the server wanted to end something that was in use again: nothing was changed'
		end
		from chronokeeper.history_txn t where t.zxid = z $$`,
	`create function chronokeeper.txn_reason(z text) returns text language sql stable as $$
		select chronokeeper.txn_reason(chronokeeper.zxid(z)) $$`,

	`create function chronokeeper.session_life(session bigint) returns table (
		zxid bigint, "time" timestamptz, event text, principal text, address text, door text, request_id text, trace_id text, details text
	) language sql stable as $$
		with txns as (
			select t.*, lag(t.address) over own as address_before, lag(t.door) over own as door_before, lag(t.principal) over own as principal_before,
				lag(t.zxid) over own as zxid_before
			from chronokeeper.history_txn t
			where t.session = session_life.session and t.door <> 'system' and t.address is not null
			window own as (order by t.zxid)
		)
		select e.zxid, e.time, e.event, e.principal, e.address, e.door, e.request_id, e.trace_id, e.details from (
			select s.opened_zxid as zxid, 0 as place, s.opened as time, case when t.zxid is null then 'known' else 'opened' end as event,
				coalesce(t.principal, s.principal) as principal, coalesce(t.address, s.address) as address, t.door, t.request_id, t.trace_id,
				'timeout ' || s.timeout_ms || ' ms' || case when t.zxid is null then '; it was open where the history begins' else '' end as details
			from chronokeeper.history_session s
			left join chronokeeper.history_txn t on t.zxid = s.opened_zxid and t.type = 'createSession' and t.session = s.session
			where s.session = session_life.session
			union all
			select t.zxid, 1, t.time,
				case when ${hostOf('t.address')} <> ${hostOf('t.address_before')} or t.door <> t.door_before then 'moved'
					when t.address <> t.address_before then 're-attached' else 'authenticated' end,
				t.principal, t.address, t.door, t.request_id, t.trace_id,
				case when t.address <> t.address_before or t.door <> t.door_before then 'seen with this transaction; before it was ' || t.address_before || ' at ' || t.door_before
					else 'before it was ' || coalesce(t.principal_before, 'nobody in particular') end
			from txns t
			where t.zxid_before is not null and t.type <> 'createSession'
				and (t.address <> t.address_before or t.door <> t.door_before or t.principal is distinct from t.principal_before)
			union all
			select t.zxid, 2, t.time, case when t.request_id = 'restore' and t.door = 'system' then 'restored' when ${isExpiry('t')} then 'expired' else 'closed' end,
				t.principal, t.address, t.door, t.request_id, t.trace_id,
				chronokeeper.txn_reason(t.zxid) || '; ' || (select case count(*) when 0 then 'it had no ephemeral nodes'
					else 'with it went ' || count(*) || ' ephemeral nodes: ' || string_agg(c.path, ', ' order by c.path) end
					from chronokeeper.history_change c where c.zxid = t.zxid and c.type = 'delete')
			from chronokeeper.history_txn t
			where t.session = session_life.session and t.type = 'closeSession'
		) e order by e.zxid, e.place $$`,
	`create function chronokeeper.session_life(session text) returns table (
		zxid bigint, "time" timestamptz, event text, principal text, address text, door text, request_id text, trace_id text, details text
	) language sql stable as $$
		select * from chronokeeper.session_life(chronokeeper.session_id(session)) $$`,
];

const reason =
	'Why a transaction was made that nobody asked for just then, in words: expiry, the end of a container or TTL node, a restore. Null where the request itself is the reason.';
const life =
	'The life of a session: opened (or known: it was open where the history begins), re-attached (a new connection from the same host), moved (another host or door), authenticated, expired, closed, restored (ended by a restore into a directory), with the ephemeral nodes that went with it. Coming back with a session is no transaction: it shows at the next one.';

const comments: Readonly<Record<string, string>> = {
	'function chronokeeper.txn_reason(bigint)': reason,
	'function chronokeeper.txn_reason(text)': reason,
	'function chronokeeper.session_life(bigint)': life,
	'function chronokeeper.session_life(text)': life,
};
