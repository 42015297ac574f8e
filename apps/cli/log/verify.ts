/** `ck log --verify`: replay, compare every digest, and say so in one last line. */
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { Zxid } from '#jute/scalars';
import { DataDirectory } from '#storage/data-directory';
import { describeMismatch, harmlessCauses } from '#storage/digest-check';
import { type VerifyProgress, verifiedLine, verify } from '#storage/verify';
import type { CommandContext } from '../command-context.ts';
import { exitCodes } from '../failure.ts';
import { Progress } from '../progress.ts';
import { hex, size } from '../view/text.ts';

export interface VerifyOptions {
	readonly dataLogDir: string | undefined;
	readonly until: Zxid | undefined;
}

/** @throws StorageDamage */
export function verifyDirectory(context: CommandContext, dataDir: string, options: VerifyOptions): void {
	const { terminal } = context;
	const progress = new Progress(terminal, 'verify');
	const { dataLogDir, until } = options;
	const { doneBefore, total } = plan(new DataDirectory(dataDir, dataLogDir));
	try {
		const verified = verify({
			dataDir,
			...(dataLogDir === undefined ? {} : { dataLogDir }),
			...(until === undefined ? {} : { until }),
			progress: (step) => {
				const { file, bytesDone } = step;
				const done = doneBefore(step) + bytesDone;
				progress.update({ done, total, detail: `${basename(file)}, ${size(done)} of ${size(total)}` });
			},
		});
		progress.stop();
		for (const warning of verified.warnings) terminal.warn(warning);
		for (const { after, snapshot } of verified.holes) {
			terminal.warn(
				`transactions are missing behind ${hex(after)}; history goes on from ${snapshot.path}, which holds the tree right before the next one`,
			);
		}
		for (const damage of verified.damage) terminal.error(damage.message);
		const { firstMismatch: first } = verified;
		if (first !== null) {
			const at = first.offset === null ? '' : ` at byte ${first.offset}`;
			terminal.error(`${first.file}${at}: ${describeMismatch(first)}`, `It is the first mismatch. ${harmlessCauses}.`);
		}
		// Before the last line: whoever reads that one may go away.
		const isSound = verified.mismatches === 0 && verified.damage.length === 0;
		context.setExitCode(isSound ? exitCodes.done : exitCodes.failed);
		if (!terminal.json) terminal.line(verifiedLine(verified));
		else {
			const { txns, mismatches, lastZxid, digest } = verified;
			const damage = verified.damage.map(({ message }) => message);
			terminal.object({ txns, mismatches, lastZxid: hex(lastZxid), digest: digest.toString(), damage });
		}
	} finally {
		progress.stop();
	}
}

/** What is read one after the other: each snapshot to check it, the oldest once more, the logs. */
function plan(directory: DataDirectory): { doneBefore: (step: VerifyProgress) => number; total: number } {
	const before = new Map<string, number>();
	let checked = 0;
	for (const { path } of directory.snapshots()) {
		before.set(path, checked);
		checked += statSync(path).size;
	}
	const oldest = directory.snapshots()[0];
	const loaded = checked + (oldest === undefined ? 0 : statSync(oldest.path).size);
	const logs = directory.logs().reduce((sum, { path }) => sum + statSync(path).size, 0);
	const doneBefore = ({ phase, file }: VerifyProgress): number => {
		if (phase === 'check') return before.get(file) ?? 0;
		// Progress of the logs counts all of them.
		return phase === 'snapshot' ? checked : loaded;
	};
	return { doneBefore, total: loaded + logs };
}
