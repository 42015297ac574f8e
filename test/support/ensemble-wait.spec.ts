import { afterEach, expect, it, vi } from 'vitest';
import { eventually } from './ensemble-wait.ts';

afterEach(() => {
	vi.useRealTimers();
});

it('what never comes is told of with the last problem, and with how often there were which others', async () => {
	vi.useFakeTimers({ toFake: ['performance', 'setTimeout'] });
	let asked = 0;
	const refusing = (): never => {
		asked += 1;
		throw new Error(asked < 3 ? `refused ${asked}` : 'closed');
	};
	await Promise.all([
		expect(eventually('it serves', refusing, 100)).rejects.toThrow(
			'not within 100 ms: it serves: closed (in this time 4 × closed; 2 × refused 2)',
		),
		vi.advanceTimersByTimeAsync(200),
	]);
});
