/** What grpc-js reports, in words that help. */
import type { ServiceError } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { ErrorDetail } from '#proto/chronokeeper/v1/common';
import { Status } from '#proto/google/rpc/status';
import { typedError } from './errors.ts';

const detailType = /\/chronokeeper\.v1\.ErrorDetail$/;

/** Makes a ClientError of what grpc-js reports; other errors stay what they are. */
export function clientError(error: unknown, address: string): Error {
	if (!isServiceError(error)) return error instanceof Error ? error : new Error(String(error), { cause: error });
	return typedError(messageOf(error, address), status[error.code] ?? String(error.code), detailOf(error), error);
}

function isServiceError(error: unknown): error is ServiceError {
	return error instanceof Error && typeof (error as Partial<ServiceError>).code === 'number' && 'details' in error;
}

function messageOf(error: ServiceError, address: string): string {
	switch (error.code) {
		case status.UNAVAILABLE:
			return /No connection established|ECONN|ENOTFOUND|EHOSTUNREACH|Name resolution/.test(error.details)
				? `cannot reach ${address}: ${connectionProblem(error.details)}`
				: error.details;
		case status.DEADLINE_EXCEEDED:
			return `no answer from ${address} in time; whether a write was done is unknown`;
		default:
			return error.details === '' ? error.message : error.details;
	}
}

/** grpc-js tells of its attempts at length; what went wrong stands behind the last colon-separated part that names it. */
function connectionProblem(details: string): string {
	const found = /(connect )?(E[A-Z]{4,})[^,;]*/.exec(details);
	if (found !== null) return found[0].replace(/\. Resolution note:.*$/, '').trim();
	return tlsProblems.find(([words]) => words.test(details))?.[1] ?? details;
}

/** What TLS calls it, and what it means. The first that fits. */
const tlsProblems: readonly (readonly [RegExp, string])[] = [
	[/wrong version number/, 'it does not speak TLS'],
	[/certificate required/, 'it wants a certificate of its client (TLS)'],
	[/certificate has expired/, 'its certificate has expired (TLS)'],
	[/does not match certificate/, 'its certificate is for another name or address (TLS)'],
	[/self-signed|unable to (get|verify)/, 'its certificate is not from an authority that the client trusts (TLS)'],
	[/Last error: Failed to connect/, 'it hangs up: it may want TLS, or another certificate of its client'],
];

function detailOf(error: ServiceError): ErrorDetail | undefined {
	const [bytes] = error.metadata?.get('grpc-status-details-bin') ?? [];
	if (!(bytes instanceof Uint8Array)) return undefined;
	try {
		const any = Status.decode(bytes).details.find((detail) => detailType.test(detail.typeUrl));
		return any === undefined ? undefined : ErrorDetail.decode(any.value);
	} catch {
		return undefined; // A server of another make: its message is all there is.
	}
}
