/** `dump`: what expires when, and the ephemeral nodes. */
import { remoteText } from '../figures/connection-figures.ts';
import {
	clockOriginMs,
	connectionExpiries,
	type Expiry,
	ephemeralsBySession,
	sessionExpiries,
} from '../figures/expiry-figures.ts';
import type { ServerView } from '../server-view.ts';
import { javaDate } from './java-date.ts';
import type { WordText } from './word-text.ts';

export function writeDump(view: ServerView, text: WordText): void {
	text.line('SessionTracker dump:');
	writeExpiries('Session', sessionExpiries(view), hex, text);
	text.line('ephemeral nodes dump:');
	writeEphemerals(view, text);
	text.line('Connections dump:');
	writeExpiries(
		'Connections',
		connectionExpiries(view),
		(connection) => `ip: ${remoteText(connection)} sessionId: ${hex(connection.sessionId)}`,
		text,
	);
}

function writeExpiries<T>(
	what: string,
	expiries: readonly Expiry<T>[],
	format: (member: T) => string,
	text: WordText,
): void {
	const count = expiries.reduce((sum, { members }) => sum + members.length, 0);
	text.line(`${what} Sets (${expiries.length})/(${count}):`);
	const originMs = clockOriginMs();
	for (const { atMs, members } of expiries) {
		text.line(`${members.length} expire at ${javaDate(originMs + atMs)}:`);
		for (const member of members) if (!text.line(`\t${format(member)}`)) return;
	}
}

function writeEphemerals(view: ServerView, text: WordText): void {
	text.line(`Sessions with Ephemerals (${[...view.replica.host.tree.sessionsWithEphemerals()].length}):`);
	for (const [session, paths] of ephemeralsBySession(view)) {
		text.line(`${hex(session)}:`);
		for (const path of paths) if (!text.line(`\t${path}`)) return;
	}
}

function hex(id: bigint): string {
	return `0x${id.toString(16)}`;
}
