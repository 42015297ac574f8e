/**
 * `ck audit check`: is the history complete, and is it the cluster's? Everything that verify() looks at, every epoch from its first zxid to its last, and
 * where the cluster can be asked, its tree against the one that the history makes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { formatZxid, type Zxid, zeroZxid } from '#core/model/zxid';
import { readCursor } from '../batch-writer.ts';
import type { VerifyingKey } from '../checkpoint-key.ts';
import { DatabaseRows } from './database-rows.ts';
import type { Verified } from './outcome.ts';
import { verify } from './verify.ts';

/** What a server says of its tree: the digest that it had right after a transaction. */
export interface ClusterState {
	readonly server: string;
	readonly zxid: Zxid;
	readonly digest: bigint;
}

export interface CheckOptions {
	readonly keys?: readonly VerifyingKey[];
	readonly cluster?: ClusterState;
	/** How long the mirror may take to have what the cluster has, milliseconds. */
	readonly patienceMs?: number;
	readonly progress?: (done: number, total: number) => void;
}

export type ClusterAnswer =
	| { readonly state: 'equal' | 'different'; readonly cluster: ClusterState; readonly digest: bigint }
	/** The history does not go as far. */
	| { readonly state: 'behind'; readonly cluster: ClusterState }
	/** The zxid lies in a gap, or in front of what is kept. */
	| { readonly state: 'unknown'; readonly cluster: ClusterState };

export interface Checked {
	readonly verified: Verified;
	/** Null when it was not asked. */
	readonly cluster: ClusterAnswer | null;
	/** Nothing is wrong, and nothing is missing that is not said to be. */
	readonly isSound: boolean;
}

const pollMs = 100;

export async function check(databaseUrl: string, options: CheckOptions = {}): Promise<Checked> {
	const { keys = [], cluster, patienceMs = 10_000, progress } = options;
	if (cluster !== undefined) await mirrored(databaseUrl, cluster.zxid, patienceMs);
	const rows = await DatabaseRows.open(databaseUrl);
	try {
		let digest: bigint | null = null;
		let last: { readonly zxid: Zxid; readonly digest: bigint } | null = null;
		const reached = (zxid: Zxid, now: bigint) => {
			last = { zxid, digest: now };
			if (zxid === cluster?.zxid) digest = now;
		};
		const verified = await verify(rows, { keys, reached, ...(progress === undefined ? {} : { progress }) });
		const answer = cluster === undefined ? null : answerOf(cluster, digest, verified, last);
		const isCluster = answer === null || answer.state === 'equal' || answer.state === 'unknown';
		return { verified, cluster: answer, isSound: verified.wrongRows === 0 && isCluster };
	} finally {
		await rows.close();
	}
}

function answerOf(
	cluster: ClusterState,
	digest: bigint | null,
	verified: Verified,
	last: { readonly zxid: Zxid; readonly digest: bigint } | null,
): ClusterAnswer {
	const { redactedFrom } = verified;
	if (redactedFrom !== null && redactedFrom <= cluster.zxid) return { state: 'unknown', cluster };
	if (digest !== null) return { state: digest === cluster.digest ? 'equal' : 'different', cluster, digest };
	// A leader that was just elected is at counter 0 of its epoch, with the tree of the last transaction before.
	const end = Math.max(last?.zxid ?? 0, verified.lastZxid ?? 0);
	if (cluster.zxid % 2 ** 32 === 0 && end < cluster.zxid && last !== null) {
		const now: bigint = verified.digest;
		return { state: now === cluster.digest ? 'equal' : 'different', cluster, digest: now };
	}
	return { state: end < cluster.zxid ? 'behind' : 'unknown', cluster };
}

async function mirrored(databaseUrl: string, zxid: Zxid, patienceMs: number): Promise<void> {
	const client = new pg.Client({ connectionString: databaseUrl, application_name: 'chronokeeper audit' });
	client.on('error', () => undefined); // The statement under way reports it.
	await client.connect();
	try {
		const until = performance.now() + patienceMs;
		while (((await readCursor(client)).zxid ?? zeroZxid) < zxid && performance.now() < until) await sleep(pollMs);
	} finally {
		await client.end().catch(() => undefined); // A broken connection is closed already.
	}
}

/** What was found, in sentences for people. */
export function inWords({ verified, cluster }: Checked): string[] {
	const lines: string[] = [];
	const { firstZxid, lastZxid, epochRuns, gaps, bases } = verified;
	for (const { zxid, gap } of bases.slice(0, 1)) {
		if (zxid === zeroZxid) lines.push('It begins with the empty tree: with everything that ever was.');
		else {
			const why = gap === null ? '' : ` (${gap.kind}: ${gap.reason})`;
			lines.push(`It begins with the tree at ${formatZxid(zxid)}; what was before is not known${why}.`);
		}
	}
	if (firstZxid === null || lastZxid === null) lines.push('It has no transactions.');
	else {
		const epochs = epochRuns.length === 1 ? 'one epoch' : `${epochRuns.length} epochs`;
		lines.push(
			`It has ${count(verified.txns)} transactions in ${epochs}, from ${formatZxid(firstZxid)} to ${formatZxid(lastZxid)}.`,
		);
	}
	const inside = gaps.filter((gap) => gap.throughZxid !== bases[0]?.zxid);
	for (const { afterZxid, throughZxid, kind, reason } of inside) {
		lines.push(
			`Behind ${formatZxid(afterZxid)} it does not know what happened up to ${formatZxid(throughZxid)} (${kind}): ${reason}.`,
		);
	}
	if (inside.length === 0 && firstZxid !== null) lines.push('There is no gap.');
	lines.push(`${count(verified.digests)} digests of the cluster were compared with the tree that the rows make.`);
	if (verified.redactedFrom !== null) {
		lines.push(
			`From ${formatZxid(verified.redactedFrom)} on data are kept out of the database, and digests cannot be compared.`,
		);
	}
	lines.push(clusterWords(cluster));
	return lines;
}

function clusterWords(answer: ClusterAnswer | null): string {
	if (answer === null) return 'The cluster was not asked.';
	const { server, zxid } = answer.cluster;
	switch (answer.state) {
		case 'equal':
			return `The tree of ${server} at ${formatZxid(zxid)} is the one of the history.`;
		case 'different':
			return `The tree of ${server} at ${formatZxid(zxid)} has the digest ${answer.cluster.digest}, that of the history ${answer.digest}.`;
		case 'behind':
			return `${server} is at ${formatZxid(zxid)}, and the history does not go as far: is the mirror away?`;
		default:
			return `The tree of ${server} at ${formatZxid(zxid)} could not be compared.`;
	}
}

const count = (number: number) => number.toLocaleString('en-US');
