/** What specs of recipes need: a server, a relay in front of it, clients on both sides, and a way to wait for contenders. */
import { equal } from 'node:assert/strict';
import { afterAll, beforeAll, vi } from 'vitest';
import { type Chronokeeper, type ConnectOptions, connect, NoNodeError } from '#client/index';
import { SessionRelay } from './session-relay.ts';
import { TestServers } from './test-servers.ts';

/** Others may need the processor. */
export const soon = { timeout: 60_000, interval: 10 } as const;

export class RecipeClients {
	readonly servers = new TestServers();
	relay!: SessionRelay;
	/** Through the relay. */
	ck!: Chronokeeper;
	/** Another session, at the server itself. */
	other!: Chronokeeper;
	#endpoints = '';

	/** For the tests of the file. */
	static forFile(): RecipeClients {
		const clients = new RecipeClients();
		beforeAll(() => clients.#start());
		afterAll(async () => {
			await clients.servers.close();
			clients.servers.remove();
		});
		return clients;
	}

	/** One more session. */
	async connect(via: 'relay' | 'server' = 'server', options: Partial<ConnectOptions> = {}): Promise<Chronokeeper> {
		const endpoints = via === 'relay' ? this.relay.address : this.#endpoints;
		return this.servers.keep(await connect({ endpoints, ...options }));
	}

	/** Until the node has so many children. */
	async children(path: string, count: number): Promise<void> {
		await vi.waitFor(async () => equal((await this.names(path)).length, count), soon);
	}

	/** None when there is no such node. */
	async names(path: string): Promise<readonly string[]> {
		try {
			return (await this.other.children(path)).names;
		} catch (error) {
			if (error instanceof NoNodeError) return [];
			throw error;
		}
	}

	async #start(): Promise<void> {
		this.#endpoints = (await this.servers.start(this.servers.newDirectory())).addresses.grpc;
		this.relay = this.servers.keep(await SessionRelay.start(this.#endpoints));
		this.ck = await this.connect('relay');
		this.other = await this.connect();
	}
}

/** What it rejects with. */
export function failure(promise: Promise<unknown>): Promise<unknown> {
	return promise.then(
		() => 'done',
		(error: unknown) => error,
	);
}

export const ids = (contenders: readonly { readonly id: string }[]): string[] => contenders.map(({ id }) => id);
