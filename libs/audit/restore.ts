/**
 * `ck restore --to ZXID --into DIR`: a data directory that holds exactly the tree of that zxid, from PostgreSQL alone.
 *
 * The snapshot is named after the first zxid of a new epoch, (epoch << 32), with the tree of ZXID in it and that tree's digest in its digest
 * section: a server takes its last zxid from the name, so everything it gives out lies above every zxid that clients have seen
 * (semantics 61). docs/adr/0009-restore-raises-the-epoch.md says why not another way. Behind it lies a log that ends the sessions of then: their clients have seen more, and must
 * not go on as if they had not.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { counterOf, epochOf, formatZxid, makeZxid, maxEpoch, type Zxid } from '#core/model/zxid';
import { DataTree } from '#core/tree/data-tree';
import { frozenNodes } from '#core/tree/frozen-tree';
import { openAcl } from '#jute/acl';
import type { Acl } from '#jute/records';
import { DataDirectory } from '#storage/data-directory';
import { writeEpoch } from '#storage/epoch-files';
import { loadSnapshot } from '#storage/snapshot-reader';
import { writeSnapshotFile } from '#storage/snapshot-writer';
import { ContentHash } from './content-hash.ts';
import { endSessions } from './ended-sessions.ts';
import { restoreMarkerName } from './restore-marker.ts';
import { loadStoredTree, redactedPaths, storedSessions } from './stored-tree.ts';

export interface RestoreProgress {
	readonly phase: 'read' | 'write' | 'verify';
	readonly nodes: number;
	/** Null while it is not known. */
	readonly total: number | null;
}

export interface RestoreOptions {
	readonly databaseUrl: string;
	readonly zxid: Zxid;
	/** Made when it is not there; must be empty. */
	readonly intoDir: string;
	/** Of an ensemble: the numbers of its servers. Each gets a directory of its own, named after it, with its `myid`. Absent: `intoDir` is the directory. */
	readonly servers?: readonly number[];
	/**
	 * `end`, unless it is said otherwise: the sessions of then are closed by transactions behind the snapshot, and their ephemeral nodes go with them. `keep`: they go on, for who
	 * examines the state as it was.
	 */
	readonly sessions?: 'end' | 'keep';
	/** The snapshot has this very zxid as its name, and begins no epoch: of a copy that only reads. */
	readonly isCopy?: boolean;
	/**
	 * The epoch to begin with. Without it: one more than the newest in the history. Give a larger one when the cluster went through elections
	 * that the mirror did not see.
	 */
	readonly epoch?: number;
	/** Nodes whose data were kept out of PostgreSQL are made without data. Otherwise they are a reason to refuse. */
	readonly withoutRedacted?: boolean;
	readonly progress?: (progress: RestoreProgress) => void;
}

export interface Restored {
	readonly file: string;
	/** The data directories: one, or one for each server. */
	readonly directories: readonly string[];
	/** What a server starting from it has as its last zxid. */
	readonly startZxid: Zxid;
	readonly epoch: number;
	readonly nodes: number;
	readonly sessions: number;
	/** Of them, those that were ended. */
	readonly endedSessions: number;
	/** The recorded one, which the snapshot has; its own where data are missing. */
	readonly digest: bigint;
	/** SHA-256 over everything, ACLs included, as it was read from PostgreSQL and again from the file. */
	readonly contentHash: string;
	readonly bytes: number;
	/** Nodes that have no data now because PostgreSQL never had them. */
	readonly redacted: readonly string[];
}

/** The restored state could not be proved to be the recorded one; nothing was left in the directory. */
export class RestoreRefused extends Error {
	override readonly name = 'RestoreRefused';
}

/** @throws RestoreRefused */
export async function restore(options: RestoreOptions): Promise<Restored> {
	requireEmpty(options.intoDir);
	const client = new pg.Client({ connectionString: options.databaseUrl, application_name: 'chronokeeper restore' });
	client.on('error', () => undefined); // The statement under way reports it.
	await client.connect();
	try {
		// One view of the history, whatever the mirror adds meanwhile.
		await client.query('begin isolation level repeatable read read only');
		return await restoreFrom(client, options);
	} finally {
		await client.end().catch(() => undefined); // A broken connection is closed already.
	}
}

