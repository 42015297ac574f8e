/**
 * `npm run bench`: runs the benchmarks of test/bench, all or the named ones: `npm run bench -- set-data -- --seconds 10`.
 * `--list` only lists them; `--write docs/benchmarks.md` puts what they print into that file, each under its own heading.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { basename, join } from 'node:path';
import { nodeFlags } from './node-flags.mjs';
import { explained, node24, PrepareError, prepare, root } from './prepare.mjs';

const suffix = '.bench.ts';
const flags = ['--expose-gc', ...nodeFlags];

function main() {
	const [own, passedOn] = splitAt(process.argv.slice(2), '--');
	const write = optionValue(own, '--write');
	const named = own.filter((argument) => !argument.startsWith('--') && argument !== write);
	const all = readdirSync(join(root, 'test', 'bench'))
		.filter((file) => file.endsWith(suffix))
		.map((file) => basename(file, suffix))
		.sort();
	if (own.includes('--list')) {
		for (const name of all) console.log(`${name}\t${describe(name)}`);
		return;
	}
	const unknown = named.filter((name) => !all.includes(name));
	if (unknown.length > 0)
		throw new PrepareError(`There is no benchmark ${unknown.join(', ')}: there are ${all.join(', ')}.`, 2);
	if (write !== undefined && !existsSync(join(root, write))) throw new PrepareError(`${write} does not exist.`, 2);
	prepare();
	const head = header();
	console.log(head);
	for (const name of named.length > 0 ? named : all) {
		const output = run(name, passedOn);
		if (write !== undefined) record(join(root, write), name, `${head}\n\n${output}`);
	}
}

function splitAt(list, separator) {
	const at = list.indexOf(separator);
	return at < 0 ? [list, []] : [list.slice(0, at), list.slice(at + 1)];
}

function optionValue(list, option) {
	const at = list.indexOf(option);
	if (at < 0) return undefined;
	if (list[at + 1] === undefined) throw new PrepareError(`${option} needs a file.`, 2);
	return list[at + 1];
}

/** The first sentence of the comment at the top of the benchmark. */
function describe(name) {
	const text = readFileSync(join(root, 'test', 'bench', `${name}${suffix}`), 'utf8');
	const comment = /^\/\*\*([\s\S]*?)\*\//.exec(text)?.[1] ?? '';
	return comment
		.replace(/\s*\n\s*\*/g, ' ')
		.trim()
		.split(/[.:] /)[0];
}

function run(name, args) {
	console.log(`\n## ${name}: ${describe(name)}`);
	const script = join(root, 'dist', 'test', 'bench', `${name}.bench.js`);
	const result = spawnSync(node24, [...flags, script, ...args], {
		cwd: root,
		stdio: ['ignore', 'pipe', 'inherit'],
		encoding: 'utf8',
		maxBuffer: 1 << 26,
	});
	process.stdout.write(result.stdout);
	if (result.status !== 0)
		throw new PrepareError(`The benchmark ${name} ended with ${result.status ?? result.signal}.`);
	return result.stdout.trimEnd();
}

function header() {
	const [cpu] = cpus();
	const ask = (program, ...args) =>
		spawnSync(program, args, { cwd: root, encoding: 'utf8' }).stdout?.trim() || 'unknown';
	return [
		`${new Date().toISOString().slice(0, 10)}, commit ${ask('git', 'rev-parse', '--short', 'HEAD')}`,
		`${cpus().length} × ${cpu?.model ?? 'unknown CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}`,
		`Node ${ask(node24, '--version')}, ${ask('findmnt', '-no', 'FSTYPE', '-T', root)} file system`,
	].join('\n');
}

/** Replaces what stands between the benchmark's two marks, or adds a section with them. */
function record(file, name, text) {
	const [begin, end] = [`<!-- bench ${name} -->`, `<!-- end ${name} -->`];
	const block = `${begin}\n\`\`\`\n${text}\n\`\`\`\n${end}`;
	const document = readFileSync(file, 'utf8');
	const from = document.indexOf(begin);
	const to = document.indexOf(end);
	if (from < 0 || to < from)
		writeFileSync(file, `${document.trimEnd()}\n\n## ${name}\n\n${describe(name)}.\n\n${block}\n`);
	else writeFileSync(file, document.slice(0, from) + block + document.slice(to + end.length));
}

await explained(main);
