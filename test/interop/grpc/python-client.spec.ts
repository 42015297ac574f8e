/** The API from Python, with classes that Debian's protoc makes of proto/ and Debian's grpcio. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { output } from '#test/support/processes';
import { describeChecks } from '#test/support/script-checks';
import { LiveServers, protoFolder } from './live-servers.ts';

const python = '/usr/bin/python3';
const plugin = '/usr/bin/grpc_python_plugin';
const generated = mkdtempSync(join(tmpdir(), 'generated-python-'));
afterAll(() => rmSync(generated, { recursive: true, force: true }));

const missing = ['/usr/bin/protoc', plugin, '/usr/lib/python3/dist-packages/grpc'].filter((file) => !existsSync(file));
if (missing.length > 0) {
	const packages = 'protobuf-compiler libprotobuf-dev protobuf-compiler-grpc python3-grpcio python3-protobuf';
	throw new Error(`${missing.join(', ')} not found: apt-get install ${packages}`);
}
const protos = readdirSync(protoFolder, { recursive: true, encoding: 'utf8' }).filter((name) =>
	name.endsWith('.proto'),
);
output('/usr/bin/protoc', [
	`--proto_path=${protoFolder}`,
	`--plugin=protoc-gen-grpc=${plugin}`,
	`--python_out=${generated}`,
	`--grpc_out=${generated}`,
	...protos,
]);

describeChecks('gRPC from Python', {
	command: [python, '-B', fileURLToPath(new URL('python/main.py', import.meta.url)), generated],
	start: () => LiveServers.start(),
});
