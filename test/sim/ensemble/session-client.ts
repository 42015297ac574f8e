/** A client with a session: it goes from member to member, is silent for a while, leaves things unfinished, and checks what it is told. */
import type { CreateMode, CreateOp, DeleteOp, Op, Reply, SetDataOp, Watcher } from '#core/model/op';
import { noSession, type SessionId, type Zxid, zeroZxid } from '#core/model/zxid';
import { openAcl } from '#jute/acl';
import { errors } from '#jute/errors';
import type { Breach } from './breach.ts';
import type { Checkers } from './checkers/checkers.ts';
import { Watches } from './checkers/watches.ts';
import type { Connection, Door, SimMember } from './sim-member.ts';
import type { World } from './world.ts';

const names = ['/a', '/b', '/c', '/d'];
const timeoutMs = 4000;
const decisionPauseMs = 10;
const lost = errors.connectionLoss.code;
const { systemError, sessionExpired, sessionMoved, notReadOnly } = errors;

/** A write. */
interface Unanswered {
	readonly sessionId: SessionId;
	readonly cxid: number;
}

/** One connection; what comes from it later counts no more. */
class Line implements Connection {
	readonly door: Door;
	readonly watcher: Watcher;
	readonly #onClosed: (line: Line) => void;
	sessionId: SessionId;
	isOpen = true;
	/** The session may be used. */
	isReady = false;
	/** What was asked and is not answered, by cxid. */
	readonly expected: number[] = [];

	constructor(door: Door, sessionId: SessionId, watcher: Watcher, onClosed: (line: Line) => void) {
		this.door = door;
		this.sessionId = sessionId;
		this.watcher = watcher;
		this.#onClosed = onClosed;
		door.connections.add(this);
	}

	closed(): void {
		if (!this.isOpen) return;
		this.isOpen = false;
		this.door.connections.delete(this);
		this.door.gate.enter(() => this.door.host.disconnect(this.watcher));
		this.#onClosed(this);
	}
}

export class SessionClient {
	readonly #name: string;
	readonly #world: World;
	readonly #checkers: Checkers;
	readonly #watches: Watches;
	readonly #breach: Breach | undefined;
	#line: Line | null = null;
	/** One that its session has left and that it did not close. */
	#former: Line | null = null;
	/** Where something that it sent through such a one is not answered yet. */
	#formerDoor: Door | null = null;
	#sessionId: SessionId = noSession;
	#password: Uint8Array | null = null;
	#lastSeen: Zxid = zeroZxid;
	#cxid = 0;
	/** Writes whose connections were left before the answers came. */
	#unanswered: Unanswered[] = [];
	#written = 0;
	#silentUntilMs = 0;

	readonly #tell: (what: string) => void;

	constructor(name: string, world: World, checkers: Checkers, tell: (what: string) => void, breach?: Breach) {
		this.#name = name;
		this.#tell = tell;
		this.#world = world;
		this.#checkers = checkers;
		this.#breach = breach;
		this.#watches = new Watches(checkers.promises.tree, (finding) => checkers.find(`${name}: ${finding}`));
	}

	/** Undefined while it has none that can be used. */
	get session(): SessionId | undefined {
		return this.#line?.isReady === true ? this.#sessionId : undefined;
	}

	get heard(): number {
		return this.#watches.heard;
	}

