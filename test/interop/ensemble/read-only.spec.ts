/** One server of three is left, with readonlymode.enabled: what its clients see of it, of ours and of Apache ZooKeeper's. */
import { describe, expect, it } from 'vitest';
import type { ConnectRequest } from '#jute/client/connect';
import type { ClientRequest } from '#jute/client/requests';
import { errorName } from '#jute/errors';
import type { SessionId } from '#jute/scalars';
import { type Ensemble, type EnsembleMember, type MemberKind, startEnsemble } from '#test/support/ensemble';
import { eventually } from '#test/support/ensemble-wait';
import { startKazoo } from '#test/support/kazoo';
import { RunningProgram } from '#test/support/processes';
import { WireClient } from '#test/support/wire-client';
import { ourZkCli, transcriptOf, zkCliPath, zooKeepersZkCli } from '#test/support/zk-cli';

const acl = [{ perms: 31, scheme: 'world', id: 'anyone' }];
const text = new TextEncoder();

/** ZooKeeper has sessions in its read-only mode where it has local ones only. */
const local = { localSessionsEnabled: 'true', localSessionsUpgradingEnabled: 'true' };

function startReadOnly(kind: MemberKind, config: Readonly<Record<string, string>> = {}) {
	return startEnsemble({
		members: [kind, kind, kind],
		config: { 'readonlymode.enabled': 'true', ...config },
		properties: { 'readonlymode.enabled': 'true' },
	});
}

/** Two of three stop, and the one that is left serves reads. */
async function leaveOne(ensemble: Ensemble): Promise<EnsembleMember> {
	const left = await ensemble.follower();
	const writer = await WireClient.connect(left.place.clientPort);
	for (const [path, data] of [['/kept', 'before'] as const, ['/kept/child', ''] as const]) {
		const { error } = await writer.send({ kind: 'create', path, data: text.encode(data), acl, flags: 0 });
		expect(errorName(error)).toBe('OK');
	}
	await writer.close();
	for (const member of others(ensemble, left)) await member.stop('SIGKILL');
	await eventually('it is read-only', async () => (await left.word('isro')) === 'ro');
	return left;
}

function others(ensemble: Ensemble, left: EnsembleMember): readonly EnsembleMember[] {
	return ensemble.members.filter((member) => member !== left);
}

/** What a connection gets: the session, or how it was refused. */
async function handshake(member: EnsembleMember, fields: Partial<ConnectRequest>): Promise<string> {
	const client = await WireClient.open(member.place.clientPort);
	const answer = await client.handshake(fields).catch(() => undefined);
	if (answer === undefined) return `closed: ${await client.closed}`;
	await client.close();
	return `timeout ${answer.timeoutMs}, read-only ${answer.readOnly}`;
}

