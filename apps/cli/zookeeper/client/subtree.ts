/** Whole subtrees, node by node: what others change meanwhile may be seen or not. */
import { errors } from '#jute/errors';
import type { Operations } from '../operations.ts';
import { checkPath } from './client-path.ts';
import { KeeperError } from './keeper-error.ts';

const batchesUnderWay = 10;

/** The node, then its children in order, then the subtree of each. `visit` may await. */
export async function visitSubtree(
	client: Operations,
	path: string,
	watch: boolean,
	visit: (path: string) => void | Promise<void>,
): Promise<void> {
	await client.getData(path, watch);
	await visit(path);
	await visitChildren(client, path, watch, visit);
}

async function visitChildren(
	client: Operations,
	path: string,
	watch: boolean,
	visit: (path: string) => void | Promise<void>,
): Promise<void> {
	let children: string[];
	try {
		const { names } = await client.getChildren(path, watch);
		children = [...names].sort().map((name) => childOf(path, name));
	} catch (error) {
		// Listed, and deleted before its turn came.
		if (error instanceof KeeperError && error.code === errors.noNode.code) return;
		throw error;
	}
	for (const child of children) await visit(child);
	for (const child of children) await visitChildren(client, child, watch, visit);
}

/** Leaves first, in transactions of `batchSize`. @returns false when one of them failed: then some nodes are still there */
export async function deleteSubtree(client: Operations, path: string, batchSize: number): Promise<boolean> {
	checkPath(path);
	const doomed = (await listSubtree(client, path)).reverse();
	const size = batchSize > 0 ? batchSize : doomed.length;
	const underWay: Promise<number>[] = [];
	let failed = false;
	for (let at = 0; at < doomed.length && !failed; at += size) {
		underWay.push(client.deleteTogether(doomed.slice(at, at + size)));
		if (underWay.length === batchesUnderWay) failed = (await underWay.shift()!) !== 0;
	}
	const codes = await Promise.all(underWay);
	return !failed && codes.every((code) => code === 0);
}

/** Level by level, so that in reverse every node comes before its parent. */
async function listSubtree(client: Operations, path: string): Promise<string[]> {
	const paths = [path];
	for (let i = 0; i < paths.length; i++) {
		const parent = paths[i]!;
		const { names } = await client.getChildren(parent, false);
		for (const name of names) paths.push(childOf(parent, name));
	}
	return paths;
}

function childOf(path: string, name: string): string {
	return path === '/' ? `/${name}` : `${path}/${name}`;
}
