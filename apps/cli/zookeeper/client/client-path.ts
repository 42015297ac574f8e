/** Paths as a client names them: their rules with ZooKeeper's texts, and what a chroot does to them. */
import { IllegalArgument } from '../failures.ts';

/** @throws IllegalArgument saying what is wrong; a sequential path is judged as if its suffix were there */
export function checkPath(path: string, sequential = false): void {
	const problem = problemOf(sequential ? `${path}1` : path);
	if (problem !== null) throw new IllegalArgument(problem);
}

function problemOf(path: string): string | null {
	if (path.length === 0) return 'Path length must be > 0';
	if (path[0] !== '/') return 'Path must start with / character';
	if (path.length === 1) return null;
	if (path.endsWith('/')) return 'Path must not end with / character';
	for (let i = 1; i < path.length; i++) {
		const reason = reasonAt(path, i);
		if (reason !== null) return `Invalid path string "${path}" caused by ${reason} @${i}`;
	}
	return null;
}

function reasonAt(path: string, i: number): string | null {
	const unit = path.charCodeAt(i);
	if (unit === 0) return 'null character not allowed';
	if (path[i] === '/') return path[i - 1] === '/' ? 'empty node name specified' : null;
	if (path[i] === '.') return endsRelativeName(path, i) ? 'relative paths not allowed' : null;
	const forbidden =
		unit <= 0x1f || (unit >= 0x7f && unit <= 0x9f) || (unit >= 0xd800 && unit <= 0xf8ff) || unit >= 0xfff0;
	return forbidden ? 'invalid character' : null;
}

/** Whether a name that is `.` or `..` ends with this dot. */
function endsRelativeName(path: string, i: number): boolean {
	if (i + 1 < path.length && path[i + 1] !== '/') return false;
	return path[i - 1] === '/' || (path[i - 1] === '.' && path[i - 2] === '/');
}

/** Where this client's root is in the server's tree; null for the server's own root. */
export class Chroot {
	readonly path: string | null;

	constructor(path: string | null) {
		this.path = path;
	}

	toServer(path: string): string {
		if (this.path === null) return path;
		return path === '/' ? this.path : this.path + path;
	}

	/** Of a path in a watch event. */
	toClient(path: string): string {
		if (this.path === null) return path;
		if (path === this.path) return '/';
		return path.length > this.path.length ? path.slice(this.path.length) : path;
	}

	/** Of the path that a create answers: empty when the chroot itself was created. */
	strip(path: string): string {
		return this.path === null ? path : path.slice(this.path.length);
	}
}
