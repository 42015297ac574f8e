/** What a configuration was, out of the history. */
import type { Chronokeeper } from '../chronokeeper.ts';
import { decodeNote, decodeValue, type Values } from './configuration-nodes.ts';

/** One update. */
export interface ConfigurationVersion {
	readonly version: number;
	readonly zxid: bigint;
	/** When the leader prepared it. */
	readonly time: Date;
	readonly reason: string | undefined;
	/** Identities of who did it, `scheme:id`. */
	readonly by: readonly string[];
}

/** The latest, the newest first. */
export async function configurationVersions(
	ck: Chronokeeper,
	path: string,
	limit: number,
): Promise<ConfigurationVersion[]> {
	const updates = (await updatesOf(ck, path)).slice(-limit).reverse();
	return Promise.all(
		updates.map(async (update) => {
			const { data } = await ck.at(update.zxid).get(path);
			return { ...update, reason: decodeNote(data)?.reason };
		}),
	);
}

/** @throws RangeError when the history has no such version; Error when a value is withheld */
export async function configurationAt(ck: Chronokeeper, path: string, version: number): Promise<Values> {
	const update = (await updatesOf(ck, path)).find((one) => one.version === version);
	if (update === undefined) throw new RangeError(`the history has no version ${version} of ${path}`);
	const values: Record<string, unknown> = Object.create(null);
	for await (const node of ck.at(update.zxid).tree(path)) {
		const key = node.path.slice(path.length + 1);
		if (key === '' || key.includes('/')) continue;
		if (node.isWithheld || node.isRedacted) throw new Error(`${node.path} of then may not be read`);
		values[key] = decodeValue(node.data);
	}
	return values;
}

/** Since it was created last, in order. */
async function updatesOf(ck: Chronokeeper, path: string): Promise<Omit<ConfigurationVersion, 'reason'>[]> {
	const latest = await ck.exists(path, { linearizable: true });
	// The history is a moment behind what was just written; this waits for it.
	if (latest !== undefined) await ck.at(latest.mzxid).exists(path);
	let updates: Omit<ConfigurationVersion, 'reason'>[] = [];
	for await (const entry of ck.history(path)) {
		if (entry.kind === 'gap' || entry.version === undefined || entry.type === 'setACL') continue;
		if (entry.type !== 'setData') updates = [];
		const by = entry.by?.identities.map(({ scheme, id }) => `${scheme}:${id}`) ?? [];
		updates.push({ version: entry.version, zxid: entry.zxid, time: entry.time, by });
	}
	return updates;
}
