import { staysLeader } from '../membership.ts';
import type { QuorumConfig } from '../quorum-config.ts';

/**
 * Who is to lead when a configuration comes into force (semantics 82): this server as long as it is a voter at the same address, otherwise the voter that has
 * most of what is proposed on its disk, so that least of it is dropped.
 * @param acknowledged up to where each server has the proposals on its disk; a quorum of `next` is among them
 */
export function designatedLeader(
	serverId: number,
	current: QuorumConfig,
	next: QuorumConfig,
	acknowledged: ReadonlyMap<number, number>,
): number {
	if (staysLeader(current, next, serverId)) return serverId;
	let best = serverId;
	let reached = -1;
	for (const [id, zxid] of acknowledged) {
		if (id === serverId || next.weight(id) === 0 || zxid < reached) continue;
		if (zxid === reached && id > best) continue;
		best = id;
		reached = zxid;
	}
	return best;
}
