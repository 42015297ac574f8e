/** test/bench/loader/zkraw.c: a load generator of ZooKeeper's protocol that costs little processor time of its own. */
import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Peer } from './peers.ts';

export interface Cell {
	/** `w16x64/100`: writes, 16 clients with 64 outstanding each, 100 bytes. */
	readonly name: string;
	readonly args: readonly string[];
	/** What is compared. */
	readonly figure: 'rate' | 'p99' | 'events';
}

export interface Outcome {
	/** Operations, or delivered events, per second. */
	readonly rate: number;
	readonly p50Ms: number;
	readonly p99Ms: number;
	/** Processor cores of the server, and of neither loader nor server. */
	readonly serverCores: number;
	readonly foreignCores: number;
}

const source = fileURLToPath(new URL('../../../../test/bench/loader/zkraw.c', import.meta.url));

/** Compiles it. @throws when there is no C compiler */
export function buildLoader(folder: string): string {
	const binary = join(folder, 'zkraw');
	execFileSync('gcc', ['-O2', '-o', binary, source], { stdio: 'inherit' });
	return binary;
}

/** One run of a cell. @throws when an operation failed */
export async function runCell(
	loader: string,
	peer: Peer,
	cell: Cell,
	seconds: number,
	warmUp: number,
): Promise<Outcome> {
	const times = ['-t', `${seconds}`, '-W', `${warmUp}`];
	const line = await printed(loader, ['-H', peer.address, '-P', `${peer.pid}`, ...cell.args, ...times]);
	const result = JSON.parse(line);
	if (result.errors > 0) throw new Error(`${cell.name} on ${peer.name}: ${line}`);
	const latency = result.lat_ms ?? result.delivery_ms;
	const { loader: own, servers, machine_busy: busy } = result.cpu;
	return {
		rate: result.ops_s ?? result.notifications_s,
		p50Ms: latency.p50,
		p99Ms: latency.p99,
		serverCores: servers[0],
		foreignCores: Math.max(0, busy - own - servers[0]),
	};
}

/** Creates so many nodes of 100 bytes and returns the line the loader printed. @param addresses `host:port`, several with commas between them */
export function createNodes(loader: string, addresses: string, count: number): Promise<string> {
	return printed(loader, ['-H', addresses, '-m', 'create', '-c', '16', '-d', '64', '-p', '100', '-T', `${count}`]);
}

/** Runs the loader once with these arguments and returns the line it printed. */
export function printed(loader: string, args: readonly string[]): Promise<string> {
	return new Promise((resolve, reject) => {
		const child = spawn(loader, args, { stdio: ['ignore', 'pipe', 'inherit'] });
		let output = '';
		child.stdout.on('data', (chunk) => {
			output += chunk;
		});
		child.on('error', reject);
		child.on('close', (code) => {
			if (code === 0) resolve(output.trim());
			else reject(new Error(`zkraw ${args.join(' ')} ended with ${code}: ${output}`));
		});
	});
}
