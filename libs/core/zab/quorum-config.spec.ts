import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseQuorumConfig } from './parse-quorum-config.ts';
import { QuorumConfigError } from './quorum-config.ts';
import { isEveryHost, parseQuorumServer } from './quorum-server.ts';

const three = [
	'server.1=127.0.0.1:2888:3888:participant;0.0.0.0:2181',
	'server.2=127.0.0.1:2889:3889:participant;0.0.0.0:2182',
	'server.3=127.0.0.1:2890:3890:observer;127.0.0.1:2183',
	'version=100000001',
].join('\n');

function problemsOf(text: string): readonly string[] {
	try {
		parseQuorumConfig(text);
	} catch (error) {
		if (error instanceof QuorumConfigError) return error.problems;
		throw error;
	}
	return [];
}

/** `count` participants, and more lines. */
function participants(count: number, ...lines: readonly string[]): string {
	const servers = Array.from({ length: count }, (_, i) => `server.${i + 1}=host${i + 1}:2888:3888`);
	return [...servers, ...lines].join('\n');
}

it('82: a configuration is printed as ZooKeeper prints it', () => {
	const config = parseQuorumConfig(three);
	expect(config.toString()).toBe(three);
	expect(config.version).toBe(0x1_0000_0001);
	expect(config.participants).toEqual([1, 2]);
	expect(config.observers).toEqual([3]);
	expect(config.withVersion(0x2_0000_000f).toString()).toBe(three.replace('100000001', '20000000f'));
});

it('82: what a line leaves out is filled in: the role, the address of clients, the version', () => {
	const config = parseQuorumConfig(
		'# members\r\n\r\nserver.2 = zk2:2888:3888 ; 2181\r\nserver.1=zk1:2888:3888:Participant\n',
	);
	expect(config.toString()).toBe(
		'server.1=zk1:2888:3888:participant\nserver.2=zk2:2888:3888:participant;0.0.0.0:2181\nversion=0',
	);
	expect(config.servers.get(1)?.client).toBeUndefined();
});

it('82: several addresses of a server are sorted by host, and IPv6 stands in brackets', () => {
	const config = parseQuorumConfig(
		'server.5=zk-b:2888:3888|[2001:db8::1]:2889:3889|zk-a:2890:3890:observer;[::1]:2181\nserver.1=a:1:2',
	);
	const server = config.servers.get(5)!;
	expect(server.role).toBe('observer');
	expect(server.quorumAddresses).toEqual([
		{ host: '2001:db8::1', port: 2889 },
		{ host: 'zk-a', port: 2890 },
		{ host: 'zk-b', port: 2888 },
	]);
	expect(server.electionAddresses.map(({ port }) => port)).toEqual([3889, 3890, 3888]);
	expect(config.toString()).toContain(
		'server.5=[2001:db8::1]:2889:3889|zk-a:2890:3890|zk-b:2888:3888:observer;[::1]:2181\n',
	);
});

it('82: what is printed is read as the same again', () => {
	const host = fc.constantFrom('zk1', '10.0.0.1', '[fe80::1]', 'a.example');
	const port = fc.integer({ min: 1, max: 32_000 });
	const address = fc.tuple(host, port).map(([name, at]) => `${name}:${at}:${at + 1}`);
	const line = fc
		.tuple(
			fc.array(address, { minLength: 1, maxLength: 3 }),
			fc.constantFrom('', ':participant', ':observer'),
			fc.constantFrom('', ';2181', ';[::]:2181', ';zk1:2181'),
		)
		.map(([addresses, role, client]) => `${addresses.join('|')}${role}${client}`);
	fc.assert(
		fc.property(fc.array(line, { maxLength: 20 }), fc.integer({ min: 0, max: 2 ** 52 }), (lines, version) => {
			const text = [
				'server.0=zk0:1:2',
				...lines.map((each, i) => `server.${i + 1}=${each}`),
				`version=${version.toString(16)}`,
			];
			const config = parseQuorumConfig(text.join('\n'));
			const again = parseQuorumConfig(config.toString());
			expect(again.toString()).toBe(config.toString());
			expect([...again.servers]).toEqual([...config.servers]);
			expect(again.version).toBe(version);
		}),
	);
});

it('79: more than half of the participants are a quorum, observers and strangers are not counted', () => {
	const odd = parseQuorumConfig(participants(3, 'server.8=o:1:2:observer', 'server.9=o:3:4:observer'));
	expect(odd.isQuorum(new Set([1, 2]))).toBe(true);
	expect(odd.isQuorum(new Set([1, 8, 9, 77]))).toBe(false);
	expect([odd.weight(1), odd.weight(8), odd.weight(77)]).toEqual([1, 0, 0]);
	const even = parseQuorumConfig(participants(4));
	expect(even.isQuorum(new Set([1, 2]))).toBe(false);
	expect(even.isQuorum(new Set([1, 2, 4]))).toBe(true);
});

it('79: with groups a quorum is most of the weight in most of the groups', () => {
	const config = parseQuorumConfig(participants(9, 'group.1=1:2:3', 'group.2=4:5:6', 'group.3=7:8:9'));
	expect(config.isQuorum(new Set([1, 2, 4, 5]))).toBe(true);
	expect(config.isQuorum(new Set([1, 2, 3, 4, 7]))).toBe(false);
	const weighted = parseQuorumConfig(participants(3, 'group.1=1:2:3', 'weight.1=3', 'weight.2=2', 'weight.3=1'));
	expect(weighted.isQuorum(new Set([1]))).toBe(false);
	expect(weighted.isQuorum(new Set([1, 3]))).toBe(true);
	expect(weighted.isQuorum(new Set([2, 3]))).toBe(false);
	expect(weighted.weight(2)).toBe(2);
});

