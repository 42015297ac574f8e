/**
 * audit.mode=strict in a simulated ensemble: nothing is committed, and so nothing seen or acknowledged, that is not in PostgreSQL, and PostgreSQL goes away now and then. Where members have files
 * their mirrors are SimMirror's; here is one for those that have none, which knows only up to where it has written.
 */
import { counterOf, formatZxid, type Zxid, zeroZxid } from '#core/model/zxid';
import type { GatedMirror } from '#server/replica/commit-gate';
import { SeededRandom } from '../random.ts';
import type { CommittedHistory } from './checkers/committed-history.ts';
import type { ProcessGate } from './process-gate.ts';
import type { World } from './world.ts';

/** Milliseconds: terms are short here, and it is to be over in some of them. */
export const patienceMs = 300;
const retryMs = 100;
const usualMs = 15;
const longestAwayMs = 6000;

export class StrictMode {
	/** Up to here PostgreSQL has it. */
	readonly #cursor: () => Zxid;
	readonly #find: (finding: string) => void;
	/** What a new leader had in its log is committed with its first quorum, and mirrored behind that. */
	#inherited: Zxid = zeroZxid;

	constructor(cursor: () => Zxid, find: (finding: string) => void) {
		this.#cursor = cursor;
		this.#find = find;
	}

	leads(from: Zxid): void {
		if (from > this.#inherited) this.#inherited = from;
	}

	/** A member that serves has applied it. */
	visible(id: number, zxid: Zxid): void {
		if (zxid > this.#inherited && zxid > this.#cursor())
			this.#find(`member ${id} shows ${formatZxid(zxid)}, which is not mirrored`);
	}
}

export class StrictDatabase {
	readonly #world: World;
	readonly #random: SeededRandom;
	/** Where each of its commits ended. */
	readonly #ends: Zxid[] = [];
	#isOver = false;
	#backMs = 0;
	/** How often it went away. */
	outages = 0;

	constructor(world: World, seed: number) {
		this.#world = world;
		// Of its own: what else is drawn stays as it is without it.
		this.#random = new SeededRandom(seed ^ 0x57_21_c7);
	}

	get cursor(): Zxid {
		return this.#ends.at(-1) ?? zeroZxid;
	}

	/** Now and then it is gone for a while. */
	strike(): void {
		if (this.#isAway || !this.#random.chance(0.04)) return;
		this.outages += 1;
		this.#backMs = this.#world.nowMs + this.#random.below(longestAwayMs);
	}

	/** From now on it is there. */
	end(): void {
		this.#isOver = true;
	}

	get #isAway(): boolean {
		return !this.#isOver && this.#world.nowMs < this.#backMs;
	}

	/** @param from where the writer believes that it is @param done told whether it was there, also by a database whose answer comes too late */
	write(from: Zxid, through: Zxid, done: (isWritten: boolean) => void): void {
		if (this.#isAway) {
			this.#world.after(retryMs, () => done(false));
			return;
		}
		this.#world.after(this.#random.next() * usualMs, () => {
			const isWritten = this.cursor === from;
			if (isWritten && through > from) this.#ends.push(through);
			done(isWritten);
		});
	}

	/** At the end: nothing was written that was not committed. */
	check(history: CommittedHistory, find: (finding: string) => void): void {
		const committed = new Set(history.records.map(({ header }) => header.zxid));
		// A snapshot may stand at the beginning of an epoch, which is no transaction's.
		const phantom = this.#ends.find((zxid) => counterOf(zxid) > 0 && !committed.has(zxid));
		if (phantom !== undefined) find(`PostgreSQL has ${formatZxid(phantom)}, which was not committed`);
	}
}

/** Of one process. */
export class StrictMirror implements GatedMirror {
	readonly #gate: ProcessGate;
	readonly #database: StrictDatabase;
	readonly #mirrored: (zxid: Zxid) => void;
	/** Null while another one's writes. */
	#writable: Zxid | null = null;
	#isWorking = false;

	constructor(gate: ProcessGate, database: StrictDatabase, mirrored: (zxid: Zxid) => void) {
		this.#gate = gate;
		this.#database = database;
		this.#mirrored = mirrored;
	}

	committed(zxid: Zxid): void {
		this.#writable = zxid;
		if (!this.#isWorking) this.#work();
	}

	standBy(): void {
		this.#writable = null;
	}

	close(): void {
		this.#writable = null;
	}

	#work(): void {
		const through = this.#writable;
		this.#isWorking = through !== null;
		if (through === null) return;
		const from = this.#database.cursor;
		this.#database.write(from, through, () =>
			this.#gate.enter(() => {
				if (this.#writable !== null) this.#mirrored(this.#database.cursor);
				this.#isWorking = false;
				if (this.#writable !== null && this.#writable > this.#database.cursor) this.#work();
			}),
		);
	}
}
