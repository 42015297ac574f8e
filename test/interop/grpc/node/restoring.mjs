/** Live restore: a plan, its start and its end, and who may. */
import { deepEqual, equal, ok } from 'node:assert/strict';
import { check, eventually, fails } from './checks.mjs';
import { all, basic, call } from './client.mjs';

const asSuper = basic('super:recorder');

check(
	'a restore shows its plan, sets a subtree back, and is told at every replica; it takes its role',
	async (world) => {
		const { one, two, three, root } = world;
		const path = `${root}/restored`;
		const made = await call(one.znode, 'create', { path, data: Buffer.from('before') });
		const changed = await call(one.znode, 'set', { path, data: Buffer.from('after') });
		const isMirrored = ({ mirror }) => BigInt(mirror.mirroredZxid) >= BigInt(changed.zxid);
		await eventually(
			async () => (await Promise.all([one, two, three].map(({ admin }) => call(admin, 'status')))).some(isMirrored),
			'the mirror is in step',
		);
		const target = { zxid: made.zxid, path };
		const start = { target, reason: 'a check' };
		equal(
			(await fails('PERMISSION_DENIED', undefined, one.restore, 'startRestore', start)).ErrorInfo.reason,
			'ROLE_NEEDED',
		);
		const messages = await all(one.restore, 'planRestore', { target }, asSuper);
		deepEqual(
			messages.flatMap(({ differences }) =>
				differences.map((each) => [each.path, each.action, String(each.after.data)]),
			),
			[[path, 'RESTORE_ACTION_CHANGE', 'before']],
		);
		const { summary } = messages.at(-1);
		deepEqual([summary.zxid, summary.changed], [made.zxid, '1']);
		const { restore } = await call(one.restore, 'startRestore', start, asSuper);
		const watched = await all(two.restore, 'watchRestore', { id: restore.id }, asSuper);
		deepEqual([watched.at(-1).restore.state, watched.at(-1).restore.changesDone], ['RESTORE_STATE_DONE', '1']);
		equal((await call(three.restore, 'getRestore', { id: restore.id }, asSuper)).restore.path, path);
		ok((await call(one.restore, 'listRestores', {}, asSuper)).restores.some(({ id }) => id === restore.id));
		equal(
			(await fails('FAILED_PRECONDITION', undefined, one.restore, 'resumeRestore', { id: restore.id }, asSuper))
				.ErrorInfo.reason,
			'RESTORE_REFUSED',
		);
		equal(
			(await fails('NOT_FOUND', undefined, one.restore, 'abortRestore', { id: 999_999 }, asSuper)).ErrorInfo.reason,
			'NO_RESTORE',
		);
	},
);
