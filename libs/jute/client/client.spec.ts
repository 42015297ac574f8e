import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JuteError, JuteReader, JuteWriter } from '../codec.ts';
import { opCode } from '../op-codes.ts';
import type { Acl, Stat } from '../records.ts';
import type { SessionId, Zxid } from '../scalars.ts';
import {
	type ConnectRequest,
	readConnectRequest,
	readConnectResponse,
	writeConnectRequest,
	writeConnectResponse,
} from './connect.ts';
import {
	readReplyHeader,
	readRequestHeader,
	readWatcherEvent,
	writeReplyHeader,
	writeRequestHeader,
	writeWatcherEvent,
} from './headers.ts';
import type { MultiRead, MultiWrite } from './multi-request.ts';
import type { MultiResult } from './multi-response.ts';
import { type ClientRequest, readRequest, writeRequest } from './requests.ts';
import { type ClientResponse, readResponse, writeResponse } from './responses.ts';

const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const safe = fc.maxSafeInteger();
const zxid = fc.maxSafeNat().map((value) => value as Zxid);
const path = fc.string({ maxLength: 30 });
const paths = fc.array(path, { maxLength: 3 });
const data = fc.option(fc.uint8Array({ maxLength: 30 }));
const id = fc.record({ scheme: fc.string({ maxLength: 8 }), id: fc.string({ maxLength: 8 }) });
const acl: fc.Arbitrary<readonly Acl[]> = fc.array(
	fc.record({ perms: int, scheme: fc.string({ maxLength: 8 }), id: fc.string({ maxLength: 8 }) }),
	{ maxLength: 3 },
);
const stat: fc.Arbitrary<Stat> = fc.record({
	czxid: zxid,
	mzxid: zxid,
	ctime: safe,
	mtime: safe,
	version: int,
	cversion: int,
	aversion: int,
	ephemeralOwner: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
	dataLength: int,
	numChildren: int,
	pzxid: zxid,
});
/** One of these kinds, typed as such. */
const kind = <K extends string>(...kinds: [K, ...K[]]): fc.Arbitrary<K> => fc.constantFrom(...kinds);

const multiWrite: fc.Arbitrary<MultiWrite> = fc.oneof(
	fc.record({ kind: kind('create', 'create2', 'createContainer'), path, data, acl, flags: int }),
	fc.record({ kind: kind('createTTL'), path, data, acl, flags: int, ttlMs: safe }),
	fc.record({ kind: kind('delete', 'check'), path, version: int }),
	fc.record({ kind: kind('setData'), path, data, version: int }),
);
const multiRead: fc.Arbitrary<MultiRead> = fc.record({
	kind: kind('getData', 'getChildren'),
	path,
	watch: fc.boolean(),
});
const request: fc.Arbitrary<ClientRequest> = fc.oneof(
	multiWrite,
	fc.record({ kind: kind('exists', 'getData', 'getChildren', 'getChildren2'), path, watch: fc.boolean() }),
	fc.record({ kind: kind('setACL'), path, acl, version: int }),
	fc.record({ kind: kind('getACL', 'sync', 'getAllChildrenNumber', 'getEphemerals'), path }),
	fc.record({ kind: kind('checkWatches', 'removeWatches'), path, type: int }),
	fc.record({ kind: kind('addWatch'), path, mode: int }),
	fc.record({
		kind: kind('setWatches2'),
		relativeZxid: safe,
		data: paths,
		exist: paths,
		child: paths,
		persistent: paths,
		persistentRecursive: paths,
	}),
	fc.record({
		kind: kind('setWatches'),
		relativeZxid: safe,
		data: paths,
		exist: paths,
		child: paths,
		persistent: fc.constant([]),
		persistentRecursive: fc.constant([]),
	}),
	fc.record({
		kind: kind('reconfig'),
		joiningServers: fc.option(path),
		leavingServers: fc.option(path),
		newMembers: fc.option(path),
		configId: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
	}),
	fc.record({ kind: kind('auth'), type: int, scheme: path, auth: data }),
	fc.record({ kind: kind('sasl'), token: data }),
	fc.record({ kind: kind('ping', 'whoAmI', 'closeSession') }),
	fc.record({ kind: kind('multi'), ops: fc.array(multiWrite, { maxLength: 4 }) }),
	fc.record({ kind: kind('multiRead'), ops: fc.array(multiRead, { maxLength: 4 }) }),
);

