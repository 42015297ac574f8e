/** What `ck top` shows: the state of a replica and what it does, as lines that fit into so many columns and rows. */
import type { WatchStatusResponse } from '#client/client';
import { width } from '../view/table.ts';
import { count, duration, hex, printable, size } from '../view/text.ts';
import type { Totals } from './totals.ts';

export type Style = 'plain' | 'bold' | 'dim' | 'good' | 'bad' | 'inverse';

/** A piece of a line that looks one way. */
export interface Piece {
	readonly text: string;
	readonly style: Style;
}

export type Line = readonly Piece[];

export interface View {
	readonly address: string;
	readonly activity: WatchStatusResponse;
	readonly totals: Totals;
	/** Operations per second, the newest last. */
	readonly rates: readonly number[];
	readonly isPaused: boolean;
	/** Why there is nothing newer; empty when there is. */
	readonly problem: string;
}

type Status = NonNullable<WatchStatusResponse['status']>;
type Latency = NonNullable<WatchStatusResponse['logSync']>;
const labelWidth = 9;
const bars = '▁▂▃▄▅▆▇█';

/** At most so many lines, none wider than so many columns. */
export function dashboard(view: View, columns: number, rows: number): Line[] {
	const head = [...headLines(view), []];
	const table = operationLines(view.activity);
	const foot: Line[] = [[piece(' q ', 'inverse'), piece(' quit  '), piece(' p ', 'inverse'), piece(' pause')]];
	const room = Math.max(0, rows - head.length - foot.length);
	return [...head, ...table.slice(0, room), ...foot].slice(0, rows).map((line) => cutAt(line, columns));
}

function headLines({ address, activity, totals, rates, isPaused, problem }: View): Line[] {
	const { status } = activity;
	const interval = activity.intervalMs === 0 ? 'measuring' : `every ${(activity.intervalMs / 1000).toFixed(1)} s`;
	const title = [piece('ck top ', 'bold'), piece(address), ...(status === undefined ? [] : roleOf(status))];
	const lines: Line[] = [[...title, piece(`   ${isPaused ? 'paused' : interval}`, 'dim')]];
	if (problem !== '') lines.push([piece(printable(problem), 'bad')]);
	if (status !== undefined) lines.push(...stateLines(status));
	lines.push(
		labelled('rates', [
			piece(rate(totals.reads + totals.writes), 'bold'),
			piece(` operations/s: ${rate(totals.reads)} reads, ${rate(totals.writes)} writes, `),
			piece(`${rate(totals.errors)} failed`, totals.errors > 0 ? 'bad' : 'plain'),
		]),
		labelled('', [piece(sparkline(rates))]),
	);
	if (status !== undefined) lines.push(labelled('clients', [piece(clientsOf(status, activity))]));
	lines.push(labelled('process', [piece(processOf(activity))]));
	if (activity.logSync !== undefined) {
		const batch = `   ${activity.batchSize.toFixed(1)} requests in a batch`;
		lines.push(labelled('log sync', [piece(latencyOf(activity.logSync) + batch)]));
	}
	if (activity.eventLoopDelay !== undefined) {
		lines.push(labelled('loop', [piece(`${latencyOf(activity.eventLoopDelay)}   late`)]));
	}
	if (status?.mirror !== undefined) lines.push(labelled('mirror', mirrorOf(status.mirror)));
	for (const one of status?.problems ?? []) lines.push(labelled('', [piece(printable(one), 'bad')]));
	return lines;
}

function roleOf(status: Status): Piece[] {
	const { ensemble } = status;
	const leader = ensemble?.leader === undefined ? 'nobody leads' : `server ${ensemble.leader} leads`;
	return [
		piece(`  ${status.role}`, 'bold'),
		piece(ensemble === undefined ? '' : ` (server ${status.serverId} of ${ensemble.members.length}, ${leader})`),
		piece(status.ready ? '  serves in full' : '  does not serve in full', status.ready ? 'good' : 'bad'),
		piece(`   up ${duration(Number(status.uptimeMs))}`, 'dim'),
	];
}

