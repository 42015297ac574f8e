/** A short history that has something of everything: each kind of node and of transaction, two epochs, a hole that only a snapshot leads over. */
import { mkdirSync, readdirSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import type { TxnRecord } from '#core/model/txn-record';
import { makeZxid, type SessionId, type Zxid, zeroZxid } from '#core/model/zxid';
import { DataTree } from '#core/tree/data-tree';
import { frozenNodes } from '#core/tree/frozen-tree';
import { openAcl } from '#jute/acl';
import type { Acl } from '#jute/records';
import type { SubTxn, Txn } from '#jute/txn';
import { trackSession } from '#storage/replay';
import { writeSnapshotFile } from '#storage/snapshot-writer';
import { FileTxnLog } from '#storage/txn-log';

const bob: readonly Acl[] = [{ perms: 31, scheme: 'digest', id: 'bob:Zm9vYmFy' }];
const all: readonly Acl[] = openAcl;
const bytes = (text: string) => new TextEncoder().encode(text);
const first = 0x1000_0314_cd30_019n as SessionId;
const second = 0xf000_0314_cd30_01an as SessionId;

const create = (
	at: string,
	data: string | null = at,
	more: { ephemeral?: boolean; acl?: readonly Acl[] } = {},
): SubTxn => ({
	kind: 'create',
	path: at,
	data: data === null ? null : bytes(data),
	acl: more.acl ?? all,
	ephemeral: more.ephemeral ?? false,
	parentCversion: -1,
});

/** Each with the session that asked. */
const steps: readonly (readonly [SessionId, Txn])[] = [
	[first, { kind: 'createSession', timeoutMs: 10_000 }],
	[first, create('/a')],
	[first, create('/a/b', null)],
	[first, create('/a/e', 'mine', { ephemeral: true })],
	[second, { kind: 'createSession', timeoutMs: 30_000 }],
	[second, { kind: 'createContainer', path: '/c', data: null, acl: all, parentCversion: -1 }],
	[second, { kind: 'createTTL', path: '/t', data: bytes('t'), acl: bob, parentCversion: -1, ttlMs: 86_400_000 }],
	[first, { kind: 'setData', path: '/a', data: bytes('second'), version: 1 }],
	[first, { kind: 'error', code: -101 }],
	[first, { kind: 'setACL', path: '/a/b', acl: bob, version: 1 }],
	[
		second,
		{
			kind: 'multi',
			ops: [
				create('/m'),
				create('/m/1', 'one', { ephemeral: true }),
				{ kind: 'check', path: '/a', version: 1 },
				create('/m/2'),
				{ kind: 'delete', path: '/m/2' },
				{ kind: 'setData', path: '/a', data: bytes('third'), version: 2 },
			],
		},
	],
	[
		second,
		{
			kind: 'multi',
			ops: [
				{ kind: 'error', code: -103 },
				{ kind: 'error', code: -2 },
			],
		},
	],
	[first, { kind: 'setData', path: '/a/e', data: null, version: 1 }],
	[first, create('/zookeeper/quota/a', null)],
	[first, create('/zookeeper/quota/a/zookeeper_limits', 'count=100,bytes=-1')],
	[first, create('/zookeeper/quota/a/zookeeper_stats', 'count=3,bytes=5')],
	[first, create('/a/q', 'below a quota')],
	[second, { kind: 'delete', path: '/t' }],
	[second, create('/t', 'again')],
	[first, { kind: 'closeSession', paths: ['/a/e'] }],
];

export interface VariedHistory {
	readonly dataDir: string;
	readonly lastZxid: Zxid;
	readonly txns: number;
}

/**
 * Epoch 1 with everything, epoch 2 with some of it again, unless there is to be one. With `hole` the log of the beginning of epoch 2 is not there.
 */
export async function writeVariedHistory(dataDir: string, { hole = false, epochs = 2 } = {}): Promise<VariedHistory> {
	const directory = path.join(dataDir, 'version-2');
	mkdirSync(directory, { recursive: true });
	const tree = new DataTree();
	const sessions = new Map<SessionId, number>();
	const log = new FileTxnLog({ directory, lastZxid: zeroZxid, preAllocSizeKiB: 4 });
	let last = zeroZxid;
	const add = (zxid: Zxid, sessionId: SessionId, txn: Txn): void => {
		const header = { sessionId, cxid: zxid % 1000, zxid, time: 1_795_245_000_000 + (zxid % 2 ** 32) * 7 };
		tree.apply({ header, txn });
		const digest = txn.kind === 'error' ? null : { version: 2, value: tree.digest() };
		const record: TxnRecord = { header, txn, digest, context: null };
		trackSession(sessions, record);
		log.append([record]);
		last = zxid;
	};
	const snapshot = (): void => {
		const frozen = tree.freeze();
		frozen.sessions = sessions;
		const { acls, digest, zxid } = frozen;
		writeSnapshotFile(directory, { zxid, sessions, acls, nodes: frozenNodes(frozen.transferable()) }, digest);
		frozen.release();
	};
	snapshot();
	log.roll();
	for (const [i, [session, txn]] of steps.entries()) add(makeZxid(1, i + 1), session, txn);
	if (epochs === 1) {
		await log.close();
		return { dataDir, lastZxid: last, txns: steps.length };
	}
	log.roll();
	let counter = 1;
	add(makeZxid(2, counter++), first, { kind: 'createSession', timeoutMs: 20_000 });
	for (let i = 0; i < 6; i++) add(makeZxid(2, counter++), first, create(`/lost-${i}`, 'x', { ephemeral: i % 2 === 0 }));
	snapshot();
	log.roll();
	add(makeZxid(2, counter++), second, create('/after'));
	add(makeZxid(2, counter++), first, { kind: 'setData', path: '/after', data: bytes('changed'), version: 1 });
	add(makeZxid(2, counter++), second, { kind: 'closeSession', paths: ['/m/1'] });
	add(makeZxid(2, counter++), first, create('/end', 'end', { ephemeral: true }));
	await log.close();
	if (hole) {
		for (const name of readdirSync(directory))
			if (name === `log.${makeZxid(2, 1).toString(16)}`) unlinkSync(path.join(directory, name));
	}
	return { dataDir, lastZxid: last, txns: steps.length + (hole ? 4 : 11) };
}
