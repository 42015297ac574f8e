/** Writes that come in at one server of an ensemble and are decided at another: who may, and what a client sees. Ours and Apache ZooKeeper's side by side. */
import { expect, it } from 'vitest';
import type { ClientRequest } from '#jute/client/requests';
import { errorName } from '#jute/errors';
import { opCode } from '#jute/op-codes';
import type { Acl } from '#jute/records';
import { type Ensemble, type EnsembleMember, type MemberKind, startEnsemble } from '#test/support/ensemble';
import { within } from '#test/support/ensemble-wait';
import { requestBody, WireClient } from '#test/support/wire-client';

const all = 31;
const open: readonly Acl[] = [{ perms: all, scheme: 'world', id: 'anyone' }];

async function start(kind: MemberKind, isEager = false): Promise<Ensemble> {
	return startEnsemble({
		members: [kind, kind, kind],
		// Half a minute: that a busy machine lets a server stand still is no end of a term here.
		syncLimit: 60,
		properties: { 'zookeeper.enableEagerACLCheck': `${isEager}` },
		environment: { CK_ENABLE_EAGER_ACL_CHECK: `${isEager}` },
	});
}

/** The leader, and those that follow it. */
async function roles(ensemble: Ensemble): Promise<readonly [EnsembleMember, EnsembleMember, EnsembleMember]> {
	const leader = await ensemble.leader();
	const [first, second] = ensemble.members.filter((member) => member !== leader);
	return [leader, first!, second!];
}

/** A session at a member, and what it is answered, in words. */
class Client {
	readonly wire: WireClient;

	private constructor(wire: WireClient) {
		this.wire = wire;
	}

	static async at(member: EnsembleMember, user = ''): Promise<Client> {
		const client = new Client(await WireClient.connect(member.place.clientPort));
		if (user !== '') await client.wire.send({ kind: 'auth', type: 0, scheme: 'digest', auth: Buffer.from(user) });
		return client;
	}

	/** The error, and whether the answer has the zxid of the write. */
	async write(request: ClientRequest): Promise<string> {
		const { error, zxid } = await this.wire.send(request);
		return `${errorName(error)}${zxid === 0 ? ', zxid 0' : ''}`;
	}

	create(path: string, acl: readonly Acl[] = open): Promise<string> {
		return this.write({ kind: 'create', path, data: null, acl, flags: 0 });
	}

	set(path: string): Promise<string> {
		return this.write({ kind: 'setData', path, data: null, version: -1 });
	}

	delete(path: string): Promise<string> {
		return this.write({ kind: 'delete', path, version: -1 });
	}

	setAcl(path: string, acl: readonly Acl[] = open): Promise<string> {
		return this.write({ kind: 'setACL', path, acl, version: -1 });
	}

	multi(path: string): Promise<string> {
		return this.write({ kind: 'multi', ops: [{ kind: 'setData', path, data: null, version: -1 }] });
	}
}

/** Who may write what from where. */
async function access(ensemble: Ensemble): Promise<Record<string, string>> {
	const [leader, first, second] = await roles(ensemble);
	const ann = await Client.at(first, 'ann:secret');
	const said: Record<string, string> = {
		'her node': await ann.create('/hers', [{ perms: all, scheme: 'auth', id: '' }]),
		'her child': await ann.create('/hers/child'),
		'of an address': await ann.create('/here', [{ perms: all, scheme: 'ip', id: '127.0.0.0/8' }]),
		'of another address': await ann.create('/elsewhere', [{ perms: all, scheme: 'ip', id: '203.0.113.7' }]),
		'an ACL of nobody': await ann.create('/nobody', [{ perms: all, scheme: 'digest', id: 'no colon' }]),
		'a parent that is missing': await ann.create('/missing/child'),
		'a bad path': await ann.create('/bad/'),
	};
	for (const [where, member] of Object.entries({ leader, first, second })) {
		for (const user of ['', 'ann:guess', 'ann:secret', 'super:test']) {
			const client = await Client.at(member, user);
			const sync = await client.wire.send({ kind: 'sync', path: '/' });
			expect(errorName(sync.error)).toBe('OK');
			const answers = [
				await client.set('/hers'),
				await client.create('/hers/new'),
				await client.delete('/hers/child'),
				await ann.create('/hers/child'),
				await client.delete('/hers/new'),
				await client.setAcl('/hers', [{ perms: all, scheme: 'digest', id: 'no colon' }]),
				await client.setAcl('/elsewhere', [{ perms: all, scheme: 'ip', id: '203.0.113.7' }]),
				await client.set('/elsewhere'),
				await client.set('/here'),
				await client.set('/none'),
				await client.multi('/hers'),
			];
			said[`${user || 'nobody'} at ${where}`] = answers.join('; ');
			await client.wire.close();
		}
	}
	await ann.wire.close();
	return said;
}

