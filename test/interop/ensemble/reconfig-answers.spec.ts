/** What an administrator is answered, and what `/zookeeper/config` says afterwards: three of ours beside three ZooKeepers. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ReconfigRequest } from '#jute/client/requests';
import { errorName } from '#jute/errors';
import { type Ensemble, type MemberKind, memberLine, startEnsemble } from '#test/support/ensemble';
import { asSuperUser } from '#test/support/ensemble-agreement';
import { configOf } from '#test/support/ensemble-reconfig';
import { superUser } from '#test/support/real-zookeeper';
import { WireClient, type WireReply } from '#test/support/wire-client';
import { ourZkCli, transcriptOf, zooKeepersZkCli } from '#test/support/zk-cli';

const configPath = '/zookeeper/config';

/** The reconfigurations that are asked for one after the other, with the lines of servers 1 to 4, of which the last one does not run. */
function requests(lines: readonly string[]): Readonly<Record<string, Partial<ReconfigRequest>>> {
	const [one, two, three, four] = lines as [string, string, string, string];
	const addressesOf = (line: string) => line.split('=')[1]!;
	const observer = four.replace('participant', 'observer');
	const [five, six] = ['server.5=127.0.0.1:17:18;19', 'server.6=127.0.0.1:27:28;29'];
	return {
		'of nothing': {},
		'of empty texts': { joiningServers: '', leavingServers: '', newMembers: '' },
		'with an empty list of who leaves': { leavingServers: '' },
		'with an empty list of who joins': { joiningServers: '' },
		'of another version': { leavingServers: '1', configId: 5n },
		'of version -2': { leavingServers: '1', configId: -2n },
		'of an old version that would not do either': { leavingServers: '2,3', configId: 7n },
		'of a server to leave that is not there': { leavingServers: '9' },
		'of a server to leave that is no number': { leavingServers: 'x' },
		'of a server to join that is no line': { joiningServers: 'server.4' },
		'of a server to join with half an address': { joiningServers: 'server.4=a:1' },
		'of a server to join without a port for clients': { joiningServers: 'server.4=127.0.0.1:7:8' },
		'of an observer to join without a port for clients': { joiningServers: 'server.4=127.0.0.1:7:8:observer' },
		'of a group to join': { joiningServers: 'group.4=1:2' },
		"of a server with another's loopback address": { joiningServers: `server.4=${addressesOf(one)}` },
		"of a server with another's address": { joiningServers: `server.4=10.1.1.1:7:8;9,server.5=10.1.1.1:17:8;19` },
		'of all to leave': { leavingServers: '1,2,3' },
		'of more to join than are in step': { joiningServers: [four, five, six].join(',') },
		'of more members than are in step': { newMembers: [one, five, six, four].join(',') },
		'of both kinds at once': { joiningServers: observer, newMembers: [one, two, three].join(',') },
		'of members that are none': { newMembers: 'x' },
		'of members with a key of zoo.cfg': { newMembers: [one, two, three, 'tickTime=5'].join(',') },
		'of observers alone': { newMembers: one.replace('participant', 'observer') },
		'of members with a version': { newMembers: [one, two, three, 'version=5'].join(',') },
		'of members in lines': { newMembers: [one, two, three].join('\n') },
		'of a member that is there': { joiningServers: one },
		'of an observer that does not run': { joiningServers: observer },
		'of one in place of another, with spaces': {
			joiningServers: ` ${observer.replace('server.4', 'server.12')} `,
			leavingServers: ' 4 , 9 ',
		},
		'of an observer to leave': { leavingServers: '12' },
		'of groups': { newMembers: [one, two, three, 'group.1=1:2:3', 'weight.2=2'].join(',') },
		'of a server to join where groups decide': { joiningServers: observer },
		'of a server to leave where groups decide': { leavingServers: '3' },
		'of members without groups': { newMembers: [one, two, three].join(',') },
	};
}

/** With names for ports. Counters of zxids are as they are: both have the same history. */
async function answersOf(kind: MemberKind, isReconfigurable = true): Promise<Readonly<Record<string, string>>> {
	await using ensemble = await startEnsemble({ members: [kind, kind, kind], joiners: [kind], isReconfigurable });
	const names = portNames(ensemble);
	const follower = await ensemble.follower();
	const answers: Record<string, string> = {};
	const send = async (client: WireClient, what: string, request: Parameters<WireClient['send']>[0]): Promise<void> => {
		answers[what] = shown(await client.send(request), names);
	};
	const read = { kind: 'getData', path: configPath, watch: false } as const;
	const none = {
		kind: 'reconfig',
		joiningServers: null,
		leavingServers: null,
		newMembers: null,
		configId: -1n,
	} as const;
	const lines = ensemble.members.map(({ place }) => memberLine(place));
	await asSuperUser(follower, async (client) => {
		await send(client, 'before', read);
		await send(client, 'its ACL', { kind: 'getACL', path: configPath });
		for (const [what, request] of Object.entries(requests(lines))) await send(client, what, { ...none, ...request });
		await send(client, 'afterwards', read);
	});
	const somebody = await WireClient.connect(follower.place.clientPort);
	await send(somebody, 'by somebody', { ...none, leavingServers: '1' });
	await send(somebody, 'by somebody, of an old version', { ...none, leavingServers: '1', configId: 4n });
	await send(somebody, 'a write by somebody', {
		kind: 'setData',
		path: configPath,
		data: new Uint8Array(),
		version: -1,
	});
	await somebody.close();
	return answers;
}

