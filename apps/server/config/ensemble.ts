/** What a configuration says of an ensemble, and whether that can be one. The rules are those of ZooKeeper's QuorumPeerConfig. */
import { hierarchicalConfig } from '#core/zab/hierarchy';
import { majorityConfig } from '#core/zab/majority';
import { type HostPort, type QuorumConfig, QuorumConfigError, type QuorumServer } from '#core/zab/quorum-config';
import { isEveryHost } from '#core/zab/quorum-server';
import type { Values } from './keys.ts';
import type { MemberLines } from './members.ts';
import type { MembersRead } from './membership-sources.ts';

/** A server of an ensemble. */
export interface EnsembleConfig {
	/** This server, one of the members. */
	readonly self: QuorumServer;
	/** With the version that the dynamic configuration file's name says; 0 without one. */
	readonly members: QuorumConfig;
	/** Of a reconfiguration that was logged here, and of which it is not known whether it was committed. */
	readonly next: QuorumConfig | undefined;
	/** The file that holds the members, in whose place a reconfiguration puts another; undefined while they stand in zoo.cfg or in the environment. */
	readonly dynamicConfigFile: string | undefined;
	/** The zoo.cfg in which a reconfiguration names that file; undefined when the members come from elsewhere. */
	readonly editableFile: string | undefined;
	readonly limits: EnsembleLimits;
}

/** Ticks but for the first, which is milliseconds. */
export interface EnsembleLimits {
	readonly tickMs: number;
	readonly initLimit: number;
	readonly syncLimit: number;
	readonly connectToLearnerMasterLimit: number;
}

export interface EnsembleSources {
	readonly values: Values;
	readonly members: MembersRead;
	/** Undefined when neither `myid` nor `serverId` says it. */
	readonly serverId: number | undefined;
}

/** Undefined for a single server, and when there is no telling which of the servers this one is. */
export function ensembleOf(
	sources: EnsembleSources,
	warnings: string[],
	problems: string[],
): EnsembleConfig | undefined {
	const { values, serverId } = sources;
	const { lines, version, next, dynamicConfigFile, editableFile } = sources.members;
	if (!isEnsemble(lines, values.standaloneEnabled, problems)) return undefined;
	checkServers(lines, values, problems);
	for (const limit of ['initLimit', 'syncLimit'] as const) {
		if (values[limit] === 0)
			problems.push(`${limit} is not set: an ensemble needs it (ZooKeeper's sample has 10 and 5)`);
	}
	const mirroredBy = values['audit.mirroredBy'];
	if (values['audit.mode'] === 'strict' && mirroredBy !== 0) {
		problems.push(
			`audit.mirroredBy is ${mirroredBy} with audit.mode=strict: the leader commits what its own mirror has written. Leave it out, or set audit.mode=async`,
		);
	}
	if (mirroredBy !== 0 && !lines.servers.some(({ id }) => id === mirroredBy)) {
		const missing = `audit.mirroredBy is ${mirroredBy}, and there is no server.${mirroredBy}`;
		if (version === 0) problems.push(missing);
		else warnings.push(`${missing} since a reconfiguration: no history is written until another one is named`);
	}
	const members = membersOf(lines, version, problems);
	const self = lines.servers.find(({ id }) => id === serverId);
	if (self === undefined) problems.push(notAmong(serverId, sources.members));
	if (members === undefined || self === undefined) return undefined;
	warn(members, self, values, warnings);
	return Object.freeze({
		self,
		members,
		// One that is not newer was committed, and its file is about to go.
		next: next && next.version > version ? membersOf(next.lines, next.version, problems) : undefined,
		dynamicConfigFile,
		editableFile,
		limits: {
			tickMs: values.tickTime,
			initLimit: values.initLimit,
			syncLimit: values.syncLimit,
			connectToLearnerMasterLimit: values.connectToLearnerMasterLimit || values.initLimit,
		},
	});
}

export function isEnsemble({ servers }: MemberLines, standaloneEnabled: boolean, problems: string[]): boolean {
	const participants = servers.filter(({ role }) => role === 'participant').length;
	const observers = servers.length - participants;
	if (participants === 0) {
		if (observers > 0) problems.push('there are observers only: an ensemble needs participants, who elect a leader');
		else if (!standaloneEnabled) problems.push('standaloneEnabled=false is an ensemble: it needs server.N lines');
		return false;
	}
	if (participants === 1 && standaloneEnabled && observers > 0) {
		problems.push(
			'there are observers and one participant, which runs as a single server: name further participants, or set standaloneEnabled=false',
		);
	}
	return participants > 1 || !standaloneEnabled;
}

