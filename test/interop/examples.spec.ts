/** The programs in examples/, as they stand there. Each says what it did, and all that show the same say the same. */
import {
	chmodSync,
	copyFileSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CompiledServer, type ServerAddresses } from '#test/support/compiled-server';
import { compilePrograms } from '#test/support/guide-programs';
import { freePort, output, type RunningProgram } from '#test/support/processes';

const root = fileURLToPath(new URL('../..', import.meta.url));
const examples = join(root, 'examples');
const folder = mkdtempSync(join(tmpdir(), 'examples-'));
const python = '/usr/bin/python3';
const plugin = '/usr/bin/grpc_python_plugin';

const needed: Readonly<Record<string, string>> = {
	'/usr/bin/go': 'golang-go',
	'/usr/bin/protoc': 'protobuf-compiler',
	[plugin]: 'protobuf-compiler-grpc',
	'/usr/bin/protoc-gen-go': 'protoc-gen-go-1-5',
	'/usr/bin/protoc-gen-go-grpc': 'protoc-gen-go-grpc',
	'/usr/share/gocode/src/google.golang.org/grpc': 'golang-google-grpc-dev',
	'/usr/share/gocode/src/github.com/golang/protobuf/internal/gengogrpc': 'golang-github-golang-protobuf-1-5-dev',
	'/usr/lib/python3/dist-packages/grpc': 'python3-grpcio',
	'/usr/lib/python3/dist-packages/kazoo': 'python3-kazoo',
};
const missing = Object.entries(needed).filter(([file]) => !existsSync(file));
if (missing.length > 0)
	throw new Error(
		`the examples need ${missing.map(([file]) => file)}: apt-get install ${missing.map(([, name]) => name).join(' ')}`,
	);

/** Where there is no grpcurl, buf curl stands in for it. */
const grpcurl = `#!/usr/bin/env bash
set -euo pipefail
data='{}'
headers=()
while [ $# -gt 0 ]; do
	case $1 in
	-plaintext) shift ;;
	-d) data=$2; shift 2 ;;
	-H) headers+=(--header "$2"); shift 2 ;;
	*) break ;;
	esac
done
exec buf curl --protocol grpc "\${headers[@]}" --data "$data" "http://$1/$2"
`;

let compiled: CompiledServer;
let server: RunningProgram & { readonly addresses: ServerAddresses };
let zookeeper: string;

beforeAll(async () => {
	compiled = new CompiledServer();
	const port = await freePort();
	zookeeper = `127.0.0.1:${port}`;
	server = await compiled.start({
		CK_DATA_DIR: join(folder, 'data'),
		CK_AUDIT_MODE: 'off',
		CK_LOG_FORMAT: 'json',
		CK_CLIENT_PORT: `${port}`,
	});
});
afterAll(async () => {
	await server?.stop('SIGTERM');
	compiled?.remove();
	rmSync(folder, { recursive: true, force: true });
});

/** What those say that create, watch and lock. */
function basics(node: string): string {
	return [
		`created ${node}: hello`,
		`changed ${node}: world`,
		'first has the lock',
		'first releases it',
		'second has the lock, with a greater token: true',
		'',
	].join('\n');
}

/** As in a project into which the client is installed: here that is the source. */
function typeScript(name: string): string {
	const installed = join(folder, 'node_modules', '@chronokeeper', 'client');
	mkdirSync(installed, { recursive: true });
	writeFileSync(join(installed, 'package.json'), JSON.stringify({ type: 'module', exports: './index.js' }));
	writeFileSync(join(installed, 'index.js'), `export * from ${JSON.stringify(join(root, 'libs/client/index.ts'))};`);
	writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
	copyFileSync(join(examples, 'typescript', name), join(folder, name));
	// Types are stripped, disposal is V8's.
	const options = ['--conditions=source', '--disable-warning=ExperimentalWarning'];
	return output(process.execPath, [...options, join(folder, name), server.addresses.grpc], { cwd: folder });
}

describe('examples', () => {
	it('in TypeScript compile against what the package exports', () => {
		const programs = ['basics.ts', 'kafka-controller.ts'].map((title) => {
			return { title, code: readFileSync(join(examples, 'typescript', title), 'utf8') };
		});
		expect(compilePrograms(programs).errors).toEqual([]);
	});

	it('in TypeScript: create, watch, lock', () => {
		expect(typeScript('basics.ts')).toBe(basics('/typescript'));
	});

	it('in Python: create, watch, lock', () => {
		const stubs = join(folder, 'stubs');
		mkdirSync(stubs);
		const proto = join(root, 'proto');
		const names = ['common', 'znode', 'watch', 'session'].map((name) => `chronokeeper/v1/${name}.proto`);
		const outputs = [`--python_out=${stubs}`, `--plugin=protoc-gen-grpc=${plugin}`, `--grpc_out=${stubs}`];
		output('/usr/bin/protoc', [`-I${proto}`, ...outputs, ...names]);
		const env = { PYTHONPATH: stubs, PYTHONDONTWRITEBYTECODE: '1' };
		const program = join(examples, 'python', 'basics.py');
		expect(output(python, [program, server.addresses.grpc], { env })).toBe(basics('/python'));
	});

	it('in Go: create, watch, lock', () => {
		const made = join(folder, 'go');
		output(join(examples, 'go', 'build.sh'), [join(root, 'proto'), made]);
		expect(output(join(made, 'example'), [server.addresses.grpc])).toBe(basics('/go'));
	});

	it('with grpcurl: create, watch, lock', () => {
		const tools = join(folder, 'tools');
		mkdirSync(tools);
		writeFileSync(join(tools, 'grpcurl'), grpcurl);
		chmodSync(join(tools, 'grpcurl'), 0o755);
		const path = [process.env.PATH, tools, join(root, 'node_modules', '.bin')].join(delimiter);
		const program = join(examples, 'shell', 'basics.sh');
		expect(output(program, [server.addresses.grpc], { env: { PATH: path } })).toBe(basics('/shell'));
	});

	it('a controller as Kafka elects it, with our client', () => {
		expect(typeScript('kafka-controller.ts')).toBe(
			[
				'broker 1 is controller, epoch 1',
				'it is obeyed: true',
				'broker 2 is controller, epoch 2',
				'it is obeyed: true; the one before is not: true',
				'',
			].join('\n'),
		);
	});

	it('a registry as Dubbo keeps it, with Kazoo', () => {
		const said = output(python, ['-B', join(examples, 'python', 'dubbo_registry.py'), zookeeper]);
		expect(said.trimEnd().split('\n')).toEqual([
			'providers: []',
			"providers: [('10.0.0.1:20880', '100'), ('10.0.0.2:20880', '200')]",
			"providers: [('10.0.0.2:20880', '200')]",
		]);
	});
});
