import { ClientError } from './client-error.ts';

/** Another server, or this one in a moment, may open a session. */
export function isPassing(error: Error | undefined): boolean {
	return !(error instanceof ClientError) || passing.has(error.status);
}

const passing: ReadonlySet<string> = new Set([
	'UNAVAILABLE',
	'RESOURCE_EXHAUSTED',
	'DEADLINE_EXCEEDED',
	'CANCELLED',
	'INTERNAL',
	'UNKNOWN',
]);
