import { describe, expect, it } from 'vitest';
import { noSession } from '#core/model/zxid';
import { type OpenStream, StreamRegistry } from './stream-registry.ts';

function stream(kind: OpenStream['kind']): OpenStream {
	const figures = { outstanding: 0, received: 0, sent: 0, watches: 0, sessionTimeoutMs: 0 };
	return { kind, address: '203.0.113.7:51234', sessionId: noSession, identities: [], ...figures, close() {} };
}

describe('the streams that are open', () => {
	it('are listed in the order they were opened, each once, until they are removed', () => {
		const registry = new StreamRegistry();
		const [first, second] = [stream('grpc-session'), stream('grpc-watch')];
		for (const one of [first, second, first]) registry.add(one);
		expect([...registry]).toEqual([first, second]);
		expect([...registry][0]).toBe(first);
		expect([registry.size, registry.count('grpc-session'), registry.count('grpc-watch')]).toEqual([2, 1, 1]);
		expect(registry.openedMs(first)).toBeLessThanOrEqual(registry.openedMs(second));
		registry.remove(first);
		registry.remove(first);
		expect([registry.size, registry.count('grpc-session')]).toEqual([1, 0]);
	});

	it('may close while they are listed', () => {
		const registry = new StreamRegistry();
		const streams = [stream('grpc-watch'), stream('grpc-watch'), stream('grpc-watch')];
		for (const one of streams) registry.add(one);
		const seen: OpenStream[] = [];
		for (const one of registry) {
			seen.push(one);
			registry.remove(one);
		}
		expect(seen).toEqual(streams);
		expect(registry.size).toBe(0);
	});
});
