/** A client with a session: it goes from member to member, and checks what it is told. */
import type { Host } from '#core/host/host';
import type { Op, Reply, Watcher } from '#core/model/op';
import { noSession, type SessionId, type Zxid, zeroZxid } from '#core/model/zxid';
import { openAcl } from '#jute/acl';
import type { SeededRandom } from '../random.ts';
import type { Checkers } from './checkers.ts';
import type { SimMember } from './sim-member.ts';

const names = ['/a', '/b', '/c', '/d'];

export class SessionClient {
	readonly #name: string;
	readonly #random: SeededRandom;
	readonly #checkers: Checkers;
	#host: Host | null = null;
	#watcher: Watcher | null = null;
	#sessionId: SessionId = noSession;
	#password: Uint8Array | null = null;
	#isReady = false;
	#lastSeen: Zxid = zeroZxid;
	#cxid = 0;
	#expected: number[] = [];
	sessions = 0;

	constructor(name: string, random: SeededRandom, checkers: Checkers) {
		this.#name = name;
		this.#random = random;
		this.#checkers = checkers;
	}

	get isConnected(): boolean {
		return this.#host !== null && this.#host.state === 'serving';
	}

	connect(member: SimMember): void {
		const { host } = member;
		if (host === undefined || host.state !== 'serving' || !host.maySee(this.#lastSeen)) return;
		this.disconnect();
		this.#host = host;
		const watcher: Watcher = { sessionId: this.#sessionId, identities: [], process: () => {} };
		this.#watcher = watcher;
		if (this.#sessionId === noSession) {
			this.#open(host, watcher);
			return;
		}
		host.attach(this.#sessionId, this.#password, 4000, (answer) => {
			if (this.#watcher !== watcher) return;
			if (answer.kind === 'attached') {
				this.#isReady = true;
			} else if (host.state === 'serving') {
				this.#sessionId = noSession;
				this.#open(host, watcher);
			}
		});
	}

	disconnect(): void {
		if (this.#watcher !== null) this.#host?.disconnect(this.#watcher);
		this.#host = null;
		this.#watcher = null;
		this.#isReady = false;
		this.#expected = [];
	}

	act(): void {
		if (!this.#isReady) return;
		// A door closes the connections of a session that is over.
		if (this.#host!.sessions.get(this.#sessionId) === undefined) {
			this.disconnect();
			this.#sessionId = noSession;
			return;
		}
		const random = this.#random;
		const path = random.pick(names);
		const what = random.below(10);
		const data = new Uint8Array(random.below(40));
		if (what < 3) this.#send({ kind: 'setData', path, data, version: -1 });
		else if (what < 5) this.#send({ kind: 'create', path, data, acl: openAcl, mode: 'persistent', withStat: true });
		else if (what < 6) {
			this.#send({
				kind: 'create',
				path: `${path}/e`,
				data,
				acl: openAcl,
				mode: 'ephemeralSequential',
				withStat: false,
			});
		} else if (what < 7) this.#send({ kind: 'delete', path, version: -1 });
		else if (what < 8) this.#sync();
		else if (what < 9) this.#send({ kind: 'getData', path, watch: false });
		else this.#send({ kind: 'multi', ops: [{ kind: 'setData', path, data, version: -1 }] });
		if (random.chance(0.02)) this.#send({ kind: 'closeSession' });
	}

	/** Everything that anybody was told before is visible here behind a sync. */
	#sync(): void {
		const host = this.#host!;
		const before = this.#checkers.highestAcknowledged;
		this.#send({ kind: 'sync', path: '/' }, (reply) => {
			if (reply.error === 0 && host.lastProcessedZxid < before) {
				this.#checkers.find(
					`${this.#name}: a sync was answered at ${host.lastProcessedZxid}, ${before} was acknowledged before`,
				);
			}
		});
	}

	#open(host: Host, watcher: Watcher): void {
		const request = { kind: 'createSession', timeoutMs: 4000 } as const;
		host.submit({
			sessionId: noSession,
			cxid: 0,
			op: request,
			caller: { door: 'zookeeper', identities: [], address: '10.0.0.1', watcher },
			reply: ({ result }) => {
				if (this.#watcher !== watcher || result?.kind !== 'createSession') return;
				this.sessions += 1;
				this.#sessionId = result.sessionId;
				this.#password = result.password;
				this.#isReady = true;
			},
		});
	}

	#send(op: Op, then?: (reply: Reply) => void): void {
		const watcher = this.#watcher!;
		const sessionId = this.#sessionId;
		const cxid = ++this.#cxid;
		this.#expected.push(cxid);
		this.#host!.submit({
			sessionId,
			cxid,
			op,
			caller: { door: 'zookeeper', identities: [], address: '10.0.0.1', watcher },
			reply: (reply) => {
				if (this.#watcher !== watcher) return;
				this.#answered(op, sessionId, cxid, reply);
				then?.(reply);
			},
		});
	}

	#answered(op: Op, sessionId: SessionId, cxid: number, reply: Reply): void {
		const expected = this.#expected.shift();
		// With its leader a member loses its connections: what was asked on one has no outcome, in no order.
		if (expected !== cxid && reply.error !== -4)
			this.#checkers.find(
				`${this.#name} got the answer to ${cxid}, a ${op.kind} (${reply.error}), before that to ${expected}`,
			);
		const isLost = reply.error === -4;
		const isWrite = ['setData', 'create', 'delete', 'multi', 'closeSession'].includes(op.kind);
		// A write's zxid is its own, and its answer may have had to wait.
		if (!isLost && !isWrite && reply.zxid < this.#lastSeen) this.#checkers.find(`${this.#name} went back in time`);
		if (!isLost && reply.zxid > this.#lastSeen) this.#lastSeen = reply.zxid;
		// A failed multi's header has no error, and -1, -4 are no outcomes of a transaction.
		if (isWrite && ![-4, -1].includes(reply.error)) {
			const isMulti = op.kind === 'multi';
			if (!isMulti) this.#checkers.acknowledge({ sessionId, cxid, zxid: reply.zxid, error: reply.error });
		}
		if (isLost || reply.error === -112 || reply.error === -118 || op.kind === 'closeSession') {
			this.disconnect();
			if (reply.error === -112 || op.kind === 'closeSession') this.#sessionId = noSession;
		}
	}
}
