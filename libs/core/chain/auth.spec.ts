import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { errors } from '#jute/errors';
import { authenticate, digestId } from './auth.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

it('38: a digest identity is the user and the hash of user and password', () => {
	// As ZooKeeper's own documentation and tests have them.
	expect(digestId(bytes('super:test'))).toBe('super:D/InIHSb7yEEbrWz8b9l71RjZJU=');
	fc.assert(
		fc.property(fc.string(), fc.string(), (user, password) => {
			const credentials = `${user.replaceAll(':', '')}:${password}`.toWellFormed();
			const hash = createHash('sha1').update(credentials).digest('base64');
			expect(digestId(bytes(credentials))).toBe(`${credentials.slice(0, credentials.indexOf(':'))}:${hash}`);
		}),
	);
});

it('34: the operator’s digest makes super, another does not', () => {
	const superDigest = 'super:D/InIHSb7yEEbrWz8b9l71RjZJU=';
	const schemes = (text: string) => authenticate('digest', bytes(text), superDigest)?.map(({ scheme }) => scheme);
	expect(schemes('super:test')).toEqual(['super', 'digest']);
	expect(schemes('super:Test')).toEqual(['digest']);
	expect(authenticate('digest', bytes('super:test'), null)?.map(({ scheme }) => scheme)).toEqual(['digest']);
});

it('38: an unknown scheme fails; an address cannot be claimed', () => {
	expect(authenticate('sasl', bytes('x'), null)).toBe(undefined);
	expect(authenticate('digest', null, null)).toBe(undefined);
	expect(authenticate('ip', null, null)).toEqual([]);
	expect(authenticate('world', bytes('anyone'), null)).toBe(undefined);
	expect(authenticate('ip', bytes('10.0.0.1'), null)).toEqual([]);
	expect(errors.authFailed.code).toBe(-115);
});
