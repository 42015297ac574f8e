import { expect, it } from 'vitest';
import type { Logger } from '#telemetry/logger';
import { Refusals } from './refusals.ts';

it('says a flood once a second, with how many it left out', () => {
	const lines: unknown[][] = [];
	let nowMs = 0;
	const logger = { warn: (...line: unknown[]) => lines.push(line) } as unknown as Logger;
	const refusals = new Refusals(logger, () => nowMs);
	for (; nowMs < 2500; nowMs++) refusals.refused('192.0.2.1', 'there are 60 already');
	const text = 'a connection is refused: there are 60 already';
	expect(lines).toEqual([
		[{ client: '192.0.2.1' }, text],
		[{ client: '192.0.2.1', refusedSinceTheLastLine: 999 }, text],
		[{ client: '192.0.2.1', refusedSinceTheLastLine: 999 }, text],
	]);
});
