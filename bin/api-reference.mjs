/** The reference of what the packages export, in Markdown, out of the declarations and the docstrings in them. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseSync } from 'rolldown/utils';
import { emitDeclarations, packages } from './declarations.mjs';

/** Each page: what it is about, the module whose exports it has, and one whose exports are on another page. */
const pages = {
	'docs/api/client.md': {
		title: '@chronokeeper/client',
		about:
			'Every export of the client but the recipes, which have [a page of their own](recipes.md). [docs/client.md](../client.md) tells how they go together.',
		entry: packages.client['.'],
		without: packages.client['./recipes'],
	},
	'docs/api/recipes.md': {
		title: '@chronokeeper/client/recipes',
		about: 'Every recipe, and what belongs to it. [docs/recipes.md](../recipes.md) tells what they guarantee.',
		entry: packages.client['./recipes'],
	},
	'docs/api/nestjs.md': {
		title: '@chronokeeper/nestjs',
		about: 'Every export of the Nest module. [docs/nestjs.md](../nestjs.md) tells how they go together.',
		entry: packages.nestjs['.'],
	},
};
const kinds = ['Functions', 'Classes', 'Interfaces', 'Types', 'Values'];

/** @returns the pages by their paths */
export function apiReference() {
	const directory = mkdtempSync(join(tmpdir(), 'chronokeeper-api-'));
	try {
		emitDeclarations([...new Set(Object.values(pages).map(({ entry }) => entry))], directory);
		const modules = new Modules(directory);
		return new Map(Object.entries(pages).map(([path, page]) => [path, pageOf(page, modules)]));
	} finally {
		rmSync(directory, { recursive: true, force: true });
	}
}

