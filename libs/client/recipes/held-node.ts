/** Ephemeral nodes that stand for a possession and whose names are not sequential: whoever creates one has it. */
import type { Chronokeeper } from '../chronokeeper.ts';
import { NodeExistsError, OutcomeUnknownError } from '../errors.ts';
import type { AclOption } from './acl-option.ts';
import type { HeldNode } from './held.ts';
import { isForLostConnection, overSessions, retryMs } from './over-sessions.ts';
import { unhurried } from './patience.ts';
import { pause } from './pause.ts';

/**
 * Creates the node. When the answer is lost the node itself tells whose it is.
 * @param data of nobody else who wants this node
 * @returns undefined when there is one already @throws NoNodeError without the parent, unless `parents`
 */
export async function createHeldNode(
	ck: Chronokeeper,
	path: string,
	data: string,
	{ acl, parents = false }: AclOption & { readonly parents?: boolean },
): Promise<HeldNode | undefined> {
	for (;;) {
		try {
			const options = { mode: 'ephemeral', parents, acl, parentsAcl: acl, ...unhurried } as const;
			const { stat } = await ck.create(path, data, options);
			const { session } = ck;
			if (stat.ephemeralOwner === session.id) return { path, token: stat.czxid, session };
			// The session that created it has been lost since.
		} catch (error) {
			if (error instanceof NodeExistsError) return undefined;
			if (!isForLostConnection(ck, error)) throw error;
			if (error instanceof OutcomeUnknownError) {
				const found = await overSessions(ck, () => findHeldNode(ck, path, data));
				if (found !== undefined) return found;
			}
			// A server that refuses to open another session is not asked without end.
			await pause(retryMs);
		}
	}
}

/** The node, if it is of this session and these are its data. */
export async function findHeldNode(ck: Chronokeeper, path: string, data: string): Promise<HeldNode | undefined> {
	const { session } = ck;
	const [found] = (await ck.multiRead([{ kind: 'get', path }], { linearizable: true, ...unhurried })).results;
	if (found?.kind !== 'get' || found.stat.ephemeralOwner !== session.id) return undefined;
	if (new TextDecoder().decode(found.data ?? undefined) !== data) return undefined;
	return { path, token: found.stat.czxid, session };
}
