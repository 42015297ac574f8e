/** What a member of an ensemble says of it: `conf`, `mntr` and the AdminServer's commands, under ZooKeeper's names. */
import type { LearnerStatus } from '#core/zab/leader/leader-app';
import type { HostPort, QuorumServer } from '#core/zab/quorum-config';
import type { Member } from '../../replica/member.ts';
import type { ServerView } from '../server-view.ts';
import type { Figure } from './figure.ts';

/** The lines of `conf` behind those of a single server; the last one has no end, as ZooKeeper's has none. */
export function ensembleConfiguration({ config }: ServerView, { self, limits, membership }: Member): string {
	const ports = (addresses: readonly HostPort[]) => addresses.map(({ port }) => port).join('|');
	return [
		`initLimit=${limits.initLimit}`,
		`syncLimit=${limits.syncLimit}`,
		`electionAlg=${config.electionAlg}`,
		`electionPort=${ports(self.electionAddresses)}`,
		`quorumPort=${ports(self.quorumAddresses)}`,
		`peerType=${self.role === 'observer' ? 1 : 0}`,
		'membership: ',
		membership.current.toString(),
	].join('\n');
}

/** Of `mntr`. */
export function* ensembleFigures({ replica }: ServerView): IterableIterator<Figure> {
	const { member, host } = replica;
	// A read-only server has none of them in ZooKeeper either.
	if (member === undefined || host.isReadOnly) return;
	yield ['peer_state', peerState(member)];
	yield ['quorum_size', member.membership.current.participants.length];
	const { leader } = member.peer;
	if (leader === null) return;
	const learners = leader.learners();
	const { voting, nonVoting, observers } = synchronizedLearners(member, learners);
	yield ['learners', learners.length];
	// A follower that does not vote is among the followers as well.
	yield ['synced_followers', voting.length + nonVoting.length];
	yield ['synced_non_voting_followers', nonVoting.length];
	yield ['synced_observers', observers.length];
	yield ['pending_syncs', leader.pendingSyncs];
	yield ['last_proposal_size', leader.proposalSizes.last];
	yield ['max_proposal_size', leader.proposalSizes.max];
	yield ['min_proposal_size', leader.proposalSizes.min];
	yield ['leader_uptime', Math.floor(performance.now() - member.servingSinceMs)];
}

export function synchronizedLearners(
	{ membership }: Member,
	learners: readonly LearnerStatus[],
): Record<'voting' | 'nonVoting' | 'observers', readonly LearnerStatus[]> {
	const synced = learners.filter(({ isSynchronized }) => isSynchronized);
	const followers = synced.filter(({ role }) => role === 'follower');
	const votes = ({ serverId }: LearnerStatus) => membership.current.participants.includes(serverId);
	return {
		voting: followers.filter(votes),
		nonVoting: followers.filter((learner) => !votes(learner)),
		observers: synced.filter(({ role }) => role === 'observer'),
	};
}

/** What members do after the election: clients are served in the last one only. */
export function zabState({ replica }: ServerView, member: Member): 'election' | 'synchronization' | 'broadcast' {
	if (member.mode === undefined) return 'election';
	return replica.host.state === 'looking' ? 'synchronization' : 'broadcast';
}

function peerState(member: Member): string {
	const { mode } = member;
	if (mode === undefined) return 'looking';
	return mode === 'leader' ? 'leading - broadcast' : `${member.peer.state} - broadcast`;
}

export function addressOf({ host, port }: HostPort): string {
	return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The hosts its learners reach it by; empty when it is not known who leads. */
export function leaderAddress({ membership, peer, mode }: Member): string {
	const leader: QuorumServer | undefined =
		mode === undefined ? undefined : membership.current.servers.get(peer.vote.leader);
	return (leader?.quorumAddresses ?? []).map(({ host }) => host).join('|');
}
