/** A part of the tree that stands for the whole: paths of the caller are below it, and it is left out of what the caller gets. */
export class Chroot {
	readonly #prefix: string;

	/** @throws RangeError unless it is an absolute path */
	constructor(path: string | undefined) {
		const prefix = path === undefined || path === '/' ? '' : path.replace(/\/$/, '');
		if (prefix !== '' && !prefix.startsWith('/')) throw new RangeError(`the chroot is no absolute path: ${path}`);
		this.#prefix = prefix;
	}

	/** The server's path of it; empty for none. */
	get prefix(): string {
		return this.#prefix;
	}

	/** As the server calls it. */
	whole(path: string): string {
		if (this.#prefix === '') return path;
		return path === '/' ? this.#prefix : this.#prefix + path;
	}

	/** As the caller calls it. */
	shown(path: string): string {
		if (this.#prefix === '' || !path.startsWith(this.#prefix)) return path;
		return path.length === this.#prefix.length ? '/' : path.slice(this.#prefix.length);
	}
}