const multiResult: fc.Arbitrary<MultiResult> = fc.oneof(
	fc.record({ kind: kind('create'), path }),
	fc.record({ kind: kind('create2'), path, stat }),
	fc.record({ kind: kind('delete', 'check') }),
	fc.record({ kind: kind('setData'), stat }),
	fc.record({ kind: kind('getData'), data, stat }),
	fc.record({ kind: kind('getChildren'), names: paths }),
	fc.record({ kind: kind('error'), code: int }),
);
const response: fc.Arbitrary<ClientResponse> = fc.oneof(
	fc.record({ kind: kind('create', 'sync'), path }),
	fc.record({ kind: kind('create2', 'createContainer', 'createTTL'), path, stat }),
	fc.record({ kind: kind('exists', 'setData', 'setACL'), stat }),
	fc.record({ kind: kind('getData', 'reconfig'), data, stat }),
	fc.record({ kind: kind('getACL'), acl, stat }),
	fc.record({ kind: kind('getChildren', 'getEphemerals'), names: paths }),
	fc.record({ kind: kind('getChildren2'), names: paths, stat }),
	fc.record({ kind: kind('getAllChildrenNumber'), count: int }),
	fc.record({ kind: kind('whoAmI'), identities: fc.array(id, { maxLength: 3 }) }),
	fc.record({ kind: kind('sasl'), token: data }),
	fc.record({ kind: kind('delete', 'check', 'ping', 'auth', 'closeSession', 'setWatches', 'setWatches2') }),
	fc.record({ kind: kind('addWatch', 'checkWatches', 'removeWatches') }),
	fc.record({ kind: kind('multi', 'multiRead'), results: fc.array(multiResult, { maxLength: 4 }) }),
);

function written(write: (writer: JuteWriter) => void): Uint8Array {
	const writer = new JuteWriter(0);
	write(writer);
	return writer.view().slice();
}

/** Runs a read that may refuse its bytes, but only with a JuteError. */
function attempt(read: () => unknown): void {
	try {
		read();
	} catch (error) {
		if (!(error instanceof JuteError)) throw error;
	}
}

describe('the handshake', () => {
	const connect: fc.Arbitrary<ConnectRequest> = fc.record({
		protocolVersion: int,
		lastZxidSeen: safe,
		timeoutMs: int,
		sessionId: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => value as SessionId),
		password: data,
		readOnly: fc.option(fc.boolean(), { nil: undefined }),
	});

	it('67: comes back the same, with and without the read-only flag', () => {
		fc.assert(
			fc.property(connect, (value) => {
				expect(readConnectRequest(new JuteReader(written((w) => writeConnectRequest(w, value))))).toEqual(value);
				const { lastZxidSeen: _, ...answer } = value;
				expect(readConnectResponse(new JuteReader(written((w) => writeConnectResponse(w, answer))))).toEqual(answer);
			}),
		);
	});

	it('61: takes any last zxid seen, since it is only compared', () => {
		const bytes = written((w) =>
			writeConnectRequest(w, {
				protocolVersion: 0,
				lastZxidSeen: 0,
				timeoutMs: 1,
				sessionId: 0n as SessionId,
				password: null,
				readOnly: undefined,
			}),
		);
		bytes[4] = 0x7f;
		expect(readConnectRequest(new JuteReader(bytes)).lastZxidSeen).toBe(Number.MAX_SAFE_INTEGER);
	});
});

describe('headers', () => {
	it('47: come back the same, also a zxid of -1', () => {
		fc.assert(
			fc.property(int, safe, int, path, (xid, zxid, code, node) => {
				const header = { xid, type: code };
				expect(readRequestHeader(new JuteReader(written((w) => writeRequestHeader(w, header))))).toEqual(header);
				const reply = { xid, zxid, error: code };
				expect(readReplyHeader(new JuteReader(written((w) => writeReplyHeader(w, reply))))).toEqual(reply);
				const event = { type: xid, state: code, path: node };
				expect(readWatcherEvent(new JuteReader(written((w) => writeWatcherEvent(w, event))))).toEqual(event);
			}),
		);
	});
});

