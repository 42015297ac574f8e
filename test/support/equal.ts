/** Large things that should be equal: vitest's own comparison looks at each byte of an array as at a property. */
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';

/** expect(actual).toEqual(expected), which says what differs; what is equal to Node it need not look at. */
export function expectEqual(actual: unknown, expected: unknown, message?: string): void {
	if (!isDeepStrictEqual(actual, expected)) expect(actual, message).toEqual(expected);
}
