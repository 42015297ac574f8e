/** What must be true of all that processes say which use recipes (recipes-worker.ts), recipe by recipe. */
import { deepEqual, ok } from 'node:assert/strict';
import type { AdditionWord, DoubleBarrierWord, GroupWord } from './recipes-words.ts';

/** Of a worker's additions. */
interface Additions {
	asked: number;
	done: number;
}

/** No addition is lost or done twice. A worker that was killed, or lost its session, does not know of one. */
export class AdditionsCheck {
	readonly #byWorker = new Map<string, Additions>();
	readonly #numbers = new Set<string>();
	done = 0;

	hear(worker: string, { kind, number }: AdditionWord): void {
		const additions = this.#byWorker.get(worker) ?? { asked: 0, done: 0 };
		this.#byWorker.set(worker, additions);
		if (kind === 'asked') additions.asked += 1;
		if (kind !== 'done') return;
		additions.done += 1;
		this.done += 1;
		if (number === undefined) return;
		ok(!this.#numbers.has(number), `two have got the number ${number}`);
		this.#numbers.add(number);
	}

	/** @param counted what is there, when nobody is about to add */
	checkSum(counted: bigint): void {
		const asked = [...this.#byWorker.values()].reduce((sum, additions) => sum + additions.asked, 0);
		ok(this.done <= counted && counted <= asked, `${counted} of ${this.done} to ${asked} additions`);
		for (const number of this.#numbers) ok(BigInt(number) <= counted, `somebody got ${number}, and it is ${counted}`);
	}

	/** @param counted by worker */
	checkEach(counted: Readonly<Record<string, number>>): void {
		for (const [worker, { asked, done }] of this.#byWorker) {
			const sum = counted[worker] ?? 0;
			ok(done <= sum && sum <= asked, `${sum} of ${done} to ${asked} additions of ${worker}`);
		}
	}
}

/** Who follows a value sees each newer one, and never an older one behind it. */
export class FollowersCheck {
	readonly #seen = new Map<string, bigint>();

	hear(worker: string, zxid: bigint): void {
		const before = this.#seen.get(worker) ?? -1n;
		ok(zxid > before, `${worker} was told of ${zxid} behind ${before}`);
		this.#seen.set(worker, zxid);
	}

	hasSeen(worker: string, zxid: bigint): boolean {
		return this.#seen.get(worker) === zxid;
	}
}

/** Nobody comes through a barrier that is set. */
export class BarrierCheck {
	/** Of the barrier that is set, or was set last. */
	generation = 0;
	isSet = false;
	readonly #through = new Map<string, number>();

	hear(worker: string, generation: number): void {
		ok(!(this.isSet && generation === this.generation), `${worker} has come through the barrier ${generation}`);
		this.#through.set(worker, generation);
	}

	isThrough(worker: string): boolean {
		return this.#through.get(worker) === this.generation;
	}
}

/** Being a member of a double barrier, as its worker says it. */
interface Stay {
	readonly worker: string;
	readonly enteringMs: number;
	insideMs: number;
	leavingMs: number;
	leftMs: number;
	isLost: boolean;
	/** Those that were there with it may be forgotten since. */
	hasEntered: boolean;
}

/** So long may a node outlive the process that has lost its session, on a busy machine that elects leaders. */
const longestGhostMs = 30_000;

/** Of its node, at the latest. */
function goneMs({ leftMs, isLost }: Stay): number {
	return leftMs + (isLost ? longestGhostMs : 0);
}

function isThere(stay: Stay, atMs: number): boolean {
	return stay.enteringMs <= atMs && atMs < goneMs(stay);
}

/** They begin together and end together. */
export class DoubleBarrierCheck {
	readonly #together: number;
	/** Those that matter to any that is not over. */
	#stays: Stay[] = [];
	turns = 0;

	constructor(together: number) {
		this.#together = together;
	}

	hear(worker: string, { kind, isLost }: DoubleBarrierWord, atMs: number): void {
		const stay = this.#stays.findLast((one) => one.worker === worker && one.leftMs === Number.POSITIVE_INFINITY);
		if (kind === 'entering') {
			const never = Number.POSITIVE_INFINITY;
			const times = { enteringMs: atMs, insideMs: never, leavingMs: never, leftMs: never };
			this.#stays.push({ worker, ...times, isLost: false, hasEntered: false });
			return;
		}
		if (stay === undefined) throw new Error(`${worker} is ${kind} without having come`);
		stay.isLost ||= isLost;
		if (kind === 'inside') stay.insideMs = atMs;
		else if (kind === 'leaving') stay.leavingMs = atMs;
		else stay.leftMs = atMs;
		if (kind === 'inside') this.turns += 1;
	}

	/** It was killed, or its session is lost. Who was about to enter comes anew, and what it left behind is a member until the session has expired. */
	lost(worker: string, atMs: number, isKilled: boolean): void {
		const stay = this.#stays.findLast((one) => one.worker === worker && one.leftMs === Number.POSITIVE_INFINITY);
		if (stay === undefined) return;
		if (isKilled) Object.assign(stay, { isLost: true, leftMs: atMs });
		else if (stay.insideMs === Number.POSITIVE_INFINITY) this.#stays.push({ ...stay, isLost: true, leftMs: atMs });
		else stay.isLost = true;
	}

	/** To be called when every word up to now was heard. */
	check(): void {
		this.#checkEntries();
		for (const stay of this.#stays) {
			if (stay.leftMs !== Number.POSITIVE_INFINITY && !stay.isLost) this.#checkDeparture(stay);
		}
		const open = this.#stays.filter(({ leftMs }) => leftMs === Number.POSITIVE_INFINITY);
		const latestMs = Math.max(...this.#stays.map(({ enteringMs }) => enteringMs));
		const sinceMs = Math.min(latestMs, ...open.map(({ enteringMs }) => enteringMs)) - 2 * longestGhostMs;
		this.#stays = this.#stays.filter(({ leftMs, enteringMs }) => leftMs >= sinceMs && enteringMs >= sinceMs);
	}

	/** Who goes in was one of so many, or joins one that has gone in. */
	#checkEntries(): void {
		const entering = this.#stays.filter((one) => !one.hasEntered && one.insideMs !== Number.POSITIVE_INFINITY);
		const met = () => entering.filter((stay) => !stay.hasEntered && (this.#isOneOfSoMany(stay) || this.#joins(stay)));
		for (let found = met(); found.length > 0; found = met()) for (const stay of found) stay.hasEntered = true;
		const alone = entering.find(({ hasEntered }) => !hasEntered);
		ok(alone === undefined, `${alone?.worker} went in at ${alone?.insideMs} ms, and there were not ${this.#together}`);
	}

	#isOneOfSoMany(stay: Stay): boolean {
		const moments = this.#stays.map(({ enteringMs }) => enteringMs).filter((atMs) => atMs <= stay.insideMs);
		return moments.some((atMs) => {
			const there = this.#stays.filter((one) => isThere(one, atMs));
			return there.length >= this.#together && there.some((one) => one === stay || isThere(one, stay.enteringMs));
		});
	}

	#joins(stay: Stay): boolean {
		return this.#stays.some(
			(one) => one.hasEntered && one.enteringMs <= stay.insideMs && stay.enteringMs < goneMs(one),
		);
	}

	/** Who was inside has begun to leave, too. Of who has not left nobody knows yet whether its session was lost inside. */
	#checkDeparture(stay: Stay): void {
		const stayed = this.#stays.find(
			({ isLost, insideMs, leavingMs, leftMs }) =>
				!isLost && insideMs < stay.leavingMs && leavingMs > stay.leftMs && leftMs !== Number.POSITIVE_INFINITY,
		);
		if (stayed === undefined) return;
		throw new Error(
			`${stay.worker} left at ${stay.leftMs} ms, and ${stayed.worker} stayed until ${stayed.leavingMs} ms`,
		);
	}
}

