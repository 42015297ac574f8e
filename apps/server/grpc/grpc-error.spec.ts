import { type Metadata, status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { zeroZxid } from '#core/model/zxid';
import { errors } from '#jute/errors';
import { ErrorDetail } from '#proto/chronokeeper/v1/common';
import { BadRequest, ErrorInfo, Help, RetryInfo } from '#proto/google/rpc/error_details';
import { Status } from '#proto/google/rpc/status';
import { adviceFor } from './error-advice.ts';
import { grpcError, invalidField, ZooKeeperError } from './grpc-error.ts';

const types = {
	'type.googleapis.com/google.rpc.ErrorInfo': ErrorInfo,
	'type.googleapis.com/google.rpc.Help': Help,
	'type.googleapis.com/google.rpc.RetryInfo': RetryInfo,
	'type.googleapis.com/google.rpc.BadRequest': BadRequest,
	'type.googleapis.com/chronokeeper.v1.ErrorDetail': ErrorDetail,
} as const;

/** As a client sees it: the status, and the details by the names of their messages. */
function seen(error: { getError(): string | object }) {
	const { code, message, metadata } = error.getError() as { code: status; message: string; metadata: Metadata };
	const [bytes] = metadata.get('grpc-status-details-bin') as [Buffer];
	const rich = Status.decode(bytes);
	expect(rich).toMatchObject({ code, message });
	const details = Object.fromEntries(
		rich.details.map(({ typeUrl, value }) => [
			typeUrl.replace(/.*\./, ''),
			types[typeUrl as keyof typeof types].decode(value),
		]),
	);
	return { code, message, details, trailerBytes: encodeURI(message).length + bytes.toString('base64').length };
}

function failure(code: number, more: object = {}) {
	return new ZooKeeperError({ code, path: '/a', zxid: zeroZxid, ...more });
}

describe('an error', () => {
	it('of each code says what can be done about it, and where to read on', () => {
		for (const { code, name } of Object.values(errors)) {
			if (code === 0) continue;
			const { details } = seen(failure(code));
			const { advice } = details.ErrorDetail as ErrorDetail;
			expect(advice, name).toMatch(/^[A-Z].*\.$/);
			expect(details.Help, name).toEqual({
				links: [{ description: advice, url: `docs/grpc.md#${name.toLowerCase()}` }],
			});
		}
	});

	it('says when to try again, if that makes sense', () => {
		const retried = Object.values(errors).filter(
			({ code }) => 'RetryInfo' in (code === 0 ? {} : seen(failure(code)).details),
		);
		expect(retried.map(({ name }) => name).sort()).toEqual([
			'ConnectionLoss',
			'NewConfigNoQuorum',
			'NotReadOnly',
			'OperationTimeout',
			'ReconfigInProgress',
			'RequestTimeout',
			'SystemError',
			'ThrottledOp',
		]);
		expect(seen(failure(errors.connectionLoss.code)).details.RetryInfo).toEqual({
			retryDelay: { seconds: 1n, nanos: 0 },
		});
		expect(seen(failure(errors.throttledOp.code)).details.RetryInfo).toEqual({
			retryDelay: { seconds: 0n, nanos: 100_000_000 },
		});
		expect(adviceFor(-999)).toEqual({ advice: '' });
	});

	it('names the field that is wrong', () => {
		const { code, details } = seen(invalidField('ops[2].create.ttl_ms', 'it is too large'));
		expect(code).toBe(status.INVALID_ARGUMENT);
		expect(details.BadRequest).toEqual({
			fieldViolations: [{ field: 'ops[2].create.ttl_ms', description: 'it is too large' }],
		});
		expect(details.ErrorInfo).toEqual({ reason: 'INVALID_ARGUMENT', domain: 'chronokeeper', metadata: {} });
		expect(seen(failure(errors.badArguments.code, { field: 'path' })).details.BadRequest).toMatchObject({
			fieldViolations: [{ field: 'path' }],
		});
		// A field of a request that was right.
		expect(seen(failure(errors.noNode.code, { field: 'path' })).details).not.toHaveProperty('BadRequest');
	});

	it('that is not ZooKeeper’s has an ErrorInfo too', () => {
		const refusal = { reason: 'NO_MIRROR', advice: 'Set audit.mode.', retryMs: 1500, facts: { mode: 'off' } };
		expect(seen(grpcError(status.FAILED_PRECONDITION, 'there is no history here', refusal))).toMatchObject({
			code: status.FAILED_PRECONDITION,
			message: 'there is no history here',
			details: {
				ErrorInfo: { reason: 'NO_MIRROR', domain: 'chronokeeper', metadata: { mode: 'off' } },
				Help: { links: [{ description: 'Set audit.mode.', url: 'docs/grpc.md#no_mirror' }] },
				RetryInfo: { retryDelay: { seconds: 1n, nanos: 500_000_000 } },
			},
		});
	});

	it('that is UNAVAILABLE may be over in a moment', () => {
		const { details } = seen(grpcError(status.UNAVAILABLE, 'the server is stopping'));
		expect(details).toMatchObject({ ErrorInfo: { reason: 'UNAVAILABLE' }, RetryInfo: { retryDelay: { seconds: 1n } } });
	});

	it('fits into the trailers that every client takes, whatever path it has', () => {
		const paths = ['a', '%', '\n', '雪', '😀', '\ud83d', '\0'].map((each) => `/${each.repeat(400_000)}`);
		for (const path of paths) {
			const opCodes = Array.from({ length: 50_000 }, () => -2);
			const { trailerBytes, details } = seen(
				failure(errors.badArguments.code, { path, op: 49_999, opCodes, field: 'path' }),
			);
			expect(trailerBytes).toBeLessThan(7000);
			expect((details.ErrorDetail as ErrorDetail).path).toMatch(/^\/[\s\S]{60,300}…$/);
			expect((details.ErrorDetail as ErrorDetail).opCodes).toEqual([]);
		}
		const whole = seen(failure(errors.noNode.code, { path: '/kept', op: 0, opCodes: [-101, -2] }));
		expect(whole.details.ErrorDetail).toMatchObject({ path: '/kept', op: 0, opCodes: [-101, -2] });
	});
});
