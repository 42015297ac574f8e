/**
 * Every optional dependency that package-lock.json names has an entry of its own there. Where a platform's binary was missing from the
 * registry when the lock was made, `npm install` succeeds and `npm ci` in a new clone fails.
 */
import type { Rule } from './source-file.ts';

interface LockFile {
	readonly packages: Readonly<Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>>;
}

export const lockIsComplete: Rule = (files) => {
	const lock = files.find((file) => file.path === 'package-lock.json');
	if (!lock) return ['package-lock.json is missing'];
	const { packages } = JSON.parse(lock.text) as LockFile;
	return Object.entries(packages).flatMap(([owner, { optionalDependencies = {} }]) =>
		Object.keys(optionalDependencies)
			.filter((name) => !places(owner, name).some((place) => place in packages))
			.map(
				(name) =>
					`package-lock.json: ${name}, optional for ${owner}, has no entry: npm ci will fail; pin a version that has`,
			),
	);
};

/** Where Node looks for `name` from `owner`: in its own node_modules, then outwards. */
function places(owner: string, name: string): string[] {
	const parts = owner === '' ? [] : owner.split('/node_modules/');
	return parts
		.map((_, index) => `${parts.slice(0, parts.length - index).join('/node_modules/')}/node_modules/${name}`)
		.concat(`node_modules/${name}`);
}
