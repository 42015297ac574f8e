/** test/bench/loader/zkraw.c against all members of an ensemble, sessions spread over them. */
import type { Ensemble } from '../../support/ensemble.ts';
import { printed } from '../zookeeper/loader.ts';

export interface Outcome {
	/** Operations per second. */
	readonly rate: number;
	readonly p50Ms: number;
	readonly p99Ms: number;
	readonly p999Ms: number;
	/** Processor cores of all servers together, and of neither loader nor servers. */
	readonly serverCores: number;
	readonly foreignCores: number;
}

/** @throws when an operation failed */
export async function runLoad(loader: string, ensemble: Ensemble, args: readonly string[]): Promise<Outcome> {
	const pids = ensemble.serving.map(({ pid }) => pid).join();
	const line = await printed(loader, ['-H', addresses(ensemble), '-P', pids, ...args]);
	const result = JSON.parse(line);
	if (result.errors > 0) throw new Error(`${args.join(' ')}: ${line}`);
	const { loader: own, servers, machine_busy: busy } = result.cpu;
	const serverCores = (servers as number[]).reduce((sum, cores) => sum + cores, 0);
	return {
		rate: result.ops_s,
		p50Ms: result.lat_ms.p50,
		p99Ms: result.lat_ms.p99,
		p999Ms: result.lat_ms.p999,
		serverCores,
		foreignCores: Math.max(0, busy - own - serverCores),
	};
}

/** Of those that run. */
export function addresses(ensemble: Ensemble): string {
	return ensemble.serving.map(({ address }) => address).join();
}