	/** A moment of its life. @param isCalm it does what it has to and nothing odd */
	live(members: readonly SimMember[], isCalm = false): void {
		const { random } = this.#world;
		if (this.#world.nowMs < this.#silentUntilMs && !isCalm) return;
		if (!isCalm && random.chance(0.004)) {
			this.#silentUntilMs = this.#world.nowMs + random.below(3 * timeoutMs);
			this.disconnect();
			return;
		}
		if (this.#line === null || !this.#line.door.isOpen || (!isCalm && random.chance(0.02)))
			this.#connect(random.pick(members));
		this.#sendAsFormer();
		if (isCalm) this.#read(random.pick(names));
		for (let i = random.below(4); i > 0; i--) this.#act(isCalm);
	}

	/** It wants nothing, and says that it is there. */
	stay(): void {
		this.#read(names[0]!);
	}

	/** Without a word. */
	disconnect(): void {
		if (this.#line !== null) this.#abandon(this.#line);
		this.#former?.closed();
		this.#former = null;
	}

	#connect(member: SimMember): void {
		const { door } = member;
		if (door === undefined || !door.isOpen) return;
		if (!door.host.maySee(this.#lastSeen) && this.#breach !== 'backInTime') return;
		this.#leave(door);
		const line: Line = new Line(
			door,
			this.#sessionId,
			this.#watcher(() => line),
			() => {
				this.#leaveUnanswered(line);
				if (this.#line === line) this.#line = null;
			},
		);
		this.#line = line;
		if (this.#sessionId === noSession) {
			this.#open(line);
			return;
		}
		const { sessionId } = line;
		// Back there before that is refused: it belongs there again when its turn comes.
		if (door === this.#formerDoor) this.#checkers.promises.uncertain(sessionId);
		const sentMs = this.#world.nowMs;
		this.#tell(`asks member ${member.id} for session ${sessionId.toString(16)}`);
		const asked = () =>
			door.host.attach(sessionId, this.#password, timeoutMs, (answer) => {
				if (!line.isOpen) return;
				this.#tell(`session ${sessionId.toString(16)} is ${answer.kind}`);
				if (answer.kind === 'attached') {
					line.isReady = true;
					this.#checkers.promises.alive(sessionId, sentMs);
					if (!this.#watches.isEmpty) this.#send(line, this.#watches.setWatches(this.#lastSeen));
				} else if (door.isOpen) {
					line.sessionId = noSession;
					this.#checkers.promises.toldExpired(sessionId);
					this.#forget();
					this.#open(line);
				}
			});
		door.gate.enter(asked);
	}

	/** The connection that it had it closes, or goes on with it as if it did not know better. */
	#leave(to: Door): void {
		const line = this.#line;
		if (line === null) return;
		this.#line = null;
		this.#leaveUnanswered(line);
		if (line.isReady && line.door !== to && this.#former === null && this.#world.random.chance(0.5))
			this.#former = line;
		else this.#abandon(line);
	}

	#abandon(line: Line): void {
		if (!line.isReady && line.sessionId !== noSession) this.#checkers.promises.uncertain(line.sessionId);
		line.closed();
	}

	#leaveUnanswered({ sessionId, expected }: Line): void {
		for (const cxid of expected.splice(0)) this.#unanswered.push({ sessionId, cxid });
	}

	/** What still comes through a connection that its session has left is refused, and the connection closed (semantics 65). */
	#sendAsFormer(): void {
		const former = this.#former;
		if (former === null || this.#line?.isReady !== true) return;
		this.#former = null;
		if (!former.isOpen || former.sessionId !== this.#sessionId || former.door.gate === this.#line.door.gate) {
			former.closed();
			return;
		}
		const op: Op = { kind: 'setData', path: '/a', data: this.#data(), version: -1 };
		const cxid = ++this.#cxid;
		const { sessionId } = former;
		this.#tell(`sends ${cxid} through a former connection`);
		// A leader that others have deposed lets sessions in as long as it does not know: to its successor this one belongs where it was.
		const isFormer = this.#line.door.epoch === former.door.epoch;
		this.#checkers.promises.invoke({ sessionId, cxid, op, isFormer });
		this.#formerDoor = former.door;
		const reply = ({ error }: Reply) => {
			this.#formerDoor = null;
			// One that is committed the history shows (Promises).
			if (error === sessionMoved.code) this.#checkers.promises.moved += 1;
			former.closed();
		};
		this.#submit(former, cxid, op, reply);
	}

	#open(line: Line): void {
		this.#submit(line, 0, { kind: 'createSession', timeoutMs }, ({ error, result }) => {
			// As a door does. It tries again.
			if (error === notReadOnly.code) line.closed();
			if (!line.isOpen || result?.kind !== 'createSession') return;
			this.#sessionId = result.sessionId;
			line.sessionId = result.sessionId;
			this.#password = result.password;
			line.isReady = true;
		});
	}

	/** Its session is over. */
	#forget(): void {
		this.#sessionId = noSession;
		this.#watches.clear();
		this.#former?.closed();
		this.#former = null;
	}

	#act(isCalm: boolean): void {
		const line = this.#line;
		if (line?.isReady !== true) return;
		const { random } = this.#world;
		const path = random.pick(names);
		const what = random.below(20);
		if (what < 5) this.#send(line, this.#setData(path));
		else if (what < 8) this.#send(line, this.#create(path, 'persistent'));
		else if (what < 9) this.#send(line, this.#create(`${path}/e`, 'ephemeralSequential'));
		else if (what < 10) this.#send(line, this.#create(`${path}/f`, 'ephemeral'));
		else if (what < 11) this.#send(line, this.#create(`${path}/s`, 'persistentSequential'));
		else if (what < 13) this.#send(line, this.#delete(random.chance(0.5) ? path : this.#childOf(path)));
		else if (what < 15) this.#sync(line);
		else if (what < 18) this.#read(path);
		else this.#send(line, this.#multi(path));
		if (!isCalm && random.chance(0.01)) this.#send(line, { kind: 'closeSession' });
	}