describe('requests', () => {
	it('come back the same, of every kind', () => {
		fc.assert(
			fc.property(request, (value) => {
				const reader = new JuteReader(written((w) => writeRequest(w, value)));
				expect(readRequest(reader, opCode[value.kind])).toEqual(value);
				expect(reader.remaining).toBe(0);
			}),
			{ numRuns: 500 },
		);
	});

	it('68: of an unknown operation are told apart from malformed ones', () => {
		const empty = new JuteReader(new Uint8Array(0));
		for (const type of [-10, -1, 0, 10, 20, 23, 99, 108]) expect(readRequest(empty, type)).toBeUndefined();
		expect(() => readRequest(empty, opCode.getData)).toThrow(JuteError);
	});

	it('71: a null path is read as an empty one where ZooKeeper looks at it, and refused where it stumbles over it', () => {
		const bytes = Uint8Array.of(255, 255, 255, 255);
		expect(readRequest(new JuteReader(bytes), opCode.sync)).toEqual({ kind: 'sync', path: '' });
		expect(() => readRequest(new JuteReader(bytes), opCode.getACL)).toThrow('null');
	});

	it('40, 45: a multi with an operation it cannot have is refused by name', () => {
		const read = written((w) =>
			writeRequest(w, { kind: 'multiRead', ops: [{ kind: 'getData', path: '/a', watch: false }] }),
		);
		expect(() => readRequest(new JuteReader(read), opCode.multi)).toThrow(
			'a multi cannot have operation 4 (getData) at offset 0',
		);
		const write = written((w) => writeRequest(w, { kind: 'multi', ops: [{ kind: 'delete', path: '/a', version: 1 }] }));
		expect(() => readRequest(new JuteReader(write), opCode.multiRead)).toThrow(
			'a multiRead cannot have operation 2 (delete)',
		);
		write[3] = opCode.setACL;
		expect(() => readRequest(new JuteReader(write), opCode.multi)).toThrow('operation 7 (setACL)');
	});

	it('40: a multi ends with a header of -1, done, -1', () => {
		const bytes = written((w) => writeRequest(w, { kind: 'multi', ops: [] }));
		expect([...bytes]).toEqual([255, 255, 255, 255, 1, 255, 255, 255, 255]);
	});

	it('that are cut or random are refused with a JuteError and nothing else', () => {
		fc.assert(
			fc.property(request, fc.nat(), fc.nat(255), (value, at, byte) => {
				const bytes = written((w) => writeRequest(w, value));
				const cut = bytes.length === 0 ? 0 : at % bytes.length;
				attempt(() => readRequest(new JuteReader(bytes, 0, cut), opCode[value.kind]));
				bytes[cut] = byte;
				attempt(() => readRequest(new JuteReader(bytes), opCode[value.kind]));
			}),
			{ numRuns: 1000 },
		);
		fc.assert(
			fc.property(fc.constantFrom(...Object.values(opCode)), fc.uint8Array({ maxLength: 80 }), (type, bytes) => {
				attempt(() => readRequest(new JuteReader(bytes), type));
				attempt(() => readResponse(new JuteReader(bytes), type));
			}),
			{ numRuns: 2000 },
		);
	});
});

describe('responses', () => {
	it('come back the same, of every kind', () => {
		fc.assert(
			fc.property(response, (value) => {
				const reader = new JuteReader(written((w) => writeResponse(w, value)));
				expect(readResponse(reader, opCode[value.kind])).toEqual(value);
				expect(reader.remaining).toBe(0);
			}),
			{ numRuns: 500 },
		);
	});

	it('42: an error of a multi stands in its header and in its body', () => {
		const bytes = written((w) => writeResponse(w, { kind: 'multi', results: [{ kind: 'error', code: -101 }] }));
		expect(Buffer.from(bytes).toString('hex')).toBe('ffffffff00ffffff9bffffff9bffffffff01ffffffff');
	});

	it('20: the answer to create is the path only, to the others path and Stat', () => {
		expect(written((w) => writeResponse(w, { kind: 'create', path: '/a' })).length).toBe(6);
		const value: Stat = {
			czxid: 1 as Zxid,
			mzxid: 1 as Zxid,
			ctime: 1,
			mtime: 1,
			version: 0,
			cversion: 0,
			aversion: 0,
			ephemeralOwner: 0n,
			dataLength: 0,
			numChildren: 0,
			pzxid: 1 as Zxid,
		};
		expect(written((w) => writeResponse(w, { kind: 'create2', path: '/a', stat: value })).length).toBe(74);
	});
});
