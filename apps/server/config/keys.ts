/**
 * The keys that have an effect, each with what it may be, its default and its meaning. docs/configuration.md holds the same table (a test
 * compares them). ZooKeeper's keys keep their names and meaning; those below "ours" are Chronokeeper's own.
 */
import { ensembleKeys } from './ensemble-keys.ts';
import { grpcKeys } from './grpc-keys.ts';
import { grpcLimitKeys } from './grpc-limit-keys.ts';
import { type Key, key } from './key.ts';
import { retentionKeys } from './retention-keys.ts';
import {
	address,
	boolean,
	decimal,
	integer,
	nodePaths,
	oneOf,
	path,
	port,
	string,
	url,
	urlPath,
	words,
} from './value-types.ts';

export type { Key } from './key.ts';

export const keys = {
	tickTime: key(integer(1), 2000, 'Milliseconds of a tick, the unit of session expiry.'),
	dataDir: key(
		path,
		'./data',
		'Where snapshots lie and, without `dataLogDir`, the transaction logs; the embedded PostgreSQL too.',
	),
	dataLogDir: key(path, '', 'Where the transaction logs lie; `dataDir` when empty.'),
	clientPort: key(
		port,
		2181,
		"ZooKeeper's client port; 0: none. When nothing sets it, it is 2181 on loopback only, and none beside a `secureClientPort`.",
	),
	clientPortAddress: key(string, '', 'The address `clientPort` listens on; all addresses when empty.'),
	clientPortListenBacklog: key(
		integer(-1),
		-1,
		"How many connections may wait to be accepted on `clientPort`; -1: the system's default.",
	),
	maxClientCnxns: key(integer(0), 60, 'Connections of one address to `clientPort` at a time; 0: any number.'),
	maxCnxns: key(integer(0), 0, 'Connections to `clientPort` at a time; 0: any number.'),
	'nio.sessionlessCnxnTimeout': key(
		integer(1),
		10_000,
		'Milliseconds that a connection to `clientPort` may go without a session.',
	),
	secureClientPort: key(
		port,
		0,
		"ZooKeeper's client port with TLS; 0: none. This build does not listen on it and says so.",
	),
	minSessionTimeout: key(
		integer(-1),
		-1,
		'The shortest session timeout a client can get, in milliseconds; -1: 2 ticks.',
	),
	maxSessionTimeout: key(
		integer(-1),
		-1,
		'The longest session timeout a client can get, in milliseconds; -1: 20 ticks.',
	),
	snapCount: key(
		integer(2),
		100_000,
		'A snapshot is written after so many transactions, or some fewer: a random number from half of it up.',
	),
	snapSizeLimitInKb: key(
		integer(),
		4_194_304,
		'A snapshot is also written after so many KiB of log, randomised in the same way; 0 or less: never for this reason.',
	),
	preAllocSize: key(integer(1, 4_194_303), 65_536, 'KiB by which the log file grows ahead of what is written.'),
	forceSync: key(
		boolean,
		true,
		'Whether a write is on disk (fdatasync) before it is acknowledged. `no` loses acknowledged writes when the machine stops.',
	),
	'fsync.warningthresholdms': key(
		integer(0),
		1000,
		'A sync of the log that takes longer, in milliseconds, is a line in the log.',
	),
	'autopurge.snapRetainCount': key(
		integer(1),
		3,
		'How many of the newest snapshots a purge leaves, with the logs they need; at least 3.',
	),
	'autopurge.purgeInterval': key(
		integer(0),
		0,
		'Hours between purges; 0: no purge. What the mirror does not have yet is never purged.',
	),
	extendedTypesEnabled: key(boolean, false, 'Whether TTL nodes can be created.'),
	enforceQuota: key(boolean, false, 'Whether a write that exceeds a hard quota is refused.'),
	skipACL: key(boolean, false, 'Whether access control lists are not looked at: everybody may do everything.'),
	enableEagerACLCheck: key(
		boolean,
		false,
		'Whether a member of an ensemble refuses writes of its clients by the access control lists that it has, before it asks the leader. A single server decides once, anyhow.',
	),
	'DigestAuthenticationProvider.enabled': key(boolean, true, 'Whether the `digest` scheme is there.'),
	'DigestAuthenticationProvider.superDigest': key(
		string,
		'',
		'The digest `super:base64(hash(user:password))` whose owner passes every access control list; empty: nobody does.',
		true,
	),
	'X509AuthenticationProvider.superUser': key(
		string,
		'',
		'The subject whose certificate passes every access control list, at the gRPC port (`grpc.tls.clientCa`): `CN=admin,O=example`; empty: none does.',
	),
	'DigestAuthenticationProvider.digestAlg': key(
		oneOf('SHA1'),
		'SHA1',
		'The hash of the `digest` scheme; this build has one.',
	),
	'jute.maxbuffer': key(
		integer(1024, 1_073_741_824),
		1_048_575,
		'The largest request and the largest data of a node, in bytes.',
	),
	globalOutstandingLimit: key(integer(1), 1000, 'How many requests may be under way; further ones wait.'),
	connectionMaxTokens: key(
		integer(0),
		0,
		'The throttle of connections: the bucket has so many tokens, and a connection to `clientPort` takes one or is closed; 0: no throttle.',
	),
	connectionTokenFillTime: key(integer(1), 1, 'Milliseconds between fillings of the bucket of tokens.'),
	connectionTokenFillCount: key(integer(0), 1, 'Tokens that a filling puts into the bucket.'),
	connectionFreezeTime: key(
		integer(-1),
		-1,
		'Milliseconds between adjustments of the chance at which connections are dropped; -1: none is dropped by chance.',
	),
	connectionDropIncrease: key(decimal(0, 1), 0.02, 'By how much the chance rises while the bucket is empty.'),
	connectionDropDecrease: key(
		decimal(0, 1),
		0.002,
		'By how much the chance falls while the bucket has more than `connectionMaxTokens` × `connectionDecreaseRatio` tokens.',
	),
	connectionDecreaseRatio: key(decimal(0, 1), 0, 'See `connectionDropDecrease`.'),
	connection_throttle_weight_enabled: key(
		boolean,
		false,
		'Whether a connection takes as many tokens as the kind of its session weighs; the bucket and its fillings count in global sessions then.',
	),
	connection_throttle_global_session_weight: key(integer(1), 3, 'Tokens that a new session takes.'),
	connection_throttle_renew_session_weight: key(integer(1), 2, 'Tokens that attaching to a session takes.'),
	connection_throttle_local_session_weight: key(integer(1), 1, 'Tokens that a new local session takes.'),
	request_throttle_max_requests: key(
		integer(0),
		0,
		'The throttle of requests: how many may be under way before further ones wait; 0: no throttle. See `globalOutstandingLimit` too.',
	),
	request_throttle_stall_time: key(
		integer(1),
		100,
		'No effect: a request that waits goes on as soon as there is room.',
	),
	request_throttle_drop_stale: key(
		boolean,
		true,
		'Whether the throttle of requests closes the connection of a stale one.',
	),
	request_stale_latency_check: key(
		boolean,
		false,
		'Whether a request that has waited longer than its session timeout is stale.',
	),
	request_stale_connection_check: key(
		boolean,
		true,
		'No effect: what a closed connection had not handed over yet goes with it.',
	),
	throttled_op_wait_time: key(
		integer(0),
		0,
		'A request that has waited for more milliseconds than this in the throttle is answered ThrottledOp; 0: none is.',
	),
	largeRequestThreshold: key(integer(-1), -1, 'A request with more bytes than this is a large one; -1: none is.'),
	largeRequestMaxBytes: key(
		integer(1),
		104_857_600,
		'Bytes of all large requests under way; a connection whose request would exceed it is closed.',
	),
	'readonlymode.enabled': key(
		boolean,
		false,
		'Whether a replica that has found no leader for two seconds, or a tick if that is longer, serves reads to clients that accept that. `isro` is among the default four-letter words then, of a single server too.',
	),
	'znode.container.checkIntervalMs': key(
		integer(1),
		60_000,
		'Milliseconds between searches for empty containers and expired TTL nodes.',
	),
	'znode.container.maxPerMinute': key(integer(1), 10_000, 'How many of them are deleted in a minute at most.'),
	'znode.container.maxNeverUsedIntervalMs': key(
		integer(0),
		0,
		'A container that never had a child is deleted after so many milliseconds; 0: never.',
	),
	'snapshot.trust.empty': key(
		boolean,
		false,
		'Whether to start from the logs alone when no snapshot can be used. Every digest is compared.',
	),
	...ensembleKeys,
	'4lw.commands.whitelist': key(words, Object.freeze(['srvr']), 'Which four-letter words are answered, or `*`.'),

	serverId: key(
		integer(-1, 255),
		-1,
		"The server's own number, that of its `server.N` line; -1: what the file `myid` in `dataDir` says. Where both say one, they must agree.",
	),
	...grpcKeys,
	...grpcLimitKeys,
	httpPort: key(
		port,
		8080,
		'The HTTP port (`/metrics`, `/health/live`, `/health/ready`); 0: any free one, also when it is taken and nobody set it.',
	),
	httpAddress: key(address, '127.0.0.1', 'The address the HTTP port listens on.'),
	'admin.enableServer': key(
		boolean,
		true,
		"Whether the HTTP port has the commands of ZooKeeper's AdminServer. Its `admin.serverPort` and `admin.serverAddress` are other names of `httpPort` and `httpAddress`.",
	),
	'admin.commandURL': key(urlPath, '/commands', 'Below which path they are.'),
	versionSkipsMinusOne: key(
		boolean,
		false,
		'Whether a version that is about to become -1 becomes 0 (ZOOKEEPER-4743, which no release up to 3.9.5 has).',
	),
	checkExistsAcl: key(boolean, false, 'Whether `exists` needs READ on the node, as in ZooKeeper 3.8.4 and 3.9.2.'),
	watchEventZxid: key(
		boolean,
		false,
		'Whether the header of a watch event has the zxid of the change, as in ZooKeeper 3.9; 3.8 has -1 there.',
	),
	readOnlyCopy: key(
		boolean,
		false,
		"Whether only reads are served, to every client: writes are answered NotReadOnly, sessions are this server's own, and those of the data directory neither expire nor end. For a single server on a copy of a data directory; `ck clone` sets it.",
	),
	'recovery.allowDigestMismatch': key(
		boolean,
		false,
		'Whether to start although the tree that comes from the files does not have the digest the log says. The audit records that it was so.',
	),
	'audit.mode': key(
		oneOf('off', 'async', 'strict'),
		'async',
		'`async`: the mirror follows the log. `strict`: a write is committed only when PostgreSQL has it too; the same for all servers of an ensemble. `off`: no mirror and no PostgreSQL.',
	),
	'audit.strict.patienceMs': key(
		integer(1),
		10_000,
		'With audit.mode=strict: when writes wait and PostgreSQL has taken nothing for so many milliseconds, new ones are refused until it does. Reads go on.',
	),
	'audit.url': key(
		url('postgresql', 'postgres'),
		'',
		'Your own PostgreSQL, 14 or newer: `postgresql://user:password@host:5432/database`; empty: an embedded one in `dataDir`/postgres.',
		true,
	),
	'audit.mirroredBy': key(
		integer(0),
		0,
		'In an ensemble, which server writes to PostgreSQL; 0: whichever leads. Name one, the same for all, where Apache ZooKeeper servers may lead: an observer of such an ensemble, for instance.',
	),
	'audit.redact': key(
		nodePaths,
		[],
		'Paths of nodes, separated by commas: data of nodes there and below stay out of PostgreSQL, which has their length and SHA-256 only. From then on; and such nodes cannot be restored from it.',
	),
	'audit.signingKey': key(
		path,
		'',
		'A PEM file with an Ed25519 key, which its owner alone may read: the mirror signs checkpoints of the history with it (`ck audit keygen` makes one); empty: nothing is signed.',
	),
	'audit.checkpoint.intervalTxns': key(
		integer(1),
		10_000,
		'A checkpoint is signed after so many transactions, with the batch that has the last of them,',
	),
	'audit.checkpoint.intervalSeconds': key(
		integer(1),
		60,
		'or after so many seconds in which there was a transaction, whichever comes first.',
	),
	...retentionKeys,
	'audit.postgresPort': key(
		port,
		54_329,
		'The port of the embedded PostgreSQL when it is first started; a free one when it is taken. It is remembered.',
	),
	'otel.endpoint': key(
		url('http', 'https'),
		'',
		'Where spans are sent, OTLP over HTTP: `http://localhost:4318`; empty: nowhere.',
	),
	'otel.sampleRatio': key(
		decimal(0, 1),
		1,
		'The share of the requests that are traced, of those whose caller has not decided it. Has an effect with `otel.endpoint` only.',
	),
	'otel.serviceName': key(string, 'chronokeeper', 'The service name of the spans.'),
	'log.level': key(
		oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal'),
		'info',
		'The lowest level that is logged.',
	),
	'log.format': key(
		oneOf('auto', 'json', 'text'),
		'auto',
		'`json`: one JSON object per line. `text`: for people. `auto`: `text` on a terminal.',
	),
	'client.maxUnsentBytes': key(
		integer(1_048_576),
		268_435_456,
		'Bytes that may wait on a connection to `clientPort` for a client that does not read; beyond it the connection is closed.',
	),
	'shutdown.timeoutMs': key(
		integer(0),
		10_000,
		'Milliseconds after which a stop no longer waits for calls and streams that are under way.',
	),
} as const;

export type KeyName = keyof typeof keys;
type ValueOf<K> = K extends Key<infer T> ? T : never;

/** The values of all keys, by ZooKeeper's own names. */
export type Values = { readonly [K in KeyName]: ValueOf<(typeof keys)[K]> };

export const keyNames = Object.keys(keys) as readonly KeyName[];

/**
 * The environment variable of a key: `CK_`, then the key in capitals, its words joined by underscores: dataDir is CK_DATA_DIR,
 * autopurge.snapRetainCount is CK_AUTOPURGE_SNAP_RETAIN_COUNT.
 */
export function environmentVariable(key: string): string {
	const words = key
		.replace('IPs', 'Ips')
		.replace(/([a-z0-9])([A-Z])/g, '$1_$2')
		.replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
		.replace(/[^A-Za-z0-9]+/g, '_');
	return `CK_${words.toUpperCase()}`;
}
