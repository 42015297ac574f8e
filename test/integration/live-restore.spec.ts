/** Live restore on one replica with a real mirror: the tree is what it was, others' writes are found, and an interrupted restore is taken on. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { abortRestore, RestoreImpossible } from '#audit/live-restore/beginning';
import { RestoreInterrupted, type RestoreReplica } from '#audit/live-restore/live-restore';
import { planOf } from '#audit/live-restore/planners';
import {
	type RestoreRecord,
	recordPath,
	type StoredRecord,
	storedRecord,
	storedRecords,
} from '#audit/live-restore/record';
import { NothingToRevert } from '#audit/live-restore/revert-plan';
import { restore } from '#audit/restore';
import type { CreateMode, Op } from '#core/model/op';
import type { Zxid } from '#core/model/zxid';
import { openAcl } from '#jute/acl';
import { errors } from '#jute/errors';
import type { Acl } from '#jute/records';
import type { SessionId } from '#jute/scalars';
import { LiveRestores } from '#test/support/live-restores';

const work = mkdtempSync(join(tmpdir(), 'ck-live-restore-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const adasOnly: readonly Acl[] = [{ perms: 31, scheme: 'digest', id: 'ada:mxnYzuZj3ylX0eP3cLcaCXxTI3g=' }];
const never = new AbortController().signal;
let restores: LiveRestores;

async function done(op: Op, session?: SessionId): Promise<Zxid> {
	const { error, zxid, result } = await restores.replica.call(op, session);
	expect(
		[error, result?.kind === 'multi' ? result.results.filter(({ kind }) => kind === 'error') : []],
		JSON.stringify(op),
	).toEqual([0, []]);
	return zxid;
}

function creation(path: string, text: string | null = null, mode: CreateMode = 'persistent', acl = openAcl) {
	const ttl = mode === 'ttl' ? { ttlMs: 3_600_000 } : {};
	const data = text === null ? null : Buffer.from(text);
	return { kind: 'create', path, data, acl, mode, withStat: false, ...ttl } as const;
}

function create(...node: Parameters<typeof creation>): Promise<Zxid> {
	return done(creation(...node));
}

function set(path: string, text: string): Promise<Zxid> {
	return done({ kind: 'setData', path, data: Buffer.from(text), version: -1 });
}

function remove(path: string): Promise<Zxid> {
	return done({ kind: 'delete', path, version: -1 });
}

function textOf(path: string): string | null | undefined {
	const data = restores.replica.host.tree.data(path);
	return data === null || data === undefined ? data : Buffer.from(data).toString();
}

/** The record of the youngest restore. */
function newest(): StoredRecord {
	return storedRecords(restores.replica.host.tree)[0]!;
}

/** Runs `act` right before the restore's nth multi with changes: the one that begins it and those that write the record alone are not counted. */
function disturbing(nth: number, act: () => Promise<unknown>): (replica: RestoreReplica) => RestoreReplica {
	let multis = 0;
	return (replica) =>
		Object.assign(Object.create(replica) as RestoreReplica, {
			submit: async (op: Op, requestId: string) => {
				const isStep = op.kind === 'multi' && op.ops.length > 1 && requestId !== 'restore-begin';
				if (isStep && ++multis === nth) await act();
				return replica.submit(op, requestId);
			},
		});
}

