/**
 * The election ports of the other servers. Messages may be lost, and come twice when a connection is made anew: the last one sent to a server is sent
 * again then.
 */
export type ServerState = 'looking' | 'following' | 'leading' | 'observing';

/** A server's vote, as it goes over the wire. */
export interface Notification {
	readonly state: ServerState;
	/** Server id of the candidate. An observer's own vote has -2^63 here, in zxid and in peerEpoch. */
	readonly leader: number;
	readonly zxid: number;
	/** The round of the election at the sender. */
	readonly electionEpoch: number;
	readonly peerEpoch: number;
	/** The sender's configuration as text, from version 2 of the message on; null in older ones. */
	readonly config: string | null;
}

export interface ElectionNetwork {
	/** Takes it over; nothing is said about its arrival. */
	send(to: number, notification: Notification): void;
}

export interface ElectionListener {
	/** A well-formed notification of a server (itself excepted). */
	notified(from: number, notification: Notification): void;
}