function pageOf({ title, about, entry, without }, modules) {
	const elsewhere = without === undefined ? new Map() : modules.exportsOf(without);
	const symbols = [...modules.exportsOf(entry)]
		.filter(([name]) => !elsewhere.has(name))
		.map(([name, found]) => ({ name, ...found, kind: kindOf(found.node) }))
		.sort((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || (a.name < b.name ? -1 : 1));
	const sections = kinds.flatMap((kind) => {
		const some = symbols.filter((symbol) => symbol.kind === kind);
		return some.length === 0 ? [] : [`## ${kind}`, ...some.map((symbol) => describe(symbol, modules))];
	});
	const contents = symbols.map(({ name }) => `[${name}](#${name.toLowerCase()})`).join(' · ');
	return `<!-- Made by npm run generate out of the docstrings. -->\n\n# ${title}\n\n${about}\n\n${contents}\n\n${sections.join('\n\n')}\n`;
}

class Modules {
	#directory;
	#parsed = new Map();

	constructor(directory) {
		this.#directory = directory;
	}

	/** Every exported name, and where it is declared. */
	exportsOf(path) {
		const found = new Map();
		const module = this.module(path);
		for (const statement of module.program.body) {
			if (statement.type === 'ExportAllDeclaration')
				for (const [name, one] of this.exportsOf(resolved(path, statement.source.value))) found.set(name, one);
			else if (statement.type === 'ExportNamedDeclaration' && statement.source !== null)
				for (const { local, exported } of statement.specifiers)
					found.set(exported.name, this.exportsOf(resolved(path, statement.source.value)).get(local.name));
			else if (statement.type === 'ExportNamedDeclaration' && statement.declaration !== null)
				// What is exported as a type and as a value is told once, as the type.
				for (const name of namesOf(statement.declaration))
					if (!found.has(name)) found.set(name, { module, statement, node: statement.declaration });
		}
		for (const [name, one] of found) if (one === undefined) throw new Error(`${path}: ${name} is declared nowhere`);
		return found;
	}

	/** The class that is extended, where it is not exported itself. */
	base({ module, node }) {
		if (node.superClass?.type !== 'Identifier') return undefined;
		const { name } = node.superClass;
		for (const { type, source, specifiers } of module.program.body)
			if (type === 'ImportDeclaration' && specifiers.some(({ local }) => local.name === name))
				return source.value.startsWith('.') ? this.exportsOf(resolved(module.path, source.value)).get(name) : undefined;
		return undefined;
	}

	module(path) {
		let module = this.#parsed.get(path);
		if (module === undefined) {
			const text = readFileSync(join(this.#directory, path.replace(/\.ts$/, '.d.ts')), 'utf8');
			const { program, comments, errors } = parseSync(path, text, { lang: 'dts' });
			if (errors.length > 0) throw new Error(`${path}: ${errors[0].message}`);
			module = { path, text, program, comments };
			this.#parsed.set(path, module);
		}
		return module;
	}
}

function resolved(from, specifier) {
	return specifier.startsWith('#') ? `libs/${specifier.slice(1)}.ts` : join(dirname(from), specifier);
}

function namesOf(declaration) {
	return declaration.type === 'VariableDeclaration'
		? declaration.declarations.map(({ id }) => id.name)
		: [declaration.id.name];
}

function kindOf({ type }) {
	if (type === 'TSDeclareFunction') return 'Functions';
	if (type === 'ClassDeclaration') return 'Classes';
	if (type === 'TSInterfaceDeclaration') return 'Interfaces';
	return type === 'VariableDeclaration' ? 'Values' : 'Types';
}

function describe(symbol, modules) {
	const { name, module, statement, node } = symbol;
	const doc = docOf(module, statement.start);
	const parts = [`### ${name}`, ...(doc === '' ? [] : [doc])];
	if (node.type !== 'ClassDeclaration' && node.type !== 'TSInterfaceDeclaration')
		return [...parts, fenced(code(module, node))].join('\n\n');
	parts.push(
		fenced(
			module.text
				.slice(node.start, node.body.start)
				.replace(/^(export|declare|\s)+/, '')
				.trim(),
		),
	);
	const members = membersOf(symbol, modules).join('\n');
	return [...parts, ...(members === '' ? [] : [members])].join('\n\n');
}

/** Its own in front of those of what it extends, unless that is described by itself. */
function membersOf({ module, node }, modules, known = new Set()) {
	const own = node.body.body
		.filter(
			({ key, accessibility }) =>
				key?.type !== 'PrivateIdentifier' && accessibility !== 'private' && accessibility !== 'protected',
		)
		.flatMap((member) => {
			const text = code(module, member);
			if (/^(override )?#/.test(text) || known.has(text)) return [];
			known.add(text);
			const doc = docOf(module, member.start);
			return [`- \`${text}\`${doc === '' ? '' : `  \n  ${doc.replaceAll('\n', '\n  ')}`}`];
		});
	const base = modules.base({ module, node });
	return base?.node.abstract ? [...own, ...membersOf(base, modules, known)] : own;
}

/** On one line, without the comments inside. */
function code({ text, comments }, { start, end }) {
	let [made, at] = ['', start];
	for (const comment of comments.filter((one) => one.start >= start && one.end <= end)) {
		made += text.slice(at, comment.start);
		at = comment.end;
	}
	made += text.slice(at, end);
	return made
		.replace(/\s+/g, ' ')
		.replace(/;$/, '')
		.replace(/^declare /, '')
		.trim();
}

function fenced(text) {
	return `\`\`\`typescript\n${text}\n\`\`\``;
}

/** Of the comment that ends right in front of it. */
function docOf({ text, comments }, start) {
	const comment = comments.findLast(({ end }) => end <= start);
	if (comment === undefined || !comment.value.startsWith('*') || text.slice(comment.end, start).trim() !== '')
		return '';
	return comment.value
		.slice(1)
		.split('\n')
		.map((line) => line.replace(/^\s*\*( |$)/, '').trim())
		.join('\n')
		.trim()
		.replace(/\s*@param (\w+) /g, ' `$1`: ')
		.replace(/\s*@returns /g, ' Returns: ')
		.replace(/\s*@throws /g, ' Throws: ')
		.replace(/\{@link (\w+)\}/g, '`$1`')
		.trim();
}
