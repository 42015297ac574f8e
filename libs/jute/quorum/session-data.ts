/** What is inside the packets about sessions: the touches in a learner's ping, and revalidation. */
import { JuteReader, JuteWriter } from '../codec.ts';
import type { SessionId } from '../scalars.ts';

/** The data of a learner's PING: its sessions that showed life, and their timeouts in milliseconds. */
export function writeTouches(sessions: ReadonlyMap<SessionId, number>): Uint8Array {
	const writer = new JuteWriter(sessions.size * 12);
	for (const [sessionId, timeoutMs] of sessions) {
		writer.writeSessionId(sessionId);
		writer.writeInt(timeoutMs);
	}
	return writer.view();
}

/** @throws JuteError when the last entry is cut short */
export function readTouches(data: Uint8Array): Map<SessionId, number> {
	const reader = new JuteReader(data);
	const sessions = new Map<SessionId, number>();
	while (reader.remaining > 0) sessions.set(reader.readSessionId(), reader.readInt());
	return sessions;
}

/** The data of a learner's REVALIDATE. */
export function writeRevalidation(sessionId: SessionId, timeoutMs: number): Uint8Array {
	const writer = new JuteWriter(12);
	writer.writeSessionId(sessionId);
	writer.writeInt(timeoutMs);
	return writer.view();
}

/** @throws JuteError when it is cut short */
export function readRevalidation(data: Uint8Array): { readonly sessionId: SessionId; readonly timeoutMs: number } {
	const reader = new JuteReader(data);
	return { sessionId: reader.readSessionId(), timeoutMs: reader.readInt() };
}

/** The data of the leader's REVALIDATE: the answer. */
export function writeRevalidated(sessionId: SessionId, isValid: boolean): Uint8Array {
	const writer = new JuteWriter(9);
	writer.writeSessionId(sessionId);
	writer.writeBool(isValid);
	return writer.view();
}

/** @throws JuteError when it is cut short */
export function readRevalidated(data: Uint8Array): { readonly sessionId: SessionId; readonly isValid: boolean } {
	const reader = new JuteReader(data);
	return { sessionId: reader.readSessionId(), isValid: reader.readBool() };
}
