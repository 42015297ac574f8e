/** What clients are promised: that what they are told is what the committed history makes of their operations, one after the other (semantics 1, 4, 10, 42, 58-65, 69, 70). */
import type { Op, Reply, Result } from '#core/model/op';
import type { TxnRecord } from '#core/model/txn-record';
import { formatZxid, noSession, type SessionId, type Zxid, zeroZxid } from '#core/model/zxid';
import type { DataTree } from '#core/tree/data-tree';
import { errors } from '#jute/errors';
import type { Stat } from '#jute/records';
import { type NaiveNode, NaiveTree, type Outcome } from './naive-tree.ts';

/** A write that a client sent. */
export interface Invocation {
	readonly sessionId: SessionId;
	readonly cxid: number;
	readonly op: Op;
	/** The highest zxid that anybody had been told by then: this one's is higher. */
	readonly behind: Zxid;
	/** It came through a connection that its session had left: it must change nothing. */
	readonly isFormer: boolean;
}

interface SessionState {
	readonly timeoutMs: number;
	isOpen: boolean;
	/** Whether its client has come only where it was let in. */
	isCertain: boolean;
	/** Of the last transaction that a request of its own led to. */
	cxid: number;
	/** When the latest of its requests was sent that its leader answered. */
	aliveMs: number;
}

/** However wrong a clock may be, no session of a client that was heard of goes earlier. */
const fastestClock = 1.2;
const ended: readonly number[] = [errors.sessionExpired.code, errors.sessionMoved.code];

export class Promises {
	readonly tree = new NaiveTree();
	readonly #invocations = new Map<string, Invocation>();
	readonly #outcomes = new Map<Zxid, Outcome>();
	readonly #zxids = new Map<string, Zxid>();
	readonly #sessions = new Map<SessionId, SessionState>();
	/** Of clients that do all they have to while nothing is in their way. */
	readonly #kept = new Set<SessionId>();
	readonly #toldExpired = new Set<SessionId>();
	readonly #find: (finding: string) => void;
	readonly #nowMs: () => number;
	/** The highest zxid of a write that a client was told. */
	highest: Zxid = zeroZxid;
	acknowledged = 0;
	expired = 0;
	moved = 0;
	/** Writes that were refused because nothing is mirrored, by name: they are never done. */
	readonly #refused = new Set<string>();
	/** Writes that were left unanswered and not done by the time of a sync of the connection behind: they are never done. */
	readonly #undone = new Set<string>();

	constructor(find: (finding: string) => void, nowMs: () => number) {
		this.#find = find;
		this.#nowMs = nowMs;
	}

	invoke(invocation: Omit<Invocation, 'behind'>): void {
		this.#invocations.set(nameOf(invocation), { ...invocation, behind: this.highest });
	}

	/** It was answered by its leader, whom it reached not before `sentMs`. */
	alive(sessionId: SessionId, sentMs: number): void {
		const session = this.#sessions.get(sessionId);
		if (session !== undefined && session.aliveMs < sentMs) session.aliveMs = sentMs;
	}

	/** From now on this session must not expire. */
	keep(sessionId: SessionId): void {
		this.#kept.add(sessionId);
	}

	/**
	 * A client gave up waiting whether it may come with this session, and goes elsewhere: the member may yet ask the leader, to which the session then belongs there. Or it goes back
	 * to where something waits that it sent before. What was sent there is in time then: a leader answers whose a session is before it has performed what came in front (as ZooKeeper's).
	 */
	uncertain(sessionId: SessionId): void {
		const session = this.#sessions.get(sessionId);
		if (session !== undefined) session.isCertain = false;
	}

	toldExpired(sessionId: SessionId): void {
		this.#toldExpired.add(sessionId);
	}