describe('a live restore', () => {
	beforeAll(async () => {
		restores = await LiveRestores.open(join(work, 'one'));
	});
	afterAll(() => restores.close());

	/** 30 nodes below a path, all to be changed by a restore to the zxid; others were created and deleted. */
	async function disturbed(top: string): Promise<Zxid> {
		await create(top);
		for (let i = 0; i < 30; i++) await restores.replica.call(creation(`${top}/n${i}`, `${i}`));
		const zxid = await restores.mirrored();
		for (let i = 0; i < 30; i++)
			await restores.replica.call({ kind: 'setData', path: `${top}/n${i}`, data: null, version: -1 });
		return zxid;
	}
	const small = { limits: { operations: 8, bytes: 100_000 } };

	it('33: brings back every kind of node with data and ACL, takes away what was not there, and leaves ephemerals alone', async () => {
		await create('/kinds');
		await create('/kinds/gone', 'text');
		await create('/kinds/gone/below', null);
		await create('/kinds/box', '', 'container');
		await create('/kinds/ttl', 'mortal', 'ttl');
		await create('/kinds/hers', 'secret', 'persistent', adasOnly);
		await create('/kinds/changed', 'before');
		const zxid = await restores.mirrored();
		for (const path of ['/kinds/gone/below', '/kinds/gone', '/kinds/box', '/kinds/ttl']) await remove(path);
		await create('/kinds/box', 'now a plain one');
		await create('/kinds/box/in');
		await remove('/kinds/hers');
		await create('/kinds/hers', 'open');
		await set('/kinds/changed', 'after');
		await done({ kind: 'setACL', path: '/kinds/changed', acl: adasOnly, version: -1 });
		await create('/kinds/new');
		await create('/kinds/new/parent');
		const session = await restores.replica.openSession(30_000);
		await done(creation('/kinds/new/lock', null, 'ephemeral'), session);
		const record = await restores.restore(zxid, '/kinds');
		expect(record).toMatchObject({
			state: 'done',
			left: [{ path: '/kinds/new', reason: 'above-ephemeral' }],
			leftCount: 1,
		});
		const content = restores.content();
		const wanted = await restores.contentAt(zxid, '/kinds');
		expect([...content].filter(([path]) => /^\/kinds(\/|$)/.test(path) && path !== '/kinds/new')).toEqual(
			expect.arrayContaining([...wanted]),
		);
		expect(content.has('/kinds/new/parent')).toBe(false);
		expect(restores.replica.host.tree.has('/kinds/new/lock')).toBe(true);
		expect(content.get('/kinds/hers')).toEqual({
			data: Buffer.from('secret').toString('base64'),
			acl: adasOnly,
			owner: 0n,
		});
		// The Stat is a new one: history is not rewritten.
		expect(restores.replica.host.tree.storedStat('/kinds/gone')!.czxid).toBeGreaterThan(zxid);
	});

	it('brings back a subtree whose parents are gone, and nothing beside it', async () => {
		await create('/up');
		await create('/up/mid', 'm');
		await create('/up/mid/leaf', 'x');
		await create('/up/other');
		const zxid = await restores.mirrored();
		for (const path of ['/up/mid/leaf', '/up/mid', '/up/other', '/up']) await remove(path);
		await restores.restore(zxid, '/up/mid/leaf');
		expect(['/up/mid', '/up/mid/leaf', '/up/other'].map(textOf)).toEqual(['m', 'x', undefined]);
	});

	it('is a line in the history: who, why, from where to where, and each transaction in the name of who asked for it', async () => {
		const zxid = await disturbed('/told');
		const record = await restores.restore(zxid, '/told', small);
		expect(record).toMatchObject({
			reason: 'a test',
			by: 'ip:203.0.113.9',
			changesDone: 30,
			changesPlanned: 30,
			steps: 5,
		});
		const last = await restores.mirrored();
		const own = await restores.database.query<{ n: number; principal: string }>(
			`select count(*)::int as n, min(principal) as principal from chronokeeper.txn where request_id like 'restore-%' and zxid > $1`,
			[String(record.baseZxid)],
		);
		expect(own).toEqual([{ n: expect.any(Number), principal: 'super:' }]);
		expect(own[0]!.n).toBeGreaterThanOrEqual(record.steps + 2);
		const { id } = newest();
		const inHistory = await restores.history.nodeAt(recordPath(id), last);
		expect(JSON.parse(Buffer.from(inHistory!.data!).toString())).toMatchObject({
			kind: 'restore',
			zxid: `0x${zxid.toString(16)}`,
			path: '/told',
			reason: 'a test',
			state: 'done',
		});
		// Nobody but a restore writes there.
		const op = { kind: 'setData', path: recordPath(id), data: null, version: -1 } as const;
		expect((await restores.replica.call(op)).error).toBe(errors.noAuth.code);
	});

	it('does not overwrite what others write meanwhile: it stands still and names it, until it is forced', async () => {
		const zxid = await disturbed('/contested');
		const foreign = async () => {
			await set('/contested/n29', 'theirs');
			await set('/contested/n28', 'theirs too');
		};
		const record = await restores.restore(zxid, '/contested', { ...small, through: disturbing(3, foreign) });
		expect(record).toMatchObject({ state: 'conflict', conflictCount: 2 });
		expect(record.conflicts.map(({ path }) => path).sort()).toEqual(['/contested/n28', '/contested/n29']);
		expect(textOf('/contested/n29')).toBe('theirs');
		expect(record.changesDone).toBeGreaterThan(0);
		const { id } = newest();
		// Taken on without force it finds the same.
		const again = await restores.resume(id);
		expect(again).toMatchObject({ state: 'conflict', conflictCount: 2 });
		expect(await restores.resume(id, { isForced: true })).toMatchObject({ state: 'done', isForced: true });
		expect([textOf('/contested/n28'), textOf('/contested/n29')]).toEqual(['28', '29']);
	});

	it('finds what was created, deleted, made anew or given another ACL meanwhile', async () => {
		const meddling: readonly (readonly [string, () => Promise<unknown>])[] = [
			['was deleted', () => remove('/meddled/n29')],
			['was deleted and created again', async () => [await remove('/meddled/n29'), await create('/meddled/n29')]],
			['was created', () => create('/meddled/lost')],
			[
				'got another access control list',
				() => done({ kind: 'setACL', path: '/meddled/extra', acl: adasOnly, version: -1 }),
			],
			['got children', () => create('/meddled/extra/child')],
			['was changed', () => set('/meddled', 'their parent')],
			// Right in front of the multi that changes it.
			['got other data', () => set('/meddled/n0', 'theirs')],
		];
		for (const [what, act] of meddling) {
			await create('/meddled');
			for (let i = 0; i < 30; i++) await restores.replica.call(creation(`/meddled/n${i}`, `${i}`));
			await create('/meddled/lost');
			const zxid = await restores.mirrored();
			await remove('/meddled/lost');
			await create('/meddled/extra');
			for (let i = 0; i < 30; i++)
				await restores.replica.call({ kind: 'setData', path: `/meddled/n${i}`, data: null, version: -1 });
			const record = await restores.restore(zxid, '/meddled', { ...small, through: disturbing(1, act) });
			expect([what, record.state, record.conflicts.map((conflict) => conflict.what)]).toEqual([
				what,
				'conflict',
				[what],
			]);
			const { id } = newest();
			await abortRestore(restores.asReplica, id, never);
			const empty = await restores.restore((zxid - 33) as Zxid, '/meddled', { isForced: true });
			expect(empty.state).toBe('done');
			expect(restores.replica.host.tree.has('/meddled')).toBe(false);
		}
	});

	it('overwrites nothing that was written behind the zxid that its operator has looked at', async () => {
		const zxid = await disturbed('/looked');
		const base = await restores.mirrored();
		await set('/looked/n7', 'since then');
		await restores.mirrored();
		const record = await restores.restore(zxid, '/looked', { unchangedSince: base });
		expect(record).toMatchObject({
			state: 'conflict',
			changesDone: 0,
			conflicts: [{ path: '/looked/n7', what: 'got other data' }],
		});
	});

	it('goes on after an answer was lost, whether the transaction was done or not', async () => {
		const zxid = await disturbed('/lost');
		let calls = 0;
		const through = (replica: RestoreReplica): RestoreReplica =>
			Object.assign(Object.create(replica) as RestoreReplica, {
				submit: async (op: Op, requestId: string) => {
					const isLost = op.kind === 'multi' && ++calls % 2 === 0;
					const wasDone = calls % 4 === 0;
					const reply = isLost && !wasDone ? undefined : await replica.submit(op, requestId);
					return isLost ? { error: errors.connectionLoss.code, zxid: 0 as Zxid } : reply!;
				},
			});
		expect(await restores.restore(zxid, '/lost', { ...small, through })).toMatchObject({
			state: 'done',
			steps: 5,
			changesDone: 30,
		});
		for (let i = 0; i < 30; i++) expect(textOf(`/lost/n${i}`)).toBe(`${i}`);
	});

	it('that was interrupted is taken on, and finds what others wrote in between, not what it wrote itself', async () => {
		const zxid = await disturbed('/halfway');
		const interrupt = async (nth: number) => {
			const stop = new AbortController();
			const through = disturbing(nth, async () => stop.abort('the test'));
			await expect(restores.restore(zxid, '/halfway', { ...small, through, signal: stop.signal })).rejects.toThrow(
				RestoreInterrupted,
			);
			return newest();
		};
		const { id, record } = await interrupt(3);
		expect(record).toMatchObject({ state: 'running', steps: 3 });
		// Another one of the same part of the tree has to wait.
		await expect(restores.restore(zxid, '/')).rejects.toThrow(RestoreImpossible);
		expect(await restores.resume(id, small)).toMatchObject({ state: 'done', changesDone: 30 });
		await expect(restores.resume(id)).rejects.toThrow(RestoreImpossible);
		for (let i = 0; i < 30; i++)
			await restores.replica.call({ kind: 'setData', path: `/halfway/n${i}`, data: null, version: -1 });
		const second = await interrupt(2);
		await set('/halfway/n1', 'theirs, where it had been');
		const found: RestoreRecord = await restores.resume(second.id, small);
		expect(found).toMatchObject({ state: 'conflict', conflicts: [{ path: '/halfway/n1', what: 'got other data' }] });
		const aborted = await abortRestore(restores.asReplica, second.id, never);
		expect(aborted.record.state).toBe('aborted');
		expect(storedRecord(restores.replica.host.tree, second.id)!.record.state).toBe('aborted');
	});

	it('that was interrupted while it made a node anew goes on below it', async () => {
		await create('/remade', null, 'container');
		for (let i = 0; i < 30; i++) await restores.replica.call(creation(`/remade/n${i}`, `${i}`));
		const zxid = await restores.mirrored();
		for (let i = 0; i < 30; i++) await remove(`/remade/n${i}`);
		await remove('/remade');
		await create('/remade');
		for (let i = 0; i < 30; i++) await restores.replica.call(creation(`/remade/n${i}`, 'other'));
		const stop = new AbortController();
		const through = disturbing(6, async () => stop.abort('the test'));
		const halfway = restores.restore(zxid, '/remade', { ...small, through, signal: stop.signal });
		await expect(halfway).rejects.toThrow(RestoreInterrupted);
		const { id } = newest();
		expect(restores.replica.host.tree.children('/remade')!.length).toBeLessThan(30);
		expect(await restores.resume(id, small)).toMatchObject({ state: 'done', conflictCount: 0 });
		const content = [...restores.content()].filter(([path]) => /^\/remade(\/|$)/.test(path)).sort();
		expect(content).toEqual([...(await restores.contentAt(zxid, '/remade'))].sort());
	});

	it('ends when it is aborted or taken on elsewhere: two never go on with one', async () => {
		const zxid = await disturbed('/fenced');
		const abort = async () => {
			const { id } = newest();
			await abortRestore(restores.asReplica, id, never);
		};
		await expect(restores.restore(zxid, '/fenced', { ...small, through: disturbing(2, abort) })).rejects.toThrow(
			'was aborted',
		);
		let other: Promise<RestoreRecord> | undefined;
		const takeOn = async () => {
			const { id } = newest();
			other = restores.resume(id, small);
			await other;
		};
		await expect(restores.restore(zxid, '/fenced', { ...small, through: disturbing(2, takeOn) })).rejects.toThrow(
			'has taken restore',
		);
		expect(await other).toMatchObject({ state: 'done' });
	});

	it('says of a plan what would be done, and does nothing', async () => {
		const zxid = await disturbed('/planned');
		const at = restores.zxid;
		const plan = await planOf(
			restores.history,
			{ kind: 'restore', zxid, path: '/planned' },
			restores.replica.host.tree,
		);
		expect(plan.changes.map(({ kind }) => kind)).toEqual(Array.from({ length: 30 }, () => 'setData'));
		expect(restores.zxid).toBe(at);
	});
});

