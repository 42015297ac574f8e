/** `srvr`, and `stat`, which has the clients too. */
import { connectionFigures } from '../figures/connection-figures.ts';
import { Decimal } from '../figures/decimal.ts';
import { isReadOnly, serviceFigures } from '../figures/service.ts';
import { spokenVersion } from '../figures/spoken-version.ts';
import type { ServerView } from '../server-view.ts';
import { connectionLine } from './connection-line.ts';
import type { WordText } from './word-text.ts';

export function writeServer(view: ServerView, text: WordText): void {
	writeVersion(view, text);
	writeFigures(view, text);
}

export function writeServerAndClients(view: ServerView, text: WordText): void {
	writeVersion(view, text);
	text.line('Clients:');
	for (const connection of view.connections) text.line(connectionLine(connectionFigures(connection), 'brief'));
	text.line();
	writeFigures(view, text);
}

function writeVersion(view: ServerView, text: WordText): void {
	text.line(`Zookeeper version: ${spokenVersion}`);
	// A copy serves every client.
	if (isReadOnly(view) && !view.config.readOnlyCopy) text.line('READ-ONLY mode; serving only read-only clients');
}

function writeFigures(view: ServerView, text: WordText): void {
	const figures = serviceFigures(view);
	const { latency } = figures;
	text.line(`Latency min/avg/max: ${latency.minMs}/${new Decimal(latency.meanMs)}/${latency.maxMs}`);
	text.line(`Received: ${figures.packetsReceived}`);
	text.line(`Sent: ${figures.packetsSent}`);
	text.line(`Connections: ${figures.connections}`);
	text.line(`Outstanding: ${figures.outstanding}`);
	text.line(`Zxid: 0x${figures.zxid.toString(16)}`);
	text.line(`Mode: ${figures.mode}`);
	text.line(`Node count: ${figures.znodes}`);
}
