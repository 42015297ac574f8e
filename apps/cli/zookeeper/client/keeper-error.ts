/** An error that the server answered, or that stands for an answer that never came, with the texts of ZooKeeper's Java client. */
import { errors } from '#jute/errors';

const texts: ReadonlyMap<number, string> = new Map([
	[errors.systemError.code, 'SystemError'],
	[errors.runtimeInconsistency.code, 'RuntimeInconsistency'],
	[errors.dataInconsistency.code, 'DataInconsistency'],
	[errors.connectionLoss.code, 'ConnectionLoss'],
	[errors.marshallingError.code, 'MarshallingError'],
	[errors.newConfigNoQuorum.code, 'NewConfigNoQuorum'],
	[errors.reconfigInProgress.code, 'ReconfigInProgress'],
	[errors.unimplemented.code, 'Unimplemented'],
	[errors.operationTimeout.code, 'OperationTimeout'],
	[errors.badArguments.code, 'BadArguments'],
	[errors.unknownSession.code, 'Unknown error UNKNOWNSESSION'],
	[errors.apiError.code, 'APIError'],
	[errors.noNode.code, 'NoNode'],
	[errors.noAuth.code, 'NoAuth'],
	[errors.badVersion.code, 'BadVersion'],
	[errors.noChildrenForEphemerals.code, 'NoChildrenForEphemerals'],
	[errors.nodeExists.code, 'NodeExists'],
	[errors.notEmpty.code, 'Directory not empty'],
	[errors.sessionExpired.code, 'Session expired'],
	[errors.invalidCallback.code, 'Invalid callback'],
	[errors.invalidAcl.code, 'InvalidACL'],
	[errors.authFailed.code, 'AuthFailed'],
	[errors.sessionMoved.code, 'Session moved'],
	[errors.notReadOnly.code, 'Not a read-only call'],
	[errors.ephemeralOnLocalSession.code, 'Ephemeral node on local session'],
	[errors.noWatcher.code, 'No such watcher'],
	[errors.requestTimeout.code, 'Unknown error REQUESTTIMEOUT'],
	[errors.reconfigDisabled.code, 'Reconfig is disabled'],
	[errors.sessionClosedRequireSaslAuth.code, 'Session closed because client failed to authenticate'],
	[errors.quotaExceeded.code, 'Quota has exceeded'],
	[errors.throttledOp.code, 'Op throttled due to high load'],
]);

export class KeeperError extends Error {
	readonly code: number;
	/** As the client named it; null when the error is of no path. */
	readonly path: string | null;

	constructor(code: number, path: string | null = null) {
		const text = `KeeperErrorCode = ${texts.get(code) ?? `Unknown error ${code}`}`;
		super(path === null || path === '' ? text : `${text} for ${path}`);
		this.name = 'KeeperError';
		this.code = code;
		this.path = path;
	}
}

/** How the command line says the errors that it has words of its own for; the error's message for all others. */
const sentences = new Map<number, (path: string | null) => string>([
	[errors.noNode.code, (path) => `Node does not exist: ${path}`],
	[errors.noChildrenForEphemerals.code, (path) => `Ephemerals cannot have children: ${path}`],
	[errors.nodeExists.code, (path) => `Node already exists: ${path}`],
	[errors.notEmpty.code, (path) => `Node not empty: ${path}`],
	[errors.notReadOnly.code, (path) => `Not a read-only call: ${path}`],
	[errors.invalidAcl.code, (path) => `Acl is not valid : ${path}`],
	[errors.noAuth.code, (path) => `Insufficient permission : ${path}`],
	[errors.badArguments.code, (path) => `Arguments are not valid : ${path}`],
	[errors.badVersion.code, (path) => `version No is not valid : ${path}`],
	[
		errors.reconfigInProgress.code,
		() => 'Another reconfiguration is in progress -- concurrent reconfigs not supported (yet)',
	],
	[
		errors.newConfigNoQuorum.code,
		() =>
			'No quorum of new config is connected and up-to-date with the leader of last committed config - try invoking reconfiguration after new servers are connected and synced',
	],
	[errors.quotaExceeded.code, (path) => `Quota has exceeded : ${path}`],
]);

export function sentenceOf(error: KeeperError): string {
	return sentences.get(error.code)?.(error.path) ?? error.message;
}
