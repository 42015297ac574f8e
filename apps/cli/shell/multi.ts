/** `multi`: several operations as one transaction, in the words of the commands that do one: `multi create /a 1 ; set -v 2 /b x ; check /c`. */
import type { MultiRequest_Op, MultiResponse } from '#client/client';
import { ClientError } from '#client/client-error';
import { errorOf } from '#jute/errors';
import { checkPath } from '../zookeeper/client/client-path.ts';
import { parseCommandLine } from '../zookeeper/commands/command.ts';
import { createMode } from '../zookeeper/commands/write.ts';
import { Failure, Fatal, IllegalArgument, OptionFailure } from '../zookeeper/failures.ts';
import { requireInt } from '../zookeeper/java-numbers.ts';
import { flags, type OptionRules, type ParsedOptions, valued } from '../zookeeper/options.ts';
import { parseAcl } from '../zookeeper/text/acl-text.ts';
import { createModes } from './grpc-operations.ts';

interface OpWord extends OptionRules {
	readonly usage: string;
	readonly leastArguments: number;
	readonly mostArguments: number;
	op(line: ParsedOptions): NonNullable<MultiRequest_Op['op']>;
}

const opWords: ReadonlyMap<string, OpWord> = new Map<string, OpWord>([
	[
		'create',
		{
			usage: 'create [-s] [-c] [-e] [-t ttl] path [data] [acl]',
			options: [...flags('e', 's', 'c'), ...valued('t')],
			leastArguments: 1,
			mostArguments: 3,
			op: (line) => {
				const [path, data, acl] = line.args;
				const { mode, ttlMs } = createMode(line);
				checkPath(path!, mode.endsWith('Sequential'));
				const refuse = (problem: string): never => {
					throw new Failure(problem);
				};
				return {
					$case: 'create',
					value: {
						path: path!,
						data: data === undefined ? undefined : Buffer.from(data),
						mode: createModes[mode],
						ttlMs: BigInt(ttlMs),
						acl: acl === undefined ? [] : parseAcl(acl, refuse).map(({ perms, ...id }) => ({ perms, id })),
					},
				};
			},
		},
	],
	[
		'set',
		{
			usage: 'set [-v version] path data',
			options: valued('v'),
			leastArguments: 2,
			mostArguments: 2,
			op: (line) => ({ $case: 'set', value: { ...pathAndVersion(line), data: Buffer.from(line.args[1]!) } }),
		},
	],
	[
		'delete',
		{
			usage: 'delete [-v version] path',
			options: valued('v'),
			leastArguments: 1,
			mostArguments: 1,
			op: (line) => ({ $case: 'delete', value: pathAndVersion(line) }),
		},
	],
	[
		'check',
		{
			usage: 'check [-v version] path',
			options: valued('v'),
			leastArguments: 1,
			mostArguments: 1,
			op: (line) => ({ $case: 'check', value: pathAndVersion(line) }),
		},
	],
]);

export const multiUsage = [...opWords.values()].map(({ usage }) => usage).join(' | ');

/** The operations between the semicolons. */
export function splitOps(words: readonly string[]): string[][] {
	const ops: string[][] = [[]];
	for (const word of words) {
		if (word === ';') ops.push([]);
		else ops.at(-1)!.push(word);
	}
	return ops.filter((op) => op.length > 0);
}

/** @throws Failure naming the operation that cannot be read */
export function parseOps(ops: readonly (readonly string[])[]): MultiRequest_Op[] {
	if (ops.length === 0) throw new Failure(`which operations? ${multiUsage}`);
	return ops.map((words, index) => {
		try {
			return { op: parseOp(words) };
		} catch (error) {
			throw new Failure(`operation ${index + 1} (${words.join(' ')}): ${reasonOf(error)}`);
		}
	});
}

function parseOp(words: readonly string[]): NonNullable<MultiRequest_Op['op']> {
	const [name] = words;
	const word = opWords.get(name ?? '');
	if (word === undefined) throw new Failure(`"${name}" is none of ${[...opWords.keys()].join(', ')}`);
	const command = { ...word, name: name!, usage: word.usage.slice(name!.length + 1), run: () => Promise.resolve() };
	return word.op(parseCommandLine(command, words, { out: () => {}, err: () => {}, print: () => {} }));
}

function pathAndVersion({ args, value }: ParsedOptions): { readonly path: string; readonly version: number } {
	const text = value('v');
	checkPath(args[0]!);
	return { path: args[0]!, version: text === undefined ? -1 : requireInt(text) };
}

function reasonOf(error: unknown): string {
	if (error instanceof OptionFailure || error instanceof Fatal) return error.reason;
	if (error instanceof Failure) return opUsage(error.message);
	if (error instanceof IllegalArgument) return error.message;
	throw error;
}

function opUsage(message: string): string {
	return [...opWords.values()].some(({ usage }) => usage === message) ? `usage: ${message}` : message;
}

/** One line for each operation, then the zxid that they share. */
export function multiLines(ops: readonly MultiRequest_Op[], { results, zxid }: MultiResponse): string[] {
	const lines = ops.map(({ op }, index) => {
		const { path = '', stat } = results[index] ?? {};
		switch (op?.$case) {
			case 'create':
				return `created ${path}`;
			case 'set':
				return `set ${op.value.path}, version ${stat?.version}`;
			case 'delete':
				return `deleted ${op.value.path}`;
			default:
				return `checked ${op?.value.path}`;
		}
	});
	return [...lines, `zxid 0x${zxid.toString(16)}`];
}

/** Which operation failed and why; undefined for another failure. */
export function multiFailure(ops: readonly MultiRequest_Op[], error: unknown): Failure | undefined {
	if (!(error instanceof ClientError) || error.op === undefined || error.code === undefined) return undefined;
	const op = ops[error.op]?.op;
	const what = op === undefined ? '' : ` (${op.$case} ${op.value.path})`;
	const reason = errorOf(error.code).message;
	return new Failure(`operation ${error.op + 1}${what}: ${reason} (${error.codeName}); nothing was done`);
}
