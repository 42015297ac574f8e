/** What is known of one connection: a line of `cons` and `stat`, an object of the AdminServer's `connections`. */
import type { Connection } from '../connections.ts';
import { latencyFigures } from './latency-figures.ts';

/** In the order of ZooKeeper's answers. */
export interface ConnectionFigures {
	/** As Java prints an address that was not looked up. */
	readonly remote: string;
	/** Java's selector: 1 while it is read from. */
	readonly interestOps: number;
	readonly outstanding: number;
	readonly packetsReceived: number;
	readonly packetsSent: number;
	/** 0n before the handshake. */
	readonly sessionId: bigint;
	readonly lastOp: string;
	readonly establishedMs: number;
	readonly sessionTimeoutMs: number;
	/** -1 before the first. */
	readonly lastCxid: number;
	readonly lastZxid: number;
	readonly lastResponseMs: number;
	readonly lastLatencyMs: number;
	readonly minLatencyMs: number;
	/** A whole number, cut off. */
	readonly meanLatencyMs: number;
	readonly maxLatencyMs: number;
}

export function connectionFigures(connection: Connection): ConnectionFigures {
	const { stats } = connection;
	const latency = latencyFigures({ minMs: stats.latency.min, meanMs: stats.latency.mean, maxMs: stats.latency.max });
	return {
		remote: remoteText(connection),
		interestOps: connection.isReading ? 1 : 0,
		outstanding: connection.outstanding,
		packetsReceived: stats.packetsReceived,
		packetsSent: stats.packetsSent,
		sessionId: connection.sessionId,
		lastOp: stats.lastOp,
		establishedMs: stats.establishedMs,
		sessionTimeoutMs: connection.sessionTimeoutMs,
		lastCxid: stats.lastCxid,
		lastZxid: stats.lastZxid,
		lastResponseMs: Math.floor(stats.lastResponseMs),
		lastLatencyMs: Math.round(stats.lastLatencyMs),
		minLatencyMs: latency.minMs,
		meanLatencyMs: Math.trunc(latency.meanMs),
		maxLatencyMs: latency.maxMs,
	};
}

/** `/127.0.0.1:33014`, `/[0:0:0:0:0:0:0:1]:33014`. */
export function remoteText({ address, port }: Pick<Connection, 'address' | 'port'>): string {
	return `/${address.includes(':') ? `[${fullIpv6(address)}]` : address}:${port}`;
}

/** Java leaves no group of an IPv6 address out. */
function fullIpv6(address: string): string {
	const [plain, zone] = address.split('%');
	const [head = '', tail] = plain!.split('::');
	const groups = (text: string) => (text === '' ? [] : text.split(':'));
	const known = [...groups(head), ...groups(tail ?? '')];
	const zeros = tail === undefined ? [] : new Array<string>(8 - known.length).fill('0');
	const all = [...groups(head), ...zeros, ...groups(tail ?? '')];
	return all.join(':') + (zone === undefined ? '' : `%${zone}`);
}
