/** What every table, column and function means, in the database itself. docs/sql.md says the same with examples. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	await sql.raw(`comment on schema chronokeeper is ${quote(schema)}`).execute(db);
	for (const [table, { is, columns }] of Object.entries(tables)) {
		await sql.raw(`comment on table chronokeeper.${table} is ${quote(is)}`).execute(db);
		for (const [column, text] of Object.entries(columns)) {
			await sql.raw(`comment on column chronokeeper.${table}.${column} is ${quote(text)}`).execute(db);
		}
	}
	for (const [signature, text] of Object.entries(functions)) {
		await sql.raw(`comment on function chronokeeper.${signature} is ${quote(text)}`).execute(db);
	}
}

function quote(text: string): string {
	return `'${text.replaceAll("'", "''")}'`;
}

const schema =
	'The history of a ZooKeeper or Chronokeeper cluster: every transaction, every version of every znode. A public API: see docs/sql.md. A zxid is epoch << 32 | counter; show it with zxid_hex(), type it as 0x500000012 in every function.';

const stat = {
	czxid: 'Stat: the zxid of the transaction that created the node.',
	mzxid: 'Stat: the zxid of the transaction that last set its data.',
	pzxid: 'Stat: the zxid of the transaction that last created or deleted a child.',
	ctime: 'Stat: when the node was created (milliseconds; the time of that transaction).',
	mtime: 'Stat: when its data was last set.',
	version: 'Stat: how often its data was set.',
	cversion:
		'How often a child was created: the stored cversion, from which sequence numbers are made. Clients see client_cversion.',
	aversion: 'Stat: how often its ACL was set.',
	ephemeral_owner:
		'0 persistent; the owning session (see session_hex) for an ephemeral; containers and TTL nodes have their marks here, which clients see as 0. znode_kind() and znode_ttl_ms() read it.',
	acl_id: 'Its ACL: acl.id.',
};

const tables: Record<string, { is: string; columns: Record<string, string> }> = {
	txn: {
		is: 'One row for every zxid: each committed transaction, also those that failed (an error takes a zxid, too).',
		columns: {
			zxid: 'epoch << 32 | counter; see zxid_hex(), zxid_epoch(), zxid_counter().',
			epoch: 'The epoch of the leader that made it.',
			time: "The leader's wall clock when it prepared the transaction. It may go backwards between leaders.",
			session: 'The session that asked, unsigned 64 bits in a signed column: see session_hex(). 0: the server itself.',
			cxid: "The client's own number of the request.",
			type: 'createSession, closeSession, create, create2, createContainer, createTTL, delete, deleteContainer, setData, reconfig, setACL, check, multi, error.',
			path: 'The node, where the transaction is about one. Null for multi (see change), sessions and errors.',
			error:
				"ZooKeeper's error code, 0 for success. A multi that failed has the code of the operation that failed, and no changes.",
			digest:
				"The tree's digest (version 2) right after it, as the leader logged it; null where the log has none: ZooKeeper logs none with error transactions.",
			principal:
				'Who asked: the authenticated identities of the session, as scheme:id, separated by commas. Null when none is known: ZooKeeper does not log it.',
			address: "The client's address. Null when it is not known.",
			door: 'How it came in: grpc, zookeeper, http, system; apache-zookeeper when an Apache ZooKeeper server made it, which logs nothing of who did it; unknown when a later version of Chronokeeper wrote it (see context).',
			request_id: 'The id that the door gave the request.',
			trace_id: 'The id of its OpenTelemetry trace, when it was sampled.',
			context: 'The audit context as it was logged, when this version cannot read it. Otherwise null.',
			hash: 'The hash chain: SHA-256 of the hash before it, this row and its changes. txn_hash() computes it, verify_chain() checks it.',
		},
	},
	change: {
		is: 'One row per change of a node: what a transaction did. A multi has many, a closeSession one for each ephemeral it deleted.',
		columns: {
			zxid: 'The transaction: txn.zxid.',
			ordinal: 'The order within the transaction, from 0.',
			type: 'create, create2, createContainer, createTTL, delete, deleteContainer, setData, reconfig, setACL; quota when ZooKeeper itself recounted what lies under a quota.',
			path: 'The node.',
			size_before: 'Bytes of data before it; null when the node was not there.',
			size_after: 'Bytes of data after it, when it set the data; null otherwise.',
			version: "The version after it: the data's, for setACL the ACL's; for a deletion the data's last one.",
			acl_id: 'The ACL that it gave the node: acl.id. Null when it gave none.',
			data: 'The data that it gave the node. Null when it gave none, and when it set it to null.',
		},
	},
	znode_version: {
		is: 'One row per version of each node, valid from from_zxid up to but not including to_zxid: the tree at z is all rows with from_zxid <= z and (to_zxid is null or to_zxid > z). See tree_at(), znode_at(), children_at().',
		columns: {
			path: 'The node.',
			parent: 'Its parent; null for /.',
			from_zxid: 'The transaction that made this version.',
			to_zxid: 'The transaction that ended it: the next version, or the deletion. Null while it is valid.',
			...stat,
			client_cversion: 'Stat: the cversion that clients see, 2 * cversion - num_children.',
			data_length: 'Stat: bytes of data.',
			num_children: 'Stat: how many children it has.',
			data_zxid:
				'Where its data is: with path, the change of that zxid, or the content of the snapshot of that zxid; see content_of(). The mzxid, except for base snapshots and the counters of quotas.',
			span: 'For the index: floor(log4(to_zxid - from_zxid)); 63 while it is valid.',
		},
	},
	acl: {
		is: 'Every ACL that a node ever had.',
		columns: {
			id: 'The first 8 bytes of the SHA-256 of the ACL as text: it says what it means.',
			acl: 'In the order of the node: perms is a bit set (read 1, write 2, create 4, delete 8, admin 16). U+0000, which PostgreSQL cannot hold, is written ␀0, a lone surrogate ␀uXXXX, and ␀ itself ␀␀.',
		},
	},
	session: {
		is: 'One row per session.',
		columns: {
			session: 'The session id, unsigned 64 bits in a signed column: see session_hex(), session_id().',
			opened_zxid:
				'The createSession transaction; or the base snapshot that it was found open in (opened is null then).',
			opened: 'When it was opened.',
			timeout_ms: 'The timeout that it was granted, in milliseconds.',
			closed_zxid: 'The closeSession transaction. Null while it is open.',
			closed: 'When it was closed.',
			principal: 'As in txn, of its createSession.',
			address: 'As in txn, of its createSession.',
		},
	},
	epoch: {
		is: 'One row per epoch in which there was a transaction: each is one leader.',
		columns: {
			epoch: 'The epoch.',
			first_zxid: 'Its first transaction that is known.',
			began: 'The time of that transaction.',
		},
	},
	snapshot: {
		is: 'The snapshot files that were seen. What a snapshot holds is tree_at(zxid).',
		columns: {
			zxid: 'The zxid in its name.',
			source: 'The file.',
			digest_zxid: 'The zxid of its digest section: later than zxid when the snapshot is fuzzy.',
			digest: "The tree's digest at digest_zxid.",
			znodes: 'How many nodes it holds; null when its content was not read.',
			sessions: 'How many sessions it holds; null when its content was not read.',
			bytes: 'The size of the file.',
			base: 'Whether the history begins with it, or goes on with it behind a gap: then its content is in snapshot_node.',
			recorded: 'When this row was written.',
		},
	},
	snapshot_node: {
		is: 'The content of base snapshots: the tree that the history begins with, or goes on with behind a gap.',
		columns: {
			snapshot_zxid: 'The zxid at which this was the tree: the to_zxid of the gap, 0 for an empty tree.',
			path: 'The node.',
			...stat,
			data: 'Its data; may be null.',
		},
	},
	snapshot_session: {
		is: 'The sessions of base snapshots.',
		columns: {
			snapshot_zxid: 'As in snapshot_node.',
			session: 'As in session.',
			timeout_ms: 'The timeout that it was granted, in milliseconds.',
		},
	},
	gap: {
		is: 'What the history does not know. No row: it is complete from its first transaction to mirror_cursor.zxid.',
		columns: {
			after_zxid: 'The last transaction that is known; 0 for none.',
			through_zxid:
				'The transactions behind after_zxid up to and including this one are not known; the tree right after this one is, from a snapshot.',
			kind: 'lost: the logs are not there. undecided: there are transactions, but whether they were committed cannot be told from what was read. restore: the cluster was set back to an earlier state.',
			reason: 'What is missing and why, in words.',
			noted: 'When this row was written.',
		},
	},
	mirror_cursor: {
		is: 'One row: how far the history goes. Each batch advances it in its own transaction, from exactly where the last one ended.',
		columns: {
			id: 'Always 1.',
			zxid: 'The last transaction that is here. Null while nothing is.',
			digest: "The tree's digest there.",
			hash: 'The hash chain there: txn.hash of the last row.',
			writer: 'Which mirror or import wrote last.',
			mirrored: 'When it did.',
			loading:
				'An import fills the database, or was cut off: some indexes are missing, and versions may lie behind the cursor until it is finished.',
		},
	},
};

const functions: Record<string, string> = {
	'zxid(text)': 'The zxid that 0x500000012 or 21474836498 means.',
	'zxid(bigint)': 'The zxid itself.',
	'zxid_hex(bigint)': 'The zxid as people read it: 0x500000012.',
	'zxid_epoch(bigint)': 'The epoch of a zxid.',
	'zxid_counter(bigint)': 'The counter of a zxid.',
	'session_hex(bigint)': 'The session id as people read it: 0x10000314cd30019.',
	'session_id(text)': 'The session id that 0x10000314cd30019, or its decimal form, means.',
	'session_id(bigint)': 'The session id itself.',
	'znode_kind(bigint)': 'persistent, ephemeral, container or ttl, from an ephemeral_owner.',
	'znode_ttl_ms(bigint)': 'The time to live of a TTL node, from its ephemeral_owner; null for others.',
	'version_span(bigint)': 'The class of a version that was valid for so many zxids: see znode_version.span.',
	'content_of(text, bigint)': 'The data of a node, from its path and data_zxid.',
	'require_known(bigint)': 'Raises an error when the tree at the zxid is not known: ahead of the mirror, or in a gap.',
	'znode_at(text, bigint)': 'The node as it was right after that zxid; no row when it was not there.',
	'znode_at(text, text)': 'The node as it was right after that zxid; no row when it was not there.',
	'children_at(text, bigint)': 'The children of a node as they were right after that zxid.',
	'children_at(text, text)': 'The children of a node as they were right after that zxid.',
	'tree_at(bigint, text)':
		'The tree as it was right after that zxid; with a prefix, that node and everything beneath it.',
	'tree_at(text, text)':
		'The tree as it was right after that zxid; with a prefix, that node and everything beneath it.',
	'znode_history(text)': 'Every change of a node, with who did it.',
	'diff(bigint, bigint, text)':
		'What differs between the trees at two zxids: nodes created, deleted, recreated, with other data or another ACL. z1 may be the later one.',
	'diff(text, text, text)':
		'What differs between the trees at two zxids: nodes created, deleted, recreated, with other data or another ACL. z1 may be the later one.',
	'hash_field(bytea)': 'One field of what the hash chain is computed over: its length and its bytes.',
	'txn_hash(bytea, bigint)': 'The hash that a transaction must have, from the hash before it, its row and its changes.',
	'verify_chain(bigint, bigint)':
		'The transactions between two zxids whose hash is not what it must be: none, unless rows were altered, added or removed.',
};
