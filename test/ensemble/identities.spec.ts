/** Who calls a learner's gRPC port is who the leader hears of. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { loadConfig } from '#server/config/config';
import type { Values } from '#server/config/keys';
import { type RunningServer, startServer } from '#server/start-server';
import { createLogger } from '#telemetry/logger';
import { Authority } from '#test/support/certificates';
import { eventually } from '#test/support/ensemble-wait';
import { freePort } from '#test/support/processes';
import { TestServers } from '#test/support/test-servers';
import { audience, issuer, newKey, TokenIssuer, token } from '#test/support/token-issuer';

const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

async function start(lines: readonly string[], id: number, values: Partial<Values>): Promise<RunningServer> {
	const dataDir = servers.newDirectory();
	mkdirSync(dataDir, { recursive: true });
	writeFileSync(join(dataDir, 'myid'), `${id}\n`);
	const file = join(dataDir, 'zoo.cfg');
	writeFileSync(file, `dataDir=${dataDir}\ntickTime=300\ninitLimit=20\nsyncLimit=5\n${lines.join('\n')}\n`);
	const ports = { grpcPort: 0, httpPort: 0, 'audit.mode': 'off', 'shutdown.timeoutMs': 1000 } as const;
	const config = loadConfig({ file, overrides: { ...ports, ...values } });
	return servers.keep(await startServer(config, createLogger({ level: 'silent', format: 'json' })));
}

it('39: the leader decides by the certificate and the token that the learner was shown', async () => {
	const key = await newKey('ES256', 'ours');
	const authority = new Authority('authority');
	const { cert, key: tlsKey } = authority.server();
	const directory = servers.newDirectory();
	mkdirSync(directory, { recursive: true });
	const write = (name: string, text: string) => {
		writeFileSync(join(directory, name), text);
		return join(directory, name);
	};
	const values: Partial<Values> = {
		'grpc.tls.cert': write('tls.crt', cert),
		'grpc.tls.key': write('tls.key', tlsKey),
		'grpc.tls.clientCa': write('ca.crt', authority.cert),
		'grpc.tls.clientAuth': 'want',
		'grpc.jwt.jwks': write('jwks', new TokenIssuer(key).jwks()),
		'grpc.jwt.issuer': issuer,
		'grpc.jwt.audience': audience,
	};
	const lines: string[] = [];
	for (const id of [1, 2, 3]) {
		const [quorum, election, clients] = [await freePort(), await freePort(), await freePort()];
		lines.push(`server.${id}=127.0.0.1:${quorum}:${election};127.0.0.1:${clients}`);
	}
	const members = await Promise.all([1, 2].map((id) => start(lines, id, values)));
	await eventually('both serve', () => members.every(({ health }) => health.check().ready));
	const learner = members.find(({ replica }) => replica.role === 'follower')!;
	const leader = members.find(({ replica }) => replica.role === 'leader')!;

	const tls = { ca: authority.cert };
	const ann = { tls: { ...tls, ...authority.client('ann') }, token: await token(key, { sub: 'ann' }) };
	const bob = { tls: { ...tls, ...authority.client('bob') }, token: await token(key, { sub: 'bob' }) };
	const annThere = servers.connect(learner.addresses.grpc, ann);
	const bobThere = servers.connect(learner.addresses.grpc, bob);
	await annThere.create('/hers', null, { acl: [{ perms: 31, id: { scheme: 'auth', id: '' } }] });
	const both = [
		{ perms: 31, id: { scheme: 'x509', id: 'CN=ann' } },
		{ perms: 31, id: { scheme: 'jwt', id: 'ann' } },
	];
	expect((await annThere.getAcl('/hers')).acl).toEqual(both);
	await expect(bobThere.set('/hers', null)).rejects.toMatchObject({ codeName: 'NoAuth' });
	await annThere.setAcl('/hers', [both[0]!, { perms: 2, id: { scheme: 'jwt', id: 'bob' } }]);
	await bobThere.set('/hers', Buffer.from('x'));
	await expect(bobThere.get('/hers')).rejects.toMatchObject({ codeName: 'NoAuth' });
	const byCertificate = servers.connect(leader.addresses.grpc, { tls: ann.tls });
	await expect(byCertificate.get('/hers')).resolves.toBeDefined();
	const byTokenOnly = servers.connect(leader.addresses.grpc, { tls, token: ann.token });
	await expect(byTokenOnly.get('/hers')).rejects.toMatchObject({ codeName: 'NoAuth' });
});
