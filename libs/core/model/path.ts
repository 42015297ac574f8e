/** Path rules (semantics 71) and the few paths that are ZooKeeper's own. */

export const rootPath = '/';
/** The nodes below it are ZooKeeper's own: clients may not delete the first three, the digest leaves out what is below. */
export const zookeeperPath = '/zookeeper';
export const quotaPath = '/zookeeper/quota';
export const configPath = '/zookeeper/config';

const slash = 0x2f;
const dot = 0x2e;

/**
 * What is wrong with the path, or null when a node may have it. A sequential path is judged as if its suffix were there, so it may
 * end in a slash (semantics 17).
 */
export function pathProblem(path: string, sequential = false): string | null {
	return problemOf(sequential ? `${path}1` : path);
}

function problemOf(path: string): string | null {
	if (path.length === 0) return 'path is empty';
	if (path.charCodeAt(0) !== slash) return 'path must start with /';
	if (path.length === 1) return null;
	if (path.charCodeAt(path.length - 1) === slash) return 'path must not end with /';
	let segmentStart = 1;
	for (let i = 1; i <= path.length; i++) {
		const unit = i === path.length ? slash : path.charCodeAt(i);
		if (unit === slash) {
			const problem = segmentProblem(path, segmentStart, i);
			if (problem !== null) return problem;
			segmentStart = i + 1;
		} else if (isForbidden(unit)) {
			return `character U+${unit.toString(16).toUpperCase().padStart(4, '0')} at ${i} is not allowed in a path`;
		}
	}
	return null;
}

function segmentProblem(path: string, start: number, end: number): string | null {
	const length = end - start;
	if (length === 0) return `empty node name at ${start}`;
	if (length > 2 || path.charCodeAt(start) !== dot) return null;
	if (length === 1 || path.charCodeAt(start + 1) === dot) return `relative path at ${start} is not allowed`;
	return null;
}

/** UTF-16 code units that ZooKeeper refuses; surrogates are among them, so no character beyond U+FFFF is allowed. */
function isForbidden(unit: number): boolean {
	if (unit < 0x20) return true;
	if (unit < 0x7f) return false;
	return unit <= 0x9f || (unit >= 0xd800 && unit <= 0xf8ff) || unit >= 0xfff0;
}

/** The parent of a path that is not the root; `/` for `/a`. */
export function parentPath(path: string): string {
	const last = path.lastIndexOf('/');
	return last <= 0 ? rootPath : path.slice(0, last);
}

/** The last segment; empty for the root. */
export function nodeName(path: string): string {
	return path.slice(path.lastIndexOf('/') + 1);
}

/** The path of a child. */
export function childPath(parent: string, name: string): string {
	return parent === rootPath ? `/${name}` : `${parent}/${name}`;
}

/** Nodes that no client may delete (semantics 28). */
export function isSpecialPath(path: string): boolean {
	return path === rootPath || path === zookeeperPath || path === quotaPath || path === configPath;
}

/** True for what the tree digest leaves out (semantics 76): everything below `/zookeeper`, not that node itself. */
export function isOutsideDigest(path: string): boolean {
	return path.startsWith('/zookeeper/');
}
