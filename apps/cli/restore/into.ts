/** `ck restore --into`: data directories of the state at a zxid, for one server or for all of an ensemble. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Restored, RestoreOptions } from '#audit/restore';
import type { Zxid } from '#core/model/zxid';
import { withHistory } from '../audit-database.ts';
import type { CommandContext } from '../command-context.ts';
import { Failure, UsageFailure } from '../failure.ts';
import { Progress } from '../progress.ts';
import type { DatabaseOptions } from '../shared-options.ts';
import { count, duration, hex, size } from '../view/text.ts';
import { type Moment, zxidOfMoment } from './moment.ts';

export interface IntoOptions extends DatabaseOptions {
	readonly epoch?: number;
	readonly servers?: number;
	/** A zoo.cfg. */
	readonly for?: string;
	readonly keepSessions?: boolean;
	readonly withoutRedacted?: boolean;
}

export async function restoreInto(
	context: CommandContext,
	moment: Moment,
	intoDir: string,
	options: IntoOptions,
): Promise<void> {
	const { terminal } = context;
	const servers = serversOf(options);
	const { epoch, keepSessions = false, withoutRedacted = false } = options;
	const { restored, zxid, elapsedMs } = await restoreState(context, moment, options, {
		intoDir,
		sessions: keepSessions ? 'keep' : 'end',
		withoutRedacted,
		...(servers === undefined ? {} : { servers }),
		...(epoch === undefined ? {} : { epoch }),
	});
	const { file, directories, startZxid, nodes, sessions, endedSessions, digest, contentHash, bytes, redacted } =
		restored;
	if (terminal.json) {
		terminal.object({
			zxid: hex(zxid),
			digest: digest.toString(),
			file,
			directories,
			startZxid: hex(startZxid),
			epoch: restored.epoch,
			nodes,
			sessions,
			endedSessions,
			bytes,
			contentHash,
			...(redacted.length > 0 && { redacted }),
		});
		return;
	}
	for (const path of redacted) terminal.warn(`${path} has no data: they were kept out of PostgreSQL`);
	terminal.line(
		`restored to ${hex(zxid)}: digest ${digest}, ${count(nodes)} nodes, in ${duration(elapsedMs)}; ${count(endedSessions)} of ${count(sessions)} sessions ended`,
	);
	terminal.line(
		`${file} (${size(bytes)}); a server that starts from it goes on in epoch ${restored.epoch}, behind ${hex(startZxid)}`,
	);
	if (servers === undefined) terminal.note(`Start it with dataDir=${intoDir}. For an ensemble: --servers or --for.`);
	else {
		for (const [at, directory] of directories.entries()) terminal.line(`server ${servers[at]}: dataDir=${directory}`);
		terminal.note('Stop all servers, and start all of them from these directories: none may keep the one it had.');
	}
}

/** What `ck clone` needs too. */
export async function restoreState(
	{ terminal }: CommandContext,
	moment: Moment,
	options: DatabaseOptions,
	what: Omit<RestoreOptions, 'databaseUrl' | 'zxid' | 'progress'>,
): Promise<{ readonly restored: Restored; readonly zxid: Zxid; readonly elapsedMs: number }> {
	const { restore } = await import('#audit/restore');
	const progress = new Progress(terminal, 'restore');
	try {
		return await withHistory(options, async (history, databaseUrl) => {
			const zxid = await zxidOfMoment(moment, history);
			const restored = await restore({
				...what,
				databaseUrl,
				zxid,
				progress: ({ phase, nodes, total }) =>
					progress.update({
						done: total === null ? 0 : phases.indexOf(phase) * total + nodes,
						total: total === null ? 0 : phases.length * total,
						detail: `${phase}, ${count(nodes)} nodes`,
					}),
			});
			return { restored, zxid, elapsedMs: progress.elapsedMs };
		});
	} finally {
		progress.stop();
	}
}

/** Reading, writing and verifying take about as long as each other. */
const phases = ['read', 'write', 'verify'] as const;

function serversOf({ servers, for: file }: IntoOptions): number[] | undefined {
	if (servers !== undefined && file !== undefined) throw new UsageFailure('--servers or --for, not both');
	if (servers !== undefined) {
		if (servers < 1 || servers > 255) throw new UsageFailure('--servers must be from 1 to 255');
		return Array.from({ length: servers }, (_, i) => i + 1);
	}
	if (file === undefined) return undefined;
	const ids = serverIds(textOf(file));
	// What a reconfiguration made stands in a file of its own.
	const dynamic = /^\s*dynamicConfigFile\s*[=:]\s*(.+?)\s*$/m.exec(textOf(file))?.[1];
	if (dynamic !== undefined) ids.push(...serverIds(textOf(resolve(join(file, '..'), dynamic))));
	if (ids.length === 0) throw new Failure(`${file} names no servers`, 'A line of one is like server.1=host:2888:3888.');
	return [...new Set(ids)].sort((one, other) => one - other);
}

function serverIds(text: string): number[] {
	return [...text.matchAll(/^\s*server\.([0-9]+)\s*[=:]/gm)].map(([, id]) => Number(id));
}

function textOf(file: string): string {
	try {
		return readFileSync(file, 'utf8');
	} catch (error) {
		throw new Failure(`${file} cannot be read: ${(error as Error).message}`);
	}
}
