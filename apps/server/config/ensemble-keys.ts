/** ZooKeeper's keys of an ensemble. A single server takes them too: one file is often shared by servers that are moved. */
import { key } from './key.ts';
import { boolean, decimal, integer, oneOf, string } from './value-types.ts';

export const ensembleKeys = {
	standaloneEnabled: key(
		boolean,
		true,
		'Whether a configuration with one participant runs as a single server; `false`: as an ensemble of one, which others can join.',
	),
	reconfigEnabled: key(
		boolean,
		false,
		'Whether the servers of a running ensemble can be changed with `reconfig`; the same for all of them. A single server answers Unimplemented all the same, as ZooKeeper does.',
	),
	dynamicConfigFile: key(
		string,
		'',
		'A file with the `server.N`, `group.N` and `weight.N` lines, which may then stand nowhere else; a relative path is looked for from the directory of the configuration file. A name that ends in a dot and a hexadecimal number says the version. A reconfiguration writes this line.',
	),
	initLimit: key(integer(0), 0, 'Ticks a learner has to connect and synchronise; an ensemble must say it.'),
	syncLimit: key(
		integer(0),
		0,
		'Ticks after which a learner that is silent, or that lags, is given up, and a leader by its learner; an ensemble must say it.',
	),
	connectToLearnerMasterLimit: key(integer(0), 0, 'Ticks a learner has to connect to the leader; 0: `initLimit`.'),
	electionAlg: key(oneOf('3'), '3', 'The election algorithm: there is one.'),
	leaderServes: key(
		boolean,
		true,
		'Whether a leader serves clients of `clientPort`; otherwise it hangs up on them, and only the leader does. gRPC calls are served in any case.',
	),
	peerType: key(
		oneOf('participant', 'observer'),
		'participant',
		"What this server is. The server's line decides (`:observer`); a `peerType` that says something else is a warning.",
	),
	'multiAddress.enabled': key(boolean, false, 'Whether a `server.N` line may have several addresses.'),
	quorumListenOnAllIPs: key(
		boolean,
		false,
		'Whether the quorum and the election port listen on all addresses instead of that of the `server.N` line.',
	),
	electionPortBindRetry: key(
		integer(0),
		3,
		'How often to try to listen on the election port when the server starts, a second apart; 0: until it can be.',
	),
	cnxTimeout: key(integer(1), 5000, 'Milliseconds a connection to an election port may take.'),
	quorumCnxnTimeoutMs: key(
		integer(-1),
		-1,
		'Milliseconds the other end of an election connection has to say who it is; 0 or less: `syncLimit` ticks.',
	),
	tcpKeepAlive: key(boolean, false, 'Whether election connections use TCP keep-alive.'),
	'fastleader.minNotificationInterval': key(
		integer(1),
		200,
		'Milliseconds an election waits for a further notification before it is decided, and between the first two rounds of sending them.',
	),
	'fastleader.maxNotificationInterval': key(
		integer(1),
		60_000,
		'Milliseconds up to which the pause between notifications grows while nobody answers.',
	),
	maxTimeToWaitForEpoch: key(
		integer(-1),
		-1,
		'An elected leader that has waited longer than so many milliseconds for a quorum to name its epochs gives up as soon as one of those who elected it looks for a leader again; -1: it waits for `initLimit` in any case.',
	),
	leaderConnectDelayDuringRetryMs: key(
		integer(0),
		100,
		'Milliseconds between attempts of a learner to connect to the leader.',
	),
	commitLogCount: key(
		integer(1),
		500,
		'How many committed transactions are kept in memory for learners that return; at least 500.',
	),
	snapshotSizeFactor: key(
		decimal(-1, 1),
		0.33,
		'A learner gets transactions from the log on disk while they are smaller than the last snapshot times this, and a snapshot otherwise; below 0: never from disk; 0: however many they are. Up to 64 MiB of them in any case while nothing sets it.',
	),
	forceSnapshotSync: key(boolean, false, 'Whether a leader sends each learner a whole snapshot, for tests.'),
	maxConcurrentSnapSyncs: key(
		integer(1),
		10,
		'How many learners may be sent a snapshot at a time: a further observer has to come again, a follower never.',
	),
	maxConcurrentDiffSyncs: key(
		integer(1),
		100,
		'How many learners may be sent transactions at a time, as they join: a further observer has to come again, a follower never.',
	),
	syncEnabled: key(boolean, true, 'Whether an observer logs and writes snapshots.'),
	'observer.reconnectDelayMs': key(
		integer(0),
		0,
		'An observer waits a random time below so many milliseconds before it connects to a leader.',
	),
	'observer.election.DelayMs': key(
		integer(0),
		200,
		'An observer that lost its leader waits a random time below so many milliseconds before it asks who leads.',
	),
	localSessionsEnabled: key(
		boolean,
		false,
		'Whether new sessions are local ones, known to one server only. A single server, as ZooKeeper, has none.',
	),
	localSessionsUpgradingEnabled: key(
		boolean,
		false,
		'Whether a local session that creates an ephemeral node becomes a global one.',
	),
} as const;

/** They stand in files that a single server starts with as well, and do no harm there. */
const quiet: ReadonlySet<string> = new Set<keyof typeof ensembleKeys>([
	'standaloneEnabled',
	'reconfigEnabled',
	'dynamicConfigFile',
	'initLimit',
	'syncLimit',
	'connectToLearnerMasterLimit',
	'electionAlg',
	'peerType',
	'multiAddress.enabled',
]);

/** Worth a word when a single server is given it: somebody expects something of it. */
export function needsEnsemble(key: string): boolean {
	return Object.hasOwn(ensembleKeys, key) && !quiet.has(key);
}
