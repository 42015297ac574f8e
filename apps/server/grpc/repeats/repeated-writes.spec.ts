import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Uplink } from '#core/chain/wiring';
import { formatZxid, makeZxid, type SessionId, type Zxid, zeroZxid } from '#core/model/zxid';
import { DataDirectory } from '#storage/data-directory';
import { FileTxnLog } from '#storage/txn-log';
import { createLogger } from '#telemetry/logger';
import { SimReplica } from '#test/sim/sim-replica';
import { MadeHistory } from '#test/support/stored-history';
import { RepeatedWrites } from './repeated-writes.ts';
import { SessionLog, type SessionWrites } from './session-log.ts';

const logger = createLogger({ level: 'silent', format: 'json', destination: { write: () => true } });
/** It begins with (1, 5), and (1, 12) is a write of it. */
const session = 0x1005n as SessionId;
const turn = () => new Promise<void>((resolve) => void setImmediate(resolve));
const silent: Uplink = { forward: () => {}, revalidate: () => {}, sync: () => {}, logged: () => {} };

/** An observer that has applied (1, 1) to (1, 8) of a history that goes to (1, 12). */
class Observer {
	readonly root = mkdtempSync(join(tmpdir(), 'chronokeeper-repeated-'));
	readonly replica = new SimReplica({ isMember: true });
	readonly history = new MadeHistory();
	readonly repeats: RepeatedWrites;
	moved = 0;

	constructor() {
		const { host } = this.replica;
		const directory = new DataDirectory(this.root);
		directory.create();
		const log = new SessionLog({
			directory,
			lastDurable: () => host.lastProcessedZxid,
			isServing: () => host.state === 'serving',
			logger,
		});
		this.repeats = new RepeatedWrites({ host, log, nextCxid: () => 2 ** 30, moved: () => void (this.moved += 1) });
		this.history.add(1, 1, 12);
		host.follow(silent);
		this.inform(1, 8);
	}

	/** It hears of what is committed, and of nothing else. */
	inform(from: number, through: number): void {
		const { host } = this.replica;
		for (const record of this.history.records.slice(from - 1, through)) {
			host.member((roles) => roles.proposed(record));
			host.commit(record.header.zxid);
		}
		host.endBatch();
		this.replica.settle();
	}

	async store(): Promise<void> {
		const file = new FileTxnLog({ directory: join(this.root, 'version-2'), lastZxid: zeroZxid });
		file.listen({ durable: () => {}, failed: () => {} });
		file.append(this.history.records);
		await file.close();
	}

	/** Asks, and its leader answers the sync: up to here it had proposed. */
	async ask(proposed: Zxid): Promise<{ readonly writes: Promise<SessionWrites>; isKnown: boolean }> {
		const writes = this.repeats.of(session, makeZxid(1, 5));
		const asked = { writes, isKnown: false };
		const known = () => void (asked.isKnown = true);
		writes.then(known, known);
		this.replica.settle();
		this.replica.host.member((roles) => roles.synced(proposed));
		await turn();
		return asked;
	}
}

let observer: Observer;
beforeEach(async () => {
	observer = new Observer();
	await observer.store();
});
afterEach(() => rmSync(observer.root, { recursive: true }));

function shown({ results, isComplete }: SessionWrites): unknown {
	return { isComplete, results: [...results].map(([cxid, { zxid }]) => `${cxid} is ${formatZxid(zxid)}`) };
}

describe('writes that were sent before', () => {
	it('69: are decided when all is applied that was proposed in front of the sync, which a strict leader keeps back from an observer', async () => {
		const asked = await observer.ask(makeZxid(1, 12));
		expect(observer.replica.host.lastProposed).toBe(makeZxid(1, 12));
		// The mirror has moved, and not far enough.
		observer.inform(9, 11);
		await turn();
		expect(asked.isKnown).toBe(false);
		observer.inform(12, 12);
		expect(shown(await asked.writes)).toEqual({ isComplete: true, results: ['12 is 0x10000000c'] });
	});

	it('69: what a former leader had proposed is not waited for, and not known', async () => {
		const asked = await observer.ask(makeZxid(1, 12));
		const { host } = observer.replica;
		host.look(new Error('the leader is gone'));
		expect(shown(await asked.writes)).toEqual({ isComplete: false, results: [] });
		host.follow(silent);
		expect(host.lastProposed).toBe(makeZxid(1, 8));
		const again = await observer.ask(makeZxid(1, 7));
		expect(shown(await again.writes)).toEqual({ isComplete: true, results: [] });
		expect(observer.moved).toBe(0);
	});
});
