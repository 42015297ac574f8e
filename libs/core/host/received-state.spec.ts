import { describe, expect, it } from 'vitest';
import { MadeHistory } from '#test/support/stored-history';
import type { TxnRecord } from '../model/txn-record.ts';
import { makeZxid } from '../model/zxid.ts';
import type { StateReceiver } from '../ports/replica-storage.ts';
import { ReceivedState } from './received-state.ts';

const zxid = makeZxid(1, 20);

/** The state of (1, 20), with `ahead` of the transactions behind it in it already. */
function received(ahead: readonly TxnRecord[], isExact: boolean): ReceivedState {
	const { tree, sessions } = made(20).history;
	for (const record of ahead) {
		tree.apply(record);
		if (record.txn.kind === 'createSession') sessions.set(record.header.sessionId, record.txn.timeoutMs);
		if (record.txn.kind === 'closeSession') sessions.delete(record.header.sessionId);
	}
	const receiver: StateReceiver = { nodes: tree.size, bytes: 100, state: { tree, sessions }, take: () => null };
	return new ReceivedState(receiver, zxid, isExact);
}

function made(count: number): { readonly history: MadeHistory; readonly behind: readonly TxnRecord[] } {
	const history = new MadeHistory();
	const records = history.add(1, 1, count);
	return { history, behind: records.slice(20) };
}

/** (1, 21) to (1, 60): nodes, and sessions that come and go. */
const { history, behind } = made(60);

describe('78: a fuzzy snapshot', () => {
	it('78: is the leader’s state with what follows it, of which it may have any part, sessions too', () => {
		for (const step of [1, 2, 3, 7]) {
			const state = received(
				behind.filter((_, index) => index % step === 0 && index < 30),
				false,
			);
			expect(state.tree.lastProcessedZxid).toBe(zxid);
			const fuzzy: boolean[] = [];
			for (const record of behind) {
				state.apply(record);
				fuzzy.push(state.tree.isFuzzy);
			}
			expect(state.tree.digest()).toBe(history.tree.digest());
			expect(state.tree.lastProcessedZxid).toBe(history.lastZxid);
			expect(state.sessions).toEqual(history.sessions);
			expect(fuzzy[0]).toBe(true);
			expect(fuzzy.at(-1)).toBe(false);
			// Once one digest agreed, all must.
			expect(fuzzy.lastIndexOf(true)).toBeLessThan(fuzzy.indexOf(false));
		}
	});

	it('78: from the first digest that agrees on every one must', () => {
		const state = received([behind[1]!], false);
		state.apply(behind[0]!);
		state.apply(behind[1]!);
		expect(state.tree.isFuzzy).toBe(false);
		const wrong = { ...behind[2]!, digest: { version: 2, value: 1n } };
		expect(() => state.apply(wrong)).toThrow('snapshot is not its state: after 0x100000017');
	});

	it('78: stays fuzzy when nothing follows it, or nothing that has a digest', () => {
		const state = received([behind[1]!], false);
		expect(state.tree.isFuzzy).toBe(true);
		for (const record of behind) state.apply({ ...record, digest: null });
		expect(state.tree.isFuzzy).toBe(true);
		expect(state.tree.digest()).toBe(history.tree.digest());
	});
});

it('78: an exact snapshot has to agree with the first digest', () => {
	const exact = received([], true);
	for (const record of behind) exact.apply(record);
	expect(exact.sessions).toEqual(history.sessions);
	expect(() => received([behind[1]!], true).apply(behind[0]!)).toThrow('snapshot is not its state');
});
