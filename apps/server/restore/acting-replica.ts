/** The replica as a restore sees it: writes go into the chain in the name of who asked for the restore, with the right to write everything. */
import { setTimeout as pause } from 'node:timers/promises';
import { failedOperation, type RestoreReplica } from '#audit/live-restore/live-restore';
import { superIdentity } from '#core/chain/options';
import type { Host } from '#core/host/host';
import type { Caller, Op, Reply } from '#core/model/op';
import { noSession, type SessionId } from '#core/model/zxid';
import type { DataTree } from '#core/tree/data-tree';
import { errors } from '#jute/errors';

/** Long enough for any pause between two multis. */
const sessionTimeoutMs = 60_000;

export class ActingReplica implements RestoreReplica {
	readonly serverId: number;
	readonly #host: Host;
	readonly #caller: Caller;
	#session: SessionId = noSession;
	#cxid = 0;

	constructor(host: Host, serverId: number, caller: Caller) {
		this.#host = host;
		this.serverId = serverId;
		const isSuper = caller.identities.some(({ scheme }) => scheme === superIdentity.scheme);
		this.#caller = isSuper ? caller : { ...caller, identities: [...caller.identities, superIdentity] };
	}

	get tree(): DataTree {
		return this.#host.tree;
	}

	get isServing(): boolean {
		return this.#host.state === 'serving';
	}

	/** An Apache ZooKeeper that leads takes no write without a session: then one is opened. */
	async submit(op: Op, requestId: string): Promise<Reply> {
		const reply = await this.#ask(op, requestId, this.#session);
		if (!isWithoutSession(reply)) return reply;
		const open = { kind: 'createSession', timeoutMs: sessionTimeoutMs } as const;
		const { result } = await this.#ask(open, requestId, noSession);
		if (result?.kind !== 'createSession') return reply;
		this.#session = result.sessionId;
		return this.#ask(op, requestId, this.#session);
	}

	now(): number {
		return Date.now();
	}

	pause(ms: number): Promise<void> {
		return pause(ms);
	}

	/** Nothing more is written. */
	close(): void {
		if (this.#session !== noSession) void this.#ask({ kind: 'closeSession' }, '', this.#session);
	}

	#ask(op: Op, requestId: string, sessionId: SessionId): Promise<Reply> {
		this.#cxid = (this.#cxid + 1) & 0x7fff_ffff;
		const cxid = sessionId === noSession ? 0 : this.#cxid;
		return new Promise((reply) => {
			this.#host.submit({ sessionId, cxid, op, caller: this.#caller, requestId, reply });
		});
	}
}

function isWithoutSession(reply: Reply): boolean {
	const expired = errors.sessionExpired.code;
	return reply.error === expired || failedOperation(reply)?.code === expired;
}
