/**
 * The ledger (migrations/0005): what is written beside the transactions is entered in it, in the same transaction of PostgreSQL. Here is what its contents are
 * hashes of, for those who write; SQL has the same functions for those who ask.
 */
import { createHash, hash } from 'node:crypto';
import type pg from 'pg';
import { formatZxid, type Zxid } from '#core/model/zxid';

/** @param content no bytes: it is removed on purpose */
export async function noteInLedger(
	client: pg.ClientBase,
	kind: 'base' | 'pruned',
	zxid: Zxid,
	content: Buffer,
): Promise<void> {
	await client.query('select chronokeeper.note_in_ledger($1, $2, $3)', [kind, formatZxid(zxid), content]);
}

export async function noteGap(client: pg.ClientBase, afterZxid: Zxid, throughZxid: Zxid): Promise<void> {
	await client.query(
		`select chronokeeper.note_in_ledger('gap', chronokeeper.zxid_hex(g.after_zxid) || ' ' || chronokeeper.zxid_hex(g.through_zxid), chronokeeper.gap_content(g))
		from chronokeeper.gap g where g.after_zxid = $1 and g.through_zxid = $2`,
		[afterZxid, throughZxid],
	);
}

export async function noteSnapshot(client: pg.ClientBase, zxid: Zxid, source: string): Promise<void> {
	await client.query(
		`select chronokeeper.note_in_ledger('snapshot', chronokeeper.zxid_hex(s.zxid) || ' ' || s.source, chronokeeper.snapshot_content(s))
		from chronokeeper.snapshot s where s.zxid = $1 and s.source = $2`,
		[zxid, source],
	);
}

/** base_content(): the rows come as COPY has them, nodes in the order of their paths, then sessions in the order of their signed ids. */
export class BaseContent {
	readonly #hash = createHash('sha256');
	#left: number;
	#isOfSessions = false;

	constructor(nodes: number) {
		this.#left = nodes;
		this.#hash.update(count(nodes));
	}

	add(row: Buffer): void {
		this.#left--;
		this.#hash.update(hash('sha256', row, 'buffer'));
	}

	beginSessions(sessions: number): void {
		this.#requireAll();
		this.#isOfSessions = true;
		this.#left = sessions;
		this.#hash.update(count(sessions));
	}

	value(): Buffer {
		this.#requireAll();
		if (!this.#isOfSessions) throw new Error('the sessions of a base belong to its content');
		return this.#hash.digest();
	}

	#requireAll(): void {
		if (this.#left !== 0) throw new Error(`${this.#left} rows of a base are missing in its content`);
	}
}

function count(rows: number): Buffer {
	const bytes = Buffer.alloc(8);
	bytes.writeBigInt64BE(BigInt(rows));
	return bytes;
}

/** As `order by path` with collation "C" has them: by the bytes of UTF-8, which is not the order of code units where there are surrogates. */
export function inPathOrder(paths: Iterable<string>): string[] {
	const list = [...paths];
	return list.some((path) => /[\ud800-\udfff]/.test(path)) ? list.sort(byBytes) : list.sort();
}

function byBytes(a: string, b: string): number {
	return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
