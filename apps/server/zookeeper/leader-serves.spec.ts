import { describe, expect, it } from 'vitest';
import type { Broadcast, Uplink } from '#core/chain/wiring';
import type { Host } from '#core/host/host';
import { SimReplica } from '#test/sim/sim-replica';
import { loadConfig } from '../config/config.ts';
import { judge } from './handshake.ts';
import { Limits } from './limits.ts';
import type { ServerView } from './server-view.ts';
import { ServiceStats } from './service-stats.ts';
import { answerWord } from './words/words.ts';

const alone: Partial<Broadcast> = { propose: () => {}, flush: () => {}, logged: () => {} };
const uplink: Uplink = { forward: () => {}, revalidate: () => {}, sync: () => {}, logged: () => {} };

const become = {
	leader: (host: Host) => host.lead(alone as Broadcast, 1),
	follower: (host: Host) => host.follow(uplink),
};

/** What a new client, and two four-letter words, are answered on the client port. */
function answers(role: keyof typeof become, leaderServes: string) {
	const { host } = new SimReplica({ isMember: true });
	become[role](host);
	const environment = { CK_LEADER_SERVES: leaderServes, CK_4LW_COMMANDS_WHITELIST: '*' };
	const config = loadConfig({ environment });
	const { warnings } = config;
	expect(warnings.filter((warning) => warning.includes('without effect in this build'))).toEqual([]);
	const request = { protocolVersion: 0, lastZxidSeen: 0, timeoutMs: 4000, sessionId: 0n, password: null };
	const told: string[] = [];
	const parts = { host, limits: new Limits(config), stats: new ServiceStats(), config };
	judge({ ...request, readOnly: false } as Parameters<typeof judge>[0], parts, (verdict) =>
		told.push('reason' in verdict ? `${verdict.kind}: ${verdict.reason}` : verdict.kind),
	);
	const view = { config, replica: { host } } as unknown as ServerView;
	return [...told, answerWord('isro', view), answerWord('wchc', view).trim(), answerWord('ruok', view)];
}

describe('leaderServes', () => {
	it('no: a leader hangs up on clients, and says that it does not serve', () => {
		expect(answers('leader', 'no')).toEqual([
			'abandoned: this replica leads and serves no clients (leaderServes=no): the client must try another',
			'null',
			'This ZooKeeper instance is not currently serving requests',
			'imok',
		]);
	});

	it.each([
		['leader', 'yes'],
		['follower', 'no'],
		['follower', 'yes'],
	] as const)('a %s serves with %s', (role, leaderServes) => {
		expect(answers(role, leaderServes)).toEqual(['open', 'rw', '', 'imok']);
	});
});
