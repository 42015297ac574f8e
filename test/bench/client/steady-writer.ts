/** Sets nodes at a steady rate: a process of its own, `steady-writer.js ENDPOINTS RATE SECONDS NODES`. Data begin with when they were written. */
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '#client/index';

const sliceMs = 10;

export function nodePath(i: number): string {
	return `/flat/n${i}`;
}

/** Milliseconds since 1970, with their fraction: processes of one machine agree on it. */
export function stampOf(data: Uint8Array): number {
	return new DataView(data.buffer, data.byteOffset).getFloat64(0);
}

async function main(endpoints: string, rate: number, seconds: number, nodes: number): Promise<void> {
	await using ck = await connect({ endpoints });
	const total = rate * seconds;
	const answers: Promise<unknown>[] = [];
	const fromMs = performance.now();
	for (let written = 0; written < total; ) {
		const due = Math.min(total, Math.ceil(((performance.now() - fromMs) / 1000) * rate));
		for (; written < due; written++) {
			const data = new Uint8Array(100);
			new DataView(data.buffer).setFloat64(0, performance.timeOrigin + performance.now());
			answers.push(ck.set(nodePath((written * 7919) % nodes), data));
		}
		await pause(sliceMs);
	}
	await Promise.all(answers);
	console.log(JSON.stringify({ written: total, seconds: (performance.now() - fromMs) / 1000 }));
}

const [endpoints, rate, seconds, nodes] = process.argv.slice(2);
if (process.argv[1]?.endsWith('steady-writer.js')) await main(endpoints!, Number(rate), Number(seconds), Number(nodes));
