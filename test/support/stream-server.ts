/** A server whose streams of sessions a test looks at. */
import type { RunningServer } from '#server/start-server';
import { GrpcCaller } from './grpc-session.ts';
import { OperateClient } from './operate-client.ts';
import { freePort } from './processes.ts';
import type { TestServers } from './test-servers.ts';

export interface StreamServer {
	readonly server: RunningServer;
	readonly caller: GrpcCaller;
	readonly zookeeperPort: number;
	open(timeoutMs?: number): Promise<OperateClient>;
}

export async function startStreamServer(
	servers: TestServers,
	overrides: Parameters<TestServers['start']>[1] = {},
): Promise<StreamServer> {
	const zookeeperPort = await freePort();
	const server = await servers.start(servers.newDirectory(), {
		tickTime: 200,
		maxSessionTimeout: 60_000,
		clientPort: zookeeperPort,
		...overrides,
	});
	const caller = servers.keep(new GrpcCaller(server.addresses.grpc));
	const open = async (timeoutMs = 20_000) => servers.keep(await OperateClient.open(caller, timeoutMs));
	return { server, caller, zookeeperPort, open };
}

/** What came, in words. */
export function shown(client: OperateClient): string[] {
	return client.items.map((item) => {
		if (item.$case === 'reply') return `${item.value.id} ${item.value.result?.$case}`;
		return item.$case === 'event' ? `event ${item.value.type} ${item.value.path}` : item.$case;
	});
}
