/** What every table, column, view and function of this migration means. */
const node = 'The node as it was right after that zxid; no row when it was not there.';
const children = 'The children of a node as they were right after that zxid.';
const tree = 'The tree as it was right after that zxid; with a prefix, that node and everything beneath it.';
const difference =
	'What differs between the trees at two zxids: nodes created, deleted, recreated, with other data or another ACL. z1 may be the later one.';
const atTime = (text: string) => text.replace('right after that zxid', 'at that time: see zxid_at()');
const below =
	'Every change of a node and of everything beneath it between two zxids, both included, with who made it, in order.';
const hidden = 'Null for those who may not read the tables.';

const node16 = {
	data: 'The data. Null too when they are redacted, and for those who may not see them: nodes whose ACL of then was not open to the world, unless the user may read the tables.',
	text: 'The data as text, when they are valid UTF-8 without U+0000.',
	json: 'The data as JSON, when they are.',
	hash: 'SHA-256 of the data that were kept out of PostgreSQL; null when they were not.',
};

export const comments: Readonly<Record<string, string>> = {
	'column chronokeeper.change.data':
		'The data that it gave the node. Null when it gave none, when it set it to null, and when they are kept out of PostgreSQL: then data_hash is there.',
	'column chronokeeper.change.data_hash':
		'SHA-256 of data that are kept out of PostgreSQL (audit.redact). Null for all others.',
	'column chronokeeper.snapshot_node.data_hash':
		'SHA-256 of data that are kept out of PostgreSQL (audit.redact). Null for all others.',
	'column chronokeeper.mirror_cursor.clock_zxid':
		'Up to this transaction clock_run is complete. Behind zxid while something was written by a version that did not know it.',
	'column chronokeeper.mirror_cursor.redacted':
		'Whether there are data that are kept out of PostgreSQL, in change or in snapshot_node: data_hash is null everywhere else.',
	'table chronokeeper.clock_run':
		'Stretches of the history in which the clock did not go backwards, for zxid_at(): clocks of leaders differ. Derived from txn.',
	'column chronokeeper.clock_run.first_zxid': 'The first transaction of the stretch; it goes on to the next one.',
	'column chronokeeper.clock_run.began': 'The time of that transaction: none in the stretch is earlier.',

	'view chronokeeper.history_txn': 'txn as far as the current user may see it.',
	'view chronokeeper.history_change':
		'change as far as the current user may see it, with data as text and JSON, and the ACL that it gave.',
	'view chronokeeper.history_version':
		'znode_version as far as the current user may see it, with data, also as text and JSON, and the ACL.',
	'view chronokeeper.history_session': 'session as far as the current user may see it.',
	'view chronokeeper.history_acl': 'acl, for those who may read the tables; no rows for others.',
	'view chronokeeper.history_cursor': 'mirror_cursor as far as the current user may see it.',
	'column chronokeeper.history_cursor.digest': `As in mirror_cursor. ${hidden}`,
	'column chronokeeper.history_cursor.hash': `As in mirror_cursor. ${hidden}`,
	'column chronokeeper.history_txn.digest': `As in txn. ${hidden}`,
	'column chronokeeper.history_txn.hash': `As in txn. ${hidden}`,
	'column chronokeeper.history_txn.principal':
		'As in txn; the hashes of digest identities are x for those who may not read the tables.',
	'column chronokeeper.history_change.acl_id': `As in change. ${hidden}`,
	'column chronokeeper.history_change.acl':
		'The ACL that it gave the node; the hashes of digest entries are x for those who may not read the tables.',
	'column chronokeeper.history_change.data': node16.data,
	'column chronokeeper.history_change.data_text': node16.text,
	'column chronokeeper.history_change.data_json': node16.json,
	'column chronokeeper.history_change.data_hash': node16.hash,
	'column chronokeeper.history_change.redacted': 'Whether its data are kept out of PostgreSQL.',
	'column chronokeeper.history_version.kind': 'persistent, ephemeral, container or ttl.',
	'column chronokeeper.history_version.acl_id': `As in znode_version. ${hidden}`,
	'column chronokeeper.history_version.acl':
		'Its ACL; the hashes of digest entries are x for those who may not read the tables.',
	'column chronokeeper.history_version.data': node16.data,
	'column chronokeeper.history_version.data_text': node16.text,
	'column chronokeeper.history_version.data_json': node16.json,
	'column chronokeeper.history_version.data_hash': node16.hash,
	'column chronokeeper.history_session.principal':
		'As in session; the hashes of digest identities are x for those who may not read the tables.',

	'function chronokeeper.data_text(bytea)':
		'Data as text; null when they are not valid UTF-8, or have a U+0000 in them.',
	'function chronokeeper.data_json(bytea)':
		'Data as JSON; null when they are not, or nested more than 1000 deep. Immutable: an index on (data_json(data) ->> …) is possible.',
	'function chronokeeper.json_depth(text)':
		'How deep JSON is nested, counted exactly only beyond 1000 brackets: never less than it is.',
	'function chronokeeper.is_json(text)': 'Whether PostgreSQL takes it as jsonb.',
	'function chronokeeper.is_json_by_grammar(text)':
		'The same by the grammar of RFC 8259, for PostgreSQL before 16, which cannot be asked.',
	'function chronokeeper.sees_all()': 'Whether the current user may read the tables, and so all there is.',
	'function chronokeeper.is_open(jsonb)': 'Whether an ACL lets anybody read.',
	'function chronokeeper.without_hashes(text)': 'Identities without the hashes of passwords: digest:bob:x.',
	'function chronokeeper.without_hashes(jsonb)': 'An ACL without the hashes of passwords: bob:x.',
	'function chronokeeper.content_hash_of(text, bigint)':
		'The SHA-256 of the data of a node that are kept out of PostgreSQL, from its path and data_zxid.',
	'function chronokeeper.open_change(bigint, text)':
		'Whether the data that a transaction gave a node could be read by anybody: its ACL right after it, and every one it gave the node.',
	'function chronokeeper.open_content(text, bigint)':
		'The data of the version of a node that began with that zxid, when anybody could read them.',
	'function chronokeeper.open_content_hash(text, bigint)':
		'The hash of the redacted data of the version of a node that began with that zxid, when anybody could read them.',

	'function chronokeeper.note_clock_runs()':
		'Completes clock_run up to the cursor, for what was written by a version that did not know it. Returns how many rows that made.',
	'function chronokeeper.last_zxid_at(timestamptz)': 'As zxid_at(); null where that raises an error.',
	'function chronokeeper.zxid_at(timestamptz)':
		"The last zxid whose time is not later: of all transactions that the leaders' clocks date at or before then, the one with the greatest zxid. Where a leader's clock was behind that of the one before it, its transactions count with the time it gave them. 0 before the first transaction of a history that is complete from its beginning; an error before that of any other, and inside a gap.",
	'function chronokeeper.zxid_or_time(text)':
		"The zxid that is written there, or the one of the time: '0x500000012', '21474836498', '2026-11-20 14:00+01', 'yesterday 14:00'.",

	'function chronokeeper.version_at(text, bigint)': 'What znode_at() is made of: the version alone.',
	'function chronokeeper.child_versions_at(text, bigint)': 'What children_at() is made of: the versions alone.',
	'function chronokeeper.tree_versions_at(bigint, text)': 'What tree_at() is made of: the versions alone.',
	'function chronokeeper.differing_versions(bigint, bigint, text)': 'What diff() is made of: the versions alone.',
	'function chronokeeper.znode_at(text, bigint)': node,
	'function chronokeeper.znode_at(text, text)': node,
	'function chronokeeper.znode_at(text, timestamptz)': atTime(node),
	'function chronokeeper.children_at(text, bigint)': children,
	'function chronokeeper.children_at(text, text)': children,
	'function chronokeeper.children_at(text, timestamptz)': atTime(children),
	'function chronokeeper.tree_at(bigint, text)': tree,
	'function chronokeeper.tree_at(text, text)': tree,
	'function chronokeeper.tree_at(timestamptz, text)': atTime(tree),
	'function chronokeeper.diff(bigint, bigint, text)': difference,
	'function chronokeeper.diff(text, text, text)': difference,
	'function chronokeeper.diff(timestamptz, timestamptz, text)': difference.replace('zxids', 'times'),

	'function chronokeeper.znode_history(text)': 'Every change of a node, with who did it.',
	'function chronokeeper.changes(text, bigint, bigint)': below,
	'function chronokeeper.changes(text, text, text)': below,
	'function chronokeeper.changes(text, timestamptz, timestamptz)': below.replace(
		'between two zxids, both included',
		'behind the state at one time up to that at another',
	),
	'function chronokeeper.changes_by_type(text, bigint, bigint)':
		'Every change of a type (see change.type), with who made it, in order.',
	'function chronokeeper.changes_by_session(bigint, bigint, bigint)':
		'Everything that a session did, in order, with what it changed; what was refused, too.',
	'function chronokeeper.changes_by_session(text, bigint, bigint)':
		'Everything that a session did, in order, with what it changed; what was refused, too.',
	'function chronokeeper.changes_by_principal(text, bigint, bigint)':
		'Everything that a principal (see txn.principal) did, in order, with what it changed; what was refused, too. Of a digest identity the hash is left out: digest:bob.',
	'function chronokeeper.zxids_of_principal(text, bigint, bigint)':
		'The transactions of a principal between two zxids. Of a digest identity the hash does not count.',
	'function chronokeeper.blame(text)':
		'Who created a node, last set its data and its ACL, and deleted it if it is gone. A who of nulls: the history does not go back as far, or does not say.',

	'function chronokeeper.set_up_access(text, text)':
		'Makes the roles (chronokeeper_reader and chronokeeper_writer when it is not told other names) and the publication chronokeeper where they are missing, and gives them what they need. A row for each that the current user may not make. Run by every migration.',
};
