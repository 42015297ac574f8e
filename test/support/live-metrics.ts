/** What /metrics of live servers says: of one that has done a little of everything, of one with certificates and tokens, of one that is an ensemble. Together they have every metric. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Authority } from './certificates.ts';
import { startEnsemble } from './ensemble.ts';
import { eventually } from './ensemble-wait.ts';
import { createDatabase } from './postgres.ts';
import { freePort } from './processes.ts';
import type { TestServers } from './test-servers.ts';
import { audience, issuer, newKey } from './token-issuer.ts';
import { WireClient } from './wire-client.ts';

async function metricsAt(http: string): Promise<string> {
	return (await fetch(`http://${http}/metrics`)).text();
}

/** With a mirror, both doors, a failure, a watch that fired and a snapshot. */
export async function metricsOfBusyServer(servers: TestServers): Promise<string> {
	const database = servers.keep(await createDatabase().then((it) => ({ ...it, close: () => it.drop() })));
	const clientPort = await freePort();
	const server = await servers.start(servers.newDirectory(), {
		clientPort,
		'audit.mode': 'async',
		'audit.url': database.url,
	});
	const client = servers.connect(server.addresses.grpc);
	await client.create('/a', null);
	await client.create('/a', null).catch(() => undefined);
	const wire = servers.keep(await WireClient.connect(clientPort));
	await wire.send({ kind: 'exists', path: '/a', watch: true });
	await client.set('/a', new Uint8Array(1));
	await client.takeSnapshot();
	await server.mirror!.firstAttempt;
	await eventually('the mirror is in step', () => {
		const { state, lagTxns } = server.mirror!.health();
		return state === 'in-step' && lagTxns === 0;
	});
	return metricsAt(server.addresses.http);
}

export async function metricsOfSecureServer(servers: TestServers): Promise<string> {
	const folder = servers.newDirectory();
	mkdirSync(folder);
	const file = (name: string, content: string) => {
		writeFileSync(join(folder, name), content);
		return join(folder, name);
	};
	const { cert, key } = new Authority('metrics').server();
	const { jwk } = await newKey('ES256');
	const server = await servers.start(servers.newDirectory(), {
		'grpc.tls.cert': file('server.pem', cert),
		'grpc.tls.key': file('server.key', key),
		'grpc.jwt.jwks': file('keys.json', JSON.stringify({ keys: [jwk] })),
		'grpc.jwt.issuer': issuer,
		'grpc.jwt.audience': audience,
	});
	return metricsAt(server.addresses.http);
}

export async function metricsOfMember(servers: TestServers): Promise<string> {
	const ensemble = servers.keep(await startEnsemble({ members: ['chronokeeper'], isReconfigurable: true }));
	return metricsAt((await ensemble.members[0]!.doors()).http);
}
