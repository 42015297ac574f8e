/**
 * One DNS message in, at most one out. What is no query is not answered, so that two servers never talk to each other for ever; what cannot be read is FORMERR.
 */
import {
	type Answer,
	AUTHORITATIVE_ANSWER,
	decode,
	encode,
	type OptAnswer,
	type Packet,
	type Question,
	RECURSION_DESIRED,
	TRUNCATED_RESPONSE,
} from 'dns-packet';
import type { Zone } from './zone.ts';

export type Transport = 'udp' | 'tcp';

/** RFC 1035, 4.1.1; BADVERS is of RFC 6891. */
const rcodes = {
	noError: 0,
	formatError: 1,
	serverFailure: 2,
	nameError: 3,
	notImplemented: 4,
	refused: 5,
	badVersion: 16,
} as const;

const headerBytes = 12;
/** Without EDNS. */
const plainUdpBytes = 512;
/** What passes everywhere without fragments (DNS flag day 2020). */
const largestUdpBytes = 1232;
const largestTcpBytes = 65_535;

interface Outcome {
	readonly rcode: number;
	readonly isAuthoritative?: boolean;
	readonly answers?: readonly Answer[];
	readonly authorities?: readonly Answer[];
	readonly additionals?: readonly Answer[];
}

/** @param random from 0 to below 1: with which of the answers it begins */
export function respond(
	message: Buffer,
	zone: Zone,
	transport: Transport,
	random: () => number = Math.random,
): Buffer | undefined {
	if (message.length < headerBytes || (message[2]! & 0x80) !== 0) return undefined;
	if (((message[2]! >> 3) & 0xf) !== 0) return bareError(message, rcodes.notImplemented);
	const query = decoded(message);
	if (query === undefined) return bareError(message, rcodes.formatError);
	const asked = query.questions![0]!;
	const edns = query.additionals!.find((one): one is OptAnswer => one.type === 'OPT');
	const outcome = edns !== undefined && edns.ednsVersion > 0 ? { rcode: rcodes.badVersion } : answer(asked, zone);
	return encoded(query, edns, asked, rotated(outcome, random), transport);
}

/** A query with one question that can be answered as it was asked; undefined for all else. */
function decoded(message: Buffer): Packet | undefined {
	try {
		const query = decode(message);
		if (decode.bytes !== message.length || query.questions?.length !== 1) return undefined;
		if (query.additionals!.filter(({ type }) => type === 'OPT').length > 1) return undefined;
		// A label that has a dot in it, or is no UTF-8, would not come back as it was.
		const again = encode({ type: 'query', questions: query.questions }).subarray(headerBytes);
		const isSame = message.subarray(headerBytes, headerBytes + again.length).equals(again);
		return isSame ? query : undefined;
	} catch {
		// Whatever is wrong with it: it is not readable.
		return undefined;
	}
}

function answer({ name, type, class: dnsClass = 'IN' }: Question, zone: Zone): Outcome {
	const isTransfer = (type as string) === 'AXFR' || (type as string) === 'IXFR';
	if ((dnsClass !== 'IN' && dnsClass !== 'ANY') || isTransfer) return { rcode: rcodes.refused };
	const found = zone.find(name, type);
	switch (found.kind) {
		case 'outside':
			return { rcode: rcodes.refused };
		case 'nxdomain':
			return { rcode: rcodes.nameError, isAuthoritative: true, authorities: [zone.soa] };
		case 'found': {
			const { answers, additionals } = found;
			const authorities = answers.length === 0 ? [zone.soa] : [];
			return { rcode: rcodes.noError, isAuthoritative: true, answers, authorities, additionals };
		}
	}
}

/** Who takes the first takes another one each time. */
function rotated(outcome: Outcome, random: () => number): Outcome {
	const { answers = [] } = outcome;
	if (answers.length < 2) return outcome;
	const first = Math.floor(random() * answers.length);
	return { ...outcome, answers: [...answers.slice(first), ...answers.slice(0, first)] };
}

function encoded(
	query: Packet,
	edns: OptAnswer | undefined,
	asked: Question,
	outcome: Outcome,
	transport: Transport,
): Buffer {
	const { rcode, isAuthoritative = false, answers = [], authorities = [], additionals = [] } = outcome;
	const opt: Answer[] =
		edns === undefined
			? []
			: [
					{
						type: 'OPT',
						name: '.',
						udpPayloadSize: largestUdpBytes,
						extendedRcode: rcode >> 4,
						ednsVersion: 0,
						flags: 0,
						flag_do: false,
						options: [],
					},
				];
	const flags = (query.flags! & RECURSION_DESIRED) | (isAuthoritative ? AUTHORITATIVE_ANSWER : 0) | (rcode & 0xf);
	const build = (more: number, kept: readonly Answer[], beside: readonly Answer[], extra: readonly Answer[]): Buffer =>
		encode({
			type: 'response',
			id: query.id!,
			flags: flags | more,
			questions: [asked],
			answers: [...kept],
			authorities: [...beside],
			additionals: [...extra, ...opt],
		});
	const limit = transport === 'tcp' ? largestTcpBytes : udpLimit(edns);
	const whole = build(0, answers, authorities, additionals);
	if (whole.length <= limit) return whole;
	const needed = build(0, answers, authorities, []);
	if (needed.length <= limit) return needed;
	if (transport === 'udp') return build(TRUNCATED_RESPONSE, [], [], []);
	// More than a message can have, and there is no larger one: as many as fit, other ones each time.
	let count = answers.length;
	let message = needed;
	while (message.length > limit) {
		count = Math.floor(count * Math.min(0.9, limit / message.length));
		message = build(TRUNCATED_RESPONSE, answers.slice(0, count), authorities, []);
	}
	return message;
}

function udpLimit(edns: OptAnswer | undefined): number {
	if (edns === undefined) return plainUdpBytes;
	return Math.min(largestUdpBytes, Math.max(plainUdpBytes, edns.udpPayloadSize));
}

/** What cannot be answered for a reason of ours. */
export function serverFailure(message: Buffer): Buffer | undefined {
	return message.length < headerBytes || (message[2]! & 0x80) !== 0
		? undefined
		: bareError(message, rcodes.serverFailure);
}

/** Only a header: nothing of the query can be repeated for sure. */
function bareError(message: Buffer, rcode: number): Buffer {
	const header = Buffer.alloc(headerBytes);
	message.copy(header, 0, 0, 2);
	// QR, the opcode and RD of the query.
	header[2] = 0x80 | (message[2]! & 0x79);
	header[3] = rcode;
	return header;
}