describe('data that were kept out of PostgreSQL', () => {
	beforeAll(async () => {
		restores = await LiveRestores.open(join(work, 'redacted'), undefined, ['/secrets']);
	});
	afterAll(() => restores.close());

	it('stay as they are, and are listed: by their hash they are known to be unchanged, and not more', async () => {
		await create('/secrets');
		await create('/secrets/same', 's3cret');
		await create('/secrets/changed', 'before');
		await create('/secrets/gone', 'gone');
		await create('/secrets/gone/child');
		await create('/open', 'before');
		const zxid = await restores.mirrored();
		await set('/secrets/changed', 'after');
		await set('/open', 'after');
		await remove('/secrets/gone/child');
		await remove('/secrets/gone');
		const last = await restores.mirrored();
		expect(await restores.restore(zxid)).toMatchObject({
			state: 'done',
			changesDone: 1,
			left: [
				{ path: '/secrets/changed', reason: 'redacted' },
				{ path: '/secrets/gone', reason: 'redacted' },
				{ path: '/secrets/gone/child', reason: 'below-redacted' },
			],
		});
		expect(['/open', '/secrets/same', '/secrets/changed', '/secrets/gone'].map(textOf)).toEqual([
			'before',
			's3cret',
			'after',
			undefined,
		]);
		// A copy to look around in is made without them.
		const into = { databaseUrl: restores.database.url, zxid: last, intoDir: join(work, 'copy') };
		const copy = await restore({ ...into, isCopy: true, withoutRedacted: true, sessions: 'keep' });
		expect(copy).toMatchObject({ startZxid: last, redacted: ['/secrets/changed', '/secrets/same'] });
	});
});

