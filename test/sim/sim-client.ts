/**
 * A client of the simulation, and what it may expect of any ZooKeeper: answers in the order of its requests, a state that never goes
 * back, and an event before any answer that shows what it watched to have changed.
 */
import type { Caller, Op, Reply, WatchEvent, Watcher } from '#core/model/op';
import { noSession, type SessionId, type Zxid, zeroZxid } from '#core/model/zxid';
import type { SimReplica } from './sim-replica.ts';

/** A write the replica acknowledged: never to be lost, never to be another. */
export interface Acknowledged {
	readonly sessionId: SessionId;
	readonly cxid: number;
	readonly zxid: Zxid;
	readonly error: number;
}

export class Violation extends Error {
	override readonly name = 'Violation';
}

export class SimClient {
	readonly name: string;
	readonly acknowledged: Acknowledged[] = [];
	sessionId: SessionId = noSession;
	#password: Uint8Array | null = null;
	#cxid = 0;
	#lastZxid: Zxid = zeroZxid;
	/** Which connection this is: answers of an earlier one are lost on the way. */
	#connection = 0;
	#awaited: number[] = [];
	/** Paths with a data watch that has not fired, and the mzxid the client knows; 0: no node. */
	#watched = new Map<string, number>();
	#caller: Caller = { door: 'zookeeper', identities: [], address: '' };
	#watcher: Watcher | null = null;

	constructor(name: string) {
		this.name = name;
	}

	get isConnected(): boolean {
		return this.#watcher !== null;
	}

	/** Opens a session, or comes back with the one it has. */
	connect(replica: SimReplica): void {
		this.#newConnection();
		if (this.sessionId !== noSession) {
			if (!replica.host.maySee(this.#lastZxid)) {
				throw new Violation(`${this.name} has seen ${this.#lastZxid}, the replica has not`);
			}
			replica.host.attach(this.sessionId, this.#password, 4000, (answer) => {
				if (answer.kind === 'refused') this.#open(replica);
			});
			return;
		}
		this.#open(replica);
	}

	#open(replica: SimReplica): void {
		this.#send(replica, { kind: 'createSession', timeoutMs: 4000 }, ({ result }) => {
			if (result?.kind !== 'createSession') return;
			this.sessionId = result.sessionId;
			this.#password = result.password;
		});
	}

	/** The connection breaks; the session stays. */
	disconnect(replica: SimReplica | null): void {
		if (this.#watcher !== null) replica?.host.disconnect(this.#watcher);
		this.#watcher = null;
		this.#connection += 1;
	}

	send(replica: SimReplica, op: Op): void {
		if (this.sessionId === noSession) return;
		this.#send(replica, op, (reply) => this.#check(op, reply));
		if (op.kind === 'closeSession') this.sessionId = noSession;
	}

	#send(replica: SimReplica, op: Op, then: (reply: Reply) => void): void {
		const connection = this.#connection;
		const { sessionId } = this;
		const cxid = ++this.#cxid;
		this.#awaited.push(cxid);
		const reply = (answer: Reply): void => {
			if (connection !== this.#connection) return;
			const next = this.#awaited.shift();
			if (next !== cxid) throw new Violation(`${this.name} got the answer to ${cxid} before that to ${next}`);
			if (answer.zxid < this.#lastZxid)
				throw new Violation(`${this.name} went back from ${this.#lastZxid} to ${answer.zxid}`);
			this.#lastZxid = answer.zxid;
			then(answer);
			const isWrite = ['create', 'delete', 'setData', 'multi', 'closeSession'].includes(op.kind);
			const isKnown = answer.error !== -1 && answer.error !== -4;
			if (isWrite && isKnown) this.acknowledged.push({ sessionId, cxid, zxid: answer.zxid, error: answer.error });
		};
		replica.host.submit({ sessionId, cxid, op, caller: this.#caller, reply });
	}

	#newConnection(): void {
		const connection = ++this.#connection;
		this.#awaited = [];
		this.#watched = new Map();
		const client = this;
		this.#watcher = {
			get sessionId() {
				return client.sessionId;
			},
			identities: [],
			process: (event) => {
				if (connection === this.#connection) this.#hear(event);
			},
		};
		this.#caller = { door: 'zookeeper', identities: [], address: '', watcher: this.#watcher };
	}

	#hear(event: WatchEvent): void {
		if (event.zxid < this.#lastZxid) throw new Violation(`${this.name} heard of ${event.zxid} after ${this.#lastZxid}`);
		if (event.type !== 'nodeChildrenChanged') this.#watched.delete(event.path);
	}

	/** An answer must not show a change that the client was promised to hear of first. */
	#check(op: Op, reply: Reply): void {
		if (op.kind !== 'getData' && op.kind !== 'exists' && op.kind !== 'setData') return;
		const noNode = -101;
		if (reply.error !== 0 && reply.error !== noNode) return;
		const { result } = reply;
		const stat = result !== undefined && 'stat' in result ? result.stat : undefined;
		const mzxid = reply.error === noNode ? 0 : (stat?.mzxid ?? 0);
		const known = this.#watched.get(op.path);
		if (known !== undefined && known !== mzxid) {
			throw new Violation(`${this.name} watches ${op.path} since ${known} and reads ${mzxid} without having been told`);
		}
		if (op.kind === 'setData' || !op.watch) return;
		if (reply.error === 0 || op.kind === 'exists') this.#watched.set(op.path, mzxid);
	}
}
