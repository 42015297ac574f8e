/** The protocol or a promise broken on purpose, to see that a checker finds it. */
export type Breach =
	| 'ackBeforeFsync'
	| 'commitWithoutQuorum'
	| 'skipTruncate'
	| 'reuseEpoch'
	| 'dropProposal'
	/** A reconfiguration is committed by a quorum of the configuration that it makes, alone. */
	| 'newQuorumAlone'
	/** A configuration that is logged is not saved. */
	| 'forgottenNext'
	/** A watch event reaches its client after an answer that shows the change. */
	| 'eventAfterRead'
	/** A leader's clock runs faster than a clock may. */
	| 'earlyExpiry'
	/** No session ever expires. */
	| 'noExpiry'
	/** A sync is answered without asking anybody. */
	| 'localSync'
	/** A client is let in by a member that knows less than it, and asks nobody. */
	| 'backInTime'
	/** A learner lets a session come back without asking the leader. */
	| 'unaskedRevalidation'
	/** A forwarded write arrives late, behind what was sent after it, and a learner lets a session come back without asking the leader. */
	| 'lateWrite'
	/** A forwarded request arrives twice. */
	| 'requestTwice'
	/** An answer that is another's. */
	| 'wrongAnswer'
	/** With audit.mode=strict, what a quorum has is committed before it is mirrored. */
	| 'unmirroredCommit'
	/** Two mirrors write side by side. */
	| 'unfencedMirror'
	/** A log whose bits flipped is taken to end there. */
	| 'believedDamage';
