import type { Chronokeeper } from '../chronokeeper.ts';
import { EventQueue } from '../event-queue.ts';
import { Listeners } from '../listeners.ts';
import type { NodeData } from '../operations.ts';
import type { AclOption } from './acl-option.ts';
import { type Departure, departureAt } from './departure.ts';
import { Group, type GroupChange, type Member, type Membership } from './group.ts';
import type { WaitOptions } from './patience.ts';

export interface HostStatus {
	readonly host: string;
	/** `missing`: it is gone, for less than the grace. */
	readonly state: 'up' | 'missing' | 'down';
	/** Since when: for `up` by the leader's clock, otherwise when this program noticed. */
	readonly since: Date;
	/** What it says, or said last, of itself. */
	readonly data: Uint8Array;
	/** How often it came back within the grace, as far as this view has seen. */
	readonly flaps: number;
	/** How it went last; undefined while it never has, or when nobody can tell. */
	readonly departure: Departure | undefined;
}

/** `back`: it was missing, and came back within the grace. `changed`: it says something else of itself. */
export interface HostChange {
	readonly kind: 'up' | 'missing' | 'back' | 'down' | 'changed';
	readonly host: HostStatus;
}

export interface HostViewOptions {
	/** A host that comes back within this time was never down; 5,000 ms when absent. */
	readonly graceMs?: number;
}

/**
 * Which machines are up: each has an agent that announces it, and those who look hear of machines that come, go, and how they went.
 *
 * Guarantee: a host is up while one of its announcements has a session. A host that is told to be down was gone for the grace, without a break, for this view; one that comes back in between flaps.
 * How it went is what the history of transactions says: whether the agent left, closed its session, or was not heard of for its session's timeout.
 *
 * Failure: that a machine is dead is noticed when its session has timed out, and told after the grace. While this program is cut off it tells nothing, and then all that has happened meanwhile; the grace
 * begins when it notices.
 *
 * Cost: for each view a watch, an event for each change, and a look into the history for each host that goes.
 *
 * Layout: a Group (Kazoo's Party) whose members are called as the hosts are.
 */
export class HostMonitor {
	readonly #ck: Chronokeeper;
	readonly #group: Group;

	constructor(ck: Chronokeeper, path: string, options: AclOption = {}) {
		this.#ck = ck;
		this.#group = new Group(ck, path, options);
	}

	/** This machine is up, until the membership is left or its session is lost; in the next session it is up again. */
	announce(host: string, data?: Exclude<NodeData, null>, options: WaitOptions = {}): Promise<Membership> {
		return this.#group.join(host, data, options);
	}

	/** A live view, which knows of hosts that go while it is there. */
	watch(options: HostViewOptions = {}): HostView {
		return new HostView(this.#ck, this.#group, options);
	}
}

interface Host {
	status: HostStatus;
	/** Several agents may announce one host. */
	readonly members: Map<string, Member>;
	grace: NodeJS.Timeout | undefined;
	departure: Promise<unknown>;
}

export class HostView implements AsyncDisposable {
	readonly #ck: Chronokeeper;
	readonly #graceMs: number;
	readonly #hosts = new Map<string, Host>();
	readonly #listeners = new Listeners<HostChange>();
	readonly #queues = new Set<EventQueue<HostChange>>();
	readonly #end = new AbortController();
	readonly #following: Promise<void>;

	/** @internal */
	constructor(ck: Chronokeeper, group: Group, { graceMs = 5000 }: HostViewOptions) {
		this.#ck = ck;
		this.#graceMs = graceMs;
		this.#following = this.#follow(group);
		this.#following.catch(() => {});
	}

	/** Those that were ever up since it is there, by name. */
	get hosts(): HostStatus[] {
		const all = [...this.#hosts.values()].map(({ status }) => status);
		return all.sort((a, b) => (a.host < b.host ? -1 : 1));
	}

	get(host: string): HostStatus | undefined {
		return this.#hosts.get(host)?.status;
	}

	/** Calls the listener at each change from now on. @returns stops it */
	on(listener: (change: HostChange) => void): () => void {
		return this.#listeners.on(listener);
	}

	/** Those that are there, as if they had just come up, then each change, until the view is closed, the loop is left or the signal fires. */
	changes(signal?: AbortSignal): AsyncGenerator<HostChange, void> {
		const queue = new EventQueue<HostChange>();
		for (const host of this.hosts) queue.push({ kind: host.state === 'up' ? 'up' : host.state, host });
		this.#queues.add(queue);
		const end = () => queue.end();
		signal?.addEventListener('abort', end);
		if (signal?.aborted || this.#end.signal.aborted) end();
		const forget = () => {
			this.#queues.delete(queue);
			signal?.removeEventListener('abort', end);
		};
		return (async function* () {
			try {
				yield* queue;
			} finally {
				forget();
			}
		})();
	}

	/** Tells nothing any more. @throws ClientError when it was not allowed to look at all */
	async close(): Promise<void> {
		this.#end.abort();
		for (const { grace } of this.#hosts.values()) clearTimeout(grace);
		for (const queue of this.#queues) queue.end();
		await this.#following;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	async #follow(group: Group): Promise<void> {
		try {
			for await (const change of group.changes({ signal: this.#end.signal })) this.#hear(change);
		} catch (error) {
			for (const queue of this.#queues) queue.fail(error as Error);
			throw error;
		}
	}

	#hear({ kind, member, zxid }: GroupChange): void {
		const known = this.#hosts.get(member.name);
		if (kind === 'left') {
			if (known?.members.delete(member.id) && known.members.size === 0) this.#gone(known, zxid);
			return;
		}
		const members = known?.members ?? new Map<string, Member>();
		const wasUp = members.size > 0;
		members.set(member.id, member);
		if (known !== undefined && wasUp) {
			if (kind === 'changed') this.#change('changed', known, { data: member.data });
			return;
		}
		const { name: host, data, since } = member;
		if (known === undefined) {
			const status = { host, state: 'up', since, data, flaps: 0, departure: undefined } as const;
			const added: Host = { status, members, grace: undefined, departure: Promise.resolve() };
			this.#hosts.set(host, added);
			this.#change('up', added, {});
			return;
		}
		clearTimeout(known.grace);
		const isBack = known.status.state === 'missing';
		const flaps = known.status.flaps + (isBack ? 1 : 0);
		this.#change(isBack ? 'back' : 'up', known, { state: 'up', since, data, flaps });
	}

	#gone(host: Host, zxid: bigint): void {
		const { signal } = this.#end;
		const departure = departureAt(this.#ck, zxid, signal).then((found) => {
			host.status = { ...host.status, departure: found };
		});
		host.departure = departure;
		host.grace = setTimeout(() => {
			// How it went is told with it, when anybody can tell.
			void departure.then(() => {
				const isStillGone = host.members.size === 0 && host.departure === departure;
				if (isStillGone && !signal.aborted) this.#change('down', host, { state: 'down' });
			});
		}, this.#graceMs);
		this.#change('missing', host, { state: 'missing', since: new Date(), departure: undefined });
	}

	#change(kind: HostChange['kind'], host: Host, what: Partial<HostStatus>): void {
		host.status = { ...host.status, ...what };
		const change = { kind, host: host.status };
		this.#listeners.tell(change);
		for (const queue of this.#queues) queue.push(change);
	}
}
