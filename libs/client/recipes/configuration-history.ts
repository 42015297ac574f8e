/** What a configuration was, out of the history: the server mirrors it to PostgreSQL. */
import type { Chronokeeper } from '../chronokeeper.ts';
import { ClientError } from '../client-error.ts';
import { decodeNote, decodeValue, type Values } from './configuration-nodes.ts';
import { pause } from './pause.ts';

/** One update. */
export interface ConfigurationVersion {
	readonly version: number;
	readonly zxid: bigint;
	/** Unix time in ms, by the clock of the leader. */
	readonly timeMs: number;
	readonly reason: string | undefined;
	/** Identities of who did it, `scheme:id`. */
	readonly by: readonly string[];
}

/** The mirror is behind what was just written, mostly by milliseconds. */
const patienceMs = 10_000;
const pauseMs = 50;
/** Of a history that is about to begin. */
const passing: ReadonlySet<string> = new Set(['UNAVAILABLE', 'OUT_OF_RANGE']);

/** The latest, the newest first. */
export async function configurationVersions(
	ck: Chronokeeper,
	path: string,
	limit: number,
): Promise<ConfigurationVersion[]> {
	await mirrored(ck, path);
	const updates = (await updatesOf(ck, path)).slice(-limit).reverse();
	return Promise.all(
		updates.map(async (update) => {
			const { znode } = await ck.replica.znodeAt(ck.wholePath(path), update.zxid);
			return { ...update, reason: decodeNote(znode?.data ?? null)?.reason };
		}),
	);
}

/** @throws RangeError when the history has no such version; Error when a value is withheld */
export async function configurationAt(ck: Chronokeeper, path: string, version: number): Promise<Values> {
	await mirrored(ck, path);
	const update = (await updatesOf(ck, path)).find((one) => one.version === version);
	if (update === undefined) throw new RangeError(`the history has no version ${version} of ${path}`);
	const prefix = ck.wholePath(path);
	const values: Record<string, unknown> = Object.create(null);
	for await (const { znodes } of ck.replica.treeAt(update.zxid, prefix)) {
		for (const { path: whole, data, withheld, redacted } of znodes) {
			const key = whole.slice(prefix.length + 1);
			if (key === '' || key.includes('/')) continue;
			if (withheld || redacted) throw new Error(`${ck.shownPath(whole)} of then may not be read`);
			values[key] = decodeValue(data ?? null);
		}
	}
	return values;
}

/** Since it was created last, in order. */
async function updatesOf(ck: Chronokeeper, path: string): Promise<Omit<ConfigurationVersion, 'reason'>[]> {
	const whole = ck.wholePath(path);
	let updates: Omit<ConfigurationVersion, 'reason'>[] = [];
	for await (const { zxid, timeMs, changes, context } of ck.replica.history({ path: whole })) {
		for (const change of changes) {
			if (change.path !== whole || change.version === undefined || change.type === 'setACL') continue;
			if (change.type !== 'setData') updates = [];
			const by = context?.identities.map(({ scheme, id }) => `${scheme}:${id}`) ?? [];
			updates.push({ version: change.version, zxid, timeMs: Number(timeMs), by });
		}
	}
	return updates;
}

/** Until the history has the last update. */
async function mirrored(ck: Chronokeeper, path: string): Promise<void> {
	const mzxid = (await ck.exists(path))?.mzxid ?? 0n;
	const giveUpAt = performance.now() + patienceMs;
	for (;;) {
		try {
			if ((await ck.replica.znodeAt(ck.wholePath(path))).zxid >= mzxid) return;
			if (performance.now() > giveUpAt) throw new Error(`the history is behind ${path} for more than ${patienceMs} ms`);
		} catch (error) {
			const isPassing = error instanceof ClientError && passing.has(error.status);
			if (!isPassing || performance.now() > giveUpAt) throw error;
		}
		await pause(pauseMs);
	}
}
