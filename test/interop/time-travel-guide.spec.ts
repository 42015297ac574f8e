/** docs/time-travel.md as somebody follows it on a bad day: each command as it is printed there, in order, on a server that was just started. */
import { mkdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ChronokeeperClient } from '#client/client';
import { commandLine } from '#test/support/ck';
import { CompiledServer, type ServerAddresses } from '#test/support/compiled-server';
import { GuideCommands } from '#test/support/guide-commands';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import type { RunningProgram } from '#test/support/processes';
import { psqlStandIn } from '#test/support/psql';
import { TestServers } from '#test/support/test-servers';

const root = fileURLToPath(new URL('../..', import.meta.url));
const servers = new TestServers();
const work = servers.newDirectory();
const compiled = new CompiledServer();
let database: TestDatabase;
let server: RunningProgram & { readonly addresses: ServerAddresses };
let client: ChronokeeperClient;
let tools = '';
let before = '';

const guide = new GuideCommands(readFileSync(join(root, 'docs', 'time-travel.md'), 'utf8'), () => ({
	cwd: work,
	environment: {
		...(process.env as Record<string, string>),
		PATH: `${tools}${delimiter}${process.env.PATH}`,
		CK_SERVER: server.addresses.grpc,
		CK_AUDIT_URL: database.url,
		BEFORE: before,
		NO_COLOR: '1',
	},
	replaced: [['npx ck', commandLine.map((word) => `'${word}'`).join(' ')]],
}));

beforeAll(async () => {
	mkdirSync(work, { recursive: true });
	tools = psqlStandIn(work);
	database = await createDatabase({ migrate: false });
	server = servers.keepProcess(
		await compiled.start({
			CK_DATA_DIR: servers.newDirectory(),
			CK_AUDIT_URL: database.url,
			CK_GRPC_RESTORE_IDS: 'ip:127.0.0.1',
			CK_LOG_FORMAT: 'json',
		}),
	);
	client = servers.connect(server.addresses.grpc);
});
afterAll(async () => {
	await servers.close();
	servers.remove();
	compiled.remove();
	await database?.drop();
});

/** A command that asks PostgreSQL sees what was committed before. */
async function mirrored(): Promise<void> {
	const isThere = async () => {
		const { lastZxid, mirror } = await client.status();
		return mirror?.mirroredZxid === lastZxid;
	};
	await vi.waitUntil(isThere, { timeout: 60_000 });
}

/** Another millisecond than that of everything before. */
async function later(): Promise<void> {
	const now = Date.now();
	await expect.poll(() => Date.now()).toBeGreaterThan(now + 1);
}

describe('docs/time-travel.md', () => {
	it('finds who deleted it', async () => {
		guide.next('npx ck create /services');
		await later();
		before = new Date().toISOString();
		await later();
		guide.next('npx ck delete --recursive /services');
		await mirrored();
		const found = guide.next('npx ck history /services').trimEnd().split('\n');
		expect(found).toHaveLength(4);
		for (const line of found.slice(1)) expect(line).toMatch(/ delete +127\.0\.0\.1:\d+ \(grpc\) +\/services/);
		const asked = guide.next('psql').trimEnd().split('\n');
		expect(asked.map((line) => line.split(' | ')[3]).filter((it) => it !== undefined)).toEqual(
			expect.arrayContaining(['/services', '/services/api', '/services/web']),
		);
	});

	it('blames it, and shows what was there', () => {
		const blamed = guide.next('npx ck blame /services/web');
		for (const what of ['created', 'data', 'acl', 'deleted']) expect(blamed).toMatch(new RegExp(`^${what} +0x`, 'm'));
		expect(blamed).toMatch(/^0x3 .* 1 +host=w$/m);
		expect(blamed).toMatch(/^0x4 .* 2 +port=8080$/m);
		const there = guide.next('npx ck tree /services');
		expect(there).toContain('{"host": "a", "replicas": 3}');
		expect(there.match(/- \/services/g)).toHaveLength(3);
	});

	it('has it back, and is verified', async () => {
		expect(guide.next('--dry-run')).toContain('3 to create, 0 to change, 0 to delete');
		expect(await client.exists('/services')).toBeUndefined();
		expect(guide.next('--reason')).toContain('restored /services to 0x4');
		await mirrored();
		const verified = guide.next('npx ck audit verify');
		expect(verified).toContain('{"host": "a", "replicas": 3}');
		expect(verified).toContain('delete');
		expect(await client.exists('/jobs')).toBeDefined();
		expect(guide.blocks).toEqual([]);
	});
});