function portNames(ensemble: Ensemble): readonly (readonly [string, string])[] {
	return ensemble.members.flatMap(({ place: { id, clientPort, quorumPort, electionPort } }) => [
		[String(clientPort), `CLIENT${id}`] as const,
		[String(quorumPort), `QUORUM${id}`] as const,
		[String(electionPort), `ELECTION${id}`] as const,
	]);
}

function shown({ error, response }: WireReply, names: ReturnType<typeof portNames>): string {
	if (response === undefined || error !== 0) return errorName(error);
	const { data, stat, ...rest } = { data: null, stat: null, ...response };
	const plain = Buffer.from(data ?? []).toString();
	const text = names.reduce((so, [port, name]) => so.replaceAll(port, name), plain);
	// Elections are a matter of moments; what comes behind them is not.
	const counters = text.replace(/(?<=^version=)[0-9a-f]+(?=[0-9a-f]{8}$)/m, 'EPOCH');
	const details = {
		...rest,
		...stat,
		...(stat === null
			? {}
			: { mzxid: stat.mzxid % 2 ** 32, ctime: 0, mtime: 0, dataLength: stat.dataLength - plain.length }),
	};
	return `${counters}\n${JSON.stringify(details, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}`;
}

it('82: a reconfiguration is answered as by ZooKeeper, whatever is asked for', async () => {
	const theirs = await answersOf('zookeeper');
	expect(await answersOf('chronokeeper')).toEqual(theirs);
	// Both did something.
	expect(theirs['of groups']).toMatch(/\ngroup\.1=1:2:3\nweight\.1=1\nweight\.2=2\n/);
	expect(new Set(Object.values(theirs)).size).toBeGreaterThan(15);
}, 120_000);

it('82: both command lines show and change the configuration, through a follower', async () => {
	await using ensemble = await startEnsemble({
		members: ['chronokeeper', 'chronokeeper', 'chronokeeper'],
		joiners: ['chronokeeper'],
		isReconfigurable: true,
	});
	const follower = await ensemble.follower();
	const lines = ensemble.members.map(({ place }) => memberLine(place));
	const [observer, present] = [lines[3]!.replace('participant', 'observer'), lines.slice(0, 3)];
	const file = join(follower.place.folder, 'members.cfg');
	writeFileSync(file, `${present.join('\n')}\n`);
	const transcripts = [];
	for (const zkCli of [zooKeepersZkCli, ourZkCli]) {
		const version = /^version=(.*)$/m.exec(await configOf(follower))![1]!;
		const commands = [
			'reconfig -remove 9',
			`addauth ${superUser.scheme} ${superUser.auth}`,
			'config',
			'config -c',
			'config -s',
			`reconfig -v ${version} -add ${observer}`,
			`reconfig -v ${version} -remove 4`,
			'reconfig -remove 4 -add server.5=nowhere',
			'reconfig -s -remove 4,9',
			`reconfig -members ${present.join(',')}`,
			`reconfig -file ${file}`,
			'config',
		];
		const outcome = await zkCli(['-server', follower.address], { input: `${commands.join('\n')}\nquit\n` });
		const { status, stdout, stderr } = transcriptOf(outcome);
		const masked = stdout
			.join('\n')
			.replace(/(?<=^(version=|mZxid = 0x))[0-9a-f]+/gm, 'VERSION')
			// Java has them in the order of a hash map.
			.replace(/^[0-9a-f]+ (127.*)$/gm, (_, addresses: string) => `VERSION ${addresses.split(',').sort().join(',')}`);
		transcripts.push([status, masked, stderr.join('\n')]);
	}
	const [theirs, ours] = transcripts as [string[], string[]];
	expect(ours).toEqual(theirs);
	const shownConfig = [...present, 'version=VERSION'].join('\n');
	const committed = `Committed new configuration:\n${shownConfig}`;
	expect(ours[1]!.split(committed).length).toBe(4);
	expect(ours[1]).toContain(`Committed new configuration:\n${[...present, observer, 'version=VERSION'].join('\n')}`);
	const addresses = ensemble.members.slice(0, 3).map(({ address }) => address);
	expect(ours[1]).toContain(`VERSION ${addresses.sort().join(',')}\n`);
	expect(`${ours[1]}${ours[2]}`).toMatch(
		/Insufficient permission[\s\S]*version No is not valid[\s\S]*Arguments are not valid/,
	);
}, 120_000);

it('82: without reconfigEnabled it is refused, and the configuration is there all the same', async () => {
	const theirs = await answersOf('zookeeper', false);
	expect(await answersOf('chronokeeper', false)).toEqual(theirs);
	expect(theirs['of groups']).toBe('ReconfigDisabled');
	expect(theirs.before).toMatch(/^server\.1=.*version=0\n/s);
}, 120_000);
