/**
 * A snapshot as ZooKeeper's leader streams it: the sessions and ACLs of its beginning, then one node after the other as each is by then, while transactions go on.
 * A node's children are noted when it is written.
 */
import type { DataTree } from '#core/tree/data-tree';
import { type FrozenNode, type FrozenTree, type FrozenTreeMessage, frozenNodes } from '#core/tree/frozen-tree';
import { JuteWriter } from '#jute/codec';
import { writeAclEntry, writeNode, writeSession } from '#storage/snapshot-items';

export function* fuzzyStream(frozen: FrozenTree, live: DataTree): Generator<Uint8Array, void> {
	const message = frozen.transferable();
	yield chunkOf((writer) => {
		writer.writeInt(message.sessions.size);
		for (const [id, timeoutMs] of message.sessions) writeSession(writer, id, timeoutMs);
		writer.writeInt(message.acls.length);
		for (const [id, acl] of message.acls) writeAclEntry(writer, id, acl);
	});
	let nodes = imageOf(message);
	const paths = ['/'];
	for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
		// With as many freezes as there can be the one before has to do.
		if (live.canFreeze) {
			const now = live.freeze();
			nodes = imageOf(now.transferable());
			now.release();
		}
		const node = nodes.get(path);
		if (node === undefined) continue;
		yield chunkOf((writer) => writeNode(writer, node));
		const prefix = path === '/' ? '/' : `${path}/`;
		for (const other of nodes.keys()) {
			if (other !== '/' && other.startsWith(prefix) && !other.includes('/', prefix.length)) paths.push(other);
		}
	}
	yield chunkOf((writer) => {
		writer.writeString('/');
		writer.writeString('BenWasHere');
	});
}

function imageOf(message: FrozenTreeMessage): Map<string, FrozenNode> {
	const nodes = new Map<string, FrozenNode>();
	for (const node of frozenNodes(message)) nodes.set(node.path, { ...node, data: node.data?.slice() ?? null });
	return nodes;
}

function chunkOf(write: (writer: JuteWriter) => void): Uint8Array {
	const writer = new JuteWriter(256);
	write(writer);
	return writer.view().slice();
}
