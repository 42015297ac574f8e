/** What docs/security.md has somebody type to try certificates. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, expect, it } from 'vitest';
import { ck } from '#test/support/ck';
import { codeBlocks } from '#test/support/guide-commands';
import { output } from '#test/support/processes';
import { TestServers } from '#test/support/test-servers';

const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

const guide = readFileSync(fileURLToPath(new URL('../../docs/security.md', import.meta.url)), 'utf8');

it("openssl's certificates are those of a server and of a client", async () => {
	const directory = servers.newDirectory();
	mkdirSync(directory, { recursive: true });
	const commands = codeBlocks(guide)[0]!.split('\n');
	const openssl = commands.filter((command) => /^(openssl|printf) /.test(command));
	expect(openssl).toHaveLength(4);
	output('bash', ['-euo', 'pipefail', '-c', openssl.join('\n')], { cwd: directory });
	const [start, get] = commands.slice(4);
	const file = (name: string) => join(directory, name);
	const [, cert, key] = /^CK_GRPC_TLS_CERT=(\S+) CK_GRPC_TLS_KEY=(\S+) npm start$/.exec(start!)!;
	const { addresses } = await servers.start(servers.newDirectory(), {
		'grpc.tls.cert': file(cert!),
		'grpc.tls.key': file(key!),
		'grpc.tls.clientCa': file('ca.crt'),
		'grpc.tls.clientAuth': 'want',
	});
	const [, ...words] = get!.replace('ca.crt', file('ca.crt')).split(' ').slice(1);
	expect(await ck([...words, '--server', addresses.grpc])).toMatchObject({ status: 0, stderr: '' });
	const client = servers.connect(addresses.grpc, {
		tls: {
			ca: readFileSync(file('ca.crt'), 'utf8'),
			cert: readFileSync(file(cert!), 'utf8'),
			key: readFileSync(file(key!), 'utf8'),
		},
	});
	expect(await client.whoAmI()).toContainEqual({ scheme: 'x509', id: 'CN=chronokeeper' });
});
