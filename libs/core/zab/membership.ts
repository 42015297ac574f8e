/**
 * Which configuration a server lives by: the one in force, and the next one, which is logged here and may be committed.
 *
 * What holds at any time:
 * 1. The next configuration is saved before its transaction is in the log, so before it is acknowledged: a server that may have helped to commit a
 *    reconfiguration asks both quorums for whatever it does as a leader, also after a restart.
 * 2. The configuration in force only ever becomes a newer one, and is saved before anybody hears of it.
 *
 * A reconfiguration that was logged and never committed leaves its configuration behind as the next one. ZooKeeper keeps that until a newer one comes. Here it
 * goes as soon as its transaction does: when the log turns out to end in front of it, or with NEWLEADER, whose configuration takes its place. Both are
 * safe for the reason for which the log may be cut: a leader that gets as far as NEWLEADER has the promise of a quorum of the configuration in force, in which
 * nobody has a more recent history; had the reconfiguration been committed, one of that quorum would have it in its log, and so would the leader. To forget it
 * earlier than the transaction would not be safe, as that might be committed by a server that does not know whose quorum it takes.
 */
import { counterOf, type Zxid } from '../model/zxid.ts';
import type { MembershipStore } from './membership-store.ts';
import type { QuorumConfig, QuorumServer } from './quorum-config.ts';

export interface MembershipParts {
	readonly serverId: number;
	readonly current: QuorumConfig;
	/** What an earlier life saved; of no account unless it is newer than `current`. */
	readonly next?: QuorumConfig | undefined;
	/** `reconfigEnabled`. Without it the configuration stays what it is, and nothing is saved. */
	readonly isReconfigurable: boolean;
	readonly store: MembershipStore;
}

export type MembershipListener = (current: QuorumConfig, previous: QuorumConfig) => void;

export class Membership {
	readonly serverId: number;
	readonly isReconfigurable: boolean;
	readonly #store: MembershipStore;
	readonly #listeners: MembershipListener[] = [];
	#current: QuorumConfig;
	#next: QuorumConfig | null;

	constructor({ serverId, current, next, isReconfigurable, store }: MembershipParts) {
		this.serverId = serverId;
		this.isReconfigurable = isReconfigurable;
		this.#store = store;
		this.#current = current;
		this.#next = isReconfigurable && next !== undefined && next.version > current.version ? next : null;
	}

	/** In force. */
	get current(): QuorumConfig {
		return this.#current;
	}

	/** One that may become committed: whatever is proposed from it on, and whoever wants to lead, needs its quorum, too. */
	get next(): QuorumConfig | null {
		return this.#next;
	}

	/** A server that is not in the configuration is a participant without a vote: it follows, and nobody counts it (ZooKeeper's learner type). */
	get role(): QuorumServer['role'] {
		return roleIn(this.current, this.serverId);
	}

	get hasVote(): boolean {
		return this.current.servers.get(this.serverId)?.role === 'participant';
	}

	/** What the configurations say of a server: that in force first, then the next one if it says something else. Empty when neither has it. */
	servers(id: number): readonly QuorumServer[] {
		const known = [this.current.servers.get(id), this.next?.servers.get(id)];
		return known.filter((server) => server !== undefined);
	}

	/** Told after each change of the configuration in force, also when nothing but its version is new. */
	onChanged(listener: MembershipListener): void {
		this.#listeners.push(listener);
	}

	/** A reconfiguration is about to be logged. */
	propose(config: QuorumConfig): void {
		if (!this.isReconfigurable || config.version <= this.current.version) return;
		if (config.version === this.#next?.version) return;
		this.#store.saveNext(config);
		this.#next = config;
	}

	/** A configuration out of a file becomes one that was agreed upon: it wins over those of servers that join with a file of their own. */
	versionFirst(version: number): void {
		if (this.current.version === 0 && this.next === null) this.propose(this.current.withVersion(version));
	}

	/** A leader says with NEWLEADER, whose history is the own one by now, which configuration it is about to put in force, or has. */
	replaceNext(config: QuorumConfig): void {
		if (config.version > this.current.version) this.propose(config);
		else this.#forgetNext();
	}

	/** The log ends here: a reconfiguration behind it is not in it. The version that a first configuration gets is no transaction's. */
	logEnds(lastLogged: Zxid): void {
		const version = this.#next?.version ?? 0;
		if (version > lastLogged && counterOf(version as Zxid) !== 0) this.#forgetNext();
	}

	/**
	 * It is committed. One that is known or older changes nothing.
	 * @returns whether more is new than the version
	 */
	activate(config: QuorumConfig): boolean {
		const previous = this.current;
		if (!this.isReconfigurable || config.version <= previous.version) return false;
		this.#store.saveCurrent(config);
		this.#current = config;
		if (this.#next !== null && this.#next.version <= config.version) this.#next = null;
		for (const listener of this.#listeners) listener(config, previous);
		return !hasSameServers(config, previous);
	}

	/** One that is in force already takes its place in the store. */
	#forgetNext(): void {
		if (this.#next === null) return;
		this.#store.saveNext(this.current);
		this.#next = null;
	}
}

/**
 * Whether a learner has to leave its leader when a configuration takes the place of another (what ZooKeeper's processReconfig answers).
 * @param designated who leads from now on; null when nobody said so
 */
export function endsTerm(
	change: { readonly current: QuorumConfig; readonly previous: QuorumConfig },
	serverId: number,
	leader: number,
	designated: number | null,
): boolean {
	const { current, previous } = change;
	if (hasSameServers(current, previous)) return false;
	if (roleIn(current, serverId) !== roleIn(previous, serverId)) return true;
	if (designated !== null) return designated !== leader;
	return previous.servers.get(leader)?.role !== 'participant' || !staysLeader(previous, current, leader);
}

/** Whether a server that leads can go on: it is a voter, at the address that it had. */
export function staysLeader(current: QuorumConfig, next: QuorumConfig, id: number): boolean {
	const before = current.servers.get(id);
	const after = next.servers.get(id);
	return after?.role === 'participant' && (before === undefined || hasSameAddresses(before, after));
}

/** A term ends because the configuration in force is another. */
export class MembershipChanged extends Error {
	/** To be followed, or to become, without an election; null: there is an election. */
	readonly designatedLeader: number | null;

	constructor(config: QuorumConfig, designatedLeader: number | null) {
		const version = `0x${config.version.toString(16)}`;
		super(
			designatedLeader === null
				? `the configuration of version ${version} is in force`
				: `the configuration of version ${version} is in force, and server ${designatedLeader} is to lead`,
		);
		this.name = 'MembershipChanged';
		this.designatedLeader = designatedLeader;
	}
}

function roleIn(config: QuorumConfig, id: number): QuorumServer['role'] {
	return config.servers.get(id)?.role ?? 'participant';
}

function hasSameServers(one: QuorumConfig, other: QuorumConfig): boolean {
	return one.withVersion(0).toString() === other.withVersion(0).toString();
}

function hasSameAddresses(one: QuorumServer, other: QuorumServer): boolean {
	const text = ({ quorumAddresses }: QuorumServer) => quorumAddresses.map(({ host, port }) => `${host} ${port}`).join();
	return text(one) === text(other);
}
