/** A command of the shell that needs a session, and what one runs with. */

import { Failure } from '../failures.ts';
import type { Operations } from '../operations.ts';
import { type OptionRules, type ParsedOptions, parseOptions } from '../options.ts';
import { type ShownStat, statLines } from '../text/stat-text.ts';

export interface Output {
	/** A line to stdout. */
	out(line: string): void;
	/** A line to stderr. */
	err(line: string): void;
	/** To stdout without a line end. */
	print(text: string): void;
}

export interface CommandContext extends Output {
	readonly client: Operations;
}

export interface Command extends OptionRules {
	readonly name: string;
	/** What may follow the name, as help and errors show it. */
	readonly usage: string;
	/** Fewer arguments are answered with the usage. */
	readonly leastArguments: number;
	readonly mostArguments?: number;
	/** Its former form, `get path watch`, which still works: the third word then counts as -w. Said when it is used. */
	readonly formerWatch?: string;
	/** Takes no options: what follows the name is not looked at. */
	readonly takesAnything?: boolean;
	/** A path that is none ends the program, not only the command. */
	readonly pathsAreFatal?: boolean;
	run(line: CommandLine, context: CommandContext): Promise<void>;
}

/** What was typed behind the name. */
export interface CommandLine extends ParsedOptions {
	/** The first argument: a path, in most commands. */
	readonly path: string;
}

/** @throws Failure with the reason or the usage */
export function parseCommandLine(command: Command, words: readonly string[], { err }: Output): CommandLine {
	if (command.takesAnything) return lineOf({ args: words.slice(1), has: () => false, value: () => undefined });
	let parsed = parseOptions(words, command);
	if (command.formerWatch !== undefined && parsed.args.length > 2) {
		err(command.formerWatch);
		parsed = parseOptions(words.with(2, '-w'), command);
	}
	const count = parsed.args.length - 1;
	if (count < command.leastArguments || count > (command.mostArguments ?? Number.POSITIVE_INFINITY)) {
		throw new Failure(usageOf(command));
	}
	return lineOf({ ...parsed, args: parsed.args.slice(1) });
}

export function usageOf({ name, usage }: Pick<Command, 'name' | 'usage'>): string {
	return `${name} ${usage}`;
}

export function printStat(stat: ShownStat, { out }: Output): void {
	for (const line of statLines(stat)) out(line);
}

export function textOf(data: Uint8Array | null): string {
	return data === null ? 'null' : Buffer.from(data).toString('utf8');
}

function lineOf(parsed: ParsedOptions): CommandLine {
	return { ...parsed, path: parsed.args[0] ?? '' };
}
