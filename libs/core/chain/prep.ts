/**
 * Prep: a request becomes a transaction, or an error transaction.
 *
 * It draws a zxid first, validates against the tree plus the outstanding changes ahead of it, projects what the transaction will do
 * and writes the tree's digest after it into the record (semantics 1, 11, 77). Whatever fails is an error transaction: it has a zxid
 * and the unchanged digest, and is logged like any other.
 */
import { errors } from '#jute/errors';
import type { Txn } from '#jute/txn';
import { InvariantError } from '../model/assert.ts';
import type { AuditContext } from '../model/audit-context.ts';
import type { Request, WriteOp } from '../model/op.ts';
import type { TxnRecord } from '../model/txn-record.ts';
import { counterOf, epochOf, makeZxid, maxCounter, nextZxid, noSession, type Zxid, zeroZxid } from '../model/zxid.ts';
import type { Session } from '../session/session.ts';
import type { SessionTable } from '../session/session-table.ts';
import type { DataTree } from '../tree/data-tree.ts';
import { digestVersion } from '../tree/digest.ts';
import type { ChainOptions } from './options.ts';
import { OutstandingChanges } from './outstanding-changes.ts';
import type { ErrorCode, PrepContext } from './prep/context.ts';
import { prepareCreate } from './prep/create.ts';
import { prepareDelete, prepareDeleteContainer } from './prep/delete.ts';
import type { Ensemble } from './prep/ensemble.ts';
import { prepareMulti } from './prep/multi.ts';
import { prepareReconfig } from './prep/reconfig.ts';
import { prepareCloseSession, prepareCreateSession } from './prep/session.ts';
import { prepareSetAcl } from './prep/set-acl.ts';
import { prepareSetData } from './prep/set-data.ts';

/** What makes a transaction. */
export type Preparable = Exclude<WriteOp, { readonly kind: 'check' }>;
type Handlers = {
	readonly [K in Preparable['kind']]: (
		op: Extract<Preparable, { readonly kind: K }>,
		context: PrepContext,
	) => Txn | ErrorCode;
};

const handlers: Handlers = {
	create: prepareCreate,
	delete: prepareDelete,
	deleteContainer: prepareDeleteContainer,
	setData: prepareSetData,
	setACL: prepareSetAcl,
	multi: prepareMulti,
	createSession: prepareCreateSession,
	closeSession: prepareCloseSession,
	reconfig: prepareReconfig,
	unparsable: () => errors.marshallingError.code,
};

/** A check on its own is no request that ZooKeeper knows: it is answered Unimplemented and draws no zxid (semantics 31). */
export function isPreparable(op: { readonly kind: string }): op is Preparable {
	return Object.hasOwn(handlers, op.kind);
}

export interface PrepParts {
	readonly tree: DataTree;
	readonly sessions: SessionTable;
	readonly options: ChainOptions;
	/** The last zxid of the history; the next one follows it, or begins `epoch` when that is later. */
	readonly lastZxid: Zxid;
	readonly epoch: number;
	/** Of a leader. */
	readonly ensemble?: Ensemble;
	/** Told of an exception in a handler: a bug, answered MarshallingError as ZooKeeper does. */
	readonly onError: (error: unknown, request: Request) => void;
}

export class Prep {
	readonly #context: PrepContext;
	readonly #onError: PrepParts['onError'];
	#lastZxid: Zxid;

	constructor(parts: PrepParts) {
		this.#lastZxid = startingZxid(parts.lastZxid, parts.epoch);
		this.#onError = parts.onError;
		this.#context = {
			tree: parts.tree,
			sessions: parts.sessions,
			options: parts.options,
			ensemble: parts.ensemble,
			changes: new OutstandingChanges(parts.tree),
			zxid: zeroZxid,
			timeMs: 0,
			sessionId: noSession,
			session: undefined,
			owner: 0,
			identities: [],
			isForwarded: false,
			isSystem: false,
		};
	}

	/** The last zxid given out. */
	get lastZxid(): Zxid {
		return this.#lastZxid;
	}

	/** The epoch has no zxid left (semantics 7): nothing can be prepared until a new epoch begins. */
	get isExhausted(): boolean {
		return counterOf(this.#lastZxid) >= this.#context.options.lastCounter;
	}

	/** @param session the session of the request; of a createSession, the one that was opened for it. */
	prepare(request: Request, op: Preparable, session: Session | undefined, owner: number, timeMs: number): TxnRecord {
		const context = this.#context;
		const sessionId = session === undefined ? request.sessionId : session.id;
		const zxid = nextZxid(this.#lastZxid);
		this.#lastZxid = zxid;
		context.zxid = zxid;
		context.timeMs = timeMs;
		context.sessionId = sessionId;
		context.session = session;
		context.owner = owner;
		context.identities = request.caller.identities;
		context.isForwarded = request.owner !== undefined;
		context.isSystem = request.caller.door === 'system';
		const txn = this.#txn(request, op);
		return {
			header: { sessionId, cxid: request.cxid, zxid, time: timeMs },
			txn,
			digest: { version: digestVersion, value: context.changes.digest() },
			context: auditContext(request),
			encoded: undefined,
		};
	}

	/** The tree has everything up to this zxid. */
	applied(zxid: Zxid): void {
		this.#context.changes.applied(zxid);
	}

	#txn(request: Request, op: Preparable): Txn {
		const { changes } = this.#context;
		changes.begin();
		let prepared: Txn | ErrorCode;
		try {
			// The table above proves that each handler fits its kind; TypeScript cannot follow that through an index.
			prepared = (handlers[op.kind] as (op: Preparable, context: PrepContext) => Txn | ErrorCode)(op, this.#context);
		} catch (error) {
			if (error instanceof InvariantError) throw error;
			changes.rollBack();
			this.#onError(error, request);
			prepared = errors.marshallingError.code;
		}
		return typeof prepared === 'number' ? { kind: 'error', code: prepared } : prepared;
	}
}

/** An epoch without a zxid left is left behind at once: a restart is how a standalone replica gets on (semantics 7). */
function startingZxid(lastZxid: Zxid, epoch: number): Zxid {
	const last = epochOf(lastZxid);
	if (epoch > last) return makeZxid(epoch, 0);
	return counterOf(lastZxid) >= maxCounter ? makeZxid(last + 1, 0) : lastZxid;
}

function auditContext(request: Request): AuditContext {
	const { caller } = request;
	return {
		traceparent: request.traceparent ?? '',
		identities: caller.identities,
		address: caller.address,
		door: caller.door,
		requestId: request.requestId ?? '',
	};
}
