import { ReadStream, WriteStream } from 'node:tty';
import { type Command, InvalidArgumentError } from 'commander';
import type { ChronokeeperClient, WatchStatusResponse } from '#client/client';
import { uint32Argument } from '../arguments.ts';
import type { CommandContext } from '../command-context.ts';
import { withClient } from '../server-connection.ts';
import { addServerOptions, optionsOf, type ServerOptions } from '../shared-options.ts';
import { dashboard, rate } from '../top/dashboard.ts';
import { Screen } from '../top/screen.ts';
import { type Totals, totalsOf } from '../top/totals.ts';
import { activityObject } from '../view/replica-status.ts';
import { count, hex } from '../view/text.ts';

interface Options extends ServerOptions {
	/** Seconds. */
	readonly interval: number;
	readonly count?: number;
}

export function addTop(program: Command, context: CommandContext): void {
	const command = program
		.command('top')
		.summary('watch what a replica does')
		.description(
			'Shows rates, latencies, sessions and the lag of the mirror as they are, until q or Ctrl-C. Not on a terminal it prints a line for each interval, with --json an object.',
		)
		.option('-i, --interval <seconds>', 'how often', intervalArgument, 1)
		.option('-n, --count <n>', 'end after so many intervals', uint32Argument);
	addServerOptions(command).action(async (_: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const { terminal } = context;
		const isScreen = context.inputIsTerminal && terminal.interactive && !terminal.json;
		await withClient(options, (client) => (isScreen ? watchScreen : printLines)(client, options, context));
	});
}

async function printLines(client: ChronokeeperClient, options: Options, context: CommandContext): Promise<void> {
	const { terminal } = context;
	let left = options.count ?? Number.POSITIVE_INFINITY;
	for await (const activity of client.watchStatus(options.interval * 1000, context.interrupted())) {
		// The first tells of no interval.
		if (activity.intervalMs === 0) continue;
		if (terminal.json) terminal.object(activityObject(activity));
		else terminal.line(lineOf(activity, totalsOf(activity)));
		left -= 1;
		if (!(await terminal.keepUp()) || left === 0) return;
	}
}

function lineOf({ status }: WatchStatusResponse, { reads, writes, errors, p99Ms }: Totals): string {
	const rates = `${rate(reads)} reads/s  ${rate(writes)} writes/s  ${rate(errors)} failed/s  p99 ${p99Ms.toFixed(2)} ms`;
	if (status === undefined) return rates;
	const { role, ready, lastZxid, sessions, outstanding, mirror } = status;
	const lag = mirror === undefined ? '' : `  mirror ${count(mirror.lagTxns)} behind`;
	const state = `${role}${ready ? '' : ' (not in full)'}  zxid ${hex(lastZxid)}`;
	return `${state}  ${rates}  ${count(sessions)} sessions  ${count(outstanding)} outstanding${lag}`;
}

const mostRates = 512;
const pauseMs = 1000;

/** Goes on when the replica was away: then it says so, above what was there last. */
async function watchScreen(client: ChronokeeperClient, options: Options, context: CommandContext): Promise<void> {
	const { terminal, interrupted } = context;
	const stop = new AbortController();
	interrupted().addEventListener('abort', () => stop.abort());
	const rates: number[] = [];
	let latest: WatchStatusResponse | undefined;
	/** While it is paused: what there was then. */
	let frozen: { readonly activity: WatchStatusResponse; readonly rates: readonly number[] } | undefined;
	let problem = '';
	const draw = (): void => {
		if (latest === undefined) return;
		const { activity, rates: all } = frozen ?? { activity: latest, rates };
		const shown = all.slice(-Math.max(1, screen.columns - 12));
		const isPaused = frozen !== undefined;
		const view = { address: options.server, activity, totals: totalsOf(activity), rates: shown, isPaused, problem };
		screen.draw(dashboard(view, screen.columns, screen.rows));
	};
	const onKey = (key: string): void => {
		if (key === 'q' || key === 'Q' || key === '\x03' || key === '\x04') stop.abort();
		if (key === 'p' || key === ' ') {
			frozen = frozen === undefined && latest !== undefined ? { activity: latest, rates: [...rates] } : undefined;
		}
		draw();
	};
	// What node has there is a terminal: that was asked before.
	const screen = new Screen(process.stdin as ReadStream, process.stdout as WriteStream, terminal.colors, {
		onKey,
		onResize: draw,
	});
	let isOpen = false;
	let left = options.count ?? Number.POSITIVE_INFINITY;
	try {
		while (!stop.signal.aborted) {
			try {
				for await (const activity of client.watchStatus(options.interval * 1000, stop.signal)) {
					if (!isOpen) screen.open();
					isOpen = true;
					problem = '';
					if (activity.intervalMs > 0) {
						const { reads, writes } = totalsOf(activity);
						rates.push(reads + writes);
						if (rates.length > mostRates) rates.shift();
						left -= 1;
					}
					latest = activity;
					draw();
					if (left <= 0) break;
				}
				problem = 'the server ended the stream; trying again';
			} catch (error) {
				// What cannot begin is no matter for a screen.
				if (!isOpen) throw error;
				problem = `${(error as Error).message}; trying again`;
			}
			if (stop.signal.aborted || left <= 0) break;
			draw();
			await pause(stop.signal);
		}
	} finally {
		if (isOpen) screen.close();
	}
}

function pause(stop: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		if (stop.aborted) return resolve();
		const timer = setTimeout(resolve, pauseMs);
		stop.addEventListener('abort', () => {
			clearTimeout(timer);
			resolve();
		});
	});
}

function intervalArgument(text: string): number {
	const seconds = Number(text);
	if (!(seconds >= 0.1 && seconds <= 3600)) throw new InvalidArgumentError('it must be from 0.1 to 3600 seconds.');
	return seconds;
}
