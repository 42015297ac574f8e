/** Which configuration a reconfiguration asks for: all of it, or servers that join and leave. What cannot be is refused with ZooKeeper's codes. */
import { errors } from '#jute/errors';
import type { ReconfigOp } from '../../model/op.ts';
import { majorityConfig, withoutParticipant } from '../../zab/majority.ts';
import { parseQuorumConfig } from '../../zab/parse-quorum-config.ts';
import { type HostPort, type QuorumConfig, QuorumConfigError, type QuorumServer } from '../../zab/quorum-config.ts';
import { parseQuorumServer, serverForm } from '../../zab/quorum-server.ts';
import type { ErrorCode } from './context.ts';

export type NewConfig =
	| { readonly kind: 'config'; readonly config: QuorumConfig }
	| { readonly kind: 'refused'; readonly code: ErrorCode; readonly reason: string };

/** @param standaloneEnabled then one participant alone would be no ensemble, and two are the least (semantics 82) */
export function newConfig(op: ReconfigOp, current: QuorumConfig, standaloneEnabled: boolean): NewConfig {
	try {
		const config = op.newMembers === null ? changed(op, current) : whole(op.newMembers, standaloneEnabled);
		const least = standaloneEnabled ? 2 : 1;
		if (config.participants.length < least) throw new Refusal(tooFew(config.participants.length, standaloneEnabled));
		return { kind: 'config', config };
	} catch (error) {
		if (error instanceof Refusal) return { kind: 'refused', code: error.code, reason: error.message };
		if (!(error instanceof QuorumConfigError)) throw error;
		const reason = error.problems.includes(withoutParticipant) ? tooFew(0, standaloneEnabled) : error.message;
		return { kind: 'refused', code: errors.badArguments.code, reason };
	}
}

class Refusal extends Error {
	readonly code: ErrorCode;

	constructor(message: string, code: ErrorCode = errors.badArguments.code) {
		super(message);
		this.code = code;
	}
}

function tooFew(participants: number, standaloneEnabled: boolean): string {
	const hint = standaloneEnabled ? 'at least 2 are needed, or standaloneEnabled=false' : 'at least 1 is needed';
	return `the new configuration has ${participants} participants: ${hint}`;
}

/** Lines that ZooKeeper stumbles over while it reads a number out of them: it answers MarshallingError. */
const numberless =
	/^(?!(?:server|group|weight)\.\d+\s*=|version\s*=\s*[0-9a-f]+\s*$)(?:server\.|group\.|weight\.|version\s*=)/im;
const numberlessValue = /^(?:group\.\d+\s*=(?!\s*\d+\s*(?::\s*\d+\s*)*$)|weight\.\d+\s*=(?!\s*\d+\s*$))/im;

/** `server.N=…` lines, with groups and weights if there are any, between line ends or commas. */
function whole(newMembers: string, standaloneEnabled: boolean): QuorumConfig {
	const text = newMembers.replaceAll(',', '\n');
	let config: QuorumConfig;
	try {
		config = parseQuorumConfig(text);
	} catch (error) {
		if (!(error instanceof QuorumConfigError)) throw error;
		const isEmpty = error.problems.includes(withoutParticipant);
		const hasOthers = isEmpty && (!standaloneEnabled || /^\s*server\./m.test(text));
		const isNumberless = numberless.test(text) || numberlessValue.test(text);
		if (hasOthers || isNumberless) throw new Refusal(error.message, errors.marshallingError.code);
		throw error;
	}
	if (standaloneEnabled && config.participants.length === 1 && config.observers.length > 0) {
		throw new Refusal(tooFew(1, standaloneEnabled), errors.marshallingError.code);
	}
	return config;
}

/** Those that leave go first; a server that joins with a number that is there takes its place. */
function changed({ joiningServers, leavingServers }: ReconfigOp, current: QuorumConfig): QuorumConfig {
	if (current.groups.size > 0) {
		throw new Refusal('groups decide in this ensemble: name all servers of the new configuration, with their groups');
	}
	const servers = new Map(current.servers);
	for (const leaving of parts(leavingServers)) servers.delete(numberOf(leaving));
	for (const joining of parts(joiningServers)) {
		const server = joiner(joining);
		for (const other of servers.values()) if (other.id !== server.id) refuseSameAddress(server, other);
		servers.set(server.id, server);
	}
	return majorityConfig(servers.values());
}

function joiner(text: string): QuorumServer {
	const [name, value, ...more] = parts(text, '=');
	if (name === undefined || value === undefined || more.length > 0) {
		throw new Refusal(`\`${text}\` is no server: write \`server.N=\` and ${serverForm}`);
	}
	const id = numberOf(name.slice(name.lastIndexOf('.') + 1));
	let server: QuorumServer;
	try {
		server = parseQuorumServer(id, value);
	} catch (error) {
		if (error instanceof RangeError) throw new Refusal(`\`${text}\` ${error.message}`);
		throw error;
	}
	if (server.client === undefined) {
		throw new Refusal(
			`\`${text}\` does not say where clients connect: write it at the end, \`;2181\` or \`;host:2181\``,
		);
	}
	return server;
}

function numberOf(text: string): number {
	const number = Number(text);
	if (!/^[+-]?[0-9]+$/.test(text) || !Number.isSafeInteger(number)) {
		throw new Refusal(`\`${text}\` is no server's number`, errors.marshallingError.code);
	}
	return number;
}

/** As ZooKeeper: those that mean the machine itself, whichever it is, are no one's. */
function refuseSameAddress(server: QuorumServer, other: QuorumServer): void {
	const taken = addressesOf(other);
	const twice = addressesOf(server).find((address) => taken.includes(address));
	if (twice !== undefined) {
		throw new Refusal(`${twice} of server.${server.id} is an address of server.${other.id}: give it another one`);
	}
}

function addressesOf({ quorumAddresses, electionAddresses, client }: QuorumServer): string[] {
	const addresses: HostPort[] = [...quorumAddresses, ...electionAddresses, ...(client === undefined ? [] : [client])];
	return addresses.filter(({ host }) => !isEverywhere(host)).map(({ host, port }) => `${host}:${port}`);
}

function isEverywhere(host: string): boolean {
	return /^(?:0\.0\.0\.0|127\.[0-9.]+|localhost|[0:]*:1?)$/.test(host);
}

function parts(text: string | null, separator = ','): string[] {
	if (text === null) return [];
	return text.split(separator).flatMap((part) => part.trim() || []);
}
