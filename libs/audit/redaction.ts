/**
 * Data that are kept out of PostgreSQL (audit.redact): of nodes at or below some paths only the length and the SHA-256 go there. What is empty is shown:
 * its length says it all.
 */
import { hash } from 'node:crypto';

export class Redaction {
	readonly #prefixes: readonly string[];

	/** @param prefixes paths of nodes */
	constructor(prefixes: readonly string[]) {
		this.#prefixes = prefixes;
	}

	/** Whether these data of this node stay out. */
	hides(path: string, data: Uint8Array | null): data is Uint8Array {
		return data !== null && data.length > 0 && this.#prefixes.some((prefix) => isAtOrBelow(path, prefix));
	}
}

export const nothingRedacted = new Redaction([]);

export function dataHash(data: Uint8Array): Buffer {
	return hash('sha256', data, 'buffer');
}

function isAtOrBelow(path: string, prefix: string): boolean {
	return prefix === '/' || path === prefix || (path.startsWith(prefix) && path[prefix.length] === '/');
}
