/** Commands about an ensemble. A single server says what ZooKeeper's single server does. */
import { counterOf, epochOf, formatZxid } from '#core/model/zxid';
import { addressOf, leaderAddress, synchronizedLearners, zabState } from '../../zookeeper/figures/ensemble-figures.ts';
import type { ServerView } from '../../zookeeper/server-view.ts';
import type { Command } from './command.ts';
import type { JsonObject } from './json-text.ts';

export const ensembleCommands: readonly Command[] = [
	{ names: ['leader', 'lead'], run: ({ view }) => leader(view) },
	{ names: ['observers', 'obsr'], run: ({ view }) => observers(view) },
	{ names: ['observer_connection_stat_reset', 'orst'], mutates: true, run: () => ({}) },
	{ names: ['voting_view'], run: ({ view }) => ({ current_config: votingView(view) }) },
	{ names: ['zabstate'], always: true, run: ({ view }) => zab(view) },
];

function leader({ replica: { member } }: ServerView): JsonObject {
	if (member === undefined) return { error: 'server is not initialized' };
	return {
		is_leader: member.mode === 'leader',
		leader_id: member.mode === undefined ? -1 : member.peer.vote.leader,
		leader_ip: leaderAddress(member),
	};
}

function observers({ replica: { member } }: ServerView): JsonObject {
	const learners = member?.peer.leader?.learners() ?? [];
	if (member === undefined) return { synced_observers: 0, observers: [] };
	const synced = synchronizedLearners(member, learners).observers;
	return {
		synced_observers: synced.length,
		observers: synced.map(({ serverId, address, lastZxid }) => ({
			remote_socket_address: address,
			sid: serverId,
			last_zxid: formatZxid(lastZxid),
		})),
	};
}

function votingView({ replica: { member } }: ServerView): JsonObject {
	const members = member?.membership.current;
	if (members === undefined) return {};
	return Object.fromEntries(
		members.participants.map((id) => {
			const { quorumAddresses, electionAddresses, client, role } = members.servers.get(id)!;
			const view = {
				server_addresses: quorumAddresses.map(addressOf),
				election_addresses: electionAddresses.map(addressOf),
				client_address: client === undefined ? '' : addressOf(client),
				learner_type: role,
			};
			return [String(id), view];
		}),
	);
}

function zab(view: ServerView): JsonObject {
	const { replica, config } = view;
	const { member, host } = replica;
	if (member === undefined) return { voting: false, zabstate: '' };
	const { self, membership } = member;
	const zxid = host.lastProcessedZxid;
	return {
		myid: config.serverId,
		is_leader: member.mode === 'leader',
		quorum_address: self.quorumAddresses.map(addressOf).join('|'),
		election_address: self.electionAddresses.map(addressOf).join('|'),
		client_address: self.client === undefined ? '' : addressOf(self.client),
		voting: membership.hasVote,
		last_zxid: formatZxid(zxid),
		zab_epoch: epochOf(zxid),
		zab_counter: counterOf(zxid),
		zabstate: zabState(view, member),
	};
}