async function restoreFrom(client: pg.Client, options: RestoreOptions): Promise<Restored> {
	const { zxid, progress } = options;
	const recorded = await recordedDigest(client, zxid);
	const redacted = await redactedPaths(client, zxid);
	if (redacted.length > 0 && options.withoutRedacted !== true) throw new RestoreRefused(whatIsMissing(redacted, zxid));
	const epoch = options.isCopy === true ? epochOf(zxid) : await newEpoch(client, options);
	const content = new ContentHash();
	const tree = await loadStoredTree(client, zxid, true, ({ path, data, stat }, acl) => {
		content.add(path, data, acl, stat);
		if (content.nodes % 10_000 === 0) progress?.({ phase: 'read', nodes: content.nodes, total: null });
	});
	// Data are a part of the digest: without some of them nothing can be proved by it.
	if (redacted.length === 0 && tree.digest() !== recorded) {
		throw new RestoreRefused(
			`the rows of ${formatZxid(zxid)} make a tree with digest ${tree.digest()}, the cluster recorded ${recorded}: the history in PostgreSQL was altered or is incomplete. chronokeeper.verify_chain() says where`,
		);
	}
	const digest = tree.digest();
	const sessions = await storedSessions(client, zxid);
	const snapshotZxid = options.isCopy === true ? zxid : makeZxid(epoch, 0);
	tree.lastProcessedZxid = snapshotZxid;
	const directories = directoriesOf(options);
	const directory = new DataDirectory(directories[0]!);
	const existed = existsSync(options.intoDir);
	mkdirSync(directories[0]!, { recursive: true });
	try {
		directory.create();
		progress?.({ phase: 'write', nodes: tree.size, total: tree.size });
		const written = writeTree(directory, tree, snapshotZxid, sessions);
		verifyFile(written.file, digest, content, progress);
		writeEpoch(directory, 'acceptedEpoch', epoch);
		writeEpoch(directory, 'currentEpoch', epoch);
		const said = `the cluster was restored to ${formatZxid(zxid)} (digest ${digest}, ${tree.size} nodes) on ${new Date().toISOString()}`;
		writeFileSync(path.join(directories[0]!, restoreMarkerName), `${said}\n`);
		const startZxid = options.sessions === 'keep' ? snapshotZxid : await endSessions(directory, tree, sessions.keys());
		copyToOthers(directories, options.servers);
		const { file, bytes } = written;
		const contentHash = content.value();
		return {
			file,
			directories,
			startZxid,
			epoch,
			nodes: content.nodes,
			sessions: sessions.size,
			endedSessions: options.sessions === 'keep' ? 0 : counterOf(startZxid),
			digest,
			redacted,
			contentHash,
			bytes,
		};
	} catch (error) {
		for (const name of readdirSync(options.intoDir)) rmSync(path.join(options.intoDir, name), { recursive: true });
		if (!existed) rmSync(options.intoDir, { recursive: true });
		throw error;
	}
}

function directoriesOf({ intoDir, servers }: RestoreOptions): string[] {
	return servers === undefined ? [intoDir] : servers.map((id) => path.join(intoDir, String(id)));
}

/** The same files for every server: none of an ensemble may begin with another state. */
function copyToOthers(directories: readonly string[], servers: readonly number[] | undefined): void {
	if (servers === undefined) return;
	const [first, ...others] = directories;
	const from = new DataDirectory(first!);
	for (const each of others) {
		const to = new DataDirectory(each);
		to.create();
		for (const name of readdirSync(from.snapshotDirectory)) {
			copyFileSync(path.join(from.snapshotDirectory, name), path.join(to.snapshotDirectory, name));
		}
		copyFileSync(path.join(first!, restoreMarkerName), path.join(each, restoreMarkerName));
	}
	for (const [at, each] of directories.entries()) writeFileSync(path.join(each, 'myid'), `${servers[at]}\n`);
}