interface GroupChange {
	readonly kind: 'joined' | 'left';
	readonly id: string;
	readonly token: bigint;
	readonly zxid: bigint;
}

/** Whoever follows a group is told of each change, once and in order. */
export class GroupCheck {
	readonly #committed: GroupChange[] = [];
	/** Of members that are there, by id. */
	readonly #tokens = new Map<string, bigint>();
	readonly #heard = new Map<string, GroupChange[]>();
	/** By worker: behind this zxid it hears everything. */
	readonly #since = new Map<string, bigint>();

	committed(kind: GroupChange['kind'], id: string, zxid: bigint): void {
		if (kind === 'joined') this.#tokens.set(id, zxid);
		this.#committed.push({ kind, id, token: this.#tokens.get(id)!, zxid });
	}

	hear(worker: string, { kind, id, token, zxid }: GroupWord): void {
		const heard = this.#heard.get(worker) ?? [];
		this.#heard.set(worker, heard);
		heard.push({ kind, id, token: BigInt(token), zxid: BigInt(zxid) });
	}

	isHeardSince(worker: string, zxid: bigint): void {
		this.#since.set(worker, zxid);
	}

	/**
	 * What comes in a time that no server can tell of is found by reading: then the order is that of each member alone, and one that left and came twice meanwhile is told of once.
	 * @returns whether it has heard the last of each member @throws when it has heard what was not so, or in another order
	 */
	hasHeardAll(worker: string): boolean {
		const since = this.#since.get(worker);
		if (since === undefined) return false;
		const behind = (changes: readonly GroupChange[]) =>
			Map.groupBy(
				changes.filter(({ zxid }) => zxid > since),
				({ id }) => id,
			);
		const heard = behind(this.#heard.get(worker) ?? []);
		const text = ({ kind, token }: GroupChange) => `${kind} ${token}`;
		return [...behind(this.#committed)].every(([id, changes]) => {
			const told = (heard.get(id) ?? []).map(text);
			const committed = changes.map(text);
			const last = told.at(-1);
			if (last !== undefined && !committed.includes(last)) return false;
			deepEqual(
				told,
				committed.filter((one) => told.includes(one)),
				`what ${worker} has heard of ${id}`,
			);
			return last === committed.at(-1);
		});
	}
}
