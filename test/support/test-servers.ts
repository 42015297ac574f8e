/** Servers in this process on random ports, and what a test opened beside them: all of it is closed when the test is over. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChronokeeperClient, type ClientOptions } from '#client/client';
import { loadConfig } from '#server/config/config';
import type { Values } from '#server/config/keys';
import { type RunningServer, startServer } from '#server/start-server';
import { createLogger } from '#telemetry/logger';
import type { RunningProgram } from './processes.ts';

export interface Readiness {
	readonly code: number;
	readonly body: {
		readonly status: string;
		readonly problems: readonly string[];
		readonly warnings: readonly string[];
	};
}

export class TestServers {
	readonly #folder = mkdtempSync(join(tmpdir(), 'chronokeeper-servers-'));
	readonly #open: { close(): unknown }[] = [];
	#directories = 0;

	newDirectory(): string {
		this.#directories += 1;
		return join(this.#folder, `data${this.#directories}`);
	}

	/**
	 * Without a mirror unless it is asked for.
	 * @param said what it logs, a line each, is added to it
	 */
	async start(dataDir: string, overrides: Partial<Values> = {}, said?: string[]): Promise<RunningServer> {
		const ports = { clientPort: 0, grpcPort: 0, httpPort: 0, 'audit.postgresPort': 0 } as const;
		const quick = { 'audit.mode': 'off', 'shutdown.timeoutMs': 1000 } as const;
		const config = loadConfig({ overrides: { dataDir, ...ports, ...quick, ...overrides } });
		const destination = { write: (line: string) => void said?.push(line) };
		const level = said === undefined ? 'silent' : 'info';
		return this.keep(await startServer(config, createLogger({ level, format: 'json', destination })));
	}

	connect(address: string, options: Omit<ClientOptions, 'address'> = {}): ChronokeeperClient {
		return this.keep(new ChronokeeperClient({ address, ...options }));
	}

	keep<T extends { close(): unknown }>(one: T): T {
		this.#open.push(one);
		return one;
	}

	/** A server of its own process: it must not outlive a test that failed. */
	keepProcess<T extends RunningProgram>(program: T): T {
		this.keep({ close: () => program.stop('SIGTERM') });
		return program;
	}

	/** The youngest first: clients before the servers that wait for their calls. */
	async close(): Promise<void> {
		for (const one of this.#open.splice(0).reverse()) await one.close();
	}

	remove(): void {
		rmSync(this.#folder, { recursive: true, force: true });
	}
}

export async function readiness(http: string): Promise<Readiness> {
	const response = await fetch(`http://${http}/health/ready`);
	return { code: response.status, body: (await response.json()) as Readiness['body'] };
}
