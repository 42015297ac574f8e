/** Why a request is not even tried, whatever it asks for. */
import { errors } from '#jute/errors';
import type { ChainOptions } from '../chain/options.ts';
import { isPreparable } from '../chain/prep.ts';
import type { Request } from '../model/op.ts';
import type { CommitHold } from '../ports/commit-hold.ts';
import type { HostState } from './host-parts.ts';
import { copyError, readOnlyError } from './local-sessions.ts';
import type { Roles } from './roles.ts';

export interface RefusalParts {
	readonly options: ChainOptions;
	readonly roles: Roles;
	readonly hold: CommitHold | undefined;
	/** The epoch has no zxid left. */
	readonly exhausted: () => void;
}

export class Refusals {
	readonly #parts: RefusalParts;
	/** Of a learner: its leader says that it takes no new writes. */
	leaderRefuses = false;

	constructor(parts: RefusalParts) {
		this.#parts = parts;
	}

	/** PostgreSQL keeps writes waiting for too long: new ones are refused, which changes nothing; everything else is served. */
	get areWritesRefused(): boolean {
		const { roles, hold } = this.#parts;
		return roles.role === 'learner' ? this.leaderRefuses : hold?.isOverdue === true;
	}

	/** 0, or the error. */
	of(request: Request, state: HostState): number {
		const { options, roles } = this.#parts;
		const { op } = request;
		if (options.isCopy) return copyError(request, roles.store.sessions.get(request.sessionId));
		if (state === 'readOnly') return readOnlyError(request, roles.store.sessions.get(request.sessionId));
		// Of a member that left its ensemble: nobody is asked any more.
		if (op.kind === 'sync' && state !== 'serving' && roles.role !== 'standalone') return errors.connectionLoss.code;
		if (!isPreparable(op)) return 0;
		if (state === 'stopped') return errors.connectionLoss.code;
		if (state === 'logFailed') return errors.systemError.code;
		if (roles.chain.isExhausted) {
			this.#parts.exhausted();
			return errors.systemError.code;
		}
		return this.areWritesRefused && !this.#isTaken(request) ? errors.notReadOnly.code : 0;
	}

	/** What a learner has forwarded is proposed: there is no other way to answer it. Local sessions begin and end without a transaction. */
	#isTaken({ op, owner, caller, sessionId }: Request): boolean {
		const { options, roles } = this.#parts;
		if (owner !== undefined || caller.door === 'system') return true;
		if (op.kind === 'createSession') return options.localSessionsEnabled;
		return op.kind === 'closeSession' && roles.store.sessions.get(sessionId)?.isLocal === true;
	}
}
