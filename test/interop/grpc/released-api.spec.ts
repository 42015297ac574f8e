/** What clients were promised: `npm run generate -- --check` compares proto/ with the released API, and what would break one of them is found. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { type Outcome, run } from '#test/support/processes';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'released-api-'));
const znode = join(folder, 'proto', 'chronokeeper', 'v1', 'znode.proto');
const session = join(folder, 'proto', 'chronokeeper', 'v1', 'session.proto');

beforeEach(() => {
	for (const name of ['proto', 'buf.yaml']) cpSync(join(root, name), join(folder, name), { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function edit(file: string, from: RegExp, to: string): void {
	const text = readFileSync(file, 'utf8');
	const edited = text.replace(from, to);
	expect(edited).not.toBe(text);
	writeFileSync(file, edited);
}

function breaking(): Outcome {
	return run(join(root, 'node_modules', '.bin', 'buf'), ['breaking', '--against', join('proto', 'released.binpb')], {
		cwd: folder,
	});
}

it('holds', () => {
	expect(breaking()).toMatchObject({ status: 0, stdout: '' });
});

it('may grow', () => {
	edit(znode, /message SyncRequest \{/, 'message SyncRequest {\n  // New.\n  string reason = 100;');
	edit(
		znode,
		/service ZnodeService \{/,
		'service ZnodeService {\n  // New.\n  rpc Again(SyncRequest) returns (SyncResponse);',
	);
	expect(breaking()).toMatchObject({ status: 0, stdout: '' });
});

it.each([
	['a method that is gone', znode, /rpc Sync\(.*\n/, '', 'Sync'],
	[
		'a method with another response',
		znode,
		/(rpc Sync\(SyncRequest\) returns \()SyncResponse/,
		'$1GetResponse',
		'GetResponse',
	],
	['a field with another number', znode, /optional int32 version = 3;/, 'optional int32 version = 30;', '"3"'],
	['a field with another type', session, /fixed64 session_id = 1;/, 'uint64 session_id = 1;', 'session_id'],
	['a field with another name', session, /uint32 timeout_ms = 1;/, 'uint32 patience_ms = 1;', 'patience_ms'],
	['a value that is gone', znode, /CREATE_MODE_TTL = 6;/, 'CREATE_MODE_LIFETIME = 6;', 'CREATE_MODE_TTL'],
])('%s is found', (_, file, from, to, named) => {
	edit(file, from, to);
	const { status, stdout } = breaking();
	expect(stdout).toContain(named);
	expect(status).not.toBe(0);
});
