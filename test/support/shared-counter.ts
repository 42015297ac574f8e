/** A number in a node, counted up by reading and writing apart: whatever keeps several programs apart is tried on it, for two at the same time would lose one. */
import { ok } from 'node:assert/strict';
import type { Chronokeeper, HeldLock } from '#client/index';

export type Acquire = () => Promise<HeldLock>;

export class SharedCounter {
	/** How often somebody else had counted between two turns of ours. */
	turnsOfOthers = 0;
	readonly #ck: Chronokeeper;
	readonly #path: string;
	#last = 0;

	private constructor(ck: Chronokeeper, path: string) {
		this.#ck = ck;
		this.#path = path;
	}

	/** In `counter` below the path: the count, and the fencing token of the last holder that has one. */
	static async create(ck: Chronokeeper, path: string): Promise<SharedCounter> {
		await ck.create(`${path}/counter`, '0:0', { parents: true });
		return new SharedCounter(ck, `${path}/counter`);
	}

	async count(): Promise<number> {
		return (await this.#read(this.#ck))[0];
	}

	/** Somebody has counted. */
	async hasChanged(): Promise<void> {
		for await (const event of this.#ck.watch(this.#path)) if (event.type === 'dataChanged') return;
	}

	/**
	 * Each of them takes its turn again and again, beside the others and whoever else counts here, until that is over.
	 * @returns how often they have counted
	 * @throws when a holder's token is not greater than that of the one before
	 */
	async contend(
		clients: readonly Chronokeeper[],
		acquireWith: (ck: Chronokeeper) => Acquire,
		over: Promise<unknown>,
	): Promise<number> {
		let isOver = false;
		let added = 0;
		const work = async (ck: Chronokeeper): Promise<void> => {
			const acquire = acquireWith(ck);
			while (!isOver) {
				const held = await acquire();
				await this.#increment(ck, held.token);
				added += 1;
				await held.release();
			}
		};
		const ended = over.finally(() => {
			isOver = true;
		});
		await Promise.all([...clients.map(work), ended]);
		return added;
	}

	async #increment(ck: Chronokeeper, token: bigint): Promise<void> {
		const [count, greatest] = await this.#read(ck);
		ok(token > greatest, `the token ${token} comes behind ${greatest}`);
		if (count !== this.#last) this.turnsOfOthers += 1;
		this.#last = count + 1;
		await ck.set(this.#path, `${count + 1}:${token}`);
	}

	async #read(ck: Chronokeeper): Promise<[count: number, token: bigint]> {
		const { data } = await ck.get(this.#path);
		const [count, token] = Buffer.from(data!).toString().split(':') as [string, string];
		return [Number(count), BigInt(token)];
	}
}
