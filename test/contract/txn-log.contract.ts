/** What every TxnLog does, whatever it writes to. */
import { describe, expect, it } from 'vitest';
import type { TxnRecord } from '#core/model/txn-record';
import type { SessionId, Zxid } from '#core/model/zxid';
import type { TxnLog, TxnLogListener } from '#core/ports/txn-log';

export interface TxnLogUnderTest {
	readonly log: TxnLog;
	/** Every record that a recovery would find now, in order. */
	recorded(): readonly TxnRecord[];
	/** From the next operation on the disk fails. */
	breakDisk(): void;
	dispose(): void;
}

export type OpenTxnLog = (listener: TxnLogListener, lastZxid: Zxid) => TxnLogUnderTest;

/** A setData with `bytes` of data, none of them zero, and an audit context. */
export function sampleRecord(zxid: number, bytes = 100): TxnRecord {
	return {
		header: {
			sessionId: 0x10000314cd30019n as SessionId,
			cxid: zxid,
			zxid: zxid as Zxid,
			time: 1_795_245_767_000 + zxid,
		},
		txn: { kind: 'setData', path: `/sample/${zxid}`, data: sampleData(zxid, bytes), version: zxid },
		digest: { version: 2, value: BigInt(zxid) * 0x1_0000_0001n },
		context: {
			traceparent: '',
			identities: [{ scheme: 'ip', id: '127.0.0.1' }],
			address: '127.0.0.1:50000',
			door: 'grpc',
			requestId: `r${zxid}`,
		},
	};
}

function sampleData(zxid: number, bytes: number): Uint8Array {
	return Uint8Array.from({ length: bytes }, (_, index) => 1 + ((zxid * 31 + index * 7) % 255));
}

/** Keeps what it was told, and lets a test wait for it. */
export class RecordingListener implements TxnLogListener {
	readonly durables: Zxid[] = [];
	readonly failures: Error[] = [];
	insideAppend = false;
	#waiting: (() => boolean)[] = [];

	durable(zxid: Zxid): void {
		if (this.insideAppend) throw new Error('called from inside append()');
		this.durables.push(zxid);
		this.#wake();
	}

	failed(error: Error): void {
		if (this.insideAppend) throw new Error('called from inside append()');
		this.failures.push(error);
		this.#wake();
	}

	get last(): number {
		return this.durables.at(-1) ?? 0;
	}

	reached(zxid: number): Promise<void> {
		return this.#until(() => this.last >= zxid || this.failures.length > 0);
	}

	#until(condition: () => boolean): Promise<void> {
		return new Promise((resolve) => {
			this.#waiting.push(() => {
				if (!condition()) return false;
				resolve();
				return true;
			});
			this.#wake();
		});
	}

	#wake(): void {
		this.#waiting = this.#waiting.filter((check) => !check());
	}
}

export function txnLogContract(name: string, open: OpenTxnLog): void {
	describe(`TxnLog: ${name}`, () => {
		async function withLog(use: (under: TxnLogUnderTest, listener: RecordingListener) => Promise<void>): Promise<void> {
			const listener = new RecordingListener();
			const under = open(listener, 0 as Zxid);
			try {
				await use(under, listener);
			} finally {
				under.dispose();
			}
		}

		function append(under: TxnLogUnderTest, listener: RecordingListener, records: readonly TxnRecord[]): void {
			listener.insideAppend = true;
			under.log.append(records);
			listener.insideAppend = false;
		}

		it('says that what was appended is durable, in rising order and never from inside append()', () =>
			withLog(async (under, listener) => {
				for (let zxid = 1; zxid <= 200; zxid++) {
					append(under, listener, [sampleRecord(zxid)]);
					if (zxid % 10 === 0) await listener.reached(zxid - 5);
				}
				await listener.reached(200);
				expect(listener.durables).toEqual([...listener.durables].sort((a, b) => a - b));
				expect(new Set(listener.durables).size).toBe(listener.durables.length);
				expect(listener.last).toBe(200);
				expect(under.recorded()).toEqual(Array.from({ length: 200 }, (_, index) => sampleRecord(index + 1)));
			}));

		it('makes one sync of all that arrived while the last one ran', () =>
			withLog(async (under, listener) => {
				for (let zxid = 1; zxid <= 1000; zxid++) append(under, listener, [sampleRecord(zxid)]);
				await listener.reached(1000);
				expect(listener.durables.length).toBeLessThan(10);
			}));

		it('counts the bytes that are not durable yet', () =>
			withLog(async (under, listener) => {
				expect(under.log.pendingBytes).toBe(0);
				append(under, listener, [sampleRecord(1, 5000), sampleRecord(2, 5000)]);
				expect(under.log.pendingBytes).toBeGreaterThan(10_000);
				await listener.reached(2);
				await under.log.close();
				expect(under.log.pendingBytes).toBe(0);
			}));

		it('close() waits for what was appended', () =>
			withLog(async (under, listener) => {
				append(
					under,
					listener,
					[1, 2, 3].map((zxid) => sampleRecord(zxid)),
				);
				await under.log.close();
				expect(listener.last).toBe(3);
				expect(under.recorded()).toHaveLength(3);
			}));

		it('goes on in another file after roll(), also while writes are under way', () =>
			withLog(async (under, listener) => {
				let zxid = 0;
				for (let file = 0; file < 5; file++) {
					for (let i = 0; i < 20; i++) append(under, listener, [sampleRecord(++zxid)]);
					under.log.roll();
				}
				await under.log.close();
				expect(under.recorded().map((record) => record.header.zxid)).toEqual(
					Array.from({ length: 100 }, (_, index) => index + 1),
				);
			}));

		it('refuses a zxid that does not rise', () =>
			withLog(async (under, listener) => {
				append(under, listener, [sampleRecord(5)]);
				expect(() => under.log.append([sampleRecord(5)])).toThrow(/zxids strictly rise/);
				listener.insideAppend = false;
				await listener.reached(5);
			}));

		it('when the disk fails it says so once, and nothing becomes durable after it', () =>
			withLog(async (under, listener) => {
				append(under, listener, [sampleRecord(1)]);
				await listener.reached(1);
				under.breakDisk();
				append(under, listener, [sampleRecord(2)]);
				await listener.reached(2);
				for (let zxid = 3; zxid < 50; zxid++) append(under, listener, [sampleRecord(zxid)]);
				await under.log.close();
				expect(listener.failures).toHaveLength(1);
				expect(listener.failures[0]!.message).toMatch(/Nothing behind zxid 0x1 is acknowledged.*restart/);
				expect(listener.last).toBe(1);
			}));
	});
}
