/** What expires when, and whose ephemeral nodes there are: `dump`. Times are the process's monotonic milliseconds. */
import type { Connection } from '../connections.ts';
import type { ServerView } from '../server-view.ts';

export interface Expiry<T> {
	readonly atMs: number;
	readonly members: readonly T[];
}

/** Sessions by the tick they expire in, the next one first. */
export function sessionExpiries({ replica }: ServerView): Expiry<bigint>[] {
	const byTime = new Map<number, bigint[]>();
	for (const { id, expiresAtMs, closing } of replica.host.sessions.all()) {
		if (!closing) add(byTime, expiresAtMs, id);
	}
	return inOrder(byTime);
}

/** A connection goes with its session; one without a session when `nio.sessionlessCnxnTimeout` is over. */
export function connectionExpiries({ config, connections, replica }: ServerView): Expiry<Connection>[] {
	const byTime = new Map<number, Connection[]>();
	const originMs = clockOriginMs();
	for (const connection of connections) {
		const session = replica.host.sessions.get(connection.sessionId);
		const atMs =
			session === undefined
				? roundUp(connection.stats.establishedMs - originMs + config['nio.sessionlessCnxnTimeout'], config.tickTime)
				: session.expiresAtMs;
		add(byTime, atMs, connection);
	}
	return inOrder(byTime);
}

export function* ephemeralsBySession({
	replica,
}: ServerView): IterableIterator<readonly [session: bigint, paths: readonly string[]]> {
	const { tree } = replica.host;
	for (const session of tree.sessionsWithEphemerals()) yield [session, tree.ephemeralsOf(session)];
}

function add<T>(byTime: Map<number, T[]>, atMs: number, member: T): void {
	const members = byTime.get(atMs);
	if (members === undefined) byTime.set(atMs, [member]);
	else members.push(member);
}

function inOrder<T>(byTime: ReadonlyMap<number, readonly T[]>): Expiry<T>[] {
	return [...byTime].sort(([a], [b]) => a - b).map(([atMs, members]) => ({ atMs, members }));
}

/** What to add to a monotonic time to get the time of day. */
export function clockOriginMs(): number {
	return Math.round(Date.now() - performance.now());
}

function roundUp(timeMs: number, unitMs: number): number {
	return Math.ceil(timeMs / unitMs) * unitMs;
}
