/**
 * How many sockets the client port may have open at a time, whatever maxCnxns says: a process that has no file descriptor left cannot open its next log
 * file, and a replica that cannot log serves no writes until it is started again.
 */
import { readFileSync } from 'node:fs';

/** For logs and snapshots, PostgreSQL, the other doors. */
const reserved = 128;

/** @param limits the text of /proc/self/limits; undefined where there is none */
export function socketLimit(limits: string | undefined = processLimits()): number {
	const most = limits === undefined ? undefined : /^Max open files\s+(\d+)/m.exec(limits)?.[1];
	if (most === undefined) return Number.POSITIVE_INFINITY;
	const descriptors = Number(most);
	return descriptors - Math.min(reserved, Math.ceil(descriptors / 2));
}

/** Linux says it so; elsewhere the operator has to set maxCnxns. */
function processLimits(): string | undefined {
	try {
		return readFileSync('/proc/self/limits', 'utf8');
	} catch {
		return undefined;
	}
}
