/** The one catalogue of errors: ZooKeeper's codes and names, and what we tell people. */

export interface ErrorEntry {
	readonly code: number;
	readonly name: string;
	readonly message: string;
}

export const errors = {
	ok: { code: 0, name: 'OK', message: 'no error' },
	systemError: { code: -1, name: 'SystemError', message: 'the server failed while it processed the request' },
	runtimeInconsistency: {
		code: -2,
		name: 'RuntimeInconsistency',
		message: 'not executed: another operation of the same multi failed',
	},
	dataInconsistency: { code: -3, name: 'DataInconsistency', message: 'the data is inconsistent' },
	connectionLoss: { code: -4, name: 'ConnectionLoss', message: 'the connection was lost: the outcome is unknown' },
	marshallingError: { code: -5, name: 'MarshallingError', message: 'the request could not be decoded' },
	unimplemented: { code: -6, name: 'Unimplemented', message: 'the operation is unknown or not enabled' },
	operationTimeout: { code: -7, name: 'OperationTimeout', message: 'the operation took too long' },
	badArguments: { code: -8, name: 'BadArguments', message: 'an argument of the request is invalid' },
	unknownSession: { code: -12, name: 'UnknownSession', message: 'the session is unknown to the server' },
	newConfigNoQuorum: {
		code: -13,
		name: 'NewConfigNoQuorum',
		message: 'no quorum of the new configuration is connected and up to date',
	},
	reconfigInProgress: { code: -14, name: 'ReconfigInProgress', message: 'another reconfiguration is in progress' },
	apiError: { code: -100, name: 'APIError', message: 'the request is invalid' },
	noNode: { code: -101, name: 'NoNode', message: 'the node does not exist' },
	noAuth: { code: -102, name: 'NoAuth', message: 'the ACL does not allow this' },
	badVersion: { code: -103, name: 'BadVersion', message: "the version is not the node's" },
	noChildrenForEphemerals: {
		code: -108,
		name: 'NoChildrenForEphemerals',
		message: 'an ephemeral node cannot have children',
	},
	nodeExists: { code: -110, name: 'NodeExists', message: 'the node exists already' },
	notEmpty: { code: -111, name: 'NotEmpty', message: 'the node has children' },
	sessionExpired: { code: -112, name: 'SessionExpired', message: 'the session has expired or is closing' },
	invalidCallback: { code: -113, name: 'InvalidCallback', message: 'the callback is invalid' },
	invalidAcl: { code: -114, name: 'InvalidACL', message: 'the ACL is empty or has an invalid entry' },
	authFailed: { code: -115, name: 'AuthFailed', message: 'the authentication failed' },
	sessionMoved: { code: -118, name: 'SessionMoved', message: 'the session has moved to another server' },
	notReadOnly: { code: -119, name: 'NotReadOnly', message: 'the server is read-only and this is not a read' },
	ephemeralOnLocalSession: {
		code: -120,
		name: 'EphemeralOnLocalSession',
		message: 'a local session cannot create an ephemeral node',
	},
	noWatcher: { code: -121, name: 'NoWatcher', message: 'no such watch is set' },
	requestTimeout: { code: -122, name: 'RequestTimeout', message: 'the request timed out' },
	reconfigDisabled: { code: -123, name: 'ReconfigDisabled', message: 'reconfiguration is not enabled' },
	sessionClosedRequireSaslAuth: {
		code: -124,
		name: 'SessionClosedRequireSaslAuth',
		message: 'the session was closed because it must authenticate with SASL first',
	},
	quotaExceeded: { code: -125, name: 'QuotaExceeded', message: 'a hard quota would be exceeded' },
	throttledOp: { code: -127, name: 'ThrottledOp', message: 'the server is overloaded and did not process the request' },
} as const satisfies Record<string, ErrorEntry>;

const byCode = new Map<number, ErrorEntry>(Object.values(errors).map((entry) => [entry.code, entry]));

/** The entry of the catalogue; for a code that is not in it, one that says so. */
export function errorOf(code: number): ErrorEntry {
	return (
		byCode.get(code) ?? { code, name: `Error${code}`, message: `error code ${code}, which ZooKeeper does not have` }
	);
}

/** `NoNode` for -101. */
export function errorName(code: number): string {
	return errorOf(code).name;
}
