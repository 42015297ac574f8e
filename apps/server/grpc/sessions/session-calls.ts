/** The unary calls of SessionService. */
import type { Host } from '#core/host/host';
import type { SessionId } from '#core/model/zxid';
import { noSession, zeroZxid } from '#core/model/zxid';
import { errors } from '#jute/errors';
import type { Id } from '#jute/records';
import type {
	AttachSessionRequest,
	AttachSessionResponse,
	AuthenticateRequest,
	AuthenticateResponse,
	CloseSessionResponse,
	KeepAliveResponse,
	OpenSessionRequest,
	OpenSessionResponse,
} from '#proto/chronokeeper/v1/session';
import type { GrpcCall } from '../grpc-call.ts';
import { ZooKeeperError } from '../grpc-error.ts';
import type { Submission } from '../submission.ts';
import { defaultTimeoutMs, type GrpcSessions } from './grpc-sessions.ts';

export class SessionCalls {
	constructor(
		private readonly submission: Submission,
		private readonly sessions: GrpcSessions,
		private readonly host: Host,
		private readonly digestEnabled: boolean,
	) {}

	async open(request: OpenSessionRequest, call: GrpcCall): Promise<OpenSessionResponse> {
		this.submission.admit();
		this.sessions.admit(noSession);
		const caller = await this.sessions.callerOf(call);
		const op = { kind: 'createSession', timeoutMs: timeoutOf(request) } as const;
		const { result, zxid } = await this.submission.submitAs({ sessionId: noSession, caller }, op, call);
		const { sessionId, password, timeoutMs } = result;
		this.sessions.opened(sessionId, password, timeoutMs);
		return { sessionId, password, timeoutMs, zxid: BigInt(zxid) };
	}

	async attach(request: AttachSessionRequest): Promise<AttachSessionResponse> {
		this.submission.admit();
		const id = request.sessionId as SessionId;
		const held = await this.sessions.attach(id, request.password, timeoutOf(request), request.lastZxidSeen);
		return { timeoutMs: held.timeoutMs, zxid: BigInt(this.host.lastProcessedZxid) };
	}

	async keepAlive(call: GrpcCall): Promise<KeepAliveResponse> {
		await this.sessions.heldBy(call);
		const { zxid } = await this.submission.submit({ kind: 'ping' }, call);
		return { zxid: BigInt(zxid) };
	}

	async authenticate(request: AuthenticateRequest, call: GrpcCall): Promise<AuthenticateResponse> {
		const held = await this.sessions.heldBy(call);
		// The session has to be alive for it.
		await this.submission.submit({ kind: 'ping' }, call);
		held.add(this.identitiesFor(request));
		const { caller } = await this.sessions.contextOf(call);
		return { identities: caller.identities.map(({ scheme, id }) => ({ scheme, id })) };
	}

	/** What credentials make of their owner. @throws ZooKeeperError AuthFailed when they are no good */
	identitiesFor({ scheme, credentials }: AuthenticateRequest): readonly Id[] {
		const isOff = scheme === 'digest' && !this.digestEnabled;
		const reply = isOff ? undefined : this.host.authenticate({ kind: 'auth', scheme, auth: credentials });
		if (reply?.error === 0 && reply.result?.kind === 'auth') return reply.result.identities;
		const message = isOff
			? 'the digest scheme is switched off (DigestAuthenticationProvider.enabled)'
			: `authentication with the scheme "${scheme}" failed`;
		throw new ZooKeeperError({ code: errors.authFailed.code, path: '', zxid: zeroZxid, message });
	}

	async close(call: GrpcCall): Promise<CloseSessionResponse> {
		await this.sessions.heldBy(call);
		const { zxid } = await this.submission.submit({ kind: 'closeSession' }, call);
		return { zxid: BigInt(zxid) };
	}
}

function timeoutOf({ timeoutMs }: { readonly timeoutMs: number }): number {
	return timeoutMs === 0 ? defaultTimeoutMs : timeoutMs;
}
