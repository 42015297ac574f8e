/**
 * The tables of the history as whoever verifies, exports or reads an export has them: columns with their types, the order in which rows are read, and
 * the column that a range of zxids is about.
 */

export type ColumnType = 'int2' | 'int4' | 'int8' | 'bool' | 'text' | 'bytea' | 'timestamptz' | 'jsonb';

export interface Table {
	readonly name: TableName;
	/** In the order in which the hashes have them. */
	readonly columns: Readonly<Record<string, ColumnType>>;
	readonly order: string;
	/** Null: always the whole table. */
	readonly range: string | null;
}

const stat = {
	czxid: 'int8',
	mzxid: 'int8',
	pzxid: 'int8',
} as const;

const columns = {
	txn: {
		zxid: 'int8',
		epoch: 'int4',
		time: 'timestamptz',
		session: 'int8',
		cxid: 'int4',
		type: 'text',
		path: 'text',
		error: 'int4',
		digest: 'int8',
		principal: 'text',
		address: 'text',
		door: 'text',
		request_id: 'text',
		trace_id: 'text',
		context: 'bytea',
		hash: 'bytea',
	},
	change: {
		zxid: 'int8',
		ordinal: 'int4',
		type: 'text',
		path: 'text',
		size_before: 'int4',
		size_after: 'int4',
		version: 'int4',
		acl_id: 'int8',
		data: 'bytea',
		data_hash: 'bytea',
	},
	znode_version: {
		from_zxid: 'int8',
		to_zxid: 'int8',
		span: 'int2',
		path: 'text',
		parent: 'text',
		...stat,
		data_zxid: 'int8',
		ephemeral_owner: 'int8',
		ctime: 'timestamptz',
		mtime: 'timestamptz',
		acl_id: 'int8',
		version: 'int4',
		cversion: 'int4',
		aversion: 'int4',
		client_cversion: 'int4',
		data_length: 'int4',
		num_children: 'int4',
	},
	acl: { id: 'int8', acl: 'jsonb' },
	session: {
		session: 'int8',
		opened_zxid: 'int8',
		opened: 'timestamptz',
		timeout_ms: 'int4',
		closed_zxid: 'int8',
		closed: 'timestamptz',
		principal: 'text',
		address: 'text',
	},
	epoch: { epoch: 'int4', first_zxid: 'int8', began: 'timestamptz' },
	snapshot: {
		zxid: 'int8',
		source: 'text',
		digest_zxid: 'int8',
		digest: 'int8',
		znodes: 'int8',
		sessions: 'int4',
		bytes: 'int8',
		base: 'bool',
		recorded: 'timestamptz',
	},
	snapshot_node: {
		snapshot_zxid: 'int8',
		path: 'text',
		...stat,
		ephemeral_owner: 'int8',
		ctime: 'timestamptz',
		mtime: 'timestamptz',
		acl_id: 'int8',
		version: 'int4',
		cversion: 'int4',
		aversion: 'int4',
		data: 'bytea',
		data_hash: 'bytea',
	},
	snapshot_session: { snapshot_zxid: 'int8', session: 'int8', timeout_ms: 'int4' },
	gap: { after_zxid: 'int8', through_zxid: 'int8', kind: 'text', reason: 'text', noted: 'timestamptz' },
	ledger: {
		number: 'int8',
		kind: 'text',
		subject: 'text',
		content: 'bytea',
		noted: 'timestamptz',
		hash: 'bytea',
	},
	checkpoint: {
		zxid: 'int8',
		hash: 'bytea',
		ledger: 'int8',
		ledger_hash: 'bytea',
		time: 'timestamptz',
		key_id: 'text',
		signature: 'bytea',
	},
	mirror_cursor: { zxid: 'int8', digest: 'int8', hash: 'bytea' },
} as const satisfies Record<string, Readonly<Record<string, ColumnType>>>;

export type TableName = keyof typeof columns;
export type ColumnOf<T extends TableName> = keyof (typeof columns)[T] & string;

const orders: Readonly<Record<TableName, readonly [order: string, range: string | null]>> = {
	txn: ['zxid', 'zxid'],
	change: ['zxid, ordinal', 'zxid'],
	znode_version: ['from_zxid, path', 'from_zxid'],
	acl: ['id', null],
	session: ['opened_zxid, session', 'opened_zxid'],
	epoch: ['epoch', null],
	snapshot: ['zxid, source', null],
	snapshot_node: ['snapshot_zxid, path', 'snapshot_zxid'],
	snapshot_session: ['snapshot_zxid, session', 'snapshot_zxid'],
	gap: ['after_zxid, through_zxid', null],
	ledger: ['number', null],
	checkpoint: ['zxid', 'zxid'],
	mirror_cursor: ['zxid', null],
};

export const tableNames = Object.keys(columns) as readonly TableName[];

export const tables: Readonly<Record<TableName, Table>> = Object.fromEntries(
	tableNames.map((name) => [name, { name, columns: columns[name], order: orders[name][0], range: orders[name][1] }]),
) as unknown as Record<TableName, Table>;

/** The place of a column in a row. */
export function columnOf<T extends TableName>(table: T, column: ColumnOf<T>): number {
	return Object.keys(columns[table]).indexOf(column);
}
