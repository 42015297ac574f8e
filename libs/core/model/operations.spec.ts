import { describe, expect, it } from 'vitest';
import type { ClientRequest } from '#jute/client/requests';
import { JuteError, JuteReader } from '#jute/codec';
import { opCode } from '#jute/op-codes';
import { HostileFrames, requestKinds } from '#test/support/hostile-frames';
import { requestBody } from '#test/support/wire-client';
import { readOperation } from './operations.ts';

const rounds = 3000;

/** Credentials that cannot be decoded are refused with an error: their connection is closed instead of answered. */
function read(reader: JuteReader, kind: (typeof requestKinds)[number]): { readonly kind: string } {
	try {
		return readOperation(reader, opCode[kind]);
	} catch (error) {
		if (!(error instanceof JuteError) || (kind !== 'auth' && kind !== 'sasl')) throw error;
		return { kind: 'unreadable' };
	}
}

describe('readOperation', () => {
	it.each(requestKinds)('reads %s', (kind) => {
		const frames = new HostileFrames(1);
		for (let i = 0; i < 100; i++) {
			const request = frames.request(kind);
			const reader = new JuteReader(requestBody(request));
			const op = readOperation(reader, opCode[kind]);
			expect(reader.remaining, op.kind).toBe(0);
			// What has no meaning is read to its end too, and refused in its turn.
			if (op.kind === 'unreadable') expect(['checkWatches', 'removeWatches', 'addWatch']).toContain(kind);
			else expect(['unparsable', 'unknown']).not.toContain(op.kind);
		}
	});

	it.each(requestKinds)('45: refuses %s with changed bytes, or reads what they mean now', (kind) => {
		const frames = new HostileFrames(2);
		const seen = new Set<string>();
		for (let i = 0; i < rounds; i++) {
			const body = frames.mutate(requestBody(frames.request(kind)));
			// Surrounded by other frames, as in a socket's chunk: what lies beyond the end must not be read.
			const chunk = Uint8Array.from([...frames.bytes(7), ...body, ...frames.bytes(50)]);
			const reader = new JuteReader(chunk, 7, 7 + body.length);
			const op = read(reader, kind);
			expect(reader.position).toBeLessThanOrEqual(reader.end);
			expect(reader.position).toBeGreaterThanOrEqual(7);
			seen.add(op.kind);
		}
		expect(seen).not.toContain('unknown');
		if (requestBody(frames.request(kind)).length > 8) {
			expect(seen.has('unreadable') || seen.has('unparsable'), [...seen].join()).toBe(true);
		}
	});

	it('45: a malformed reconfig draws no zxid, a malformed write does', () => {
		const nothing = new Uint8Array(0);
		expect(readOperation(new JuteReader(nothing), opCode.reconfig)).toEqual({ kind: 'unreadable' });
		expect(readOperation(new JuteReader(nothing), opCode.setACL)).toEqual({ kind: 'unparsable' });
	});

	it('57: knows the watcher types of 3.8 only', () => {
		const read = (type: number) => {
			const body = requestBody({ kind: 'removeWatches', path: '/a', type });
			return readOperation(new JuteReader(body), opCode.removeWatches).kind;
		};
		expect([0, 1, 2, 3, 4, 5].map(read)).toEqual([
			'unreadable',
			'removeWatches',
			'removeWatches',
			'removeWatches',
			'unreadable',
			'unreadable',
		]);
	});

	it('40: a multiRead leaves no watches; in a multi, flags say whether there is a TTL', () => {
		const readOp = (request: ClientRequest) =>
			readOperation(new JuteReader(requestBody(request)), opCode[request.kind]);
		expect(readOp({ kind: 'multiRead', ops: [{ kind: 'getData', path: '/a', watch: true }] })).toEqual({
			kind: 'multiRead',
			ops: [{ kind: 'getData', path: '/a', watch: false }],
		});
		const node = { kind: 'createTTL', path: '/a', data: null, acl: [], ttlMs: 5 } as const;
		expect(readOp({ kind: 'multi', ops: [{ ...node, flags: 0 }] })).toMatchObject({
			ops: [{ mode: 'persistent', withStat: false }],
		});
		expect(readOp({ kind: 'multi', ops: [{ ...node, flags: 0 }] })).not.toHaveProperty('ops.0.ttlMs');
		expect(readOp({ kind: 'multi', ops: [{ ...node, flags: 5 }] })).toHaveProperty('ops.0.ttlMs', 5);
	});

	it('68: knows no operation behind any other code', () => {
		const known = new Set<number>(requestKinds.map((kind) => opCode[kind]));
		const frames = new HostileFrames(3);
		for (let code = -20; code < 200; code++) {
			if (known.has(code)) continue;
			const op = readOperation(new JuteReader(frames.bytes(frames.int(50))), code);
			expect(op).toEqual({ kind: 'unknown', code });
		}
	});

	it('45: allocates nothing for counts and lengths that the frame cannot hold', () => {
		const huge = [0x7f, 0xff, 0xff, 0xff];
		const body = Uint8Array.from([...[0, 0, 0, 0, 0, 0, 0, 0], ...huge, ...huge, ...huge]);
		const bytesBefore = process.memoryUsage().heapUsed;
		for (const kind of requestKinds) {
			for (let at = 0; at < body.length; at++) read(new JuteReader(body, at), kind);
		}
		expect(process.memoryUsage().heapUsed - bytesBefore).toBeLessThan(16 << 20);
	});
});