function stateLines(status: Status): Line[] {
	const { znodes, ephemerals, approximateDataSize, lastZxid } = status;
	const tree = `${count(znodes)} znodes (${count(ephemerals)} ephemeral), ${size(Number(approximateDataSize))}`;
	return [labelled('tree', [piece(`${tree}   zxid ${hex(lastZxid)}`)])];
}

function clientsOf(status: Status, { connections, watches }: WatchStatusResponse): string {
	const doors = Object.entries(connections).map(([door, open]) => `${count(open)} ${door}`);
	const open = doors.length === 0 ? '' : `   connections: ${doors.join(', ')}`;
	return `${count(status.sessions)} sessions, ${count(watches)} watches, ${count(status.outstanding)} outstanding${open}`;
}

function processOf({ cpu, memoryBytes }: WatchStatusResponse): string {
	return `${(cpu * 100).toFixed(0)} % of a processor, ${size(Number(memoryBytes))} resident`;
}

function mirrorOf({ state, mode, lagTxns, lagSeconds, lastError }: NonNullable<Status['mirror']>): Piece[] {
	const lag = `${count(lagTxns)} txns behind (${lagSeconds.toFixed(1)} s)`;
	const error = lastError === '' ? [] : [piece(`   ${printable(lastError)}`, 'bad')];
	return [piece(`${state} (${mode}), `), piece(lag, lagSeconds > 10 ? 'bad' : 'plain'), ...error];
}

const columnWidths = [22, 11, 12, 10, 9, 9, 9];

/** The busiest first. */
function operationLines({ operations, intervalMs }: WatchStatusResponse): Line[] {
	const title = row(['OPERATION', 'DOOR', 'RATE/s', 'FAILED/s', 'P50 ms', 'P99 ms', 'MAX ms']);
	const busiest = operations.toSorted((a, b) => b.rate - a.rate || (a.operation < b.operation ? -1 : 1));
	if (busiest.length === 0) {
		return [[piece(title, 'bold')], [piece(intervalMs === 0 ? '' : 'nothing is asked for', 'dim')]];
	}
	const rows = busiest.map(({ operation, door, rate: perSecond, errorRate, latency }): Line => {
		const times = [latency?.p50Ms, latency?.p99Ms, latency?.maxMs].map((ms) =>
			ms === undefined ? '' : milliseconds(ms),
		);
		return [piece(row([operation, door, rate(perSecond), rate(errorRate), ...times]), errorRate > 0 ? 'bad' : 'plain')];
	});
	return [[piece(title, 'bold')], ...rows];
}

function row(cells: readonly string[]): string {
	return cells
		.map((cell, i) => (i < 2 ? cell.padEnd(columnWidths[i]!) : cell.padStart(columnWidths[i]!)))
		.join('')
		.trimEnd();
}

function latencyOf({ p50Ms, p99Ms, maxMs }: Latency): string {
	return `p50 ${milliseconds(p50Ms)} ms, p99 ${milliseconds(p99Ms)} ms, max ${milliseconds(maxMs)} ms`;
}

function milliseconds(ms: number): string {
	return ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : count(Math.round(ms));
}

export function rate(perSecond: number): string {
	return perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : count(Math.round(perSecond));
}

/** The tallest bar is the highest rate of those that are shown. */
export function sparkline(rates: readonly number[]): string {
	const highest = Math.max(...rates, 1);
	return rates.map((one) => bars[Math.min(bars.length - 1, Math.floor((one / highest) * bars.length))]).join('');
}

function labelled(label: string, pieces: Line): Line {
	return [piece(label.padEnd(labelWidth), 'dim'), ...pieces];
}

function piece(text: string, style: Style = 'plain'): Piece {
	return { text, style };
}

/** Cut where the screen ends. */
function cutAt(line: Line, columns: number): Line {
	let room = columns;
	const fitting: Piece[] = [];
	for (const { text, style } of line) {
		if (room <= 0) break;
		const cut = width(text) <= room ? text : text.slice(0, room);
		fitting.push({ text: cut, style });
		room -= width(cut);
	}
	return fitting;
}
