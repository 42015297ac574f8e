/**
 * Sessions that fall silent, one after the other, and what a client hears of it that goes on: which nodes go together, in which
 * transaction, and which connections are closed. The servers grant short timeouts here.
 */
import { type ClientRequest } from '#jute/client/requests';
import { WireClient, type WireReply } from '#test/support/wire-client';
import type { ComparedServer } from './comparison.ts';
import { open } from './random-values.ts';

/** Far enough from each other that a slow machine does not expire two at once. */
const timeoutsMs = [2000, 4000, 6000] as const;
/** A session that pings keeps its nodes. */
const pingingMs = 3000;
const pingEveryMs = 250;

export async function runExpiry({ port, names }: ComparedServer): Promise<string[]> {
	const lines: string[] = [];
	const clients: WireClient[] = [];
	const connect = async (name: string, timeoutMs: number): Promise<WireClient> => {
		const client = await WireClient.connect(port, { timeoutMs });
		clients.push(client);
		names.nameSession(client.session.id, name);
		lines.push(`${name}: ${names.arrived(client.log[0]!)}`);
		return client;
	};
	const ask = async (client: WireClient, request: ClientRequest): Promise<WireReply> => {
		const reply = await client.send(request);
		lines.push(names.arrived(reply));
		return reply;
	};
	const create = (client: WireClient, path: string, flags: number): Promise<WireReply> =>
		ask(client, { kind: 'create2', path, data: null, acl: open, flags });

	const watcher = await connect('watcher', 30_000);
	const pinging = await connect('pinging', pingingMs);
	const pings = setInterval(() => void pinging.ping().catch(() => undefined), pingEveryMs);
	try {
		await create(watcher, '/e', 0);
		await create(watcher, '/f', 0);
		await create(pinging, '/e/pinging', 1);
		const silent: WireClient[] = [];
		for (const [at, timeoutMs] of timeoutsMs.entries()) silent.push(await connect(`silent ${at}`, timeoutMs));
		for (const [at, client] of silent.entries()) {
			await create(client, `/e/s${at}-`, 3);
			await create(client, `/f/s${at}-`, 3);
			await create(client, `/e/plain${at}`, 1);
			await create(client, `/e/stays${at}`, 0);
		}
		// The last one's connection is gone already when its time is up.
		await silent.at(-1)!.close();
		await ask(watcher, { kind: 'addWatch', path: '/e', mode: 1 });
		for (const at of timeoutsMs.keys()) {
			await ask(watcher, { kind: 'getChildren2', path: '/f', watch: true });
			const heard = watcher.events.length;
			// Two nodes of /e and the children of /f.
			await watcher.until(() => watcher.events.length === heard + 3);
			lines.push(
				...watcher.events
					.slice(heard)
					.map((event) => names.arrived(event))
					.sort(),
			);
			await silent[at]!.closed;
			lines.push(`silent ${at} closed`);
			for (const path of ['/e', '/f']) await ask(watcher, { kind: 'getChildren2', path, watch: false });
		}
		await ask(watcher, { kind: 'exists', path: '/e/pinging', watch: false });
		for (const client of silent) {
			const again = await WireClient.reattach(port, client.session);
			clients.push(again);
			lines.push(names.arrived(again.log[0]!), await again.closed.then(() => 'closed'));
		}
		lines.push(`pinging ${pinging.isClosed ? 'closed' : 'open'}`);
		return lines;
	} finally {
		clearInterval(pings);
		for (const client of clients) await client.close();
	}
}