	#setData(path: string): SetDataOp {
		return { kind: 'setData', path, data: this.#data(), version: this.#version(path) };
	}

	#create(path: string, mode: CreateMode): CreateOp {
		return { kind: 'create', path, data: this.#data(), acl: openAcl, mode, withStat: true };
	}

	#delete(path: string): DeleteOp {
		return { kind: 'delete', path, version: this.#version(path) };
	}

	#multi(path: string): Op {
		const { random } = this.#world;
		const check = { kind: 'check', path, version: this.#version(path) } as const;
		const child = `${path}/m`;
		const all = [check, this.#setData(path), this.#create(child, 'persistent'), this.#delete(child)];
		const ops = all.filter(() => random.chance(0.6));
		return { kind: 'multi', ops: ops.length === 0 ? [check] : ops };
	}

	/** Any, the one that is there now for all that is committed, or another. */
	#version(path: string): number {
		const { random } = this.#world;
		if (random.chance(0.6)) return -1;
		return (this.#checkers.promises.tree.now(path)?.version ?? 0) + (random.chance(0.2) ? 1 : 0);
	}

	#childOf(path: string): string {
		const children = this.#checkers.promises.tree.now(path)?.children ?? [];
		return children.length === 0 ? path : `${path}/${this.#world.random.pick(children)}`;
	}

