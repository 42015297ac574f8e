/**
 * Which kinds of servers the ensembles of test/interop/ensemble are made of. ENSEMBLE=all takes more of them, longer: also ZooKeeper's servers alone, which shows
 * that the tests ask for what ZooKeeper does.
 */
import type { EnsembleOptions, MemberKind } from './ensemble.ts';

export interface Composition extends Pick<EnsembleOptions, 'observers'> {
	readonly name: string;
	/** With equal histories the last one leads first. */
	readonly members: readonly [MemberKind, MemberKind, MemberKind, ...MemberKind[]];
}

const [z, c] = ['zookeeper', 'chronokeeper'] as const;

/** Everything there is. */
export const isThorough = process.env.ENSEMBLE === 'all';

const followers: Composition = { name: 'our follower with two ZooKeepers', members: [c, z, z] };
const leader: Composition = { name: 'our leader with two ZooKeepers', members: [z, z, c] };
const between: Composition = { name: 'a ZooKeeper between two of ours', members: [c, z, c] };
const three: Composition = { name: 'three of ours', members: [c, c, c] };
const alone: Composition = { name: 'three ZooKeepers', members: [z, z, z] };

/** Members that vote. */
export const mixed: readonly Composition[] = isThorough
	? [alone, followers, leader, between, three]
	: [followers, leader, three];

/** Where the network between them is cut: two ZooKeepers and one of ours, too, in both roles. */
export const divided: readonly Composition[] = isThorough ? [alone, followers, leader, between, three] : [three];

/** For what does not depend on who leads. */
export const ours: readonly Composition[] = isThorough ? [alone, between, three] : [three];

/** Those with members that do not vote. */
export const withObservers: readonly Composition[] = [
	{ name: 'our observer of three ZooKeepers', members: [z, z, z], observers: [c] },
	...(isThorough
		? ([
				{ name: 'three ZooKeepers and an observer', members: [z, z, z], observers: [z] },
				{ name: 'observers of both kinds under our leader', members: [z, z, c], observers: [z, c] },
			] as const)
		: []),
];

/** How often a loop of kills goes round: ENSEMBLE_ROUNDS, 1 unless given. */
export const rounds = Number(process.env.ENSEMBLE_ROUNDS ?? 1);
