/** docs/recipes.md: each of its programs is one that compiles, runs, and prints what it says. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as client from '#client/index';
import { expectedOutput, guidePrograms, runGuideProgram, typeErrors } from '#test/support/guide-programs';
import { TestServers } from '#test/support/test-servers';

const programs = guidePrograms(readFileSync(fileURLToPath(new URL('../../docs/recipes.md', import.meta.url)), 'utf8'));
const servers = new TestServers();
let address: string;

beforeAll(async () => {
	address = (await servers.start(servers.newDirectory(), { tickTime: 500 })).addresses.grpc;
});
afterAll(async () => {
	await servers.close();
	servers.remove();
});

describe('docs/recipes.md', () => {
	it('its programs compile against what the package exports', () => {
		expect(typeErrors(programs)).toEqual([]);
	});

	it.each(programs)('$title', async (program) => {
		const printed = await runGuideProgram(program, [['127.0.0.1:50051', address]], { '@chronokeeper/client': client });
		expect(printed).toEqual(expectedOutput(program));
	});
});
