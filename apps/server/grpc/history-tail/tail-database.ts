/** Committed transactions from PostgreSQL, for tails that are further behind than the log goes, or whose callers' rights only it knows exactly. */
import type { History, HistoryGap, HistoryTxn } from '#audit/history';
import { counterOf, isContiguous, nextZxid, type Zxid, zeroZxid } from '#core/model/zxid';
import { nobodys, type TailChange, type TailEntry, tailEntry } from './tail-entry.ts';

export interface KnownGap {
	readonly gap: HistoryGap;
}

/** What came of reading behind a zxid. No entries: it has nothing yet. */
export type FromDatabase = readonly TailEntry[] | KnownGap | 'never committed';

const pageTxns = 500;
/** Of data in a page, unless one transaction has more. */
const pageBytes = 1 << 20;
const keptPages = 16;

export class TailDatabase {
	readonly #queries: () => Promise<History>;
	/** By what they begin behind, for tails that are at the same place. */
	readonly #pages = new Map<string, Promise<FromDatabase>>();
	/** Transactions that are known to be there: what a tail was sent last. */
	readonly #known = new Set<Zxid>();

	constructor(queries: () => Promise<History>) {
		this.#queries = queries;
	}

	/**
	 * What comes behind `after`, a page of it.
	 * @throws Error when PostgreSQL cannot be asked
	 */
	read(after: Zxid, withData: boolean): Promise<FromDatabase> {
		const key = `${after} ${withData}`;
		const known = this.#pages.get(key);
		if (known !== undefined) return known;
		const page = this.#page(after, withData);
		this.#pages.set(key, page);
		if (this.#pages.size > keptPages) this.#pages.delete(this.#pages.keys().next().value!);
		const isNoPage = (read: FromDatabase): boolean => !Array.isArray(read) || read.length === 0;
		// What is not there yet is asked for again.
		page.then(
			(read) => isNoPage(read) && this.#pages.delete(key),
			() => this.#pages.delete(key),
		);
		return page;
	}

	forget(): void {
		this.#pages.clear();
		this.#known.clear();
	}

	async #page(after: Zxid, withData: boolean): Promise<FromDatabase> {
		const queries = await this.#queries();
		const unknown = this.#known.has(after) ? null : await isUnknown(queries, after);
		if (unknown !== null) return unknown;
		const txns: HistoryTxn[] = [];
		let last = after;
		for await (const page of queries.txns({ from: nextZxid(after), limit: pageTxns })) {
			for (const entry of page) {
				const gap = 'zxid' in entry ? missingBetween(last, entry.zxid) : isUnknownIn(entry, after) ? entry : null;
				if (gap !== null) return txns.length > 0 ? this.#entries(queries, txns, withData) : { gap };
				if (!('zxid' in entry)) continue;
				txns.push(entry);
				last = entry.zxid;
			}
		}
		return this.#entries(queries, txns, withData);
	}

	async #entries(queries: History, txns: readonly HistoryTxn[], withData: boolean): Promise<TailEntry[]> {
		let bytes = 0;
		const some = txns.filter((txn, index) => {
			if (withData) for (const { sizeAfter } of txn.changes) bytes += sizeAfter ?? 0;
			return index === 0 || bytes <= pageBytes;
		});
		const contents = await queries.contents(
			some.map(({ zxid }) => zxid),
			withData,
		);
		const last = some.at(-1)?.zxid;
		if (last !== undefined) this.#remember(last);
		return some.map((txn) => tailEntry(txn, changesOf(txn, contents.get(txn.zxid)!)));
	}

	#remember(zxid: Zxid): void {
		this.#known.add(zxid);
		if (this.#known.size > keptPages) this.#known.delete(this.#known.keys().next().value!);
	}
}

/** Null when the history goes on behind `zxid`, or may when it comes so far. */
async function isUnknown(queries: History, zxid: Zxid): Promise<KnownGap | 'never committed' | null> {
	if (zxid === zeroZxid || (await queries.has(zxid))) return null;
	const gaps = await queries.gaps(zxid, nextZxid(zxid));
	const gap = gaps.find((one) => one.afterZxid < zxid && isUnknownIn(one, zxid));
	if (gap !== undefined) return { gap };
	// The base behind a gap, and the counter 0 of an epoch, stand for all that was before.
	if (counterOf(zxid) === 0 || gaps.some(({ throughZxid }) => throughZxid === zxid)) return null;
	return zxid < (await queries.lastZxid()) ? 'never committed' : null;
}

/** Where the tree was not the one that the log says, the transactions are there all the same. */
function isUnknownIn({ throughZxid, kind }: HistoryGap, after: Zxid): boolean {
	return throughZxid > after && kind !== 'mismatch';
}

/** What should be there and is not: somebody has deleted rows. */
function missingBetween(last: Zxid, next: Zxid): HistoryGap | null {
	if (isContiguous(last, next)) return null;
	const throughZxid = (next - 1) as Zxid;
	return { afterZxid: last, throughZxid, kind: 'missing', reason: 'PostgreSQL has no rows of them' };
}

/** Quotas are recounted without a transaction: no log says it. */
function changesOf(txn: HistoryTxn, contents: readonly Pick<TailChange, 'data' | 'acl'>[]): TailChange[] {
	return txn.changes.flatMap(({ type, path, version, sizeAfter }, index) => {
		if (type === 'quota') return [];
		const { data, acl } = contents[index]!;
		const isDataMissing = data === null && (sizeAfter ?? 0) > 0;
		const isDeletion = type === 'delete' || type === 'deleteContainer';
		return [{ type, path, version: isDeletion ? null : version, sizeAfter, data, isDataMissing, acl: acl ?? nobodys }];
	});
}
