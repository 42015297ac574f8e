/** The tables as Kysely knows them. bigint comes as text: zxids become numbers, sessions and digests unsigned bigints, in the queries' callers. */
import type { ColumnType, Generated } from 'kysely';

type Bigint = ColumnType<string, number | bigint | string, number | bigint | string>;

export interface TxnTable {
	zxid: Bigint;
	epoch: number;
	time: Date;
	session: Bigint;
	cxid: number;
	type: string;
	path: string | null;
	error: number;
	digest: Bigint | null;
	principal: string | null;
	address: string | null;
	door: string;
	request_id: string | null;
	trace_id: string | null;
	context: Buffer | null;
	hash: Buffer;
}

export interface ChangeTable {
	zxid: Bigint;
	ordinal: number;
	type: string;
	path: string;
	size_before: number | null;
	size_after: number | null;
	version: number | null;
	acl_id: Bigint | null;
	data: Buffer | null;
}

export interface GapTable {
	after_zxid: Bigint;
	through_zxid: Bigint;
	kind: string;
	reason: string;
	noted: Generated<Date>;
}

export interface MirrorCursorTable {
	id: Generated<number>;
	zxid: Bigint | null;
	digest: Bigint | null;
	hash: Buffer | null;
	writer: string | null;
	mirrored: Date | null;
}

/** The views show the tables as far as the user may see them; of the columns that all have, these. */
export interface HistoryDatabase {
	'chronokeeper.history_cursor': Omit<MirrorCursorTable, 'id'>;
	'chronokeeper.history_txn': Omit<TxnTable, 'context'>;
	'chronokeeper.history_change': ChangeTable;
	'chronokeeper.txn': TxnTable;
	'chronokeeper.change': ChangeTable;
	'chronokeeper.gap': GapTable;
	'chronokeeper.mirror_cursor': MirrorCursorTable;
}
