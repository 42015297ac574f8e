/** The first frame of a connection: which session it asks for, and whether it gets it (semantics 58-61, 67). */
import type { Host } from '#core/host/host';
import { formatSessionId, noSession, type SessionId, type Zxid } from '#core/model/zxid';
import { type ConnectRequest, writeConnectResponse } from '#jute/client/connect';
import type { JuteWriter } from '#jute/codec';
import type { ServerConfig } from '../config/config.ts';
import { sendsClientsAway } from './figures/service.ts';
import type { Limits } from './limits.ts';
import type { ServiceStats } from './service-stats.ts';

export type Verdict =
	/** A new session. */
	| { readonly kind: 'open' }
	/** The session that it had. */
	| { readonly kind: 'attached'; readonly timeoutMs: number; readonly password: Uint8Array }
	/** Answered by a session that is none, then closed. */
	| { readonly kind: 'refused'; readonly reason: string }
	/** Closed without a word. */
	| { readonly kind: 'abandoned'; readonly reason: string };

export interface HandshakeParts {
	readonly host: Host;
	readonly limits: Limits;
	readonly stats: ServiceStats;
	readonly config: Pick<ServerConfig, 'leaderServes'>;
}

const noPassword = new Uint8Array(16);

/** A learner asks its leader about a session that comes back: `decided` may be called later, or at once. */
export function judge(request: ConnectRequest, parts: HandshakeParts, decided: (verdict: Verdict) => void): void {
	const { sessionId, password, timeoutMs } = request;
	const verdict = judgeHere(request, parts);
	if (verdict !== undefined) {
		decided(verdict);
		return;
	}
	parts.stats.sessionsRenewed += 1;
	parts.host.attach(sessionId, password, timeoutMs, (answer) => {
		const reason = `session ${formatSessionId(sessionId)} is unknown, over, or the password is wrong (semantics 60)`;
		decided(answer.kind === 'attached' ? answer : { kind: 'refused', reason });
	});
}

/** Undefined: it depends on the session. */
function judgeHere(request: ConnectRequest, { host, limits, stats, config }: HandshakeParts): Verdict | undefined {
	const { sessionId } = request;
	if (host.state === 'looking')
		return abandoned('this replica has no leader at the moment: the client must try another');
	if (sendsClientsAway(host, config))
		return abandoned('this replica leads and serves no clients (leaderServes=no): the client must try another');
	if (!limits.admitsSession(sessionId)) {
		stats.connectionsRejected += 1;
		return abandoned('too many sessions are opened at once (connectionMaxTokens)');
	}
	if (host.isReadOnly && request.readOnly !== true) {
		return abandoned('this replica is read-only and the client does not allow that (semantics 67)');
	}
	if (!host.maySee(request.lastZxidSeen as Zxid)) {
		return abandoned('the client has seen a later zxid than this replica has: it must try another (semantics 61)');
	}
	if (host.isReadOnly && host.sessions.get(sessionId)?.isLocal === false) {
		return abandoned('a session of the ensemble goes on where there is a leader (semantics 67)');
	}
	if (sessionId !== noSession) return undefined;
	stats.sessionsAsked += 1;
	return { kind: 'open' };
}

function abandoned(reason: string): Verdict {
	return { kind: 'abandoned', reason };
}

/** @param readOnly undefined for a client whose handshake had no such flag: its answer has none either */
export function writeHandshakeAnswer(
	writer: JuteWriter,
	session: { readonly sessionId: SessionId; readonly timeoutMs: number; readonly password: Uint8Array } | undefined,
	readOnly: boolean | undefined,
): void {
	const at = writer.position;
	writer.writeInt(0);
	const { sessionId, timeoutMs, password } = session ?? { sessionId: noSession, timeoutMs: 0, password: noPassword };
	writeConnectResponse(writer, { protocolVersion: 0, timeoutMs, sessionId, password, readOnly });
	writer.patchInt(at, writer.position - at - 4);
}
