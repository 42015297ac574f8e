import { expect, it } from 'vitest';
import { createLogger } from '#telemetry/logger';
import { RecoveryProgress } from './recovery-progress.ts';

it('says nothing of a short recovery, and how far a long one is every two seconds', () => {
	const lines: string[] = [];
	const destination = { write: (line: string) => void lines.push(line) };
	let nowMs = 0;
	const progress = new RecoveryProgress(
		createLogger({ level: 'info', format: 'json', destination }),
		false,
		() => nowMs,
	);
	const file = '/data/version-2/snapshot.a';
	for (; nowMs < 5000; nowMs += 100) progress.update({ phase: 'snapshot', file, bytesDone: nowMs, bytesTotal: 5000 });
	progress.stop();
	expect(lines.map((line) => JSON.parse(line))).toMatchObject([
		{ msg: 'recovering', phase: 'snapshot', file: 'snapshot.a', percent: 10 },
		{ msg: 'recovering', percent: 50 },
		{ msg: 'recovering', percent: 90 },
	]);
});
