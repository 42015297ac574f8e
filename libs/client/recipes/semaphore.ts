/** So many at a time, and no more. */
import type { Chronokeeper } from '../chronokeeper.ts';
import { NoNodeError } from '../errors.ts';
import type { AclOption } from './acl-option.ts';
import { type Contender, contendersIn } from './contenders.ts';
import { discard, HeldLock } from './held.ts';
import { type Lockable, lockLine } from './lock.ts';
import { patiently, underSignals, unhurried, type WaitOptions } from './patience.ts';
import { protectedPrefix } from './sequence-names.ts';
import { type Entered, enterLine, type Line, type SequenceNode, takeTurn } from './sequence-nodes.ts';
import { untilSeen } from './watching.ts';

export interface SemaphoreOptions extends AclOption {
	/** Who it is, for those who look: the text in the node of each lease. */
	readonly id?: string;
}

const leaseMarks = ['lease-'];

/**
 * Leases of which there are only so many. All who use it must say the same number.
 *
 * Guarantee: when a lease is given there are no more than `leases` of them, its own included. They are given in the order in which they were asked for.
 * Each has a token of its own, greater than those of the leases before; a resource that keeps the tokens of its users can refuse one that was taken back meanwhile, and transaction() does.
 *
 * Fails: as a DistributedLock; a lease goes with its session.
 *
 * Costs: 2 round trips to acquire while leases are left, 1 to release. Those who wait stand in the line of a lock, and only the first of them watches the leases: a release wakes at
 * most two, the first, and the one behind it who moves up.
 *
 * Layout: Curator's InterProcessSemaphoreV2: `locks/_c_<uuid>-lock-<digits>`, `leases/_c_<uuid>-lease-<digits>`; both together give no more leases than there are.
 */
export class Semaphore implements Lockable {
	readonly path: string;
	readonly leases: number;
	readonly #ck: Chronokeeper;
	readonly #gate: Line;
	readonly #line: Line;

	/** @throws RangeError unless there is at least one lease */
	constructor(ck: Chronokeeper, path: string, leases: number, { id = '', acl }: SemaphoreOptions = {}) {
		if (!Number.isInteger(leases) || leases < 1) throw new RangeError(`${leases} leases: at least one is needed`);
		this.#ck = ck;
		this.path = path;
		this.leases = leases;
		this.#gate = lockLine(`${path}/locks`, id, 'curator', acl);
		this.#line = {
			directory: `${path}/leases`,
			newPrefix: () => protectedPrefix('-lease-'),
			data: id,
			acl,
			predecessor: () => undefined,
		};
	}

	/** Waits for a lease. @throws WaitTimeoutError, OperationAbortedError, ClientError */
	acquire(options: WaitOptions = {}): Promise<HeldLock> {
		return patiently(this.path, options, async (signal) => {
			for (;;) {
				const gate = await takeTurn(this.#ck, this.#gate, signal);
				try {
					const lease = await this.#lease(gate, signal);
					if (lease !== undefined) return new HeldLock(this.#ck, lease);
				} finally {
					// Not waited for: what comes behind it on the way to the server is done behind it.
					discard(this.#ck, gate).catch(() => {});
				}
			}
		});
	}

	/** Who has a lease; the last may be one who waits for a lease to come back. Two round trips. */
	holders(): Promise<Contender[]> {
		return contendersIn(this.#ck, this.#line.directory, leaseMarks, this.leases);
	}

	/** Undefined when the gate, or the lease, was lost meanwhile. */
	async #lease(gate: SequenceNode, signal: AbortSignal): Promise<SequenceNode | undefined> {
		const entered = await enterLine(this.#ck, this.#line, signal);
		const { node } = entered;
		try {
			const isHeld = await underSignals([signal, gate.session.signal], (first) => this.#isGiven(entered, first));
			if (isHeld && node.session === gate.session) return node;
		} catch (error) {
			if (signal.aborted || !gate.session.signal.aborted) {
				discard(this.#ck, node).catch(() => {});
				throw error;
			}
		}
		discard(this.#ck, node).catch(() => {});
		return undefined;
	}

	/** Waits until there are few enough. False when the lease is gone. */
	async #isGiven({ node, names }: Entered, signal: AbortSignal): Promise<boolean> {
		if (names.includes(node.name) && names.length <= this.leases) return true;
		return untilSeen(
			this.#ck,
			async (watch) => {
				try {
					const now = (await this.#ck.children(this.#line.directory, { watch, ...unhurried })).names;
					if (!now.includes(node.name)) return false;
					return now.length <= this.leases || undefined;
				} catch (error) {
					if (error instanceof NoNodeError) return false;
					throw error;
				}
			},
			signal,
		);
	}
}