function whatIsMissing(redacted: readonly string[], zxid: Zxid): string {
	const some = redacted.slice(0, 5).join(', ');
	return (
		`the data of ${redacted.length} nodes at ${formatZxid(zxid)} were kept out of PostgreSQL (audit.redact) and cannot be rebuilt: ${some}` +
		`${redacted.length > 5 ? ', …' : ''}. --without-redacted makes them without data`
	);
}

function requireEmpty(directory: string): void {
	if (!existsSync(directory)) return;
	const names = readdirSync(directory);
	if (names.length === 0) return;
	throw new RestoreRefused(
		`${directory} is not empty (it has ${names.slice(0, 3).join(', ')}): name a new directory, nothing is overwritten`,
	);
}

/** As the cluster logged it; an error transaction of ZooKeeper has none and changes nothing, so it is that of the one before. */
async function recordedDigest(client: pg.Client, zxid: Zxid): Promise<bigint> {
	await client.query('select chronokeeper.require_known($1::bigint)', [zxid]);
	const { rows } = await client.query<{ digest: string | null }>(
		`select d.digest from (
			(select t.zxid, t.digest from chronokeeper.txn t where t.zxid <= $1 and t.digest is not null order by t.zxid desc limit 1)
			union all
			(select s.zxid, s.digest from chronokeeper.snapshot s where s.base and s.zxid <= $1 order by s.zxid desc limit 1)
		) d order by d.zxid desc limit 1`,
		[zxid],
	);
	const digest = rows[0]?.digest;
	if (digest === undefined || digest === null)
		throw new RestoreRefused(`no digest was recorded at or before ${formatZxid(zxid)}`);
	return BigInt.asUintN(64, BigInt(digest));
}

async function newEpoch(client: pg.Client, { epoch }: RestoreOptions): Promise<number> {
	const { rows } = await client.query<{ zxid: string; epoch: number | null }>(
		'select zxid, (select max(e.epoch) from chronokeeper.epoch e) as epoch from chronokeeper.mirror_cursor',
	);
	const known = Math.max(rows[0]?.epoch ?? 0, epochOf(Number(rows[0]?.zxid ?? 0) as Zxid));
	const chosen = epoch ?? known + 1;
	if (!Number.isInteger(chosen) || chosen <= known || chosen > maxEpoch) {
		throw new RestoreRefused(
			`epoch ${chosen} must be above ${known}, the newest in the history, and at most ${maxEpoch}`,
		);
	}
	return chosen;
}

function writeTree(
	directory: DataDirectory,
	tree: DataTree,
	zxid: Zxid,
	sessions: Awaited<ReturnType<typeof storedSessions>>,
) {
	const frozen = tree.freeze();
	try {
		const message = frozen.transferable();
		const content = { zxid, sessions, acls: message.acls, nodes: frozenNodes(message) };
		return writeSnapshotFile(directory.snapshotDirectory, content, tree.digest());
	} finally {
		frozen.release();
	}
}

/** Reads the file back as a server will, and compares everything. */
function verifyFile(file: string, digest: bigint, expected: ContentHash, progress: RestoreOptions['progress']): void {
	const tree = DataTree.load({ keepData: false });
	const acls = new Map<bigint, readonly Acl[]>([[-1n, openAcl]]);
	const content = new ContentHash();
	const steps = loadSnapshot(file, {
		acl: (id, acl) => {
			acls.set(id, acl);
			tree.addAcl(id, acl);
		},
		node: (path, data, aclId, stat) => {
			content.add(path, data, acls.get(aclId) ?? [], stat);
			tree.addNode(path, data, aclId, stat);
		},
	});
	while (!steps.next().done) progress?.({ phase: 'verify', nodes: content.nodes, total: expected.nodes });
	tree.finishLoading();
	if (tree.digest() !== digest || content.nodes !== expected.nodes || content.value() !== expected.value()) {
		throw new RestoreRefused(`${file} does not hold what was read from PostgreSQL: the disk or the memory is at fault`);
	}
}
