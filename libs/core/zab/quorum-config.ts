/** The members of an ensemble and whose votes make a quorum. A value: a new configuration is a new one. */
export interface QuorumServer {
	readonly id: number;
	readonly role: 'participant' | 'observer';
	/** Host and port; several are alternatives, in the order of their hosts. */
	readonly quorumAddresses: readonly HostPort[];
	/** As many, of the same hosts. */
	readonly electionAddresses: readonly HostPort[];
	/** Where its clients connect; undefined when the line does not say. */
	readonly client: HostPort | undefined;
}

export interface HostPort {
	/** A name or a literal address; that of IPv6 without brackets. */
	readonly host: string;
	readonly port: number;
}

export interface QuorumConfig {
	/** The zxid of the reconfiguration that made it; 0 for that of the file. */
	readonly version: number;
	readonly servers: ReadonlyMap<number, QuorumServer>;
	/** Participants, in the order of their ids. */
	readonly participants: readonly number[];
	readonly observers: readonly number[];
	/** Group id -> its servers; empty where the majority decides. Incremental reconfigurations are for those without groups. */
	readonly groups: ReadonlyMap<number, readonly number[]>;
	/** 1, or what `weight.N` says; 0 for observers and servers it does not know. A server of weight 0 is never elected (semantics 79). */
	weight(id: number): number;
	/** Whether these servers are a quorum: more than half of the participants, or with groups more than half of the weight in more than half of the groups. */
	isQuorum(servers: ReadonlySet<number>): boolean;
	/** The same members as of another reconfiguration. */
	withVersion(version: number): QuorumConfig;
	/** ZooKeeper's text, one server per line, with `version=` in hexadecimal at the end. */
	toString(): string;
}

/** A configuration that cannot be used. */
export class QuorumConfigError extends Error {
	/** One sentence each: which line, what is wrong with it, what to write instead. */
	readonly problems: readonly string[];

	constructor(problems: readonly string[]) {
		super(problems.join('\n'));
		this.name = 'QuorumConfigError';
		this.problems = problems;
	}
}
