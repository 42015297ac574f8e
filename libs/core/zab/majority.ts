/** A configuration in which each participant has one vote. */
import { type QuorumConfig, QuorumConfigError, type QuorumServer } from './quorum-config.ts';
import { formatQuorumServer } from './quorum-server.ts';

const noGroups: ReadonlyMap<number, readonly number[]> = new Map();

/** @throws QuorumConfigError without a participant */
export function majorityConfig(servers: Iterable<QuorumServer>, version = 0): QuorumConfig {
	return new Majority(servers, version);
}

class Majority implements QuorumConfig {
	readonly version: number;
	readonly servers: ReadonlyMap<number, QuorumServer>;
	readonly participants: readonly number[];
	readonly observers: readonly number[];
	readonly groups = noGroups;

	constructor(servers: Iterable<QuorumServer>, version: number) {
		this.version = version;
		this.servers = serversById(servers);
		this.participants = idsOf(this.servers, 'participant');
		this.observers = idsOf(this.servers, 'observer');
		if (this.participants.length === 0) throw new QuorumConfigError([withoutParticipant]);
	}

	weight(id: number): number {
		return this.servers.get(id)?.role === 'participant' ? 1 : 0;
	}

	isQuorum(servers: ReadonlySet<number>): boolean {
		const present = this.participants.filter((id) => servers.has(id));
		return present.length > this.participants.length / 2;
	}

	withVersion(version: number): QuorumConfig {
		return new Majority(this.servers.values(), version);
	}

	toString(): string {
		return [...serverLines(this.servers), versionLine(this.version)].join('\n');
	}
}

export const withoutParticipant = 'No server is a participant: at least one `server.N` line must be.';

export function serversById(servers: Iterable<QuorumServer>): ReadonlyMap<number, QuorumServer> {
	return new Map([...servers].sort((one, other) => one.id - other.id).map((server) => [server.id, server]));
}

export function idsOf(servers: ReadonlyMap<number, QuorumServer>, role: QuorumServer['role']): readonly number[] {
	return [...servers.values()].filter((server) => server.role === role).map((server) => server.id);
}

export function serverLines(servers: ReadonlyMap<number, QuorumServer>): string[] {
	return [...servers.values()].map((server) => `server.${server.id}=${formatQuorumServer(server)}`);
}

export function versionLine(version: number): string {
	return `version=${version.toString(16)}`;
}
