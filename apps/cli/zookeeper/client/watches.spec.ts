import { describe, expect, it } from 'vitest';
import { errors } from '#jute/errors';
import { addWatchMode, watcherType } from '#jute/op-codes';
import { parseConnectString } from './connect-string.ts';
import { setWatchesRequests } from './set-watches.ts';
import type { EventType } from './watched-event.ts';
import { Watches } from './watches.ts';

const ok = errors.ok.code;
const noNode = errors.noNode.code;

function event(type: EventType, path: string) {
	return { state: 'SyncConnected', type, path } as const;
}

describe('watches', () => {
	it('49: one-time ones are used up by their events and no others', () => {
		const watches = new Watches();
		watches.afterGetData('/a', ok);
		watches.afterGetChildren('/a', ok);
		watches.afterExists('/b', noNode);
		expect(watches.use(event('NodeCreated', '/b'))).toBe(true);
		expect(watches.use(event('NodeChildrenChanged', '/b'))).toBe(false);
		expect(watches.use(event('NodeDataChanged', '/a'))).toBe(true);
		expect(watches.use(event('NodeDataChanged', '/a'))).toBe(false);
		expect(watches.use(event('NodeDeleted', '/a'))).toBe(true);
		expect(watches.use(event('NodeChildrenChanged', '/a'))).toBe(false);
	});

	it('are set by an answer without an error only, but exists waits for a node', () => {
		const watches = new Watches();
		watches.afterGetData('/a', noNode);
		watches.afterGetChildren('/a', noNode);
		watches.afterExists('/a', errors.noAuth.code);
		expect(watches.use(event('NodeCreated', '/a'))).toBe(false);
	});

	it('50: persistent ones stay, recursive ones hear of what is below', () => {
		const watches = new Watches();
		watches.afterAddWatch('/p', addWatchMode.persistent, ok);
		watches.afterAddWatch('/r', addWatchMode.persistentRecursive, noNode);
		for (let i = 0; i < 2; i++) {
			expect(watches.use(event('NodeDataChanged', '/p'))).toBe(true);
			expect(watches.use(event('NodeDeleted', '/r/a/b'))).toBe(true);
		}
		expect(watches.use(event('NodeCreated', '/p/a'))).toBe(false);
		expect(watches.use(event('NodeCreated', '/rr'))).toBe(false);
	});

	it('57: are removed by type', () => {
		const watches = new Watches();
		watches.afterGetData('/a', ok);
		watches.afterGetChildren('/a', ok);
		watches.afterAddWatch('/a', addWatchMode.persistent, ok);
		expect(watches.remove('/b', watcherType.any, false, ok)).toBe(errors.noWatcher.code);
		expect(watches.remove('/a', watcherType.any, false, errors.connectionLoss.code)).toBe(errors.connectionLoss.code);
		expect(watches.remove('/a', watcherType.children, false, ok)).toEqual(['ChildWatchRemoved']);
		expect(watches.remove('/a', watcherType.children, false, ok)).toBe(errors.noWatcher.code);
		expect(watches.remove('/a', watcherType.any, true, errors.connectionLoss.code)).toEqual([
			'DataWatchRemoved',
			'PersistentWatchRemoved',
		]);
	});

	it('54: are set again below the chroot, in the older form as long as that does', () => {
		const { chroot } = parseConnectString('a/x');
		const watches = new Watches();
		expect(setWatchesRequests(watches, chroot, 7)).toEqual([]);
		watches.afterGetData('/', ok);
		watches.afterExists('/b', noNode);
		expect(setWatchesRequests(watches, chroot, 7)).toMatchObject([
			{ kind: 'setWatches', relativeZxid: 7, data: ['/x'], exist: ['/x/b'], child: [] },
		]);
		watches.afterAddWatch('/c', addWatchMode.persistentRecursive, ok);
		expect(setWatchesRequests(watches, chroot, 7)).toMatchObject([
			{ kind: 'setWatches2', data: ['/x'], exist: ['/x/b'], persistentRecursive: ['/x/c'] },
		]);
	});

	it('54: of many paths are set in several requests', () => {
		const watches = new Watches();
		const paths = Array.from({ length: 3000 }, (_, i) => `/${'long'.repeat(25)}/${i}`);
		for (const path of paths) watches.afterGetData(path, ok);
		const requests = setWatchesRequests(watches, parseConnectString('a').chroot, 0);
		expect(requests.length).toBeGreaterThan(1);
		expect(requests.flatMap(({ data }) => data)).toEqual(paths);
	});
});
