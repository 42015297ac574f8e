/** Reconfigurations of a running ensemble, as an administrator makes them, and what members say of them. */
import { memberLine } from './ensemble.ts';
import { asSuperUser, type ReachableMember } from './ensemble-agreement.ts';
import { eventually } from './ensemble-wait.ts';
import type { WireReply } from './wire-client.ts';

export interface Reconfiguration {
	readonly add?: readonly (ReachableMember | string)[];
	readonly remove?: readonly number[];
	/** All members, instead of those two. */
	readonly members?: readonly (ReachableMember | string)[];
	/** The version that is to be changed; any unless given. */
	readonly version?: number;
}

/** The new configuration's text. @throws with the error's number when it is refused */
export async function reconfigure(through: ReachableMember, change: Reconfiguration): Promise<string> {
	const reply = await asSuperUser(through, (client) =>
		client.send({
			kind: 'reconfig',
			joiningServers: linesOf(change.add),
			leavingServers: change.remove?.join(',') ?? null,
			newMembers: linesOf(change.members),
			configId: BigInt(change.version ?? -1),
		}),
	);
	return textIn(reply);
}

/** Again when the connection ends without an answer, as it does when the leader leaves. @returns when a member says that it is so */
export async function reconfigureSurely(among: readonly ReachableMember[], change: Reconfiguration): Promise<void> {
	await eventually('a reconfiguration is made', async () => {
		for (const member of among) {
			if (await hasMembers(member, change).catch(() => false)) return true;
			await reconfigure(member, change).catch(() => undefined);
		}
		return undefined;
	});
}

/** `/zookeeper/config` as this member has it. */
export async function configOf(member: ReachableMember): Promise<string> {
	return asSuperUser(member, async (client) =>
		textIn(await client.send({ kind: 'getData', path: '/zookeeper/config', watch: false })),
	);
}

/** Waits until all of these say that these are the members. */
export async function membersAre(among: readonly ReachableMember[], ids: readonly number[]): Promise<void> {
	for (const member of among) {
		await eventually(`member ${member.id} knows ${ids.join(', ')}`, async () => {
			const found = idsIn(await configOf(member));
			if (found.join() === [...ids].sort((a, b) => a - b).join()) return true;
			throw new Error(found.join(', '));
		});
	}
}

export function idsIn(config: string): number[] {
	return [...config.matchAll(/^server\.(\d+)=/gm)].map(([, id]) => Number(id)).sort((a, b) => a - b);
}

async function hasMembers(
	member: ReachableMember,
	{ add = [], remove = [], members }: Reconfiguration,
): Promise<boolean> {
	const text = await configOf(member);
	const has = (line: ReachableMember | string) => text.split('\n').includes(lineOf(line));
	if (members !== undefined) return members.every(has) && idsIn(text).length === members.length;
	return add.every(has) && !remove.some((id) => idsIn(text).includes(id));
}

function linesOf(members: Reconfiguration['add']): string | null {
	return members === undefined ? null : members.map(lineOf).join(',');
}

function lineOf(member: ReachableMember | string): string {
	return typeof member === 'string' ? member : memberLine(member.place);
}

function textIn({ error, response }: WireReply): string {
	if (error !== 0) throw new Error(`error ${error}`);
	if (response?.kind !== 'getData' && response?.kind !== 'reconfig') throw new Error(`${response?.kind} came`);
	return Buffer.from(response.data ?? []).toString();
}
