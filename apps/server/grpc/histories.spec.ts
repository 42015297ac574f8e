/** What becomes of PostgreSQL's errors; test/integration/server-history.spec.ts asks a real one. */
import { status } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { queryError } from './histories.ts';

it.each([
	['22023', 'zxid 0x9 lies ahead of the mirror', status.OUT_OF_RANGE, 'zxid 0x9 lies ahead of the mirror'],
	['08006', 'connection failure', status.UNAVAILABLE, 'PostgreSQL is away: connection failure'],
	['42P01', 'relation "chronokeeper.history_txn" does not exist', status.UNAVAILABLE, 'is not migrated yet: relation'],
	['42883', 'function chronokeeper.zxid_at does not exist', status.UNAVAILABLE, 'is not migrated yet: function'],
	['XX000', 'cache lookup failed', status.INTERNAL, 'cannot be asked: cache lookup failed'],
])('%s, %s', (code, message, expected, said) => {
	const error = queryError(Object.assign(new Error(message), { code }));
	expect(error.getError()).toMatchObject({ code: expected, message: expect.stringContaining(said) });
});
