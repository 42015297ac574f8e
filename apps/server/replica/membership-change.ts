/** What a reconfiguration changed, in words for the log. */
import type { QuorumConfig, QuorumServer } from '#core/zab/quorum-config';
import { formatQuorumServer } from '#core/zab/quorum-server';

export function membershipChange(current: QuorumConfig, previous: QuorumConfig): string {
	const changes = [...joinedOrChanged(current, previous), ...left(current, previous)];
	if (changes.length === 0)
		changes.push(hasSameText(current, previous) ? 'the same servers' : 'other groups or weights');
	return changes.join('; ');
}

function* joinedOrChanged(current: QuorumConfig, previous: QuorumConfig): Iterable<string> {
	for (const [id, server] of current.servers) {
		const before = previous.servers.get(id);
		if (before === undefined) yield `server ${id} joins as ${article(server)} (${formatQuorumServer(server)})`;
		else if (formatQuorumServer(before) !== formatQuorumServer(server)) {
			const role = before.role === server.role ? '' : `becomes ${article(server)} and `;
			yield `server ${id} ${role}is ${formatQuorumServer(server)}`;
		}
	}
}

function* left(current: QuorumConfig, previous: QuorumConfig): Iterable<string> {
	for (const id of previous.servers.keys()) if (!current.servers.has(id)) yield `server ${id} leaves`;
}

function article({ role }: QuorumServer): string {
	return role === 'observer' ? 'an observer' : 'a participant';
}

function hasSameText(one: QuorumConfig, other: QuorumConfig): boolean {
	return one.withVersion(0).toString() === other.withVersion(0).toString();
}
