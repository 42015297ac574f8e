/** What the checks share. Each is given the replicas and a node of its own. */
import { deepEqual } from 'node:assert/strict';
import { call, Failure } from './client.mjs';

export const checks = [];

export function check(title, run) {
	checks.push({ title, run });
}

/** The failure that must come: its status, and ZooKeeper's name where it has one. */
export async function fails(code, name, ...args) {
	try {
		const answer = await call(...args);
		throw new Error(`${code} did not come, but ${JSON.stringify(answer)}`);
	} catch (error) {
		if (!(error instanceof Failure)) throw error;
		deepEqual([error.code, error.ErrorDetail?.name], [code, name]);
		return error;
	}
}

/** @throws when it does not hold within half a minute */
export async function eventually(condition, what) {
	const deadline = AbortSignal.timeout(30_000);
	for (;;) {
		const found = await condition();
		if (found) return found;
		if (deadline.aborted) throw new Error(`not within 30 s: ${what}`);
	}
}

export function eventText({ type, path }) {
	return `${type.replace('WATCH_EVENT_TYPE_', '')} ${path}`;
}

export const ephemeral = 'CREATE_MODE_EPHEMERAL';
