/** The members of an ensemble and whose votes make a quorum. A value: a new configuration is a new one. */
export interface QuorumServer {
	readonly id: number;
	readonly role: 'participant' | 'observer';
	/** Host and port; several are alternatives. */
	readonly quorumAddresses: readonly HostPort[];
	readonly electionAddresses: readonly HostPort[];
	/** Where its clients connect; undefined when the line does not say. */
	readonly client: HostPort | undefined;
}

export interface HostPort {
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
	/** 1, or what `weight.N` says; 0 for observers and servers it does not know. A server of weight 0 is never elected (semantics 79). */
	weight(id: number): number;
	/** Whether these servers are a quorum: more than half of the participants, or with groups more than half of the weight in more than half of the groups. */
	isQuorum(servers: ReadonlySet<number>): boolean;
	/** ZooKeeper's text, one server per line, with `version=` in hexadecimal at the end. */
	toString(): string;
}
