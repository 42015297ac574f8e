/**
 * docs/grpc.md as a reader follows it: every command as it is printed, in order, on a new server, and what each prints is compared with what the document shows. There `…` stands for what nobody
 * can know before (times, addresses); the session that the server makes here takes the place of the printed one. Where there is no grpcurl, buf curl stands in for it.
 */
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CompiledServer, type ServerAddresses } from '#test/support/compiled-server';
import { codeBlocks } from '#test/support/guide-commands';
import { output, type RunningProgram, run } from '#test/support/processes';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const guide = readFileSync(join(root, 'docs', 'grpc.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'grpc-guide-'));
const tools = join(folder, 'tools');

const [definitions, makeStubs] = codeBlocks(guide, 'sh') as [string, string];
/** `$ command`, and the lines that it prints. */
const commands = codeBlocks(guide, 'console').flatMap((block) =>
	block.split(/^(?=\$ )/m).map((part): readonly [string, string] => {
		const [first, ...printed] = part.trimEnd().split('\n');
		return [first!.slice(2), printed.join('\n')];
	}),
);
const [printedByNode, printedByPython] = codeBlocks(guide, 'text');

const grpcurl = `#!/usr/bin/env bash
set -euo pipefail
data='{}'
while [ $# -gt 0 ]; do
	case $1 in
	-plaintext) shift ;;
	-d) data=$2; shift 2 ;;
	*) break ;;
	esac
done
if [ "$2" = list ]; then exec buf curl --protocol grpc --list-services "http://$1"; fi
exec buf curl --protocol grpc --data "$data" "http://$1/$2"
`;

let compiled: CompiledServer;
let server: RunningProgram & { readonly addresses: ServerAddresses };
/** What the document cannot know, and what stands here instead. */
const replaced = new Map<string, string>();

function asHere(text: string): string {
	return [...replaced].reduce((changed, [from, to]) => changed.replaceAll(from, to), text);
}

/** What a server makes up. */
function madeUp(text: string): string[] {
	return [...text.matchAll(/"(?:sessionId|password|nextPageToken)": "([^"…]+)"/g)].map(([, value]) => value!);
}

/** The printed text with `…` for anything in a line; protobuf's JSON has spaces at random. */
function expectPrinted(said: string, printed: string): void {
	const shown = madeUp(printed);
	for (const [index, value] of madeUp(said).entries()) if (shown[index]) replaced.set(shown[index], value);
	const words = (text: string) => text.trim().replaceAll(/\s+/g, ' ');
	const pattern = words(asHere(printed)).split('…').map(literally).join('[^"]*');
	expect(words(said)).toMatch(new RegExp(`^${pattern}$`));
}

function literally(text: string): string {
	return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function environment(): Record<string, string> {
	const path = [join(root, 'node_modules', '.bin'), process.env.PATH, tools].join(delimiter);
	return { PATH: path, PYTHONPATH: join(folder, 'stubs'), PYTHONDONTWRITEBYTECODE: '1' };
}

beforeAll(async () => {
	mkdirSync(tools);
	writeFileSync(join(tools, 'grpcurl'), grpcurl);
	chmodSync(join(tools, 'grpcurl'), 0o755);
	cpSync(join(root, 'package.json'), join(folder, 'package.json'));
	for (const name of ['node_modules', 'proto']) symlinkSync(join(root, name), join(folder, name));
	compiled = new CompiledServer();
	server = await compiled.start({ CK_DATA_DIR: join(folder, 'data'), CK_AUDIT_MODE: 'off', CK_LOG_FORMAT: 'json' });
	replaced.set('127.0.0.1:50051', server.addresses.grpc);
});
afterAll(async () => {
	await server?.stop('SIGTERM');
	compiled?.remove();
	rmSync(folder, { recursive: true, force: true });
});

describe('docs/grpc.md', () => {
	it('has commands, and what they print', () => {
		expect(commands.length).toBeGreaterThan(10);
		expect(commands.filter(([, printed]) => printed === '')).toEqual([]);
	});

	it.each(commands)('%s', (command, printed) => {
		const { stdout, stderr } = run('bash', ['-c', `${asHere(definitions)}\n${asHere(command)}`], {
			cwd: folder,
			env: environment(),
		});
		expectPrinted(stdout + stderr.replaceAll(/^npm warn.*\n/gm, ''), printed);
	});

	it('the program in JavaScript', () => {
		const [program] = codeBlocks(guide, 'js');
		const said = output(process.execPath, ['--input-type=module', '-'], { cwd: folder, input: asHere(program!) });
		expectPrinted(said, printedByNode!);
	});

	it('the program in Python', () => {
		output('bash', ['-c', makeStubs], { cwd: folder, env: environment() });
		const [program] = codeBlocks(guide, 'python');
		const said = output('/usr/bin/python3', ['-'], { cwd: folder, env: environment(), input: asHere(program!) });
		expectPrinted(said, printedByPython!);
	});
});
