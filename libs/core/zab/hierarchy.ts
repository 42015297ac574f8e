/**
 * A configuration of groups and weights: a quorum has more than half of the weight in each of more than half of the groups. Groups of weight 0 are
 * not counted among them.
 */
import { idsOf, serverLines, serversById, versionLine, withoutParticipant } from './majority.ts';
import { type QuorumConfig, QuorumConfigError, type QuorumServer } from './quorum-config.ts';

export interface Hierarchy {
	/** Group id -> its servers. */
	readonly groups: ReadonlyMap<number, readonly number[]>;
	/** Server id -> weight; participants that are missing have 1. */
	readonly weights: ReadonlyMap<number, number>;
}

/** @throws QuorumConfigError when groups and servers do not fit together */
export function hierarchicalConfig(servers: Iterable<QuorumServer>, hierarchy: Hierarchy, version = 0): QuorumConfig {
	return new Hierarchical(servers, hierarchy, version);
}

class Hierarchical implements QuorumConfig {
	readonly version: number;
	readonly servers: ReadonlyMap<number, QuorumServer>;
	readonly participants: readonly number[];
	readonly observers: readonly number[];
	readonly groups: ReadonlyMap<number, readonly number[]>;
	/** Of every participant, and whatever else has a line. */
	readonly #weights: ReadonlyMap<number, number>;
	/** Groups that have weight. */
	readonly #counted: readonly (readonly number[])[];

	constructor(servers: Iterable<QuorumServer>, hierarchy: Hierarchy, version: number) {
		this.version = version;
		this.servers = serversById(servers);
		this.participants = idsOf(this.servers, 'participant');
		this.observers = idsOf(this.servers, 'observer');
		const weights = new Map(this.participants.map((id): [number, number] => [id, 1]));
		for (const [id, weight] of hierarchy.weights) weights.set(id, weight);
		this.#weights = byId(weights);
		this.groups = byId(hierarchy.groups);
		this.#counted = [...this.groups.values()].filter((group) => this.#weightOf(group) > 0);
		const problems = [...this.#problems()];
		if (problems.length > 0) throw new QuorumConfigError(problems);
	}

	weight(id: number): number {
		return this.servers.get(id)?.role === 'participant' ? (this.#weights.get(id) ?? 0) : 0;
	}

	isQuorum(servers: ReadonlySet<number>): boolean {
		const won = this.#counted.filter((group) => {
			const present = group.filter((id) => servers.has(id));
			return this.#weightOf(present) > this.#weightOf(group) / 2;
		});
		return won.length > this.#counted.length / 2;
	}

	withVersion(version: number): QuorumConfig {
		return new Hierarchical(this.servers.values(), { groups: this.groups, weights: this.#weights }, version);
	}

	toString(): string {
		return [
			...serverLines(this.servers),
			...[...this.groups].map(([id, servers]) => `group.${id}=${servers.join(':')}`),
			...[...this.#weights].map(([id, weight]) => `weight.${id}=${weight}`),
			versionLine(this.version),
		].join('\n');
	}

	#weightOf(servers: readonly number[]): number {
		return servers.reduce((sum, id) => sum + this.weight(id), 0);
	}

	*#problems(): Iterable<string> {
		if (this.participants.length === 0) yield withoutParticipant;
		const groupOf = new Map<number, number>();
		for (const [group, servers] of this.groups) {
			for (const id of servers) {
				const role = this.servers.get(id)?.role;
				if (role === undefined) yield `group.${group} names server ${id}: add a \`server.${id}\` line or take it out.`;
				if (role === 'observer') yield `group.${group} names server ${id}, an observer: take it out, it has no vote.`;
				if (groupOf.has(id)) yield `Server ${id} is in group.${groupOf.get(id)} and group.${group}: leave it in one.`;
				groupOf.set(id, group);
			}
		}
		for (const id of this.participants) {
			if (!groupOf.has(id)) yield `Server ${id} is in no group: name it in one of the \`group.N\` lines.`;
		}
		for (const id of this.#weights.keys()) {
			if (!this.servers.has(id)) yield `weight.${id} has no server: add a \`server.${id}\` line or take it out.`;
		}
		if (this.#counted.length === 0) yield 'Every server has weight 0: give at least one a `weight.N` above 0.';
	}
}

function byId<T>(map: ReadonlyMap<number, T>): ReadonlyMap<number, T> {
	return new Map([...map].sort(([one], [other]) => one - other));
}