it('79: a group without weight is not counted among the groups', () => {
	const text = participants(5, 'group.1=1:2:3', 'group.2=4:5', 'weight.4=0', 'weight.5=0', 'version=a');
	const config = parseQuorumConfig(text);
	expect(config.isQuorum(new Set([1, 2]))).toBe(true);
	expect(config.isQuorum(new Set([1, 4, 5]))).toBe(false);
	expect([...config.groups]).toEqual([
		[1, [1, 2, 3]],
		[2, [4, 5]],
	]);
	expect(config.toString().split('\n').slice(5)).toEqual([
		'group.1=1:2:3',
		'group.2=4:5',
		'weight.1=1',
		'weight.2=1',
		'weight.3=1',
		'weight.4=0',
		'weight.5=0',
		'version=a',
	]);
	expect(parseQuorumConfig(config.toString()).toString()).toBe(config.toString());
	expect(config.withVersion(11).isQuorum(new Set([2, 3]))).toBe(true);
});

it('79: two quorums always have a server in common', () => {
	const weights = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 6, maxLength: 6 });
	const some = fc.subarray([1, 2, 3, 4, 5, 6]);
	fc.assert(
		fc.property(weights, some, some, (numbers, one, other) => {
			fc.pre(numbers.some((weight) => weight > 0));
			const lines = numbers.map((weight, i) => `weight.${i + 1}=${weight}`);
			const config = parseQuorumConfig(participants(6, 'group.1=1:2:3', 'group.2=4:5', 'group.7=6', ...lines));
			const apart = one.every((id) => !other.includes(id));
			if (apart) expect(config.isQuorum(new Set(one)) && config.isQuorum(new Set(other))).toBe(false);
		}),
	);
});

it.each([
	['server.1=zk1:2888', /^Line 1, `server.1=zk1:2888`, is not understood at `zk1:2888`: write `host:quorumPort:/],
	['server.1=::1:2888:3888', /IPv6 address stands in brackets/],
	['server.1=zk1:2888:2888', /uses port 2888 for the quorum and for elections/],
	['server.1=zk1:2888:70000', /has the port 70000: write one of 1 to 65535/],
	['server.1=zk1:2888:3888:witness', /has the role `witness`: write `participant` or `observer`/],
	['server.1=a:1:2:observer|b:1:2:participant', /give all its addresses one role/],
	['server.1=zk1:2888:3888;', /has `` behind the `;`/],
	['server.1=zk1:2888:3888;2181;2182', /has more than one `;`/],
	['server.one=zk1:2888:3888', /has `one` where a number should be/],
	['server.1=a:1:2\nserver.1=b:1:2', /^Line 2, .* comes a second time/],
	['server.1=a:1:2\nclientPort=2181', /^Line 2, `clientPort=2181`, is of no use here/],
	['server.1=a:1:2\nversion=0x10', /hexadecimal without 0x/],
	['server.1=a:1:2\nhello', /has no `=`/],
	['server.1=a:1:2\ngroup.1=1:two', /has `two` where a number should be: write server ids between colons/],
	['server.1=a:1:2\ngroup.1=1\nweight.1=-1', /write a weight of 0 or more/],
	['server.1=a:1:2:observer', /^No server is a participant/],
	['', /^No server is a participant/],
	['server.1=a:1:2\nserver.2=b:1:2\ngroup.1=1', /^Server 2 is in no group/],
	['server.1=a:1:2\ngroup.1=1:7', /^group.1 names server 7: add a `server.7` line/],
	['server.1=a:1:2\nserver.2=b:1:2:observer\ngroup.1=1:2', /^group.1 names server 2, an observer/],
	['server.1=a:1:2\ngroup.1=1\ngroup.2=1', /^Server 1 is in group.1 and group.2/],
	['server.1=a:1:2\ngroup.1=1\nweight.7=1', /^weight.7 has no server/],
	['server.1=a:1:2\ngroup.1=1\nweight.1=0', /^Every server has weight 0/],
])('82: the error says what is wrong in %j', (text, problem) => {
	const problems = problemsOf(text);
	expect(problems).toHaveLength(1);
	expect(problems[0]).toMatch(problem);
});

it('82: all lines that are wrong are named at once', () => {
	expect(problemsOf('server.1=a\nserver.2=b:1:2\nserver.3=c:1:1')).toHaveLength(2);
});

it('82: one server by itself is read as in a reconfiguration', () => {
	expect(parseQuorumServer(4, 'zk4:2888:3888:observer;2181')).toEqual({
		id: 4,
		role: 'observer',
		quorumAddresses: [{ host: 'zk4', port: 2888 }],
		electionAddresses: [{ host: 'zk4', port: 3888 }],
		client: { host: '0.0.0.0', port: 2181 },
	});
});

it('82: an address that stands for all of its machine is known in every notation', () => {
	expect(['0.0.0.0', '::', '0:0:0:0:0:0:0:0'].filter(isEveryHost)).toHaveLength(3);
	expect(['', '0.0.0.1', '127.0.0.1', '::1', 'zk0'].filter(isEveryHost)).toEqual([]);
});
