/**
 * What is compiled once for a whole run of vitest, by whoever needs it first: the server (CompiledServer), and what V8 makes of modules, for all processes that tests
 * start, and for vitest's own workers.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedVariable } from './compiled-server.ts';

export default function setup(project: { onTestsRerun?(rerun: () => void): void }): () => void {
	const directory = mkdtempSync(join(tmpdir(), 'ck-compiled-'));
	const server = join(directory, 'server');
	process.env[sharedVariable] = server;
	process.env.NODE_COMPILE_CACHE ??= join(directory, 'cache');
	// The sources have changed.
	project.onTestsRerun?.(() => rmSync(server, { recursive: true, force: true }));
	return () => rmSync(directory, { recursive: true, force: true });
}
