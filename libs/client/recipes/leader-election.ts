/** One of several candidates leads. */
import type { Chronokeeper } from '../chronokeeper.ts';
import { NoNodeError, OperationAbortedError } from '../errors.ts';
import type { AclOption } from './acl-option.ts';
import { type Contender, contendersIn } from './contenders.ts';
import { HeldLock } from './held.ts';
import { lockLine, lockMarks } from './lock.ts';
import { orAborted, patiently, underSignals, unhurried, type WaitOptions } from './patience.ts';
import { inLine, predecessorOf, protectedPrefix } from './sequence-names.ts';
import { type Line, takeTurn } from './sequence-nodes.ts';
import { untilSeen } from './watching.ts';

export interface ElectionOptions extends AclOption {
	/** Who it is, for those who look: the text in the node of each candidate. An address, say. */
	readonly id?: string;
	/** How nodes are named: as Curator's LeaderLatch does it, as its LeaderSelector, or as Kazoo's Election. LeaderLatch's when absent. */
	readonly layout?: 'latch' | 'selector' | 'kazoo';
}

/** What a leader has; its token tells later leaders from earlier ones. */
export type Leadership = HeldLock;

const latchMarks = ['latch-'];

/**
 * Candidates lead one after the other, in the order in which they came, each for as long as it wants and its session lives.
 *
 * Guarantee: at most one is leader by the server's word, and of two leaders the later one has the greater token. A leader whose session has expired may believe in itself for a moment (its signal
 * tells it as soon as it can know): what it does to others carries the token, so that they can refuse it; what it writes here goes through transaction().
 *
 * Fails, costs: as a DistributedLock. A leader that dies is followed when its session has expired: a short session timeout makes that quick. observe() costs 2 round trips for each new leader and 1 watch.
 *
 * Layout: `_c_<uuid>-latch-<digits>` as Curator's LeaderLatch, which takes part in the same election; LeaderSelector's and Kazoo's on request.
 */
export class LeaderElection {
	readonly path: string;
	readonly #ck: Chronokeeper;
	readonly #line: Line;
	readonly #marks: readonly string[];

	constructor(ck: Chronokeeper, path: string, { id = '', layout = 'latch', acl }: ElectionOptions = {}) {
		this.#ck = ck;
		this.path = path;
		this.#marks = layout === 'latch' ? latchMarks : lockMarks;
		this.#line =
			layout === 'latch'
				? {
						directory: path,
						newPrefix: () => protectedPrefix('-latch-'),
						data: id,
						acl,
						predecessor: (names, own) => predecessorOf(own, inLine(names, latchMarks), latchMarks)?.name,
					}
				: lockLine(path, id, layout === 'kazoo' ? 'kazoo' : 'curator', acl);
	}

	/** Stands as a candidate until it leads. @throws WaitTimeoutError, OperationAbortedError, ClientError */
	lead(options: WaitOptions = {}): Promise<Leadership> {
		return patiently(this.path, options, async (signal) => {
			return new HeldLock(this.#ck, await takeTurn(this.#ck, this.#line, signal));
		});
	}

	/**
	 * Does the work while it leads, and only then. When leadership is lost the work's signal is aborted; once the work has stopped it stands as a candidate again, and does the work
	 * from its beginning when it leads the next time. When the work is done by itself, or fails, leadership is given up.
	 * @param work stops when its signal is aborted: by the loss of leadership, or by the caller's signal
	 * @returns what the work does
	 * @throws what the work throws while it leads; OperationAbortedError when the caller's signal is aborted
	 */
	async run<T>(
		work: (leadership: Leadership, signal: AbortSignal) => Promise<T>,
		{ signal }: Pick<WaitOptions, 'signal'> = {},
	): Promise<T> {
		for (;;) {
			const leadership = await this.lead({ signal });
			try {
				const signals = signal === undefined ? [leadership.signal] : [leadership.signal, signal];
				const result = await underSignals(signals, (first) => work(leadership, first));
				if (leadership.isHeld && signal?.aborted !== true) return result;
			} catch (error) {
				if (leadership.isHeld && signal?.aborted !== true) throw error;
			} finally {
				await leadership.release();
			}
			if (signal?.aborted === true) throw new OperationAbortedError(this.path, signal.reason, false);
		}
	}

	/** Undefined when there is none. Two round trips; it may have gone when it is read. */
	async leader(): Promise<Contender | undefined> {
		return (await contendersIn(this.#ck, this.path, this.#marks, 1))[0];
	}

	/** The leader, and behind it those that follow when it goes, in their order. Two round trips. */
	candidates(): Promise<Contender[]> {
		return contendersIn(this.#ck, this.path, this.#marks);
	}

	/**
	 * The leader of now, and each new one, undefined when there is none; until the loop is left or the signal is aborted. One that leads for a moment only may be left out, the last one is not.
	 */
	async *observe({ signal }: Pick<WaitOptions, 'signal'> = {}): AsyncGenerator<Contender | undefined, void> {
		const endless = signal ?? new AbortController().signal;
		let before: Contender | undefined | null = null;
		while (!endless.aborted) {
			try {
				const leader = await orAborted(this.leader(), endless);
				if (before === null || leader?.path !== before?.path) yield leader;
				before = leader;
				if (leader === undefined) await untilSeen(this.#ck, (watch) => this.#isAnyone(watch), endless);
				else await this.#ck.untilDeleted(leader.path, { signal: endless });
			} catch (error) {
				if (!endless.aborted) throw error;
			}
		}
	}

	async #isAnyone(watch: () => void): Promise<true | undefined> {
		for (;;) {
			try {
				const { names } = await this.#ck.children(this.path, { watch, ...unhurried });
				return inLine(names, this.#marks).length > 0 || undefined;
			} catch (error) {
				if (!(error instanceof NoNodeError)) throw error;
			}
			if ((await this.#ck.exists(this.path, { watch, ...unhurried })) === undefined) return undefined;
		}
	}
}
