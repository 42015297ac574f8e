/** docs/client.md: each of its programs is one that compiles, runs, and prints what it says. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import * as client from '#client/index';
import { expectedOutput, guidePrograms, runGuideProgram, typeErrors } from '#test/support/guide-programs';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { TestServers } from '#test/support/test-servers';

const programs = guidePrograms(readFileSync(fileURLToPath(new URL('../../docs/client.md', import.meta.url)), 'utf8'));
const servers = new TestServers();
let database: TestDatabase;
let address: string;

beforeAll(async () => {
	database = await createDatabase();
	const mirrored = { 'audit.mode': 'async', 'audit.url': database.url } as const;
	address = (await servers.start(servers.newDirectory(), mirrored)).addresses.grpc;
	const ck = servers.keep(await client.connect({ endpoints: address }));
	// The mirror of a new server has a database to look at first.
	await vi.waitFor(() => ck.at(1n).exists('/'), { timeout: 60_000 });
});
afterAll(async () => {
	await servers.close();
	servers.remove();
	await database?.drop();
});

describe('docs/client.md', () => {
	it('its programs compile against what the package exports', () => {
		expect(typeErrors(programs)).toEqual([]);
	});

	it.each(programs)('$title', async (program) => {
		const printed = await runGuideProgram(program, [['127.0.0.1:50051', address]], { '@chronokeeper/client': client });
		expect(printed).toEqual(expectedOutput(program));
	});
});
