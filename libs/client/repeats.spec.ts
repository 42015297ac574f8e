/** What connect()'s client sends again when a stream was lost, and how. */
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ErrorDetail, Stat } from '#proto/chronokeeper/v1/common';
import type { Operation, Reply } from '#proto/chronokeeper/v1/session';
import { ScriptedServer, type ScriptedStream } from '#test/support/scripted-server';
import type { Chronokeeper } from './chronokeeper.ts';
import { connect } from './connect.ts';
import { OutcomeUnknownError } from './errors.ts';

const stat = Stat.fromPartial({ version: 4 });
let server: ScriptedServer;
let ck: Chronokeeper;
let first: ScriptedStream;

beforeEach(async () => {
	server = await ScriptedServer.start();
	const connecting = connect({ endpoints: server.address, retry: { firstPauseMs: 1, longestPauseMs: 2 } });
	first = await server.stream(0);
	first.open(5n);
	ck = await connecting;
});
afterEach(async () => {
	server.close();
	await ck.close();
});

const shown = ({ id, op, sentAtZxid }: Operation) => [id, op!.$case, sentAtZxid];

function created(path: string, zxid: bigint): NonNullable<Reply['result']> {
	return { $case: 'create', value: { path, stat, zxid } };
}

function failed(fields: Partial<ErrorDetail>): NonNullable<Reply['result']> {
	return { $case: 'error', value: ErrorDetail.fromPartial(fields) };
}

it('what has no answer keeps its number and what had been seen when it was sent first, over as many streams as it takes', async () => {
	const one = ck.create('/one');
	const read = ck.get('/one');
	const two = ck.create('/two-', null, { mode: 'persistentSequential' });
	await server.stream(0, 3);
	first.reply(0, created('/one', 8n));
	await one;
	const three = ck.set('/three', 'x');
	await server.stream(0, 4);
	expect(first.operations.map(shown)).toEqual([
		[1, 'create', undefined],
		[2, 'get', undefined],
		[3, 'create', undefined],
		[4, 'set', undefined],
	]);
	first.fail(status.UNAVAILABLE);
	const second = await server.stream(1);
	expect(second.begin).toMatchObject({ value: { lastZxidSeen: 8n, repeatable: true } });
	second.attach(20n);
	await server.stream(1, 3);
	const again = [
		[2, 'get', 5n],
		[3, 'create', 5n],
		[4, 'set', 8n],
	];
	expect(second.operations.map(shown)).toEqual(again);
	const four = ck.delete('/four');
	await server.stream(1, 4);
	expect(second.operations.map(shown)).toEqual([...again, [5, 'delete', undefined]]);
	// Half of them is answered, and the rest is sent a third time: not behind what this stream had seen.
	second.reply(0, { $case: 'get', value: { data: undefined, stat, zxid: 20n } });
	second.reply(1, created('/two-0000000007', 9n));
	expect((await two).path).toBe('/two-0000000007');
	await read;
	second.end();
	const third = await server.stream(2);
	expect(third.begin).toMatchObject({ value: { lastZxidSeen: 20n } });
	third.attach(30n);
	await server.stream(2, 2);
	expect(third.operations.map(shown)).toEqual([
		[4, 'set', 8n],
		[5, 'delete', 20n],
	]);
	third.reply(0, { $case: 'set', value: { stat, zxid: 10n } });
	third.reply(1, { $case: 'delete', value: { zxid: 31n } });
	expect((await three).zxid).toBe(10n);
	expect(await four).toBe(31n);
});

it('what a server has lost is asked of the next one, in its order; what no server knows any more is told so', async () => {
	const [one, two, three] = [ck.create('/one'), ck.create('/two'), ck.create('/three')];
	await server.stream(0, 3);
	first.reply(0, created('/one', 8n));
	first.reply(1, failed({ code: -4, name: 'ConnectionLoss', path: '/two' }));
	// Behind it: not believed, it comes again.
	first.reply(2, failed({ code: -4, name: 'ConnectionLoss', path: '/three' }));
	await one;
	const second = await server.stream(1);
	second.attach(20n);
	await server.stream(1, 2);
	expect(second.operations.map(shown)).toEqual([
		[2, 'create', 5n],
		[3, 'create', 5n],
	]);
	const advice = 'Nobody knows.';
	second.reply(0, failed({ code: -4, name: 'ConnectionLoss', path: '/two', reason: 'OUTCOME_UNKNOWN', advice }));
	second.reply(1, created('/three', 9n));
	const error = await two.catch((reason: unknown) => reason);
	expect(error).toBeInstanceOf(OutcomeUnknownError);
	expect(error).toMatchObject({ path: '/two', code: -4, message: '/two: Nobody knows.' });
	expect((await three).path).toBe('/three');
	expect(server.streams).toHaveLength(2);
});
