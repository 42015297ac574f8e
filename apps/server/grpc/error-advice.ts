/** What a caller can do about each of ZooKeeper's errors, and whether the same call may succeed a moment later. docs/grpc.md has a line for each name. */
import { errors } from '#jute/errors';

type ErrorKey = Exclude<keyof typeof errors, 'ok'>;

export interface Advice {
	/** One sentence or two. */
	readonly advice: string;
	/** Milliseconds to wait before the same call is made again; absent where it would fail again. */
	readonly retryMs?: number;
}

/** An election takes about so long, and a disk that was full about so long to be looked at. */
const soonMs = 1000;
/** A queue empties within that. */
const momentMs = 100;

/** A new code in the catalogue does not compile until there is something to say about it. */
const advices: Readonly<Record<ErrorKey, Advice>> = {
	systemError: {
		advice: 'Nothing was done. Try another replica, and look at the problems in AdminService.Status of this one.',
		retryMs: soonMs,
	},
	runtimeInconsistency: { advice: 'Look at the operation of the multi that failed: this one was not tried.' },
	dataInconsistency: { advice: 'Tell the operator: the replica has found that its data is damaged.' },
	connectionLoss: {
		advice:
			'A read can be made again, here or at another replica. Of a write it is not known whether it was done: read first what is there.',
		retryMs: soonMs,
	},
	marshallingError: {
		advice: 'Send what the .proto says; split a multi-read whose results together are larger than 64 MiB.',
	},
	unimplemented: {
		advice: 'The server does not have it, or it is switched off: TTL nodes need extendedTypesEnabled.',
	},
	operationTimeout: { advice: 'Make the call again with a later deadline.', retryMs: momentMs },
	badArguments: {
		advice:
			'Correct the path or the argument: a path is absolute, does not end in a slash, and has no empty, `.` or `..` names and no control characters.',
	},
	unknownSession: { advice: 'Open a new session.' },
	newConfigNoQuorum: {
		advice:
			'Start the new members and wait until enough of them follow this leader, then reconfigure again; or there is no leader yet.',
		retryMs: soonMs,
	},
	reconfigInProgress: { advice: 'Wait until the other reconfiguration is over.', retryMs: soonMs },
	apiError: { advice: 'Correct the request.' },
	noNode: { advice: 'Create the node, or its parent, first; or take it for gone.' },
	noAuth: {
		advice: 'Call with an identity that the ACL of the node (of its parent, for create and delete) permits this.',
	},
	badVersion: { advice: 'Somebody changed it meanwhile: read it again, decide again, and use the new version.' },
	noChildrenForEphemerals: { advice: 'Create it below a node that is not ephemeral.' },
	nodeExists: { advice: 'Use the node that is there, or create a sequential one.' },
	notEmpty: { advice: 'Delete the children first.' },
	sessionExpired: {
		advice: 'Open a new session: the ephemeral nodes of this one are gone, and its watches with them.',
	},
	invalidCallback: { advice: 'Correct the request.' },
	invalidAcl: {
		advice:
			'Give at least one entry; its scheme must be world, auth, digest, ip or x509, and `auth` needs credentials in the call.',
	},
	authFailed: { advice: 'Correct the credentials in `authorization`.' },
	sessionMoved: {
		advice: 'The session was attached elsewhere: go on there, or attach it here again with its password.',
	},
	notReadOnly: { advice: 'Go to a replica that has a leader, or wait until this one has.', retryMs: soonMs },
	ephemeralOnLocalSession: { advice: 'Use a global session: set localSessionsUpgradingEnabled, or open another one.' },
	noWatcher: { advice: 'There is nothing to remove.' },
	requestTimeout: {
		advice: 'The caller was gone or its deadline over before the operation began: nothing was done.',
		retryMs: momentMs,
	},
	reconfigDisabled: { advice: 'Set reconfigEnabled on the servers.' },
	sessionClosedRequireSaslAuth: { advice: 'Authenticate first, then open a session.' },
	quotaExceeded: { advice: 'Delete something below the path with the quota, or have the quota raised.' },
	throttledOp: {
		advice: 'Nothing was done, the server has too much to do: wait, and send fewer calls at a time.',
		retryMs: momentMs,
	},
};

const byCode: ReadonlyMap<number, Advice> = new Map(
	Object.entries(advices).map(([key, value]) => [errors[key as ErrorKey].code, value]),
);
const none: Advice = { advice: '' };

export function adviceFor(code: number): Advice {
	return byCode.get(code) ?? none;
}
