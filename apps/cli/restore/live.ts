/** `ck restore --live` and `ck revert`: plan, start, and how it goes on. */
import type { ChronokeeperClient } from '#client/client';
import { type Restore, RestoreState, type RestoreTarget } from '#client/restores';
import type { CommandContext } from '../command-context.ts';
import { Failure, UsageFailure } from '../failure.ts';
import { Progress } from '../progress.ts';
import { withClient } from '../server-connection.ts';
import type { ServerOptions } from '../shared-options.ts';
import type { Terminal } from '../terminal.ts';
import { count, duration, hex, printable, time } from '../view/text.ts';
import { printPlan } from './print-plan.ts';

export interface LiveOptions extends ServerOptions {
	readonly dryRun?: boolean;
	readonly force?: boolean;
	readonly reason?: string;
	readonly unchangedSince?: number;
}

export async function undoLive(context: CommandContext, target: RestoreTarget, options: LiveOptions): Promise<void> {
	const { terminal } = context;
	if (options.dryRun === true) {
		await withClient(options, (client) => showPlan(terminal, client, target, options));
		return;
	}
	const { reason } = options;
	if (reason === undefined) {
		throw new UsageFailure('why? --reason TEXT stands in the history', '--dry-run shows what it would do.');
	}
	await withClient(options, async (client) => {
		const { force = false, unchangedSince } = options;
		const unchangedSinceZxid = unchangedSince === undefined ? undefined : BigInt(unchangedSince);
		const { id } = await client.restores.start(target, reason, { force, unchangedSinceZxid });
		await follow(terminal, client, id);
	});
}

export async function resumeLive(context: CommandContext, id: number, options: LiveOptions): Promise<void> {
	await withClient(options, async (client) => {
		await client.restores.resume(id, options.force === true);
		await follow(context.terminal, client, id);
	});
}

export async function abortLive({ terminal }: CommandContext, id: number, options: ServerOptions): Promise<void> {
	const restore = await withClient(options, (client) => client.restores.abort(id));
	if (terminal.json) terminal.object(restoreObject(restore));
	else terminal.line(`restore ${id} is given up: ${count(restore.changesDone)} changes were made, and stay`);
}

export async function listLive({ terminal }: CommandContext, options: ServerOptions): Promise<void> {
	const restores = await withClient(options, (client) => client.restores.list());
	for (const restore of restores) {
		if (terminal.json) terminal.object(restoreObject(restore));
		else {
			const { id, beganMs, reason, by, changesDone, changesPlanned } = restore;
			const done = `${count(changesDone)} of ${count(changesPlanned)} changes`;
			terminal.line(
				`${id}  ${time(beganMs)}  ${stateOf(restore)}  ${whatOf(restore)}  ${done}  ${printable(by)}  "${printable(reason)}"`,
			);
		}
	}
}

async function showPlan(
	terminal: Terminal,
	client: ChronokeeperClient,
	target: RestoreTarget,
	{ force = false }: LiveOptions,
): Promise<void> {
	for await (const message of client.restores.plan(target, force)) {
		const summary = printPlan(terminal, message);
		if (summary !== undefined && !terminal.json) {
			terminal.note(
				`Nothing was changed. With --unchanged-since ${hex(summary.baseZxid)} a restore stops where others have written since.`,
			);
		}
		if (!(await terminal.keepUp())) return;
	}
}

async function follow(terminal: Terminal, client: ChronokeeperClient, id: number): Promise<void> {
	const progress = new Progress(terminal, `restore ${id}`);
	if (!terminal.json) terminal.note(`restore ${id} has begun; whatever happens here, it goes on (ck restore --list)`);
	let last: Restore | undefined;
	try {
		for await (const restore of client.restores.watch(id)) {
			last = restore;
			const { changesDone, changesPlanned } = restore;
			const detail = `${count(changesDone)} of ${count(changesPlanned)} changes`;
			progress.update({ done: Number(changesDone), total: Number(changesPlanned), detail });
		}
	} catch (error) {
		terminal.note(`restore ${id} may stand still: see \`ck restore --list\` at another replica, and resume it there`);
		throw error;
	} finally {
		progress.stop();
	}
	if (last !== undefined) tell(terminal, last, progress.elapsedMs);
}