/** Everything that clients see of a read-only server, in words. */
async function observe(ensemble: Ensemble): Promise<Record<string, unknown>> {
	const before = await WireClient.connect((await ensemble.leader()).place.clientPort);
	// This makes it a session of the whole ensemble.
	await before.send({ kind: 'create', path: '/mine', data: null, acl, flags: 1 });
	const left = await leaveOne(ensemble);
	const { clientPort } = left.place;
	const srvr = (await left.word('srvr')).split('\n');
	const monitor = await left.monitor();
	const client = await WireClient.connect(clientPort, { readOnly: true, timeoutMs: 10_000 });
	const { session } = client;
	const answers: Record<string, string> = {};
	const request = async (name: string, asked: ClientRequest): Promise<void> => {
		const { error, response } = await client.send(asked);
		const data = response?.kind === 'getData' ? ` ${Buffer.from(response.data ?? [])}` : '';
		answers[name] = `${errorName(error)}${data}`;
	};
	const create = { path: '/new', data: null, acl } as const;
	await request('get', { kind: 'getData', path: '/kept', watch: true });
	await request('exists', { kind: 'exists', path: '/new', watch: true });
	await request('children', { kind: 'getChildren2', path: '/kept', watch: false });
	await request('acl', { kind: 'getACL', path: '/kept' });
	await request('create', { kind: 'create', ...create, flags: 0 });
	await request('ephemeral', { kind: 'create2', ...create, flags: 1 });
	await request('container', { kind: 'createContainer', ...create, flags: 4 });
	await request('set', { kind: 'setData', path: '/kept', data: null, version: -1 });
	await request('set of none', { kind: 'setData', path: '/none', data: null, version: -1 });
	await request('acl set', { kind: 'setACL', path: '/kept', acl, version: -1 });
	await request('delete', { kind: 'delete', path: '/kept/child', version: -1 });
	await request('multi', { kind: 'multi', ops: [{ kind: 'check', path: '/', version: -1 }] });
	await request('sync', { kind: 'sync', path: '/' });
	await request('ping', { kind: 'ping' });
	const handshakes = {
		'not accepting': await handshake(left, { readOnly: false }),
		'without the flag': await handshake(left, { readOnly: undefined }),
		'ahead of it': await handshake(left, { readOnly: true, lastZxidSeen: 2 ** 45 }),
		'a session of the ensemble': await handshake(left, {
			readOnly: true,
			sessionId: before.session.id,
			password: before.session.password,
		}),
		'an unknown session': await handshake(left, { readOnly: true, sessionId: 77n as SessionId }),
		'a wrong password': await handshake(left, { readOnly: true, sessionId: session.id, password: new Uint8Array(16) }),
	};
	const other = await WireClient.connect(clientPort, { readOnly: true });
	const closing = await other.send({ kind: 'closeSession' });
	const closed = await other.closed;
	const back = await WireClient.reattach(clientPort, session, { readOnly: true });
	await before.close();
	for (const member of others(ensemble, left)) member.launch();
	await back.closed;
	await ensemble.allServe();
	return {
		isro: await left.word('isro'),
		title: srvr.slice(1, 2),
		mode: srvr.filter((line) => line.startsWith('Mode')),
		monitor: ['server_state', 'peer_state', 'quorum_size'].map((key) => monitor.get(`zk_${key}`)),
		connected: [client.connected.timeoutMs, client.connected.readOnly],
		answers,
		handshakes,
		closing: [errorName(closing.error), closed],
		back: [back.connected.timeoutMs, back.connected.readOnly],
	};
}

describe('a server without a quorum', () => {
	it('67: is to its clients what a ZooKeeper server is', async () => {
		await using theirs = await startReadOnly('zookeeper', local);
		const expected = await observe(theirs);
		await theirs.close();
		await using ours = await startReadOnly('chronokeeper', local);
		expect(await observe(ours)).toEqual(expected);
	});

	it('67: serves Kazoo and zkCli -r, also where there are no local sessions, and they go on where there is a leader', async () => {
		await using ensemble = await startReadOnly('chronokeeper');
		const left = await leaveOne(ensemble);
		const kazoo = startKazoo('read_only.py', ensemble.connectString());
		const shell = new RunningProgram(zkCliPath, ['-server', ensemble.connectString(), '-r'], { interactive: true });
		try {
			await kazoo.waitFor(/^read$/m);
			await shell.waitFor(/state:ConnectedReadOnly/);
			const commands = [
				['get', '/kept'],
				['ls', '/kept'],
				['create', '/new'],
				['set', '/kept', 'x'],
				['sync', '/'],
			];
			for (const command of commands) {
				const args = ['-server', left.address, '-r', ...command];
				expect(transcriptOf(await ourZkCli(args))).toEqual(transcriptOf(await zooKeepersZkCli(args)));
			}
			for (const member of others(ensemble, left)) member.launch();
			await shell.waitFor(/state:ConnectedReadOnly[\s\S]*state:SyncConnected/);
			shell.type('create -e /mine x\nget /kept\n');
			await shell.waitFor(/^before$/m);
			expect(shell.output).toContain('Created /mine');
			expect(await kazoo.exited, kazoo.output).toBe(0);
			expect(kazoo.output).toMatch(/^done$/m);
		} finally {
			await shell.stop('SIGKILL');
			await kazoo.stop('SIGKILL');
		}
	});
});
