/** Rebuilds the tree at a zxid from snapshots and logs. */
import { counterOf, epochOf, formatZxid, isContiguous, type Zxid, zeroZxid } from '#core/model/zxid';
import { DataTree } from '#core/tree/data-tree';
import { digestVersion } from '#core/tree/digest';
import type { SessionId } from '#jute/scalars';
import { SnapshotDamage } from '#storage/damage';
import { loadTree, trackSession } from '#storage/replay';
import { DigestMismatch } from './fold.ts';
import type { HistoryPlan, PlannedGap } from './history-plan.ts';
import type { LogSource, SnapshotFile } from './log-source.ts';
import { mergedRecords } from './merged-records.ts';

/** Segments of a plan without a gap between them. */
export interface Chain {
	readonly first: Zxid;
	/** What stands right before its first transaction: its zxid less one, but for the first of an epoch where that is known better. */
	readonly after: Zxid;
	readonly last: Zxid;
	readonly gap: PlannedGap | null;
}

export function chainsOf(plan: HistoryPlan): Chain[] {
	const chains: { first: Zxid; after: Zxid; last: Zxid; gap: PlannedGap | null }[] = [];
	for (const { first, last, gap } of plan.segments) {
		const chain = chains.at(-1);
		const after = plan.begin?.first === first ? plan.begin.after : ((first - 1) as Zxid);
		if (chain === undefined || gap !== null) chains.push({ first, after, last, gap });
		else chain.last = last;
	}
	return chains;
}

export interface LoadedTree {
	readonly tree: DataTree;
	readonly sessions: Map<SessionId, number>;
	readonly source: string;
}

export const emptyTreeSource = 'the empty tree';

/** The snapshots that lead to a tree in the chain with the chain's own transactions, by when their tree is exact. */
export function snapshotsWithin(sources: readonly LogSource[], chain: Chain): SnapshotFile[] {
	return sources
		.flatMap((source) => source.snapshots)
		.filter(
			(it) => it.zxid >= chain.after && it.exactZxid <= Math.max(chain.last, it.zxid) && leadsInto(it.zxid, chain),
		)
		.sort((a, b) => a.exactZxid - b.exactZxid);
}

/** Whether the transaction behind this zxid is in the chain, or the chain ends with it. */
function leadsInto(zxid: Zxid, chain: Chain): boolean {
	return zxid <= chain.last || (epochOf(zxid) > epochOf(chain.last) && counterOf(zxid) === 0);
}

/**
 * The tree right after `zxid`, from the newest snapshot that leads there. Null when there is none.
 * @throws DigestMismatch when a digest section says that the tree is another.
 */
export async function loadTreeAt(
	sources: readonly LogSource[],
	plan: HistoryPlan,
	chain: Chain,
	zxid: Zxid,
	options: { readonly keepData: boolean; readonly allowDigestMismatch?: boolean },
): Promise<LoadedTree | null> {
	const start = await newestSound(snapshotsWithin(sources, chain), zxid, options.keepData);
	if (start === null && chain.gap !== null) return null;
	const { snapshot, loaded } = start ?? { snapshot: null, loaded: emptyTree(options.keepData) };
	const { tree, sessions } = loaded;
	const check = (at: Zxid) => {
		if (snapshot?.exactZxid !== at || snapshot.digest === null || options.allowDigestMismatch === true) return;
		if (tree.digest() === BigInt.asUintN(64, snapshot.digest)) return;
		throw new DigestMismatch(at, snapshot.digest, tree.digest());
	};
	check(tree.lastProcessedZxid);
	let last = tree.lastProcessedZxid;
	if (last < zxid) {
		for (const { record } of mergedRecords(sources, plan, (last + 1) as Zxid)) {
			const at = record.header.zxid;
			if (at > zxid) break;
			if (!isContiguous(last, at) && last !== zeroZxid) {
				throw new Error(
					`${loaded.source} does not lead to ${formatZxid(zxid)}: behind ${formatZxid(last)} comes ${formatZxid(at)}`,
				);
			}
			tree.apply(record);
			trackSession(sessions, record);
			last = at;
			check(at);
		}
	}
	if (last !== zxid)
		throw new Error(`${loaded.source} and the logs end with ${formatZxid(last)}, before ${formatZxid(zxid)}`);
	return loaded;
}

/**
 * From where on the tree of a snapshot that does not say so is one that existed: the first transaction of the chain behind it whose digest agrees (semantics 78). `undecided` when
 * nothing stands behind it that could say; `no digests` when its writer had none; `refuted` when all differ, or the file is damaged.
 */
export async function provedFrom(
	sources: readonly LogSource[],
	plan: HistoryPlan,
	chain: Chain,
	snapshot: SnapshotFile,
): Promise<Zxid | 'undecided' | 'no digests' | 'refuted'> {
	const start = await newestSound([snapshot], snapshot.exactZxid, false);
	if (start === null) return 'refuted';
	const { tree } = start.loaded;
	let answer: 'undecided' | 'no digests' | 'refuted' = 'undecided';
	let last = tree.lastProcessedZxid;
	for (const { record } of mergedRecords(sources, plan, (last + 1) as Zxid)) {
		const { header, txn, digest } = record;
		if (header.zxid > chain.last || (!isContiguous(last, header.zxid) && last !== zeroZxid)) break;
		tree.apply(record);
		last = header.zxid;
		if (digest?.version === digestVersion) {
			if (digest.value === tree.digest()) return last;
			answer = 'refuted';
		} else if (txn.kind !== 'error' && answer === 'undecided') answer = 'no digests';
	}
	return answer;
}

/** A damaged one is passed over: an older one and the logs have the same. */
async function newestSound(
	snapshots: readonly SnapshotFile[],
	zxid: Zxid,
	keepData: boolean,
): Promise<{ readonly snapshot: SnapshotFile; readonly loaded: LoadedTree } | null> {
	for (const snapshot of snapshots.filter((it) => it.exactZxid <= zxid).reverse()) {
		try {
			return { snapshot, loaded: await loadFile(snapshot, keepData) };
		} catch (error) {
			if (!(error instanceof SnapshotDamage)) throw error;
		}
	}
	return null;
}

function emptyTree(keepData: boolean): LoadedTree {
	return { tree: new DataTree({ keepData }), sessions: new Map(), source: emptyTreeSource };
}

async function loadFile(file: SnapshotFile, keepData: boolean): Promise<LoadedTree> {
	const steps = loadTree(file, { keepData });
	for (;;) {
		const step = steps.next();
		if (step.done) return { tree: step.value.tree, sessions: step.value.sessions, source: file.path };
		await new Promise((resolve) => setImmediate(resolve));
	}
}
