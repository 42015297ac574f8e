/** Who imports whom: the table of ARCHITECTURE.md's rooms, the order inside core, cycles and files that nobody imports. */
import { posix } from 'node:path';
import { isGenerated, isTest, isTypeScript, type Rule, type SourceFile } from './source-file.ts';

/** Which rooms a room may import. Specs and test/ may import any. */
const table: Readonly<Record<string, readonly string[]>> = {
	jute: [],
	core: ['jute'],
	storage: ['jute', 'core'],
	quorum: ['jute', 'core'],
	audit: ['jute', 'core', 'storage', 'migrations'],
	telemetry: [],
	client: ['proto'],
	nestjs: ['client'],
	proto: [],
	migrations: [],
	server: ['jute', 'core', 'storage', 'quorum', 'audit', 'telemetry', 'proto', 'migrations'],
	cli: ['client', 'audit', 'storage', 'jute', 'core'],
};

/** The arrows inside core: model ← tree, session, zab ← chain ← host. Ports name what is injected into chain and host. */
const coreOrder: Readonly<Record<string, readonly string[]>> = {
	model: [],
	tree: ['model'],
	ports: ['model', 'tree'],
	session: ['model', 'ports'],
	zab: ['model', 'ports'],
	chain: ['model', 'ports', 'tree', 'session', 'zab'],
	host: ['model', 'ports', 'tree', 'session', 'zab', 'chain'],
};

const pureRooms = ['jute', 'core'];
const entryPoints = [
	/^apps\/(server|cli|cli\/zookeeper)\/main\.ts$/,
	/^test\/bench\/[\w-]+\.bench\.ts$/,
	/^test\/sim\/many-seeds\.ts$/,
	/\.spec\.ts$/,
	/^vitest\.[\w.]*config\.ts$/,
	/^migrations\/\d+[\w-]*\.ts$/,
	/^examples\/typescript\/[\w-]+\.ts$/,
];

interface Import {
	readonly from: SourceFile;
	readonly specifier: string;
	/** The path in the project, or null for a package. */
	readonly target: string | null;
	/** Whether it is gone when the program runs. */
	readonly typeOnly: boolean;
}

