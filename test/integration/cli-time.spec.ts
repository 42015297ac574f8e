/** `ck` by time, and `ck blame`: as processes' arguments, on a history that was just made. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Zxid } from '#core/model/zxid';
import { ckHere, lines, objects } from '#test/support/ck';
import { MirroredReplica } from '#test/support/mirrored-replica';
import { createDatabase, type TestDatabase } from '#test/support/postgres';

const who = (name: string) => ({
	door: 'grpc' as const,
	identities: [{ scheme: 'digest', id: `${name}:aGFzaA==` }],
	address: '203.0.113.7:51234',
});

let database: TestDatabase;
let replica: MirroredReplica;
const zxids: Record<string, Zxid> = {};
beforeAll(async () => {
	database = await createDatabase();
	replica = new MirroredReplica({ databaseUrl: database.url, redact: ['/secret'] });
	await replica.open();
	zxids.created = await replica.create('/config', 'host=db1\nport=5432\n', undefined, who('ann'));
	zxids.set = await replica.set('/config', 'host=db2\nport=5432\n', who('bob'));
	zxids.acl = await replica.call(
		{ kind: 'setACL', path: '/config', acl: [{ perms: 31, scheme: 'world', id: 'anyone' }], version: -1 },
		who('ann'),
	);
	await replica.create('/secret', 'hush');
	await replica.create('/gone', null);
	zxids.deleted = await replica.call({ kind: 'delete', path: '/gone', version: -1 }, who('eve'));
	await replica.mirrored();
	// A minute between them, so that each moment is one of theirs alone.
	await database.query(
		`update chronokeeper.txn set time = timestamptz '2026-11-20 13:00Z' + interval '1 minute' * zxid`,
	);
	await database.query(
		'delete from chronokeeper.clock_run; update chronokeeper.mirror_cursor set clock_zxid = null; select chronokeeper.note_clock_runs()',
	);
});
afterAll(async () => {
	await replica?.remove();
	await database?.drop();
});

const ask = (...args: string[]) => ckHere([...args, '--database', database.url]);
const hex = (zxid: number | undefined) => `0x${zxid!.toString(16)}`;

describe('a time', () => {
	it('stands wherever a zxid does, and the zxid that it was taken for is told', async () => {
		const at = await ask('at', '2026-11-20 14:01:30+01', '/config');
		expect(at).toMatchObject({ status: 0, stdout: 'host=db1\nport=5432\n' });
		expect(at.stderr).toContain(`2026-11-20T13:01:30.000Z is zxid ${hex(zxids.created)}`);
		const tree = await ask('tree', '--at', '2026-11-20T13:05:00Z', '/config', '--json');
		expect(objects(tree.stdout)).toMatchObject([{ path: '/config', text: 'host=db2\nport=5432\n' }]);
		const diff = await ask('diff', '2026-11-20 13:01Z', '2026-11-20 13:05Z', '--json');
		expect(objects(diff.stdout).map((it) => [it.path, it.difference])).toEqual([
			['/config', 'data and acl'],
			['/gone', 'created'],
			['/secret', 'created'],
		]);
		const history = await ask('history', '--from', '2026-11-20 13:02Z', '--to', '2026-11-20 13:03Z', '--json');
		expect(objects(history.stdout).map((it) => it.zxid)).toEqual([hex(zxids.set), hex(zxids.acl)]);
		expect(objects((await ask('history', '--to', '2020-01-01', '--json')).stdout)).toEqual([]);
		expect(objects((await ask('history', '--from', '2020-01-01', '--json')).stdout)).toHaveLength(6);
	});

	it('without a zone is one of this machine, which is said', async () => {
		const { stderr } = await ask('at', '2026-11-21 09:00', '/config');
		const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
		expect(stderr).toContain(
			`${new Date('2026-11-21T09:00').toISOString()}, in the time of this machine (${zone}), is zxid ${hex(zxids.deleted)}`,
		);
	});

	it.each(['14:00', 'yesterday', '2026-13-01', '2026-11-20 25:00', '2026-11-20 14:00 CET'])(
		'%j is none',
		async (text) => {
			expect(await ask('at', text, '/config')).toMatchObject({
				status: 2,
				stderr: expect.stringContaining('is no time: write it like "2026-11-20 14:00+01"'),
			});
		},
	);

	it('in front of the history is the empty tree, where that is known', async () => {
		const { status, stderr } = await ask('at', '2020-01-01T00:00Z', '/config');
		expect(status).toBe(1);
		expect(stderr).toContain('/config: there was no such node at 0x0');
	});
});

it('data that were kept out of PostgreSQL are told of as redacted, not as null', async () => {
	const { stdout } = await ask('tree', '/secret');
	expect(stdout).toMatch(/\/secret +redacted, 4 B, SHA-256 [0-9a-f]{16}…/);
	const at = await ask('at', hex(zxids.deleted), '/secret');
	expect(at).toMatchObject({ stdout: '', stderr: expect.stringContaining('redacted, 4 B, SHA-256 ') });
	const [json] = objects((await ask('tree', '/secret', '--json')).stdout);
	expect(json).toMatchObject({ redacted: true, dataSha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
	const diff = await ask('diff', hex(zxids.acl), hex(zxids.deleted));
	expect(diff.stdout).toContain('+ /secret  redacted, 4 B');
});

describe('ck blame', () => {
	it('says who created, set and protected a node, and who each line is from', async () => {
		const { status, stdout } = await ask('blame', '/config');
		expect(status).toBe(0);
		expect(lines(stdout).map((line) => line.replaceAll(/ {2,}/g, ' | ').replaceAll(/2026-\S+/g, 'TIME'))).toEqual([
			'WHAT | ZXID | TIME | BY | VERSION',
			`created | ${hex(zxids.created)} | TIME | digest:ann 203.0.113.7:51234 (grpc) | 0`,
			`data | ${hex(zxids.set)} | TIME | digest:bob 203.0.113.7:51234 (grpc) | 1`,
			`acl | ${hex(zxids.acl)} | TIME | digest:ann 203.0.113.7:51234 (grpc) | 1`,
			'',
			'ZXID | TIME | BY | LINE | DATA',
			`${hex(zxids.set)} | TIME | digest:bob 203.0.113.7:51234 (grpc) | 1 | host=db2`,
			`${hex(zxids.created)} | TIME | digest:ann 203.0.113.7:51234 (grpc) | 2 | port=5432`,
		]);
	});

	it('of a node that is gone says who deleted it; of data that are hidden no lines', async () => {
		const [gone] = objects((await ask('blame', '/gone', '--json')).stdout) as [{ facts: object[] }];
		expect(gone.facts.at(-1)).toMatchObject({
			what: 'deleted',
			zxid: hex(zxids.deleted),
			principal: 'digest:eve:aGFzaA==',
		});
		expect(objects((await ask('blame', '/secret', '--json')).stdout)).toMatchObject([{ lines: null }]);
		expect(await ask('blame', '/never')).toMatchObject({
			status: 1,
			stderr: expect.stringContaining('the history knows no such node'),
		});
	});
});
