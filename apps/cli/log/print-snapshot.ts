/** One snapshot: what it holds in a few lines, or every node. */
import { basename } from 'node:path';
import type { Acl, StoredStat } from '#jute/records';
import { openAcl } from '#jute/records';
import type { SessionId } from '#jute/scalars';
import { loadSnapshot, type SnapshotSummary } from '#storage/snapshot-reader';
import type { Terminal } from '../terminal.ts';
import { dataObject, statObject } from '../view/json.ts';
import { Table } from '../view/table.ts';
import { aclText, count, hex, preview, printable, size } from '../view/text.ts';

/**
 * @param nodes whether every session and node is shown, not only how many there are.
 * @returns false when nobody reads any more.
 * @throws SnapshotDamage
 */
export async function printSnapshot(terminal: Terminal, file: string, nodes: boolean): Promise<boolean> {
	const show = terminal.json ? objectsOf(terminal, file) : linesOf(terminal, file);
	const acls = new Map<bigint, readonly Acl[]>([[-1n, openAcl]]);
	const steps = loadSnapshot(file, {
		...(nodes ? { session: (id, timeoutMs) => show.session(id, timeoutMs) } : {}),
		acl: (id, acl) => acls.set(id, acl),
		...(nodes ? { node: (path, data, aclId, stat) => show.node(path, data, acls.get(aclId), stat) } : {}),
	});
	for (;;) {
		const step = steps.next();
		if (step.done) {
			show.end(step.value);
			return terminal.keepUp();
		}
		if (!(await terminal.keepUp())) return false;
	}
}

interface Show {
	session(id: SessionId, timeoutMs: number): void;
	/** The ACL is undefined when the snapshot does not have the list that the node names. */
	node(path: string, data: Uint8Array | null, acl: readonly Acl[] | undefined, stat: StoredStat): void;
	end(summary: SnapshotSummary): void;
}

function objectsOf(terminal: Terminal, file: string): Show {
	return {
		session: (id, timeoutMs) => terminal.object({ kind: 'session', file, session: hex(id), timeoutMs }),
		node: (path, data, acl, stat) =>
			terminal.object({ kind: 'node', file, path, ...dataObject(data), ...statObject(stat), acl: acl ?? null }),
		end: ({ nodes, sessions, bytes, digest }) =>
			terminal.object({
				kind: 'snapshot',
				file,
				nodes,
				sessions,
				bytes,
				digest:
					digest === null ? null : { zxid: hex(digest.zxid), version: digest.version, value: digest.value.toString() },
			}),
	};
}

function linesOf(terminal: Terminal, file: string): Show {
	const { dim } = terminal.colors;
	terminal.line(dim(`# ${file}`));
	const table = new Table(terminal, [
		{ title: 'CZXID' },
		{ title: 'MZXID' },
		{ title: 'PZXID' },
		{ title: 'VERSION', align: 'right' },
		{ title: 'CVERSION', align: 'right' },
		{ title: 'AVERSION', align: 'right' },
		{ title: 'OWNER' },
		{ title: 'PATH' },
		{ title: 'DATA, ACL' },
	]);
	return {
		session: (id, timeoutMs) => terminal.line(`session ${hex(id)} timeout ${timeoutMs} ms`),
		node: (path, data, acl, stat) =>
			table.row(
				hex(stat.czxid),
				hex(stat.mzxid),
				hex(stat.pzxid),
				`${stat.version}`,
				`${stat.cversion}`,
				`${stat.aversion}`,
				stat.ephemeralOwner === 0n ? '-' : hex(stat.ephemeralOwner),
				printable(path),
				`${preview(data)} ${acl === undefined ? '(its ACL is not in the snapshot)' : aclText(acl)}`,
			),
		end: ({ nodes, sessions, bytes, digest }) => {
			table.flush();
			const said =
				digest === null
					? 'no digest section'
					: digest.zxid === 0
						? 'an empty digest section'
						: `digest ${digest.value} at ${hex(digest.zxid)}`;
			terminal.line(
				dim(`# ${basename(file)}: ${count(nodes)} nodes, ${count(sessions)} sessions, ${said}, ${size(bytes)}`),
			);
		},
	};
}
