import { describe, expect, it } from 'vitest';
import { OperationAbortedError } from '../errors.ts';
import { orAborted, patiently, underSignals, WaitTimeoutError } from './patience.ts';

const never = (signal: AbortSignal): Promise<never> => orAborted(new Promise(() => {}), signal);

function failure(promise: Promise<unknown>): Promise<unknown> {
	return promise.then(
		() => 'done',
		(error: unknown) => error,
	);
}

describe('patience', () => {
	it('ends when the time is up, and says of what and after how long', async () => {
		const error = await failure(patiently('/lock', { timeoutMs: 1 }, never));
		expect(error).toBeInstanceOf(WaitTimeoutError);
		expect(error).toMatchObject({ name: 'WaitTimeoutError', message: '/lock: waited for 1 ms in vain', path: '/lock' });
	});

	it('ends with the signal, before or meanwhile, with its reason as the cause', async () => {
		const begun: string[] = [];
		const begin = (signal: AbortSignal) => {
			begun.push('begun');
			return never(signal);
		};
		const earlier = await failure(patiently('/lock', { signal: AbortSignal.abort('before') }, begin));
		expect(earlier).toBeInstanceOf(OperationAbortedError);
		expect(earlier).toMatchObject({ name: 'AbortError', cause: 'before' });
		expect(begun).toEqual([]);
		const controller = new AbortController();
		const waiting = failure(patiently('/lock', { signal: controller.signal, timeoutMs: 60_000 }, begin));
		controller.abort('meanwhile');
		expect(await waiting).toMatchObject({ name: 'AbortError', cause: 'meanwhile' });
		expect(begun).toEqual(['begun']);
	});

	it('whatever the signal ends inside of the work, the error is the one of the signal', async () => {
		const stubborn = async (signal: AbortSignal): Promise<void> => {
			await never(signal).catch(() => Promise.reject(new Error('something else')));
		};
		expect(await failure(patiently('/lock', { timeoutMs: 1 }, stubborn))).toBeInstanceOf(WaitTimeoutError);
		expect(await failure(patiently('/lock', {}, () => Promise.reject(new Error('its own'))))).toMatchObject({
			message: 'its own',
		});
	});

	it('is over with the first of several signals', async () => {
		const [one, other] = [new AbortController(), new AbortController()];
		const waiting = failure(underSignals([one.signal, other.signal], never));
		other.abort('other');
		one.abort('one');
		expect(await waiting).toBe('other');
		expect(await failure(underSignals([AbortSignal.abort('earlier')], never))).toBe('earlier');
		expect(await underSignals([AbortSignal.abort('earlier')], (signal) => Promise.resolve(signal.aborted))).toBe(true);
	});
});
