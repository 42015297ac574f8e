/** Random scripts from a seed: every operation, good and bad, by several sessions on a few paths. */
import { superUser } from '#test/support/real-zookeeper';
import { RandomRequests } from './random-requests.ts';
import { RandomValues, users } from './random-values.ts';
import type { Script, ScriptRequest, SeenZxid, Slot, Step } from './script.ts';

/** Session timeouts that servers of this test grant lie between these; none expires while a script runs. */
export const minTimeoutMs = 20_000;
export const maxTimeoutMs = 60_000;

const slots = 4;

/** Too short for a header, a length below zero, and lengths above the limit. */
const noFrames = ['00000000', '0000000400000001', 'ffffffff', '7fffffff', '00100000'].map((hex) =>
	Buffer.from(hex, 'hex'),
);

export function generateScript(seed: number, operations: number): Script {
	const generator = new Generator(seed);
	return { seed, slots, steps: generator.steps(operations) };
}

class Generator {
	readonly #values: RandomValues;
	readonly #requests: RandomRequests;

	constructor(seed: number) {
		this.#values = new RandomValues(seed);
		this.#requests = new RandomRequests(this.#values);
	}

	steps(operations: number): Step[] {
		const steps: Step[] = [];
		for (let slot = 0; slot < slots; slot++) steps.push(this.#open(slot));
		steps.push(this.#one(1, this.#requests.auth(users[0]!)), this.#one(2, this.#requests.auth(users[1]!)));
		if (this.#values.chance(0.3)) steps.push(this.#one(3, this.#requests.auth(superUser.auth)));
		for (const path of ['/a', '/b', '/q', '/a/x', '/a/y', '/b/z', '/q/u', '/a/x/p']) {
			steps.push(this.#one(this.#slot(), this.#requests.plainCreate(path)));
		}
		if (this.#values.chance(0.5)) {
			for (const request of this.#requests.quotaOfQ()) steps.push(this.#one(this.#slot(), request));
		}
		for (let count = 0; count < operations; ) {
			const step = this.#step();
			steps.push(step);
			count += step.kind === 'send' ? step.requests.length : 1;
		}
		return steps;
	}

	#step(): Step {
		const roll = this.#values.next();
		const slot = this.#slot();
		if (roll < 0.04) return this.#connection(slot);
		if (roll < 0.1) return { kind: 'send', slot, requests: this.#pipeline() };
		return this.#one(slot, this.#requests.request());
	}

	#connection(slot: Slot): Step {
		return this.#values.weighted<Step>([
			[4, () => this.#reattach(slot, slot)],
			[2, () => this.#reattach(slot, this.#slot())],
			[1, () => this.#open(slot)],
			[2, () => ({ kind: 'drop', slot })],
			[1, () => ({ kind: 'unknownSession', slot })],
			[0.5, () => ({ kind: 'raw', slot, early: this.#values.chance(0.5), bytes: this.#values.choose(noFrames) })],
		]);
	}

	#open(slot: Slot): Step {
		return {
			kind: 'open',
			slot,
			timeoutMs: this.#values.choose([30_000, 30_000, 1, 0, -1, 1_000_000, 20_000, 59_999]),
			readOnly: this.#values.choose([false, false, true, undefined]),
			seen: this.#seen(),
			protocolVersion: this.#values.choose([0, 0, 0, 1, -7]),
			...(this.#values.chance(0.1) ? { cut: this.#values.below(46) } : {}),
			...(this.#values.chance(0.2) ? { early: this.#requests.pipeline(1 + this.#values.below(3)) } : {}),
		};
	}

	#reattach(slot: Slot, of: Slot): Step {
		return {
			kind: 'reattach',
			slot,
			of,
			password: this.#values.choose(['right', 'right', 'right', 'right', 'wrong', 'short', 'empty', 'null']),
			timeoutMs: this.#values.choose([30_000, 1, 45_000, 1_000_000]),
			readOnly: this.#values.choose([false, false, true, undefined]),
			seen: this.#seen(),
		};
	}

	#seen(): SeenZxid {
		return this.#values.choose(['none', 'none', 'seen', 'seen', 'seen', 'seen', 'seen', 'ahead']);
	}

	#one(slot: Slot, request: ScriptRequest): Step {
		return { kind: 'send', slot, requests: [request] };
	}

	#pipeline(): ScriptRequest[] {
		const count = this.#values.chance(0.1) ? 20 + this.#values.below(40) : 2 + this.#values.below(6);
		const requests = this.#requests.pipeline(count);
		// What stands behind it ZooKeeper may or may not take any more.
		if (this.#values.chance(0.1)) requests.push(this.#requests.plain({ kind: 'closeSession' }));
		return requests;
	}

	#slot(): Slot {
		return this.#values.below(slots);
	}
}
