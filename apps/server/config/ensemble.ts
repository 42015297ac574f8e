/** What a configuration says of an ensemble, and whether that can be one. The rules are those of ZooKeeper's QuorumPeerConfig. */
import type { HostPort } from '#core/zab/quorum-config';
import type { Values } from './keys.ts';
import type { Members } from './members.ts';
import { allAddresses, type EnsembleServer } from './server-line.ts';

/** A server of an ensemble. */
export interface EnsembleConfig extends Members {
	/** This server, one of `servers`. */
	readonly self: EnsembleServer;
	/** What the dynamic configuration file's name says; 0 without one. */
	readonly version: number;
	/** The file that holds the members, and that a reconfiguration replaces; undefined while they stand in zoo.cfg or in the environment. */
	readonly dynamicConfigFile: string | undefined;
	readonly limits: EnsembleLimits;
	/** As ZooKeeper writes it: one server per line, in the order of their ids, then groups, weights and the version. */
	readonly text: string;
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
	readonly members: Members;
	/** Undefined when neither `myid` nor `serverId` says it. */
	readonly serverId: number | undefined;
	readonly version: number;
	readonly dynamicConfigFile: string | undefined;
}

/** Undefined for a single server, and when there is no telling which of the servers this one is. */
export function ensembleOf(
	sources: EnsembleSources,
	warnings: string[],
	problems: string[],
): EnsembleConfig | undefined {
	const { values, members, serverId } = sources;
	if (!isEnsemble(members, values.standaloneEnabled, problems)) return undefined;
	checkServers(members, values, problems);
	checkGroups(members, problems);
	for (const limit of ['initLimit', 'syncLimit'] as const) {
		if (values[limit] === 0)
			problems.push(`${limit} is not set: an ensemble needs it (ZooKeeper's sample has 10 and 5)`);
	}
	const self = members.servers.find(({ id }) => id === serverId);
	if (self === undefined) {
		problems.push(notAmong(serverId, members));
		return undefined;
	}
	warn(members, self, values, warnings);
	return Object.freeze({
		...members,
		self,
		version: sources.version,
		dynamicConfigFile: sources.dynamicConfigFile,
		limits: {
			tickMs: values.tickTime,
			initLimit: values.initLimit,
			syncLimit: values.syncLimit,
			connectToLearnerMasterLimit: values.connectToLearnerMasterLimit || values.initLimit,
		},
		text: textOf(members, sources.version),
	});
}

function isEnsemble({ servers }: Members, standaloneEnabled: boolean, problems: string[]): boolean {
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

function checkServers({ servers }: Members, values: Values, problems: string[]): void {
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
			if (address.host === allAddresses || address.host === '::') continue;
			const owner = owners.get(shown(address));
			if (owner === id) problems.push(`server.${id} has ${shown(address)} as its quorum and its election port`);
			else if (owner !== undefined) problems.push(`server.${owner} and server.${id} both have ${shown(address)}`);
			owners.set(shown(address), id);
		}
	}
}

/** Groups and weights: every participant is in exactly one group. */
function checkGroups({ servers, groups, weights }: Members, problems: string[]): void {
	if (groups.size === 0 && weights.size === 0) return;
	const grouped = [...groups.values()].flat();
	for (const { id, role } of servers) {
		const count = grouped.filter((member) => member === id).length;
		if (count > 1) problems.push(`server.${id} is in ${count} groups: it must be in one`);
		if (count === 0 && role === 'participant')
			problems.push(`server.${id} is in no group: with group.N or weight.N lines each participant must be in one`);
	}
	const ids = new Set(servers.map(({ id }) => id));
	for (const id of new Set([...grouped, ...weights.keys()])) {
		if (!ids.has(id)) problems.push(`group.N and weight.N lines name a server ${id}, and there is no server.${id}`);
	}
}

function notAmong(serverId: number | undefined, { servers }: Members): string {
	const ids = servers.map(({ id }) => id).join(', ');
	if (serverId === undefined) {
		return `which of the servers ${ids} is this one? Write its number into the file myid in dataDir, or set serverId (CK_SERVER_ID)`;
	}
	return `this server is number ${serverId} (myid or serverId), and there is no server.${serverId}: the configuration has ${ids}`;
}

function warn({ servers }: Members, self: EnsembleServer, { peerType }: Values, warnings: string[]): void {
	const participants = servers.filter(({ role }) => role === 'participant').length;
	if (participants <= 2)
		warnings.push(`${participants} of the servers vote: none of them may fail; three can lose one of them`);
	else if (participants % 2 === 0) {
		warnings.push(
			`${participants} servers vote: they stand the failure of ${(participants - 2) / 2}, as ${participants - 1} would; an odd number is better`,
		);
	}
	if (self.role !== peerType) {
		warnings.push(`peerType is ${peerType}, and the line of server.${self.id} says ${self.role}: the line decides`);
	}
}

function textOf({ servers, groups, weights }: Members, version: number): string {
	return [
		...servers.map((server) => `server.${server.id}=${lineOf(server)}`),
		...[...groups].map(([id, members]) => `group.${id}=${members.join(':')}`),
		...[...weights].map(([id, weight]) => `weight.${id}=${weight}`),
		`version=${version.toString(16)}`,
	].join('\n');
}

function lineOf({ role, quorumAddresses, electionAddresses, client }: EnsembleServer): string {
	const addresses = quorumAddresses.map((address, at) => `${shown(address)}:${electionAddresses[at]!.port}`).join('|');
	return `${addresses}:${role}${client === undefined ? '' : `;${shown(client)}`}`;
}

function shown({ host, port }: HostPort): string {
	return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