function checkServers({ servers }: MemberLines, values: Values, problems: string[]): void {
	const owners = new Map<string, number>();
	const largestId = values.extendedTypesEnabled ? 254 : 255;
	for (const { id, quorumAddresses, electionAddresses } of servers) {
		if (id > largestId) {
			const why = values.extendedTypesEnabled ? ' with extendedTypesEnabled=true' : '';
			problems.push(`server.${id}: numbers of servers go up to ${largestId}${why}`);
		}
		if (quorumAddresses.length > 1 && !values['multiAddress.enabled']) {
			problems.push(`server.${id} has ${quorumAddresses.length} addresses: that needs multiAddress.enabled=true`);
		}
		for (const address of [...quorumAddresses, ...electionAddresses]) {
			// In its own file a server often stands with the address that means all of them.
			if (isEveryHost(address.host)) continue;
			const owner = owners.get(shown(address));
			if (owner === id) problems.push(`server.${id} has ${shown(address)} twice`);
			else if (owner !== undefined) problems.push(`server.${owner} and server.${id} both have ${shown(address)}`);
			owners.set(shown(address), id);
		}
	}
}

/** Groups leave no participant out, and weights are those of servers. */
function membersOf(lines: MemberLines, version: number, problems: string[]): QuorumConfig | undefined {
	const { servers, groups, weights } = lines;
	try {
		return groups.size === 0 && weights.size === 0
			? majorityConfig(servers, version)
			: hierarchicalConfig(servers, { groups, weights }, version);
	} catch (error) {
		if (!(error instanceof QuorumConfigError)) throw error;
		problems.push(...error.problems);
		return undefined;
	}
}

/** ZooKeeper does not start either. A server that is removed while it runs goes on without a vote, until it is stopped. */
function notAmong(serverId: number | undefined, { lines, version, dynamicConfigFile }: MembersRead): string {
	const ids = lines.servers.map(({ id }) => id).join(', ');
	if (serverId === undefined) {
		return `which of the servers ${ids} is this one? Write its number into the file myid in dataDir, or set serverId (CK_SERVER_ID)`;
	}
	const missing = `this server is number ${serverId} (myid or serverId), and there is no server.${serverId}: the configuration has ${ids}`;
	if (version === 0) return missing;
	return `${missing} (${dynamicConfigFile}, which a reconfiguration wrote). To let it join again, give it a configuration with the present members and itself, and add it with reconfig`;
}

function warn(members: QuorumConfig, self: QuorumServer, values: Values, warnings: string[]): void {
	const { peerType, 'audit.mirroredBy': mirroredBy } = values;
	const participants = members.participants.length;
	// The one that is named may well have its own: an observer of ZooKeepers has.
	if (
		values['audit.mode'] !== 'off' &&
		values['audit.url'] === '' &&
		members.servers.size > 1 &&
		mirroredBy !== self.id
	) {
		warnings.push(
			'audit.url is not set: each replica has a PostgreSQL of its own, which gets the history only while that replica leads. Give all of them the same audit.url',
		);
	}
	if (participants <= 2)
		warnings.push(`${participants} of the servers vote: none of them may fail; three can lose one of them`);
	else if (participants % 2 === 0) {
		warnings.push(
			`${participants} servers vote: they stand the failure of ${(participants - 2) / 2}, as ${participants - 1} would; an odd number is better`,
		);
	}
	if (
		values.reconfigEnabled &&
		[...self.quorumAddresses, ...self.electionAddresses].some(({ host }) => isEveryHost(host))
	) {
		warnings.push(
			`server.${self.id} has an address that means all of this machine's: with reconfigEnabled=true its lines become those of all servers when it leads. Write the address that the others reach it by, and set quorumListenOnAllIPs=true`,
		);
	}
	if (self.role !== peerType) {
		warnings.push(`peerType is ${peerType}, and the line of server.${self.id} says ${self.role}: the line decides`);
	}
}

function shown({ host, port }: HostPort): string {
	return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
