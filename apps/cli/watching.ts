/** `--watch`: what happens behind a state that was shown, until Ctrl-C, over lost streams. */
import type { ChronokeeperClient, NodeEvent, WatchMode, WatchOptions } from '#client/client';
import type { Terminal } from './terminal.ts';

export interface WatchTask {
	readonly path: string;
	readonly mode: WatchMode;
	readonly withData?: boolean;
	/** The watch is set: what is read now misses nothing. Called again after a stream was lost. @returns the zxid of what was read */
	readonly show: () => Promise<bigint>;
	/** Behind the zxid that was shown. */
	readonly changed: (event: NodeEvent) => void | Promise<void>;
}

const pauseMs = 1000;

/** @throws ClientError when it cannot begin */
export async function watchNode(
	client: ChronokeeperClient,
	{ path, mode, withData = false, show, changed }: WatchTask,
	terminal: Terminal,
	interrupted: AbortSignal,
): Promise<void> {
	let seen: bigint | undefined;
	while (!interrupted.aborted) {
		const options: WatchOptions = { withData };
		try {
			let isSet = false;
			for await (const { events } of client.watch([{ path, mode }], options, interrupted)) {
				if (!isSet) seen = await show();
				isSet = true;
				for (const event of events) {
					if (event.zxid === undefined || seen === undefined || event.zxid > seen) await changed(event);
				}
				if (!(await terminal.keepUp())) return;
			}
			if (!interrupted.aborted) terminal.note('the server ended the watch; trying again');
		} catch (error) {
			if (interrupted.aborted) return;
			const { status, message } = error as { readonly status?: string; readonly message: string };
			// Before anything was shown there is nothing to go on with.
			if (seen === undefined || !(status === 'UNAVAILABLE' || status === 'RESOURCE_EXHAUSTED')) throw error;
			terminal.note(`${message}; trying again`);
		}
		await pause(interrupted);
	}
}

/** When there is no such node: the zxid at which there is none. */
export async function orMissing<T>(asked: Promise<T>): Promise<T | bigint> {
	try {
		return await asked;
	} catch (error) {
		const { codeName, zxid } = error as { readonly codeName?: string; readonly zxid?: bigint };
		if (codeName !== 'NoNode' || zxid === undefined) throw error;
		return zxid;
	}
}

function pause(interrupted: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		if (interrupted.aborted) return resolve();
		const timer = setTimeout(resolve, pauseMs);
		interrupted.addEventListener('abort', () => {
			clearTimeout(timer);
			resolve();
		});
	});
}
