/** Whether the members of an ensemble have the same state: digests, whole trees, and what they themselves found wrong. */
import { openAcl } from '#jute/acl';
import type { ConnectRequest } from '#jute/client/connect';
import { errors } from '#jute/errors';
import type { ClientNode } from './client-tree.ts';
import type { Ensemble, EnsembleMember } from './ensemble.ts';
import { mismatchesOf } from './ensemble-mismatches.ts';
import { eventually } from './ensemble-wait.ts';
import { superUser } from './real-zookeeper.ts';
import { WireClient } from './wire-client.ts';
import { walkTree } from './wire-tree.ts';

const filler = '/digest-filler';

/** What it takes to reach a member. */
export type ReachableMember = Pick<EnsembleMember, 'id' | 'place'>;

/** A session at this very member. */
export async function connectTo(
	member: ReachableMember,
	handshake: Partial<ConnectRequest> = { timeoutMs: 10_000 },
): Promise<WireClient> {
	const client = await WireClient.open(member.place.clientPort, member.place.host);
	const { timeoutMs } = await client.handshake(handshake);
	if (timeoutMs <= 0) throw new Error(`member ${member.id} refused the session`);
	return client;
}

/** With a session that ends with it. */
export async function asSuperUser<T>(member: ReachableMember, act: (client: WireClient) => Promise<T>): Promise<T> {
	const client = await connectTo(member);
	try {
		const { error } = await client.send({
			kind: 'auth',
			type: 0,
			scheme: 'digest',
			auth: Buffer.from(superUser.auth),
		});
		if (error !== 0) throw new Error(`member ${member.id} does not know the superuser`);
		return await act(client);
	} finally {
		if (!client.isClosed) await client.send({ kind: 'closeSession' }).catch(() => undefined);
		await client.close();
	}
}

/** Waits until these members, all that run unless some are named, have applied the same zxid. @returns it */
export function sameZxid(ensemble: Ensemble, among = ensemble.serving): Promise<bigint> {
	return eventually('all members have the same zxid', async () => {
		const zxids = await Promise.all(among.map(async (member) => (await member.status())?.zxid));
		if (zxids.every((zxid) => zxid !== undefined && zxid === zxids[0])) return zxids[0];
		throw new Error(zxids.map((zxid) => zxid?.toString(16) ?? 'nothing').join(', '));
	});
}

/** What is known at the end of a run, member by member. */
export interface Agreement {
	/** In words; empty when all is well. */
	readonly problems: readonly string[];
	/** Of the first member. */
	readonly tree: readonly ClientNode[];
	/** At how many zxids the digests of at least two members were compared. */
	readonly digestsCompared: number;
	/** Lines in which ZooKeeper told of mismatches that are its own. */
	readonly mismatchesOfZooKeeper: number;
}

const attempts = 3;

/**
 * Brings the tree to a zxid at which every server keeps its digest, and compares digests there and at every earlier one that two members still
 * know, and then the whole trees. Nobody else may write meanwhile. It begins again when it is interrupted: on a busy machine a term may end at any moment, and connections with it.
 */
export async function agreement(ensemble: Ensemble): Promise<Agreement> {
	for (let again = attempts - 1; ; again--) {
		try {
			return await compared(ensemble);
		} catch (error) {
			if (again === 0) throw error;
			await ensemble.allServe();
		}
	}
}

async function compared(ensemble: Ensemble): Promise<Agreement> {
	const [first, ...others] = ensemble.serving as [EnsembleMember, ...EnsembleMember[]];
	const last = await fillToDigest(first);
	const digests = await Promise.all(
		ensemble.serving.map((member) =>
			eventually(`member ${member.id} has the digest of ${last.toString(16)}`, async () => {
				const known = await member.digests();
				if (!known.has(last)) return undefined;
				const { unsure } = mismatchesOf(member);
				const isSure = (zxid: bigint) => !unsure.some(([from, to]) => zxid >= from && zxid <= to);
				return new Map([...known].filter(([zxid]) => isSure(zxid)));
			}),
		),
	);
	const problems: string[] = [];
	let digestsCompared = 0;
	for (const zxid of new Set(digests.flatMap((known) => [...known.keys()]))) {
		const found = digests.map((known) => known.get(zxid)).filter((digest) => digest !== undefined);
		if (found.length < 2) continue;
		digestsCompared += 1;
		if (new Set(found).size > 1) problems.push(`digests at ${zxid.toString(16)} differ: ${found.join(', ')}`);
	}
	await sameZxid(ensemble);
	const tree = await asSuperUser(first, walkTree);
	for (const member of others) {
		problems.push(...differences(first, tree, member, await asSuperUser(member, walkTree)));
	}
	problems.push(...(await reportedMismatches(ensemble)));
	const ofZooKeeper = ensemble.members.map((member) => mismatchesOf(member).ofZooKeeper);
	return { problems, tree, digestsCompared, mismatchesOfZooKeeper: ofZooKeeper.reduce((sum, one) => sum + one, 0) };
}

/** Writes until the zxid is one that 128 divides. @returns it */
async function fillToDigest(member: EnsembleMember): Promise<bigint> {
	return asSuperUser(member, async (client) => {
		const made = await client.send({ kind: 'create', path: filler, data: null, acl: openAcl, flags: 0 });
		if (made.error !== 0 && made.error !== errors.nodeExists.code) throw new Error(`${filler}: error ${made.error}`);
		for (let zxid = made.zxid; ; ) {
			if (zxid % 128 === 0) return BigInt(zxid);
			({ zxid } = await client.send({ kind: 'setData', path: filler, data: null, version: -1 }));
		}
	});
}

/** What members counted and said, in all their lives; what is ZooKeeper's own is left out. */
export async function reportedMismatches(ensemble: Ensemble): Promise<string[]> {
	const problems: string[] = [];
	for (const member of ensemble.members) {
		const found = mismatchesOf(member);
		problems.push(...found.problems);
		if (!ensemble.serving.includes(member) || found.isCounted) continue;
		const counted = (await member.monitor()).get('zk_digest_mismatches_count');
		if (counted !== '0') problems.push(`member ${member.id} counted ${counted} digest mismatches`);
	}
	return problems;
}

function differences(
	one: EnsembleMember,
	expected: readonly ClientNode[],
	other: EnsembleMember,
	seen: readonly ClientNode[],
): string[] {
	const wanted = new Map(expected.map((node) => [node.path, comparable(node)]));
	const found = new Map(seen.map((node) => [node.path, comparable(node)]));
	const paths = new Set([...wanted.keys(), ...found.keys()]);
	return [...paths]
		.filter((path) => wanted.get(path) !== found.get(path))
		.map(
			(path) =>
				`${path}: member ${one.id} has ${wanted.get(path)}, member ${other.id} (${other.kind}) ${found.get(path)}`,
		);
}

/** Without what each server changes by itself: the contents of quotas' statistics, and of the configuration with its version and time. */
function comparable(node: ClientNode): string {
	if (node.path === '/zookeeper/config')
		return JSON.stringify({ ...node, data: '', dataLength: 0, version: 0, mtime: 0 });
	if (node.path.endsWith('/zookeeper_stats')) return JSON.stringify({ ...node, data: '', dataLength: 0 });
	return JSON.stringify(node);
}
