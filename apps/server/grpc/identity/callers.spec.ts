import { Metadata } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type { Caller } from '#core/model/op';
import { Callers } from './callers.ts';

describe('the caller', () => {
	const callers = new Callers({ enabled: true, superDigest: 'super:D/InIHSb7yEEbrWz8b9l71RjZJU=' });

	function call(peer: string, entries: Record<string, string> = {}) {
		const metadata = new Metadata();
		for (const [key, value] of Object.entries(entries)) metadata.set(key, value);
		return { getPeer: () => peer, metadata, getAuthContext: () => ({}) };
	}

	it.each([
		['203.0.113.7:51234', '203.0.113.7', '203.0.113.7:51234'],
		['[::1]:51234', '::1', '[::1]:51234'],
		['[::ffff:203.0.113.7]:51234', '203.0.113.7', '203.0.113.7:51234'],
	])('at %s is ip:%s', (peer, id, address) => {
		expect(callers.of(call(peer))).toEqual({ door: 'grpc', identities: [{ scheme: 'ip', id }], address });
	});

	it('is super with its password, and nobody else is', () => {
		const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
		const schemes = (text: string) =>
			(callers.of(call('1.2.3.4:5', basic(text))) as Caller).identities.map(({ scheme }) => scheme);
		expect(schemes('super:test')).toEqual(['ip', 'super', 'digest']);
		expect(schemes('super:guess')).toEqual(['ip', 'digest']);
	});

	it.each(['Digest x', 'Basic', 'Basic ???'])('with the authorization %s is refused', (authorization) => {
		expect(() => callers.of(call('1.2.3.4:5', { authorization }))).toThrow(/Basic base64/);
	});

	it('cannot use digest when it is switched off', () => {
		const authorized = call('1.2.3.4:5', { authorization: 'Basic YTpi' });
		expect(() => new Callers({ enabled: false, superDigest: null }).of(authorized)).toThrow(/switched off/);
	});
});
