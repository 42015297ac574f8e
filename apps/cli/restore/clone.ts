/** `ck clone`: a server of its own on a copy of the state at a zxid. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { CommandContext } from '../command-context.ts';
import { Failure } from '../failure.ts';
import { runServer } from '../server-process.ts';
import type { DatabaseOptions } from '../shared-options.ts';
import { count, hex } from '../view/text.ts';
import { restoreState } from './into.ts';
import type { Moment } from './moment.ts';

export interface CloneOptions extends DatabaseOptions {
	readonly clientPort?: number;
	readonly skipAcl?: boolean;
}

const host = '127.0.0.1';
const lookMs = 100;

/** Until Ctrl-C. @returns the exit code */
export async function runClone(context: CommandContext, moment: Moment, options: CloneOptions): Promise<number> {
	const { terminal } = context;
	const folder = mkdtempSync(join(tmpdir(), 'chronokeeper-clone-'));
	// The server has its own way to end; what comes before it would leave its files.
	const giveUp = () => {
		rmSync(folder, { recursive: true, force: true });
		process.exit(130);
	};
	process.once('SIGINT', giveUp);
	process.once('SIGTERM', giveUp);
	try {
		const intoDir = join(folder, 'data');
		const { restored, zxid } = await restoreState(context, moment, options, {
			intoDir,
			sessions: 'keep',
			isCopy: true,
			withoutRedacted: true,
		});
		const ports = {
			zookeeper: options.clientPort ?? (await freePort()),
			grpc: await freePort(),
			http: await freePort(),
		};
		const config = join(folder, 'zoo.cfg');
		writeFileSync(config, configuration(intoDir, ports, options.skipAcl === true));
		process.off('SIGINT', giveUp);
		process.off('SIGTERM', giveUp);
		const ended = new AbortController();
		const running = runServer(context, { config, check: false, isQuiet: true }).finally(() => ended.abort());
		await served(ports.grpc, ended.signal);
		if (!ended.signal.aborted) {
			const addresses = {
				zookeeper: `${host}:${ports.zookeeper}`,
				grpc: `${host}:${ports.grpc}`,
				http: `${host}:${ports.http}`,
			};
			if (terminal.json)
				terminal.object({
					zxid: hex(zxid),
					nodes: restored.nodes,
					redacted: restored.redacted.length,
					...addresses,
					dataDir: intoDir,
				});
			else {
				terminal.line(`the cluster as it was at ${hex(zxid)}: ${count(restored.nodes)} nodes, reads only`);
				terminal.line(`  ZooKeeper  ${addresses.zookeeper}    bin/zkCli.sh -server ${addresses.zookeeper}`);
				terminal.line(`  gRPC       ${addresses.grpc}    npx ck ls / --server ${addresses.grpc}`);
				if (restored.redacted.length > 0) {
					terminal.note(
						`${count(restored.redacted.length)} nodes have no data: they were kept out of PostgreSQL (audit.redact).`,
					);
				}
				terminal.note('Ctrl-C ends it, and nothing of it is left.');
			}
			terminal.flush();
		}
		const code = await running;
		if (code !== 0 && code < 128)
			throw new Failure('the server of the clone has ended by itself: what it said stands above');
		return 0;
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

function configuration(
	dataDir: string,
	{ zookeeper, grpc, http }: Readonly<Record<'zookeeper' | 'grpc' | 'http', number>>,
	skipAcl: boolean,
): string {
	return [
		`dataDir=${dataDir}`,
		`clientPort=${zookeeper}`,
		`clientPortAddress=${host}`,
		`grpcPort=${grpc}`,
		`grpcAddress=${host}`,
		`httpPort=${http}`,
		`httpAddress=${host}`,
		'audit.mode=off',
		'readOnlyCopy=true',
		'log.level=warn',
		...(skipAcl ? ['skipACL=yes'] : []),
		'',
	].join('\n');
}

async function freePort(): Promise<number> {
	const server = createServer();
	await new Promise<void>((resolve, reject) => {
		server.once('error', reject);
		server.listen(0, host, resolve);
	});
	const address = server.address();
	await new Promise((resolve) => server.close(resolve));
	if (address === null || typeof address === 'string') throw new Failure('no port is free');
	return address.port;
}

/** Until it answers, or has ended. */
async function served(grpcPort: number, ended: AbortSignal): Promise<void> {
	const { ChronokeeperClient } = await import('#client/client');
	const client = new ChronokeeperClient({ address: `${host}:${grpcPort}`, timeoutMs: 2000 });
	try {
		while (!ended.aborted) {
			const isReady = await client.status().then(
				({ ready }) => ready,
				() => false,
			);
			if (isReady) return;
			await pause(lookMs, undefined, { signal: ended }).catch(() => undefined);
		}
	} finally {
		client.close();
	}
}
