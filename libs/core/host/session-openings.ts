/** How sessions begin: by a transaction of the whole ensemble, or as local ones that only this replica knows (semantics 66, 67). */
import type { ChainOptions } from '../chain/options.ts';
import type { CreateSessionOp, Request, Result } from '../model/op.ts';
import type { Session } from '../session/session.ts';
import { sessionPassword } from '../session/session-id.ts';
import type { Roles } from './roles.ts';

export interface OpeningParts {
	readonly options: ChainOptions;
	readonly roles: Roles;
	write(request: Request, op: CreateSessionOp, session: Session, timeMs: number): void;
	answer(request: Request, result: Result): void;
	/** A request that did not come by submit(). */
	count(request: Request): void;
}

const ignore = (): void => {};

export class SessionOpenings {
	readonly #parts: OpeningParts;

	constructor(parts: OpeningParts) {
		this.#parts = parts;
	}

	open(request: Request, op: CreateSessionOp, nowMs: number, timeMs: number): void {
		const { options, roles, write, answer } = this.#parts;
		const { sessions } = roles.store;
		if (request.owner !== undefined) {
			write(request, op, sessions.adopt(request.sessionId, op.timeoutMs, nowMs), timeMs);
			return;
		}
		const session = sessions.open(op.timeoutMs, nowMs);
		if (!options.localSessionsEnabled && !options.isCopy && roles.role !== 'readOnly') {
			write(request, { kind: 'createSession', timeoutMs: session.timeoutMs }, session, timeMs);
			return;
		}
		session.isLocal = true;
		const { id: sessionId, timeoutMs } = session;
		answer(request, { kind: 'createSession', sessionId, password: sessionPassword(sessionId), timeoutMs });
	}

	/** A local session becomes global just before it needs to be: its createSession goes ahead of the request (semantics 66). */
	upgrade(request: Request, session: Session, timeMs: number): void {
		const { options, count, write } = this.#parts;
		if (!options.localSessionsUpgradingEnabled || session.closing) return;
		session.isLocal = false;
		const op: CreateSessionOp = { kind: 'createSession', timeoutMs: session.timeoutMs };
		const opening: Request = { ...request, op, reply: ignore };
		count(opening);
		write(opening, op, session, timeMs);
	}
}
