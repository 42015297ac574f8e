import type { ConnectionFigures } from '../figures/connection-figures.ts';

/** A line of `stat` (brief) or of `cons`, without its end. */
export function connectionLine(figures: ConnectionFigures, form: 'brief' | 'full'): string {
	const { remote, interestOps, outstanding, packetsReceived, packetsSent } = figures;
	const counts = `queued=${outstanding},recved=${packetsReceived},sent=${packetsSent}`;
	const session = form === 'full' && figures.sessionId !== 0n ? sessionPart(figures) : '';
	return ` ${remote}[${interestOps}](${counts}${session})`;
}

function sessionPart(figures: ConnectionFigures): string {
	const parts = [
		`sid=${hex(figures.sessionId)}`,
		`lop=${figures.lastOp}`,
		`est=${figures.establishedMs}`,
		`to=${figures.sessionTimeoutMs}`,
		...(figures.lastCxid < 0 ? [] : [`lcxid=${hex(figures.lastCxid)}`]),
		`lzxid=${hex(figures.lastZxid)}`,
		`lresp=${figures.lastResponseMs}`,
		`llat=${figures.lastLatencyMs}`,
		`minlat=${figures.minLatencyMs}`,
		`avglat=${figures.meanLatencyMs}`,
		`maxlat=${figures.maxLatencyMs}`,
	];
	return `,${parts.join(',')}`;
}

/** Of 64 bits, as Java prints a negative number too. */
function hex(value: number | bigint): string {
	return `0x${BigInt.asUintN(64, BigInt(value)).toString(16)}`;
}
