/** Which part of the tree a live restore is about. */
import { childPath, rootPath, zookeeperPath } from '#core/model/path';
import type { DataTree } from '#core/tree/data-tree';

/** Records of restores lie below it. A restore leaves it as it is: it would take its own record away. */
export const chronokeeperPath = '/chronokeeper';

/** What no restore touches: ZooKeeper's own nodes, and the records of restores. */
export function isSystemPath(path: string): boolean {
	return isAtOrBelow(path, zookeeperPath) || isAtOrBelow(path, chronokeeperPath);
}

export function isAtOrBelow(path: string, top: string): boolean {
	return (
		top === rootPath || path === top || (path.length > top.length && path.startsWith(top) && path[top.length] === '/')
	);
}

/** One of them holds the other. */
export function doOverlap(one: string, other: string): boolean {
	return isAtOrBelow(one, other) || isAtOrBelow(other, one);
}

/** The node and all below it, parents first, without system paths. The tree may change between two steps: what is gone by then is left out. */
export function* subtree(tree: DataTree, top: string): Generator<string> {
	// No recursion: how deep a tree is, its clients decide.
	const waiting = [top];
	for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
		if (isSystemPath(path)) continue;
		const children = tree.children(path);
		if (children === undefined) continue;
		yield path;
		for (let i = children.length - 1; i >= 0; i--) waiting.push(childPath(path, children[i]!));
	}
}
