/**
 * Compares the versions of nodes with those that the fold makes. Rows come by where they begin; where each ends is known when the next version of its
 * node begins, or the node is deleted, and is compared then.
 */
import { formatZxid, type Zxid } from '#core/model/zxid';
import type { CopyRows } from '../copy-rows.ts';
import { openSpan, spanOf } from '../rows.ts';
import { type Findings, versionKey } from './findings.ts';
import { int8, isSame, type Row, rowsWithin, text, unsigned8, zxidOf } from './rows.ts';
import { columnOf, tables } from './tables.ts';

const v = {
	from: columnOf('znode_version', 'from_zxid'),
	to: columnOf('znode_version', 'to_zxid'),
	span: columnOf('znode_version', 'span'),
	path: columnOf('znode_version', 'path'),
	owner: columnOf('znode_version', 'ephemeral_owner'),
	cversion: columnOf('znode_version', 'cversion'),
	aclId: columnOf('znode_version', 'acl_id'),
	dataZxid: columnOf('znode_version', 'data_zxid'),
};

export { v as versionColumn };

const names = Object.keys(tables.znode_version.columns);

interface Open {
	readonly from: Zxid;
	readonly to: Zxid | null;
	readonly dataZxid: Zxid;
}

/** The version of a node as it is now; null when there is none. */
export type NodeNow = (path: string) => Row | null;
const nothing: NodeNow = () => null;

export class Versions {
	/** Those that the database says are valid at the point that was reached, with the end it says. */
	readonly #open = new Map<string, Open>();
	readonly #findings: Findings;
	/** ACLs that were altered have another id than their rows are known by. */
	readonly #aclIdOf: (id: bigint) => bigint;
	/** Where the history was pruned. Versions behind it whose data were set in front of it name the change that set them, or this. */
	#cut: Zxid | null = null;

	constructor(findings: Findings, aclIdOf: (id: bigint) => bigint) {
		this.#findings = findings;
		this.#aclIdOf = aclIdOf;
	}

	/**
	 * The versions that begin with a transaction, or a base.
	 * @param expected as the fold writes them, all without an end
	 * @param now a prune that is under way has split versions where nothing changed: both halves say the same
	 * @param isPruned they may have begun earlier: the base was written in front of what was kept
	 */
	begin(zxid: Zxid, rows: readonly Row[], expected: CopyRows, isPruned = false, now: NodeNow = nothing): void {
		if (isPruned) this.#cut = zxid;
		const wanted = new Map<string, Row>();
		for (const row of rowsWithin(expected.since(headerBytes))) wanted.set(text(row[v.path]!), row);
		for (const row of rows) {
			const path = text(row[v.path]!);
			const from = zxidOf(row[v.from]!);
			const want = wanted.get(path);
			if (want === undefined && this.#isHalf(path, row, now(path))) continue;
			if (want === undefined) {
				this.#findings.add('znode_version', versionKey(path, from), zxid, 'the node has no version that begins there');
				continue;
			}
			wanted.delete(path);
			this.#compare(row, want, isPruned);
			this.#take(path, row);
		}
		for (const path of wanted.keys()) {
			this.#findings.add('znode_version', versionKey(path, zxid), zxid, 'the version is missing');
			this.#open.set(path, { from: zxid, to: null, dataZxid: zxid });
		}
	}

	/** Whether it is the second half of the version that is valid, which says that it ends here. */
	#isHalf(path: string, row: Row, want: Row | null): boolean {
		const open = this.#open.get(path);
		if (want === null || open?.to !== zxidOf(row[v.from]!) || open.dataZxid !== zxidOf(row[v.dataZxid]!)) return false;
		this.#compare(row, want, true);
		this.#take(path, row);
		return true;
	}

	/** What is valid where a part of the history begins is taken as it is: the digest says whether that is the tree. */
	take(row: Row): void {
		this.#take(text(row[v.path]!), row);
	}

	/** A version that was valid ends with a transaction, or in front of a gap. */
	end(path: string, zxid: Zxid): void {
		const open = this.#open.get(path);
		if (open === undefined) return;
		this.#open.delete(path);
		if (open.to === zxid) return;
		const says = open.to === null ? 'it is said to be valid still' : `it is said to end with ${formatZxid(open.to)}`;
		const problem = `${says}, and ends with ${formatZxid(zxid)}`;
		this.#findings.add('znode_version', versionKey(path, open.from), zxid, problem);
	}

	endAll(zxid: Zxid): void {
		for (const path of [...this.#open.keys()]) this.end(path, zxid);
	}

	/** At the end: what is left is valid, or ends behind what was read. */
	finish(last: Zxid, isWhole: boolean): void {
		for (const [path, { from, to }] of this.#open) {
			if (to === null || (!isWhole && to > last)) continue;
			const problem = `it is said to end with ${formatZxid(to)}, and is valid still`;
			this.#findings.add('znode_version', versionKey(path, from), null, problem);
		}
	}

	#take(path: string, row: Row): void {
		const from = zxidOf(row[v.from]!);
		const to = row[v.to] === null ? null : zxidOf(row[v.to]!);
		this.#open.set(path, { from, to, dataZxid: zxidOf(row[v.dataZxid]!) });
		const span = row[v.span]!.readInt16BE(0);
		if (span === (to === null ? openSpan : spanOf(Math.max(1, to - from)))) return;
		this.#findings.add('znode_version', versionKey(path, from), from, `span is ${span}, which its ends do not make`);
	}

	#compare(row: Row, want: Row, isPruned: boolean): void {
		const different: string[] = [];
		for (const [i, name] of names.entries()) {
			if (i === v.to || i === v.span || (isPruned && (i === v.from || i === v.dataZxid))) continue;
			if (i === v.dataZxid && zxidOf(want[i]!) === this.#cut && zxidOf(row[i]!) <= this.#cut) continue;
			if (i === v.aclId) {
				if (row[i]!.readBigInt64BE(0) !== this.#aclIdOf(want[i]!.readBigInt64BE(0))) different.push(name);
			} else if (!isSame(row[i]!, want[i]!)) different.push(name);
		}
		if (different.length === 0) return;
		const key = versionKey(text(row[v.path]!), zxidOf(row[v.from]!));
		const problem = `${different.join(', ')}: not what the changes make`;
		this.#findings.add('znode_version', key, zxidOf(row[v.from]!), problem);
	}
}

const headerBytes = 19;

/** What the facts of a transaction are, by its rows. */
export function factsOfVersions(rows: readonly Row[]): {
	owner(path: string): bigint | undefined;
	cversion(path: string): number | undefined;
} {
	const find = (path: string) => rows.find((row) => text(row[v.path]!) === path);
	if (rows.length > 16) {
		const byPath = new Map(rows.map((row) => [text(row[v.path]!), row]));
		return {
			owner: (path) => ownerOf(byPath.get(path)),
			cversion: (path) => cversionOf(byPath.get(path)),
		};
	}
	return { owner: (path) => ownerOf(find(path)), cversion: (path) => cversionOf(find(path)) };
}

function ownerOf(row: Row | undefined): bigint | undefined {
	return row === undefined ? undefined : unsigned8(row[v.owner]!);
}

function cversionOf(row: Row | undefined): number | undefined {
	return row === undefined ? undefined : row[v.cversion]!.readInt32BE(0);
}

export function fromOf(row: Row): number {
	return int8(row[v.from]!);
}
