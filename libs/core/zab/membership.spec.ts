import { expect, it } from 'vitest';
import { makeZxid, type Zxid } from '../model/zxid.ts';
import { endsTerm, Membership } from './membership.ts';
import { parseQuorumConfig } from './parse-quorum-config.ts';
import type { QuorumConfig } from './quorum-config.ts';

function config(version: number, ...servers: readonly string[]): QuorumConfig {
	const lines = servers.map((server) => {
		const [id, role = 'participant', host = `10.0.0.${id}`] = server.split(' ');
		return `server.${id}=${host}:2888:3888:${role};2181`;
	});
	return parseQuorumConfig([...lines, `version=${version.toString(16)}`].join('\n'));
}

const first = config(0, '1', '2', '3 observer');
const second = config(makeZxid(1, 7), '1', '2', '3', '4');
const third = config(makeZxid(2, 3), '1', '2');

function membership(parts: { next?: QuorumConfig; isReconfigurable?: boolean; serverId?: number } = {}) {
	const told: string[] = [];
	const subject = new Membership({
		serverId: 3,
		current: first,
		isReconfigurable: true,
		store: {
			saveNext: ({ version }) => told.push(`next ${version.toString(16)}`),
			saveCurrent: ({ version }) => told.push(`current ${version.toString(16)}`),
		},
		...parts,
	});
	subject.onChanged((current, previous) =>
		told.push(`${previous.version.toString(16)} → ${current.version.toString(16)}`),
	);
	return { subject, told };
}

it('82: a configuration is the next one once it is saved, and in force once that is saved', () => {
	const { subject, told } = membership();
	expect([subject.role, subject.hasVote, subject.next]).toEqual(['observer', false, null]);
	subject.propose(second);
	subject.propose(second);
	expect([subject.current, subject.next, subject.role]).toEqual([first, second, 'observer']);
	expect(subject.servers(4).map(({ id }) => id)).toEqual([4]);
	expect(subject.servers(3).map(({ role }) => role)).toEqual(['observer', 'participant']);
	expect(subject.activate(second)).toBe(true);
	expect([subject.current, subject.next, subject.role, subject.hasVote]).toEqual([second, null, 'participant', true]);
	expect(told).toEqual(['next 100000007', 'current 100000007', '0 → 100000007']);
	subject.activate(third);
	expect([subject.role, subject.hasVote, subject.servers(3)]).toEqual(['participant', false, []]);
});

it('82: no older configuration takes the place of a newer one, and a version alone changes nothing but itself', () => {
	const { subject, told } = membership();
	expect(subject.activate(first.withVersion(makeZxid(1, 0)))).toBe(false);
	expect(subject.current.version).toBe(makeZxid(1, 0));
	subject.activate(third);
	told.length = 0;
	subject.propose(second);
	expect(subject.activate(second)).toBe(false);
	expect([subject.current, subject.next, told]).toEqual([third, null, []]);
});

it('82: what a store cannot save does not count', () => {
	const { subject } = membership();
	const full = new Membership({
		serverId: 1,
		current: first,
		isReconfigurable: true,
		store: {
			saveNext: () => {
				throw new Error('no space left on device');
			},
			saveCurrent: () => {
				throw new Error('no space left on device');
			},
		},
	});
	full.onChanged(() => subject.activate(third));
	expect(() => full.propose(second)).toThrow('no space left');
	expect(() => full.activate(second)).toThrow('no space left');
	expect([full.current, full.next, subject.current]).toEqual([first, null, first]);
});

it('82: a next configuration of an earlier life binds until its transaction is gone', () => {
	for (const next of [first, second]) expect(membership({ next }).subject.next).toBe(next === second ? second : null);
	const { subject, told } = membership({ next: second });
	subject.logEnds(makeZxid(1, 7));
	expect(subject.next).toBe(second);
	subject.logEnds((makeZxid(1, 7) - 1) as Zxid);
	expect([subject.next, told]).toEqual([null, ['next 0']]);
	// Of a first configuration there is no transaction.
	const versioned = membership({ next: first.withVersion(makeZxid(1, 0)) }).subject;
	versioned.logEnds(0 as Zxid);
	expect(versioned.next?.version).toBe(makeZxid(1, 0));
});

it('82: the configuration of NEWLEADER takes the place of a next one that its leader does not have', () => {
	const { subject, told } = membership({ next: third });
	subject.replaceNext(second);
	expect(subject.next).toBe(second);
	subject.replaceNext(first);
	expect([subject.current, subject.next]).toEqual([first, null]);
	expect(told).toEqual(['next 100000007', 'next 0']);
	subject.replaceNext(first);
	expect(told).toHaveLength(2);
});

it('82: without reconfigEnabled nothing is stored and nothing changes', () => {
	const { subject, told } = membership({ next: second, isReconfigurable: false });
	subject.propose(second);
	subject.replaceNext(second);
	expect(subject.activate(second)).toBe(false);
	expect([subject.current, subject.next, told]).toEqual([first, null, []]);
});

it('82: a learner leaves when its role changes, or its leader, by word or by address', () => {
	const before = config(1, '1', '2', '3 observer', '4');
	const ends = (current: QuorumConfig, designated: number | null, id = 2) =>
		endsTerm({ current, previous: before }, id, 1, designated);
	expect(ends(before.withVersion(2), 4)).toBe(false);
	expect(ends(config(2, '1', '2', '3', '4'), 1)).toBe(false);
	expect(ends(config(2, '1', '2', '3', '4'), 1, 3)).toBe(true);
	expect(ends(config(2, '1', '2', '4'), 1, 3)).toBe(true);
	expect(ends(config(2, '1', '4'), 1)).toBe(false);
	expect(ends(config(2, '2', '4'), 4)).toBe(true);
	expect(ends(config(2, '1', '2', '4'), null)).toBe(false);
	expect(ends(config(2, '1 observer', '2', '4'), null)).toBe(true);
	expect(ends(config(2, '1 participant 10.9.9.9', '2', '4'), null)).toBe(true);
	// Whoever joins with a configuration that does not have its leader is in step with nobody yet.
	expect(endsTerm({ current: config(2, '1', '2'), previous: config(1, '2') }, 2, 1, null)).toBe(true);
});
