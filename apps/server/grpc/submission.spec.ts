import { EventEmitter } from 'node:events';
import { Metadata } from '@grpc/grpc-js';
import { beforeEach, describe, expect, it } from 'vitest';
import { openAcl } from '#jute/acl';
import { errorName } from '#jute/errors';
import { startMetrics } from '#telemetry/metrics';
import { startTracing } from '#telemetry/tracing';
import { SimReplica } from '#test/sim/sim-replica';
import type { GrpcCall } from './grpc-call.ts';
import { Callers } from './identity/callers.ts';
import { ReadBarrier } from './read-barrier.ts';
import { GrpcSessions } from './sessions/grpc-sessions.ts';
import { Submission } from './submission.ts';

class Call extends EventEmitter implements GrpcCall {
	cancelled = false;
	readonly metadata = new Metadata();

	getPeer(): string {
		return '203.0.113.7:51234';
	}

	getAuthContext(): ReturnType<GrpcCall['getAuthContext']> {
		return {};
	}

	sendMetadata(): void {}

	cancel(): void {
		this.cancelled = true;
		this.emit('cancelled');
	}
}

let replica: SimReplica;
let submission: Submission;

beforeEach(async () => {
	replica = new SimReplica();
	const { host } = replica;
	const callers = new Callers({ enabled: true, superDigest: null });
	const sessions = new GrpcSessions({ host, callers, maxSessions: 10, admits: () => true, taken: () => {} });
	const tracing = await startTracing({
		endpoint: '',
		sampleRatio: 0,
		serviceName: '',
		serviceVersion: '',
		serverId: 1,
		errorName,
	});
	const metrics = await startMetrics();
	submission = new Submission(host, sessions, tracing, metrics, new ReadBarrier(host, 10), 10);
});

function create(path: string, call: Call) {
	return submission.submit(
		{ kind: 'create', path, data: null, acl: openAcl, mode: 'persistent', withStat: false },
		call,
	);
}

describe('a call whose caller goes', () => {
	it('while it waits for its turn is not begun', async () => {
		const [stays, goes] = [new Call(), new Call()];
		const created = create('/stays', stays);
		const abandoned = create('/goes', goes);
		abandoned.catch(() => undefined); // Looked at below.
		expect(replica.host.outstanding).toBe(2);
		goes.cancel();
		replica.settle();
		expect((await created).result.path).toBe('/stays');
		await expect(abandoned).rejects.toMatchObject({ failure: { code: -122 } });
		expect([replica.host.tree.has('/goes'), replica.host.outstanding]).toEqual([false, 0]);
	});

	it('when it is under way is done, and answered to nobody', async () => {
		const call = new Call();
		const created = create('/done', call);
		replica.run();
		call.cancel();
		replica.settle();
		await created;
		expect(replica.host.tree.has('/done')).toBe(true);
		expect(call.listenerCount('cancelled')).toBe(0);
	});
});

describe('what the chain finds wrong', () => {
	it('is told with the field and the reason', async () => {
		const answer = create('/a/', new Call());
		answer.catch(() => undefined); // Looked at below.
		const sequential = submission.submit(
			{ kind: 'create', path: 'n-', data: null, acl: openAcl, mode: 'persistentSequential', withStat: false },
			new Call(),
		);
		sequential.catch(() => undefined); // Looked at below.
		replica.settle();
		// Its parent is `/a`, which is looked for first (semantics 15).
		await expect(answer).rejects.toMatchObject({ failure: { code: -101 } });
		await expect(sequential).rejects.toMatchObject({
			failure: { code: -8, field: 'path', message: 'n-: path must start with /' },
		});
	});
});
