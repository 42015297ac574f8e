/** What the specs of guides have in common: a server, and each of the document's programs compiled, run as it is printed, and compared with what it says it prints. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { connect } from '#client/index';
import { compilePrograms, expectedOutput, type GuideRun, guidePrograms, runGuideProgram } from './guide-programs.ts';
import { createDatabase, type TestDatabase } from './postgres.ts';
import { TestServers } from './test-servers.ts';

export interface Guide {
	/** In docs. */
	readonly name: string;
	/** What its programs import. */
	readonly modules: Parameters<typeof runGuideProgram>[2];
	readonly settings?: Parameters<TestServers['start']>[1];
	/** The server has a history in PostgreSQL. */
	readonly hasHistory?: boolean;
	/** What else it names that is not here, and what is instead. */
	readonly replaced?: (address: string) => readonly (readonly [string, string])[];
	/** Looks at what a program has exported. */
	readonly check?: (title: string, run: GuideRun, address: string) => Promise<void>;
}

/** Its tests, for the file of a spec. */
export function testGuide({ name, modules, settings, hasHistory = false, replaced, check }: Guide): void {
	const file = fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));
	const programs = guidePrograms(readFileSync(file, 'utf8'));
	const compiled = compilePrograms(programs);
	const servers = new TestServers();
	let database: TestDatabase | undefined;
	let address: string;

	beforeAll(async () => {
		if (hasHistory) database = await createDatabase();
		const mirrored = database && ({ 'audit.mode': 'async', 'audit.url': database.url } as const);
		address = (await servers.start(servers.newDirectory(), { ...settings, ...mirrored })).addresses.grpc;
		if (!hasHistory) return;
		const ck = servers.keep(await connect({ endpoints: address }));
		// The mirror of a new server has a database to look at first.
		await vi.waitFor(() => ck.at(1n).exists('/'), { timeout: 60_000 });
	});
	afterAll(async () => {
		await servers.close();
		servers.remove();
		await database?.drop();
	});

	describe(`docs/${name}`, () => {
		it('its programs compile against what the packages export', () => {
			expect(compiled.errors).toEqual([]);
		});

		it.each(programs.map((program, index) => ({ ...program, index })))('$title', async ({ index, ...program }) => {
			const known = [['127.0.0.1:50051', address] as const, ...(replaced?.(address) ?? [])];
			const run = await runGuideProgram(compiled.code[index]!, known, modules);
			expect(run.printed).toEqual(expectedOutput(program));
			await check?.(program.title, run, address);
		});
	});
}