it.each([false, true])(
	'4, 39: identities are forwarded, and ACLs let in and refuse by them; checked eagerly: %s',
	async (isEager) => {
		await using theirs = await start('zookeeper', isEager);
		const expected = await access(theirs);
		await theirs.close();
		await using ours = await start('chronokeeper', isEager);
		expect(await access(ours)).toEqual(expected);
		const refused = isEager ? 'NoAuth, zxid 0' : 'NoAuth';
		expect(expected['nobody at first']).toMatch(new RegExp(`^${refused}; ${refused}; ${refused};`));
		expect(expected['ann:secret at second']).toMatch(/^OK; OK; OK; OK; OK;/);
	},
);

it('69: a ZooKeeper that follows ours answers those who sync and those who write, side by side', async () => {
	await using ensemble = await startEnsemble({
		members: ['zookeeper', 'chronokeeper', 'chronokeeper'],
		syncLimit: 60,
	});
	expect((await ensemble.leader()).kind).toBe('chronokeeper');
	const clients = await Promise.all(Array.from({ length: 6 }, () => Client.at(ensemble.member(1))));
	const sync = { type: opCode.sync, body: requestBody({ kind: 'sync', path: '/' }) };
	const set = { type: opCode.setData, body: requestBody({ kind: 'setData', path: '/', data: null, version: -1 }) };
	const answers = clients.map(async ({ wire }, client) => {
		let count = 0;
		for (let round = 0; round < 40; round++) {
			const requests = (round + client) % 2 === 0 ? [sync, set, sync] : [set, sync, set];
			count += (await Promise.all(wire.sendTogether(requests))).filter(({ error }) => error === 0).length;
		}
		return count;
	});
	expect(await within(60_000, 'all answers', Promise.all(answers))).toEqual(clients.map(() => 120));
	for (const { wire } of clients) await wire.close();
});

/** What a connection gets whose session has gone on to another server. */
async function moved(ensemble: Ensemble): Promise<Record<string, string>> {
	const [, first, second] = await roles(ensemble);
	const said: Record<string, string> = {};
	for (const [name, request] of Object.entries({
		set: { kind: 'setData', path: '/', data: null, version: -1 },
		multi: { kind: 'multi', ops: [{ kind: 'setData', path: '/', data: null, version: -1 }] },
	} as const)) {
		const before = await Client.at(first);
		const after = await WireClient.reattach(second.place.clientPort, before.wire.session);
		const answer = before.write(request).catch(() => 'no answer');
		said[name] = `${await answer}, ${await before.wire.closed}`;
		said[`${name} where it is now`] = errorName((await after.send(request)).error);
		await after.close();
	}
	return said;
}

it('44, 65: a write of a session that has moved, in a multi or not, closes the connection without an answer', async () => {
	await using theirs = await start('zookeeper');
	const expected = await moved(theirs);
	await theirs.close();
	await using ours = await start('chronokeeper');
	expect(await moved(ours)).toEqual(expected);
	expect(expected).toMatchObject({
		set: 'no answer, the server closed the connection',
		multi: 'no answer, the server closed the connection',
		'multi where it is now': 'OK',
	});
});
