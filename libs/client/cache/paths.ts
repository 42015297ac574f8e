/** Of an absolute path; of `/` it is empty, which is no path. */
export function parentOf(path: string): string {
	if (path === '/') return '';
	const end = path.lastIndexOf('/');
	return end === 0 ? '/' : path.slice(0, end);
}

export function nameOf(path: string): string {
	return path.slice(path.lastIndexOf('/') + 1);
}

export function childOf(parent: string, name: string): string {
	return parent === '/' ? `/${name}` : `${parent}/${name}`;
}

/** Whether the path is below the other one. */
export function isBelow(path: string, parent: string): boolean {
	return parent === '/' ? path !== '/' : path.startsWith(`${parent}/`);
}
