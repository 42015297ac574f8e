/** What goes wrong, drawn by the seed. */
import type { SimMember } from './sim-member.ts';
import type { SimNetwork } from './sim-network.ts';
import type { MemberClock, World } from './world.ts';

export interface FaultCounts {
	cuts: number;
	losses: number;
	powerCuts: number;
	kills: number;
	pauses: number;
	clockJumps: number;
	slowDisks: number;
	fullDisks: number;
	restarts: number;
	damages: number;
}

export interface FaultParts {
	readonly world: World;
	readonly network: SimNetwork;
	readonly members: readonly SimMember[];
	readonly clockOf: (member: SimMember) => MemberClock;
	/** Of a member that is down: a bit of its files flips. False where there are none, or enough have flipped. */
	readonly damage: (member: SimMember) => boolean;
}

/** The longest that a member stops: a few session timeouts. */
const longestPauseMs = 10_000;
const wellMs = 3;
/** The latest that what strikes in the middle of other things does. */
export const midwayMs = 30;

export class Faults {
	readonly counts: FaultCounts = {
		cuts: 0,
		losses: 0,
		powerCuts: 0,
		kills: 0,
		pauses: 0,
		clockJumps: 0,
		slowDisks: 0,
		fullDisks: 0,
		restarts: 0,
		damages: 0,
	};
	readonly #parts: FaultParts;

	constructor(parts: FaultParts) {
		this.#parts = parts;
	}

	/** One thing, or nothing. */
	async strike(): Promise<void> {
		const { world, network, members } = this.#parts;
		const { random } = world;
		const { counts } = this;
		const member = random.pick(members);
		const what = random.below(200);
		if (what < 8) this.#kill(member, random.chance(0.6));
		else if (what < 26) await this.#start(members.find(({ isAlive, refusal }) => !isAlive && refusal === null));
		else if (what < 30) this.#isolate(member.id);
		else if (what < 33) this.#isolate(this.#leader()?.id ?? member.id);
		else if (what < 37) this.#cut(member.id, random.pick(members).id);
		else if (what < 47) network.heal();
		else if (what < 49) network.delayMs = random.pick([1, 5, 50, 300]);
		else if (what < 52) this.#allDown();
		else if (what < 70) await member.snapshot();
		else if (what < 72) this.#failDisk(member);
		else if (what < 82) await this.#repair(0.3);
		else if (what < 86) this.#pause(random.chance(0.5) ? (this.#leader() ?? member) : member);
		else if (what < 89) {
			network.lose();
			counts.losses += 1;
		} else if (what < 92) {
			this.#parts.clockOf(member).jump();
			counts.clockJumps += 1;
		} else if (what < 96) {
			// One, or what they all stand on.
			const slow = random.chance(0.4) ? members : [member];
			const syncMs = random.pick([wellMs, 30, 200, 900]);
			for (const { machine } of slow) machine.syncMs = syncMs;
			counts.slowDisks += 1;
		} else if (what < 104) member.machine.syncMs = wellMs;
	}

	/** The end of all trouble. Who cannot start stays down. */
	async end(): Promise<void> {
		const { network, members } = this.#parts;
		network.heal();
		network.delayMs = 5;
		for (const { machine } of members) machine.makeRoom();
		await this.#repair(1);
		for (const member of members) {
			member.machine.syncMs = wellMs;
			member.goOn();
			if (!member.isAlive) await member.start();
		}
	}

	/** In the middle of what clients are about to ask for. */
	#kill(member: SimMember, isPowerCut: boolean): void {
		const { world } = this.#parts;
		world.after(world.random.below(midwayMs), () => this.#killNow(member, isPowerCut));
	}

	#killNow(member: SimMember, isPowerCut: boolean): void {
		if (!member.isAlive) return;
		member.kill(isPowerCut);
		this.counts[isPowerCut ? 'powerCuts' : 'kills'] += 1;
	}

	/** Bits flip while it is down: the next reader finds them. */
	async #start(member: SimMember | undefined): Promise<void> {
		if (member === undefined) return;
		if (this.#parts.world.random.chance(0.3) && this.#parts.damage(member)) {
			this.counts.damages += 1;
		}
		await member.start();
	}

	/** The power is cut everywhere. They come back one by one, or all at once. */
	#allDown(): void {
		const { members, world } = this.#parts;
		if (!world.random.chance(0.3)) return;
		this.counts.restarts += 1;
		const areBackAtOnce = world.random.chance(0.5);
		world.after(world.random.below(midwayMs), () => {
			for (const member of members) this.#killNow(member, true);
			if (areBackAtOnce) void this.#startAll();
		});
	}

	async #startAll(): Promise<void> {
		for (const member of this.#parts.members) await member.start();
	}

	#failDisk(member: SimMember): void {
		if (member.isAlive) this.counts.fullDisks += 1;
		member.failDisk();
	}

	/** Somebody sees to those whose disk failed. */
	async #repair(chance: number): Promise<void> {
		const { members, world } = this.#parts;
		for (const member of members) {
			if (member.host?.state !== 'logFailed' || !world.random.chance(chance)) continue;
			member.kill(false);
			await member.start();
		}
	}

	#pause(member: SimMember): void {
		if (!member.isAlive) return;
		const { random } = this.#parts.world;
		member.pause(random.chance(0.5) ? random.below(800) : random.below(longestPauseMs));
		this.counts.pauses += 1;
	}

	#leader(): SimMember | undefined {
		return this.#parts.members.find(({ peer }) => peer?.state === 'leading');
	}

	#isolate(id: number): void {
		const { members, world } = this.#parts;
		for (const { id: other } of members) {
			if (other === id) continue;
			this.#cut(id, other);
			if (world.random.chance(0.7)) this.#cut(other, id);
		}
	}

	#cut(from: number, to: number): void {
		this.#parts.network.cut(from, to);
		this.counts.cuts += 1;
	}
}
