/** ZooKeeper's error codes as gRPC statuses. The codes themselves are in jute/errors.ts; proto/…/znode.proto tells callers of this table. */
import { status } from '@grpc/grpc-js';
import { errors } from '#jute/errors';

type ErrorKey = Exclude<keyof typeof errors, 'ok'>;

/** A new code in the catalogue does not compile until it has a status here. */
const statuses: Readonly<Record<ErrorKey, status>> = {
	// The replica, not the caller: another one, or this one later, may answer.
	systemError: status.UNAVAILABLE,
	connectionLoss: status.UNAVAILABLE,
	newConfigNoQuorum: status.UNAVAILABLE,
	notReadOnly: status.UNAVAILABLE,
	operationTimeout: status.DEADLINE_EXCEEDED,
	requestTimeout: status.DEADLINE_EXCEEDED,
	throttledOp: status.RESOURCE_EXHAUSTED,
	quotaExceeded: status.RESOURCE_EXHAUSTED,

	marshallingError: status.INVALID_ARGUMENT,
	badArguments: status.INVALID_ARGUMENT,
	invalidAcl: status.INVALID_ARGUMENT,
	invalidCallback: status.INVALID_ARGUMENT,
	apiError: status.INVALID_ARGUMENT,
	unimplemented: status.UNIMPLEMENTED,

	noNode: status.NOT_FOUND,
	noWatcher: status.NOT_FOUND,
	nodeExists: status.ALREADY_EXISTS,
	noAuth: status.PERMISSION_DENIED,
	authFailed: status.UNAUTHENTICATED,
	sessionClosedRequireSaslAuth: status.UNAUTHENTICATED,

	// The caller has to look at the state again before another try makes sense.
	badVersion: status.FAILED_PRECONDITION,
	notEmpty: status.FAILED_PRECONDITION,
	noChildrenForEphemerals: status.FAILED_PRECONDITION,
	ephemeralOnLocalSession: status.FAILED_PRECONDITION,
	unknownSession: status.FAILED_PRECONDITION,
	sessionExpired: status.FAILED_PRECONDITION,
	sessionMoved: status.FAILED_PRECONDITION,
	reconfigInProgress: status.FAILED_PRECONDITION,
	reconfigDisabled: status.FAILED_PRECONDITION,
	// Not executed, because another operation of the multi failed.
	runtimeInconsistency: status.ABORTED,
	dataInconsistency: status.DATA_LOSS,
};

const byCode: ReadonlyMap<number, status> = new Map(
	Object.entries(statuses).map(([key, value]) => [errors[key as ErrorKey].code, value]),
);

export function grpcStatus(code: number): status {
	return byCode.get(code) ?? status.UNKNOWN;
}