	/** No two writes have the same. */
	#data(): Uint8Array {
		this.#written += 1;
		return new TextEncoder().encode(`${this.#name} ${this.#written}${' '.repeat(this.#world.random.below(30))}`);
	}

	#read(path: string): void {
		const line = this.#line;
		if (line?.isReady !== true) return;
		const { random } = this.#world;
		const watch = random.chance(0.4);
		const kind = random.pick(['getData', 'exists', 'getChildren'] as const);
		this.#send(line, { kind, path, watch });
	}

	/** Everything that anybody was told before is visible here behind a sync; and it is decided what became of the writes that the client's former connections left unanswered. */
	#sync(line: Line): void {
		const left = this.#unanswered.filter(({ sessionId }) => sessionId === line.sessionId);
		this.#unanswered = [...left];
		const before = this.#checkers.promises.highest;
		const op: Op = this.#breach === 'localSync' ? { kind: 'ping' } : { kind: 'sync', path: '/' };
		this.#send(line, op, (reply) => {
			if (reply.error === 0 && reply.zxid < before)
				this.#checkers.find(`${this.#name}: a sync was answered at ${reply.zxid}, ${before} was acknowledged before`);
			if (reply.error === 0 && this.#breach !== 'localSync') this.#decide(line, left, line.door.host.lastProposed);
		});
	}

	/** As the gRPC door does, and while the connection is there: with audit.mode=strict what was proposed in front of the sync may still be held up. */
	#decide(line: Line, left: readonly Unanswered[], proposed: Zxid): void {
		const { host, isOpen } = line.door;
		if (!line.isOpen || !isOpen || left.length === 0) return;
		if (host.lastProcessedZxid < proposed) {
			this.#world.after(decisionPauseMs, () => this.#decide(line, left, proposed));
			return;
		}
		this.#unanswered = this.#unanswered.filter((one) => !left.includes(one));
		this.#checkers.promises.decided(left);
	}

	#watcher(line: () => Line): Watcher {
		const heard: Watcher['process'] = (event) => {
			if (line().isOpen && line() === this.#line) this.#watches.event(event);
		};
		const late: Watcher['process'] = (event) => void this.#world.after(30, () => heard(event));
		return { sessionId: this.#sessionId, identities: [], process: this.#breach === 'eventAfterRead' ? late : heard };
	}

	#send(line: Line, op: Op, then?: (reply: Reply) => void): void {
		const { sessionId } = line;
		const cxid = ++this.#cxid;
		const sentMs = this.#world.nowMs;
		line.expected.push(cxid);
		this.#tell(`sends ${cxid}, a ${op.kind}, of session ${sessionId.toString(16)}`);
		if (isWrite(op)) this.#checkers.promises.invoke({ sessionId, cxid, op, isFormer: false });
		this.#submit(line, cxid, op, (reply) => {
			if (!line.isOpen || line !== this.#line) return;
			const expected = line.expected.shift();
			// With its leader a member loses its connections: what was asked on one has no outcome, in no order.
			if (expected !== cxid && reply.error !== lost)
				this.#checkers.find(`${this.#name} got the answer to ${cxid}, a ${op.kind}, before that to ${expected}`);
			this.#answered(line, op, cxid, sentMs, this.#breach === 'wrongAnswer' ? wrong(reply) : reply);
			then?.(reply);
		});
	}

	#submit(line: Line, cxid: number, op: Op, reply: (reply: Reply) => void): void {
		const { door, watcher, sessionId } = line;
		const caller = { door: 'zookeeper', identities: [], address: '10.0.0.1', watcher } as const;
		door.gate.enter(() => door.host.submit({ sessionId, cxid, op, caller, reply }));
	}

	#answered(line: Line, op: Op, cxid: number, sentMs: number, reply: Reply): void {
		const { promises } = this.#checkers;
		const { sessionId } = line;
		const { error, zxid } = reply;
		if (error === lost || error === sessionMoved.code || error === systemError.code) {
			this.#unanswered.push({ sessionId, cxid });
			line.closed();
			return;
		}
		if (error === notReadOnly.code && isWrite(op)) {
			promises.refuse(sessionId, cxid);
			return;
		}
		if (error === sessionExpired.code) {
			promises.toldExpired(sessionId);
			line.closed();
			this.#forget();
			return;
		}
		// A write's zxid is its own, and its answer may have had to wait.
		if (!isWrite(op) && zxid < this.#lastSeen) this.#checkers.find(`${this.#name} went back in time, to ${zxid}`);
		if (zxid > this.#lastSeen) this.#lastSeen = zxid;
		if (isWrite(op)) promises.acknowledge(sessionId, cxid, op, reply);
		else promises.read(op, reply);
		if (isWrite(op) || op.kind === 'sync') promises.alive(sessionId, sentMs);
		this.#watches.answered(op, reply);
		if (op.kind !== 'closeSession') return;
		line.closed();
		this.#forget();
	}
}

function isWrite({ kind }: Op): boolean {
	return ['setData', 'create', 'delete', 'multi', 'closeSession'].includes(kind);
}

/** As if the node had been changed once more. */
function wrong(reply: Reply): Reply {
	const { result } = reply;
	if (result?.kind !== 'getData') return reply;
	return { ...reply, result: { ...result, data: Uint8Array.of(0) } };
}
