/** Containers that become empty and TTL nodes whose time is over, and what a client hears of it. */
import type { ClientRequest } from '#jute/client/requests';
import { eventType } from '#jute/op-codes';
import { WireClient, type WireReply } from '#test/support/wire-client';
import type { ComparedServer } from './comparison.ts';
import { open } from './random-values.ts';

/** Long enough for a slow machine to give the node a child in time. */
const ttlMs = 1500;

export async function runContainers({ port, names }: ComparedServer): Promise<string[]> {
	const lines: string[] = [];
	const client = await WireClient.connect(port);
	names.nameSession(client.session.id, 'the only one');
	const ask = async (request: ClientRequest): Promise<WireReply> => {
		const reply = await client.send(request);
		lines.push(names.arrived(reply));
		return reply;
	};
	const create = (path: string, flags: number): Promise<WireReply> =>
		ask({ kind: flags === 4 ? 'createContainer' : 'create2', path, data: null, acl: open, flags });
	const createTtl = (path: string, flags: number): Promise<WireReply> =>
		ask({ kind: 'createTTL', path, data: null, acl: open, flags, ttlMs });
	const gone = async (path: string): Promise<void> => {
		await client.until(() =>
			client.events.some((event) => event.type === eventType.nodeDeleted && event.path === path),
		);
		await ask({ kind: 'getChildren2', path: '/', watch: true });
	};
	try {
		await ask({ kind: 'addWatch', path: '/', mode: 1 });
		await create('/never-used', 4);
		await create('/container', 4);
		await create('/container/inner', 4);
		await create('/container/inner/x', 0);
		// From the innermost out, each in a transaction of its own.
		await ask({ kind: 'delete', path: '/container/inner/x', version: -1 });
		await gone('/container');
		await createTtl('/ttl', 5);
		await gone('/ttl');
		await createTtl('/ttl-', 6);
		await create('/ttl-0000000003/x', 1);
		await ask({ kind: 'multi', ops: [{ kind: 'createTTL', path: '/other', data: null, acl: open, flags: 5, ttlMs }] });
		await gone('/other');
		await ask({ kind: 'delete', path: '/ttl-0000000003/x', version: -1 });
		await gone('/ttl-0000000003');
		await ask({ kind: 'closeSession' });
		lines.push(...client.events.map((event) => names.arrived(event)));
		return lines;
	} finally {
		await client.close();
	}
}
