/** The other side of a link said what it may not, or nothing at all. The link is closed; the replica goes on. */
export class QuorumError extends Error {
	override readonly name = 'QuorumError';
}
