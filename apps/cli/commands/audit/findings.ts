/** What `ck audit verify` and `ck audit check` say of rows that are wrong, and the keys that they verify with. */
import type { VerifyingKey } from '#audit/checkpoint-key';
import type { Verified } from '#audit/verify/outcome';
import { Failure } from '../../failure.ts';
import type { Terminal } from '../../terminal.ts';
import { count, hex } from '../../view/text.ts';

/** People read some; with --json there are all that were kept. */
const shownRows = 50;

export async function keysOf(files: readonly string[] | undefined): Promise<VerifyingKey[]> {
	const { KeyRefused, readVerifyingKey } = await import('#audit/checkpoint-key');
	try {
		return (files ?? []).map((file) => readVerifyingKey(file));
	} catch (error) {
		throw error instanceof KeyRefused ? new Failure(error.message) : error;
	}
}

/** Each use of --pubkey adds one. */
export function pubkeyArgument(file: string, before: readonly string[] = []): string[] {
	return [...before, file];
}

export function printFindings(terminal: Terminal, { findings, wrongRows }: Verified): void {
	for (const { table, row, problem } of findings.slice(0, shownRows)) terminal.error(`${table} ${row}: ${problem}`);
	const more = wrongRows - Math.min(shownRows, findings.length);
	if (more > 0) terminal.error(`and ${count(more)} more`);
	if (wrongRows > 0)
		terminal.note('What is listed first is the cause, as a rule: rows behind it may only follow from it.');
}

export function signedWords(
	{ checkpoints, signedCheckpoints, signedZxid, signedMs, unsignedTxns }: Verified,
	isAsked: boolean,
): string {
	if (checkpoints === 0)
		return 'There are no signed checkpoints: whoever may write to the database could have made all of it anew.';
	if (!isAsked)
		return `There are ${count(checkpoints)} checkpoints; their signatures were not looked at, without --pubkey.`;
	if (signedZxid === null) return 'No checkpoint has a good signature.';
	const behind =
		unsignedTxns === 0
			? ''
			: `; ${count(unsignedTxns)} transactions behind it are not signed yet, and if some were cut off there, nothing here can tell`;
	const when = signedMs === null ? '' : ` (signed ${new Date(signedMs).toISOString()})`;
	return `${count(signedCheckpoints)} checkpoints have good signatures, the last at ${hex(signedZxid)}${when}${behind}.`;
}

export function verifiedObject(verified: Verified): object {
	const {
		firstZxid,
		lastZxid,
		digest,
		hash,
		gaps,
		bases,
		epochRuns,
		signedZxid,
		signedMs,
		redactedFrom,
		findings,
		...counts
	} = verified;
	const zxid = (value: typeof firstZxid) => (value === null ? null : hex(value));
	return {
		...counts,
		firstZxid: zxid(firstZxid),
		lastZxid: zxid(lastZxid),
		digest: digest.toString(),
		hash: hash.toString('hex'),
		gaps: gaps.map((it) => ({ ...it, afterZxid: hex(it.afterZxid), throughZxid: hex(it.throughZxid) })),
		bases: bases.map((it) => hex(it.zxid)),
		epochs: epochRuns.map((it) => ({ ...it, first: hex(it.first), last: hex(it.last) })),
		signedZxid: zxid(signedZxid),
		signed: signedMs === null ? null : new Date(signedMs).toISOString(),
		redactedFrom: zxid(redactedFrom),
		findings: findings.map((it) => ({ ...it, zxid: zxid(it.zxid) })),
	};
}
