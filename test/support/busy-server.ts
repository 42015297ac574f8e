/** A server with a mirror that has done a little of everything, so that each of its metrics has been counted once. */
import { eventually } from './ensemble-wait.ts';
import { createDatabase } from './postgres.ts';
import { freePort } from './processes.ts';
import type { TestServers } from './test-servers.ts';
import { WireClient } from './wire-client.ts';

/** @returns what its /metrics says */
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
	await eventually('the mirror is in step', async () => {
		const { state, lagTxns } = server.mirror!.health();
		return state === 'in-step' && lagTxns === 0 ? true : undefined;
	});
	const response = await fetch(`http://${server.addresses.http}/metrics`);
	return response.text();
}