export function importsOf(file: SourceFile): Import[] {
	const found: Import[] = [];
	const add = (specifier: string, typeOnly: boolean): void => {
		found.push({ from: file, specifier, target: resolve(file.path, specifier), typeOnly });
	};
	// Where the code says `from ''`, the text says which: both have the same offsets.
	for (const match of file.code.matchAll(/^[ \t]*(?:import|export)\b([^;'"]*?)\bfrom\s*(['"])/gm)) {
		add(quotedAt(file.text, match.index + match[0].length), isTypeOnly(match[1]!));
	}
	for (const match of file.code.matchAll(/\bimport\s*\(?\s*(['"`])/g))
		add(quotedAt(file.text, match.index + match[0].length), false);
	// Worker threads and files beside the module: `new URL('./x.ts', import.meta.url)`; compiled, the same file ends in .js.
	for (const match of file.code.matchAll(/\bnew URL\([^;]*?\bimport\.meta\.url/g)) {
		const text = file.text.slice(match.index, match.index + match[0].length);
		for (const [, path] of text.matchAll(/['"`](\.{1,2}\/[\w./-]+)\.(?:ts|js|\$\{[^}]*\})['"`]/g))
			add(`${path}.ts`, false);
	}
	return found;
}

function quotedAt(text: string, start: number): string {
	return /^[^'"`]*/.exec(text.slice(start))![0];
}

function isTypeOnly(clause: string): boolean {
	if (/^\s*type\b/.test(clause)) return true;
	const names = /^\s*\{([\s\S]*)\}\s*$/.exec(clause)?.[1];
	return names?.split(',').every((name) => name.trim() === '' || /^\s*type\s/.test(name)) ?? false;
}

function resolve(from: string, specifier: string): string | null {
	if (specifier.startsWith('.')) return posix.join(posix.dirname(from), specifier);
	const [, alias, rest] = /^#(\w+)\/(.+)$/.exec(specifier) ?? [];
	if (!alias) return null;
	return `${directoryOf(alias)}/${rest}.ts`;
}

function directoryOf(alias: string): string {
	if (alias === 'server' || alias === 'cli') return `apps/${alias}`;
	return alias === 'migrations' || alias === 'test' ? alias : `libs/${alias}`;
}

function roomOf(path: string): string {
	const [first, second] = path.split('/');
	return first === 'libs' || first === 'apps' ? second! : first!;
}

function productImports(files: readonly SourceFile[]): Import[] {
	return files.filter((file) => isTypeScript(file) && !isTest(file.path) && !isGenerated(file.path)).flatMap(importsOf);
}

export const importTable: Rule = (files) =>
	productImports(files).flatMap(({ from, specifier, target }) => {
		const room = roomOf(from.path);
		const allowed = table[room];
		if (target === null || !allowed) return [];
		const other = roomOf(target);
		if (other === room)
			return specifier.startsWith('#') ? [`${from.path}: inside ${room} import relatively, not ${specifier}`] : [];
		if (!specifier.startsWith('#') && other in table)
			return [`${from.path}: ${specifier} leaves the room: write #${other}/…`];
		if (other in table || other === 'test')
			return allowed.includes(other) ? [] : [`${from.path}: ${room} may not import ${other} (${specifier})`];
		return [];
	});

export const insideOfCore: Rule = (files) =>
	productImports(files).flatMap(({ from, specifier, target }) => {
		if (!from.path.startsWith('libs/core/') || !target?.startsWith('libs/core/')) return [];
		const [here, there] = [from.path, target].map((path) => path.split('/')[2]!) as [string, string];
		const allowed = coreOrder[here];
		if (!allowed) return [`${from.path}: core has no folder ${here}: ${Object.keys(coreOrder).join(', ')}`];
		return here === there || allowed.includes(there)
			? []
			: [`${from.path}: core's ${here} may not know its ${there} (${specifier})`];
	});

/** No I/O, no clock, no library: what jute and core need is passed in. */
export const pureCore: Rule = (files) =>
	productImports(files).flatMap(({ from, specifier, target }) => {
		if (target !== null || !pureRooms.includes(roomOf(from.path))) return [];
		return [
			`${from.path}: ${roomOf(from.path)} is pure and imports no ${specifier}: take what it gives through a port`,
		];
	});

/** Cycles between modules as they run; types may refer to each other. */
export const noCycles: Rule = (files) => {
	const edges = new Map<string, string[]>();
	for (const file of files.filter((each) => isTypeScript(each) && !isGenerated(each.path))) {
		edges.set(
			file.path,
			importsOf(file).flatMap(({ target, typeOnly }) => (target === null || typeOnly ? [] : target)),
		);
	}
	const problems: string[] = [];
	const done = new Set<string>();
	const visit = (path: string, above: readonly string[]): void => {
		if (above.includes(path))
			problems.push(`a cycle of imports: ${[...above.slice(above.indexOf(path)), path].join(' → ')}`);
		if (done.has(path)) return;
		done.add(path);
		for (const next of edges.get(path) ?? []) visit(next, [...above, path]);
	};
	for (const path of edges.keys()) visit(path, []);
	return problems;
};

export const noDeadFiles: Rule = (files) => {
	const typeScript = files.filter(isTypeScript);
	const used = new Set(typeScript.flatMap(importsOf).map(({ target }) => target));
	// Vitest's configurations name set-up files as strings.
	for (const { path, text } of typeScript) {
		if (/^vitest\..*config\.ts$/.test(path))
			for (const [, name] of text.matchAll(/'(?:\.\/)?(test\/[\w/-]+\.ts)'/g)) used.add(name!);
	}
	return typeScript
		.map((file) => file.path)
		.filter((path) => !isGenerated(path) && !used.has(path) && !entryPoints.some((pattern) => pattern.test(path)))
		.map((path) => `${path}: nobody imports it: remove it, or name it among the entry points`);
};