/** @throws Failure unless it is done */
function tell(terminal: Terminal, restore: Restore, elapsedMs: number): void {
	const { id, state, conflicts, conflictCount, left, leftCount, ephemerals, changesDone, multis, problem } = restore;
	if (terminal.json) terminal.object(restoreObject(restore));
	else {
		for (const { path, what } of conflicts) terminal.line(terminal.colors.red(`! ${printable(path)}  ${what}`));
		for (const { path, reason } of left) terminal.line(terminal.colors.yellow(`! ${printable(path)}  ${reason}`));
		if (BigInt(left.length) < leftCount) terminal.line(`… ${count(leftCount)} nodes in all stay as they are`);
	}
	if (state === RestoreState.RESTORE_STATE_CONFLICT) {
		throw new Failure(
			`restore ${id} stands still: others have written ${count(conflictCount)} of its nodes since it began; ${count(changesDone)} changes were made`,
			`\`ck restore --resume ${id} --force\` overwrites that, \`ck restore --abort ${id}\` gives up.`,
		);
	}
	if (state === RestoreState.RESTORE_STATE_FAILED) {
		throw new Failure(
			`restore ${id} failed: ${problem}; ${count(changesDone)} changes were made`,
			`When that is mended, \`ck restore --resume ${id}\` goes on.`,
		);
	}
	if (state !== RestoreState.RESTORE_STATE_DONE) throw new Failure(`restore ${id} is ${stateOf(restore)}`);
	if (terminal.json) return;
	const zxids = restore.zxids.map(({ first, last }) => (first === last ? hex(first) : `${hex(first)}–${hex(last)}`));
	terminal.line(
		`${whatOf(restore)}: ${count(changesDone)} changes in ${count(multis)} multis, transactions ${zxids.join(', ')}, in ${duration(elapsedMs)}`,
	);
	if (conflictCount > 0n) terminal.note(`${count(conflictCount)} nodes were written by others meanwhile: see above.`);
	if (ephemerals > 0n) terminal.note(`${count(ephemerals)} ephemeral nodes of then were not made again.`);
}

function whatOf({ isRevert, zxid, path, force }: Restore): string {
	const what = isRevert ? `reverted ${hex(zxid)}` : `restored ${printable(path)} to ${hex(zxid)}`;
	return force ? `${what} by force` : what;
}

function stateOf({ state, isRunningHere }: Restore): string {
	switch (state) {
		case RestoreState.RESTORE_STATE_RUNNING:
			return isRunningHere ? 'running here' : 'running';
		case RestoreState.RESTORE_STATE_DONE:
			return 'done';
		case RestoreState.RESTORE_STATE_CONFLICT:
			return 'conflict';
		case RestoreState.RESTORE_STATE_FAILED:
			return 'failed';
		case RestoreState.RESTORE_STATE_ABORTED:
			return 'aborted';
		default:
			return 'unknown';
	}
}

function restoreObject(restore: Restore): object {
	const { zxid, baseZxid, beganMs, changedMs, changesDone, changesPlanned, conflictCount, leftCount, ...others } =
		restore;
	const { ephemerals, zxids, left, state: _, isRunningHere, ...rest } = others;
	return {
		...rest,
		state: stateOf({ ...restore, isRunningHere: false }),
		isRunningHere,
		zxid: hex(zxid),
		baseZxid: hex(baseZxid),
		began: time(beganMs),
		changed: time(changedMs),
		changesDone: Number(changesDone),
		changesPlanned: Number(changesPlanned),
		conflictCount: Number(conflictCount),
		left: left.map(({ path, reason }) => ({ path, reason })),
		leftCount: Number(leftCount),
		ephemerals: Number(ephemerals),
		zxids: zxids.map(({ first, last }) => [hex(first), hex(last)]),
	};
}
