/**
 * Which kinds of servers the ensembles of test/interop/ensemble are made of: one of ZooKeeper's servers alone, which shows that the tests ask for what
 * ZooKeeper does, and with ENSEMBLE=1 those that Chronokeeper takes part in.
 */
import type { EnsembleOptions, MemberKind } from './ensemble.ts';

export interface Composition extends Pick<EnsembleOptions, 'observers'> {
	readonly name: string;
	/** With equal histories the last one leads first. */
	readonly members: readonly [MemberKind, MemberKind, MemberKind, ...MemberKind[]];
}

const [z, c] = ['zookeeper', 'chronokeeper'] as const;

/** Whether Chronokeeper takes part. */
export const withChronokeeper = process.env.ENSEMBLE === '1';

const alone: readonly Composition[] = [{ name: 'three ZooKeepers', members: [z, z, z] }];

const ours: readonly Composition[] = [
	{ name: 'our follower with two ZooKeepers', members: [c, z, z] },
	{ name: 'our leader with two ZooKeepers', members: [z, z, c] },
	{ name: 'a ZooKeeper between two of ours', members: [c, z, c] },
	{ name: 'three of ours', members: [c, c, c] },
];

const observed: readonly Composition[] = [
	{ name: 'three ZooKeepers and an observer', members: [z, z, z], observers: [z] },
];

const observedByOurs: readonly Composition[] = [
	{ name: 'our observer of three ZooKeepers', members: [z, z, z], observers: [c] },
	{ name: 'observers of both kinds under our leader', members: [z, z, c], observers: [z, c] },
];

export const compositions: readonly Composition[] = withChronokeeper ? [...alone, ...ours] : alone;

/** Those with members that do not vote. */
export const withObservers: readonly Composition[] = withChronokeeper ? [...observed, ...observedByOurs] : observed;

/** How often a loop of kills goes round: ENSEMBLE_ROUNDS, 1 unless given. */
export const rounds = Number(process.env.ENSEMBLE_ROUNDS ?? 1);
