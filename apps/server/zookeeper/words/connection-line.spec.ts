import { expect, it } from 'vitest';
import { type ConnectionFigures, remoteText } from '../figures/connection-figures.ts';
import { connectionLine } from './connection-line.ts';

const figures: ConnectionFigures = {
	remote: '/127.0.0.1:33014',
	interestOps: 1,
	outstanding: 2,
	packetsReceived: 8,
	packetsSent: 7,
	sessionId: 0x1_0000_b9a1_f800_00n,
	lastOp: 'EXIS',
	establishedMs: 1795266820256,
	sessionTimeoutMs: 10_000,
	lastCxid: 255,
	lastZxid: 2 ** 32 + 7,
	lastResponseMs: 12187890,
	lastLatencyMs: 3,
	minLatencyMs: 0,
	meanLatencyMs: 1,
	maxLatencyMs: 6,
};

it('has everything of a connection with a session', () => {
	expect(connectionLine(figures, 'full')).toBe(
		' /127.0.0.1:33014[1](queued=2,recved=8,sent=7,sid=0x10000b9a1f80000,lop=EXIS,est=1795266820256,to=10000,lcxid=0xff,lzxid=0x100000007,lresp=12187890,llat=3,minlat=0,avglat=1,maxlat=6)',
	);
	expect(connectionLine(figures, 'brief')).toBe(' /127.0.0.1:33014[1](queued=2,recved=8,sent=7)');
});

it('has no request before the first, and no session before the handshake', () => {
	expect(connectionLine({ ...figures, lastOp: 'NA', lastCxid: -1, lastZxid: -1 }, 'full')).toContain(
		',lop=NA,est=1795266820256,to=10000,lzxid=0xffffffffffffffff,lresp=',
	);
	expect(connectionLine({ ...figures, sessionId: 0n }, 'full')).toBe(' /127.0.0.1:33014[1](queued=2,recved=8,sent=7)');
});

it.each([
	['127.0.0.1', '/127.0.0.1:2181'],
	['::1', '/[0:0:0:0:0:0:0:1]:2181'],
	['fe80::a:b%eth0', '/[fe80:0:0:0:0:0:a:b%eth0]:2181'],
	['::', '/[0:0:0:0:0:0:0:0]:2181'],
	['2001:db8:1:2:3:4:5:6', '/[2001:db8:1:2:3:4:5:6]:2181'],
])('writes %s as Java does', (address, text) => {
	expect(remoteText({ address, port: 2181 })).toBe(text);
});
