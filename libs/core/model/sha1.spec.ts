import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sha1 } from './sha1.ts';

it('equals what OpenSSL computes', () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 300 }), (message) => {
			expect(Buffer.from(sha1(message)).toString('hex')).toBe(createHash('sha1').update(message).digest('hex'));
		}),
	);
});
