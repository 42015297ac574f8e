import { describe, expect, it } from 'vitest';
import { defaultChainOptions } from '../chain/options.ts';
import type { Caller, Request } from '../model/op.ts';
import { noSession } from '../model/zxid.ts';
import type { Tracer } from '../ports/tracer.ts';
import { Intake } from './intake.ts';

const caller: Caller = { door: 'grpc', identities: [], address: '127.0.0.1:1' };

function request(traceparent?: string): Request {
	const op = { kind: 'getData', path: '/a', watch: false } as const;
	return { sessionId: noSession, cxid: 0, op, caller, traceparent, reply: () => {} };
}

describe('the intake', () => {
	it('tells of each sampled request how long it waited, whoever came between or was refused', () => {
		const waits: string[] = [];
		const tracer: Tracer = {
			stage: (parent, stage, startMs, endMs) => waits.push(`${parent} ${stage} ${startMs} ${endMs}`),
			batch: () => {},
		};
		let nowMs = 1;
		const clock = { now: () => 0, monotonicMs: () => nowMs };
		const intake = new Intake({ ...defaultChainOptions, maxOutstanding: 4 }, tracer, clock);
		for (const traceparent of ['a', undefined, 'b', 'c', 'refused']) {
			intake.push(request(traceparent));
			nowMs += 1;
		}
		const [refused] = intake.takeRefused();
		expect(refused?.traceparent).toBe('refused');
		intake.answered(refused!);
		nowMs = 10;
		for (let i = 0; i < 3; i++) intake.shift();
		intake.answered(request());
		intake.push(request('d'));
		nowMs = 20;
		while (intake.shift() !== undefined);
		expect(waits).toEqual(['a queue 1 10', 'b queue 3 10', 'c queue 4 20', 'd queue 10 20']);
	});
});