describe('a revert', () => {
	beforeAll(async () => {
		restores = await LiveRestores.open(join(work, 'revert'));
	});
	afterAll(() => restores.close());

	it('undoes one transaction: data, ACL, creations and deletions of a multi', async () => {
		await create('/m');
		await create('/m/old', 'old');
		await create('/m/gone', 'gone');
		await create('/m/gone/leaf', 'leaf');
		const multi = await done({
			kind: 'multi',
			ops: [
				{ kind: 'setData', path: '/m/old', data: Buffer.from('new'), version: -1 },
				{ kind: 'delete', path: '/m/gone/leaf', version: -1 },
				{ kind: 'delete', path: '/m/gone', version: -1 },
				creation('/m/fresh'),
				creation('/m/fresh/leaf'),
			],
		});
		const acl = await done({ kind: 'setACL', path: '/m', acl: adasOnly, version: -1 });
		await create('/later', 'what came later stays');
		await restores.mirrored();
		expect(await restores.revert(multi)).toMatchObject({ state: 'done', changesDone: 5, steps: 1 });
		expect(['/m/old', '/m/gone', '/m/gone/leaf', '/m/fresh', '/later'].map(textOf)).toEqual([
			'old',
			'gone',
			'leaf',
			undefined,
			'what came later stays',
		]);
		await restores.mirrored();
		await restores.revert(acl);
		expect(restores.replica.host.tree.acl('/m')).toEqual(openAcl);
	});

	it('does nothing where somebody has touched a node since, unless it is forced', async () => {
		await create('/r', '1');
		const zxid = await set('/r', '2');
		await create('/r/made');
		const made = await create('/r/made/it');
		await set('/r', '3');
		await create('/r/made/it/since');
		await restores.mirrored();
		expect(await restores.revert(zxid)).toMatchObject({
			state: 'conflict',
			changesDone: 0,
			conflicts: [{ path: '/r', what: 'got other data since' }],
		});
		expect(textOf('/r')).toBe('3');
		expect(await restores.revert(made)).toMatchObject({
			state: 'conflict',
			conflicts: [{ path: '/r/made/it/since', what: 'was created below /r/made/it since' }],
		});
		expect(await restores.revert(zxid, { isForced: true })).toMatchObject({ state: 'done' });
		expect(textOf('/r')).toBe('1');
		expect(await restores.revert(made, { isForced: true })).toMatchObject({ state: 'done' });
		expect(restores.replica.host.tree.has('/r/made/it')).toBe(false);
	});

	it('63: does not make ephemeral nodes again, and says so', async () => {
		const session = await restores.replica.openSession(30_000);
		await create('/locks');
		await done(creation('/locks/mine', null, 'ephemeral'), session);
		const zxid = await done({ kind: 'closeSession' }, session);
		await restores.mirrored();
		const record = await restores.revert(zxid);
		expect(record).toMatchObject({
			state: 'done',
			changesDone: 0,
			ephemerals: 1,
			left: [{ path: '/locks/mine', reason: 'ephemeral' }],
		});
		expect(restores.replica.host.tree.has('/locks/mine')).toBe(false);
	});

	it('says of what changed nothing that there is nothing to undo', async () => {
		const { zxid } = await restores.replica.call({ kind: 'delete', path: '/nowhere', version: -1 });
		await restores.mirrored();
		const plan = planOf(restores.history, { kind: 'revert', zxid }, restores.replica.host.tree);
		await expect(plan).rejects.toThrow(NothingToRevert);
	});
});
