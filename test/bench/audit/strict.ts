/** Writes per second with audit.mode=off, async and strict, side by side: alone and in an ensemble of three, all with PostgreSQL on this machine. */
import { fileURLToPath } from 'node:url';
import { startEnsemble } from '../../support/ensemble.ts';
import { runLoad } from '../ensemble/load.ts';
import { buildLoader, runCell } from '../zookeeper/loader.ts';
import { startChronokeeper } from '../zookeeper/peers.ts';

export interface StrictFigures {
	readonly servers: number;
	readonly mode: Mode;
	readonly rate: number;
	readonly p50Ms: number;
	readonly p99Ms: number;
	readonly foreignCores: number;
}

const modes = ['off', 'async', 'async, yielding', 'strict'] as const;
type Mode = (typeof modes)[number];

function environmentOf(mode: Mode, url: string): Record<string, string> {
	const yields = String(mode === 'async, yielding');
	return { CK_AUDIT_MODE: mode.split(',')[0]!, CK_AUDIT_URL: url, CK_AUDIT_YIELDS: yields };
}

/** 16 clients with 64 writes each under way. */
const load = ['-c', '16', '-d', '64', '-w', '100', '-p', '100'];
const server = [
	process.execPath,
	...process.execArgv,
	fileURLToPath(new URL('../../../apps/server/main.js', import.meta.url)),
] as [string, ...string[]];

/** @param newDirectory an empty one each time @param newDatabase likewise, its URL */
export async function* strictRates(
	folder: string,
	newDirectory: () => string,
	newDatabase: () => Promise<string>,
	seconds: number,
): AsyncGenerator<StrictFigures> {
	const loader = buildLoader(folder);
	const warmUp = 3;
	for (const mode of modes) {
		const environment = environmentOf(mode, await newDatabase());
		const peer = await startChronokeeper(newDirectory(), environment);
		const cell = { name: mode, args: load, figure: 'rate' } as const;
		yield { servers: 1, mode, ...(await runCell(loader, peer, cell, seconds, warmUp)) };
		await peer.stop();
	}
	for (const mode of modes) {
		await using ensemble = await startEnsemble({
			members: ['chronokeeper', 'chronokeeper', 'chronokeeper'],
			chronokeeper: server,
			tickTime: 2000,
			environment: environmentOf(mode, await newDatabase()),
			folder: newDirectory(),
		});
		const args = [...load, '-t', `${seconds}`, '-W', `${warmUp}`];
		yield { servers: 3, mode, ...(await runLoad(loader, ensemble, args)) };
	}
}
