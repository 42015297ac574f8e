/** A statement about the replica's own state that must hold turned out false: the replica stops and recovers from its log. */
export class InvariantError extends Error {
	override readonly name = 'InvariantError';
}

/**
 * Invariants run in production. `what` says what holds, not what went wrong.
 * @throws InvariantError
 */
export function assert(condition: boolean, what: string): asserts condition {
	if (!condition) throw new InvariantError(`broken invariant: ${what}`);
}