	/** In the order of the committed history. */
	committed(record: TxnRecord): void {
		const { zxid, sessionId, cxid } = record.header;
		const { txn } = record;
		if (txn.kind === 'reconfig') return;
		const invocation = this.#invocations.get(nameOf(record.header));
		const code = errorOf(record);
		const session = this.#sessions.get(sessionId);
		const what = `${formatZxid(zxid)} of session ${sessionId.toString(16)}`;
		if (txn.kind === 'createSession') {
			if (session !== undefined) this.#find(`${what} opens a session that was there before`);
			this.#sessions.set(sessionId, {
				timeoutMs: txn.timeoutMs,
				isOpen: true,
				isCertain: true,
				cxid: 0,
				aliveMs: Number.NEGATIVE_INFINITY,
			});
			return;
		}
		if (ended.includes(code)) return;
		if (sessionId !== noSession) this.#ofSession(what, record, session, invocation);
		if (invocation === undefined) {
			if (txn.kind === 'closeSession') this.tree.perform({ kind: 'closeSession' }, zxid, sessionId);
			else if (code === 0) this.#find(`${what} is a ${txn.kind} that nobody asked for`);
			return;
		}
		if (this.#undone.has(nameOf(record.header)) && session?.isCertain === true && txn.kind !== 'closeSession')
			this.#find(`${what} is done behind the sync of the connection that came after its own`);
		if (this.#refused.has(nameOf(record.header))) this.#find(`${what} was refused, and is done all the same`);
		if (zxid <= invocation.behind) {
			this.#find(`${what} was asked for when ${formatZxid(invocation.behind)} was acknowledged already`);
		}
		if (this.#zxids.has(nameOf(record.header))) this.#find(`${what} was asked for once (${cxid}) and done twice`);
		this.#zxids.set(nameOf(record.header), zxid);
		const outcome = this.tree.perform(invocation.op, zxid, sessionId);
		this.#outcomes.set(zxid, outcome);
		if (code !== outcome.code)
			this.#find(`${what}, a ${invocation.op.kind}, ended with ${code}, it had to with ${outcome.code}`);
	}

	#ofSession(
		what: string,
		{ header, txn }: TxnRecord,
		session: SessionState | undefined,
		invocation?: Invocation,
	): void {
		if (invocation?.isFormer === true && session?.isCertain === true)
			this.#find(`${what} came through a member that its session had left`);
		if (session === undefined || !session.isOpen) {
			// Closed by its client and found expired at once: the later one finds nothing to do, as in ZooKeeper.
			const isAgain = session !== undefined && txn.kind === 'closeSession' && (txn.paths ?? []).length === 0;
			if (errorOf({ txn }) === 0 && !isAgain) this.#find(`${what}, a ${txn.kind}, is of a session that is not open`);
			return;
		}
		if (header.cxid > 0) {
			// A closeSession is done whichever member it comes through, also one that the session has left.
			if (header.cxid <= session.cxid && session.isCertain && txn.kind !== 'closeSession')
				this.#find(`${what} has cxid ${header.cxid}, and ${session.cxid} is in front of it`);
			session.cxid = header.cxid;
		}
		if (txn.kind !== 'closeSession') return;
		session.isOpen = false;
		const expected = this.tree.ephemeralsOf(header.sessionId).sort();
		if (JSON.stringify([...(txn.paths ?? [])].sort()) !== JSON.stringify(expected))
			this.#find(`${what} deletes ${txn.paths?.join()}, the session has ${expected.join()}`);
		if (invocation !== undefined) return;
		this.expired += 1;
		const silentMs = this.#nowMs() - session.aliveMs;
		if (silentMs < session.timeoutMs / fastestClock - 1)
			this.#find(`${what} expired after ${Math.round(silentMs)} ms of ${session.timeoutMs}`);
		if (this.#kept.has(header.sessionId)) this.#find(`${what} expired although its client did all it had to`);
	}

	/** A client was told that nothing became of its write, because PostgreSQL is away. */
	refuse(sessionId: SessionId, cxid: number): void {
		const name = nameOf({ sessionId, cxid });
		this.#refused.add(name);
		if (this.#zxids.has(name)) this.#find(`${name} was refused, and is ${formatZxid(this.#zxids.get(name)!)}`);
	}

	/** A sync was answered to a client that has attached its session anew: what it had left behind is done by now, or never. */
	decided(left: readonly { readonly sessionId: SessionId; readonly cxid: number }[]): void {
		for (const one of left) if (!this.#zxids.has(nameOf(one))) this.#undone.add(nameOf(one));
	}

	get refused(): number {
		return this.#refused.size;
	}

	/** A client was told that this is what became of its write. */
	acknowledge(sessionId: SessionId, cxid: number, op: Op, reply: Reply): void {
		const what = `session ${sessionId.toString(16)} was told that its ${op.kind} ${cxid} is ${formatZxid(reply.zxid)}`;
		if (ended.includes(reply.error) || ended.includes(codeIn(reply))) return;
		this.acknowledged += 1;
		if (reply.zxid > this.highest) this.highest = reply.zxid;
		const zxid = this.#zxids.get(`${sessionId}/${cxid}`);
		if (zxid === undefined) this.#find(`${what}, which was not committed`);
		else if (zxid !== reply.zxid) this.#find(`${what}, it is ${formatZxid(zxid)}`);
		else this.#compare(what, this.#outcomes.get(zxid)!, op, reply);
	}

	#compare(what: string, outcome: Outcome, op: Op, { error, result, zxid }: Reply): void {
		if (op.kind === 'multi') {
			const results = result?.kind === 'multi' ? result.results : [];
			const codes = results.map((each) => (each.kind === 'error' ? each.code : 0));
			const expected = outcome.results!.map(({ code }) => code);
			if (error !== 0 || JSON.stringify(codes) !== JSON.stringify(expected))
				this.#find(`${what} with ${codes.join()}, it ended with ${expected.join()}`);
			return;
		}
		if (error !== outcome.code) this.#find(`${what} with ${error}, it ended with ${outcome.code}`);
		else if (outcome.node !== undefined) this.#compareStat(what, outcome.node, result, zxid);
		if (result?.kind === 'create' && result.path !== outcome.path)
			this.#find(`${what}, ${result.path}, it is ${outcome.path}`);
	}

	/** A read says what is there at the zxid it says. */
	read(op: Op, { error, result, zxid }: Reply): void {
		if (op.kind !== 'getData' && op.kind !== 'exists' && op.kind !== 'getChildren') return;
		const what = `a ${op.kind} of ${op.path} at ${formatZxid(zxid)}`;
		const node = this.tree.at(op.path, zxid);
		if ((error === 0) !== (node !== null))
			this.#find(`${what} was answered ${error}, it is${node === null ? ' not' : ''} there`);
		if (node === null || error !== 0) return;
		this.#compareStat(what, node, result, zxid);
		if (result?.kind === 'getData' && !isSameData(result.data, node.data))
			this.#find(`${what} gave other data than are there`);
		if (result?.kind === 'getChildren' && [...result.children].sort().join() !== [...node.children].sort().join())
			this.#find(`${what} gave ${result.children.join()}, there are ${node.children.join()}`);
	}

	#compareStat(what: string, node: NaiveNode, result: Result | undefined, zxid: Zxid): void {
		if (result === undefined || !('stat' in result)) return;
		const told = statText(result.stat);
		const expected = textOf(node);
		if (told !== expected) this.#find(`${what} gave ${told} at ${formatZxid(zxid)}, it is ${expected}`);
	}

	/** At the end: a member's tree and sessions are what the history makes. */
	state(id: number, tree: DataTree, sessions: Iterable<SessionId>): void {
		for (const path of this.tree.paths()) {
			const stat = tree.stat(path);
			const node = this.tree.now(path)!;
			const told = stat === undefined ? 'nothing' : statText(stat);
			if (path !== '/' && told !== textOf(node))
				this.#find(`member ${id} has ${told} at ${path}, it is ${textOf(node)}`);
		}
		const before = 3 + this.tree.paths().length;
		if (tree.size !== before) this.#find(`member ${id} has ${tree.size} nodes, there are ${before}`);
		const open = [...this.#sessions].filter(([, { isOpen }]) => isOpen).map(([session]) => session.toString(16));
		const its = [...sessions].map((session) => session.toString(16));
		if (open.sort().join() !== its.sort().join())
			this.#find(`member ${id} has sessions ${its.join()}, open are ${open.join()}`);
	}

	/** At the end: of all sessions only those are left that are in use, and who was told that his is over was told the truth. */
	sessionsLeft(used: readonly SessionId[]): void {
		for (const [id, { isOpen }] of this.#sessions) {
			if (isOpen && !used.includes(id)) this.#find(`session ${id.toString(16)} has no client and did not expire`);
			if (isOpen && this.#toldExpired.has(id))
				this.#find(`session ${id.toString(16)} is open, its client was told otherwise`);
		}
	}
}

function nameOf({ sessionId, cxid }: { readonly sessionId: SessionId; readonly cxid: number }): string {
	return `${sessionId}/${cxid}`;
}

/** A multi that failed is one of errors: 0 in front of the one that did, -2 behind it (semantics 42). */
function errorOf({ txn }: Pick<TxnRecord, 'txn'>): number {
	if (txn.kind === 'error') return txn.code;
	if (txn.kind !== 'multi') return 0;
	const codes = txn.ops.map((op) => (op.kind === 'error' ? op.code : 0));
	return codes.find((code) => code !== 0 && code !== errors.runtimeInconsistency.code) ?? 0;
}

/** Of a multi, the error that ended it. */
function codeIn({ result }: Reply): number {
	const results = result?.kind === 'multi' ? result.results : [];
	const codes = results.map((each) => (each.kind === 'error' ? each.code : 0));
	return codes.find((code) => code !== 0 && code !== errors.runtimeInconsistency.code) ?? 0;
}

function isSameData(one: Uint8Array | null, other: Uint8Array | null): boolean {
	return one === null || other === null ? one === other : one.join() === other.join();
}

function textOf({ data, version, cversion, czxid, mzxid, pzxid, owner, children }: NaiveNode): string {
	// Clients see how often children came and went (semantics 23).
	const visible = 2 * cversion - children.length;
	return [version, visible, czxid, mzxid, pzxid, owner, data?.length ?? 0, children.length].join(' ');
}

function statText(stat: Stat): string {
	const { version, cversion, czxid, mzxid, pzxid, ephemeralOwner, dataLength, numChildren } = stat;
	return [version, cversion, czxid, mzxid, pzxid, ephemeralOwner, dataLength, numChildren].join(' ');
}
