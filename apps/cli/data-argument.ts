/** Where the data of `create` and `set` come from: the argument, a file, standard input, or nowhere (null). */
import { readFileSync } from 'node:fs';
import type { CommandContext } from './command-context.ts';
import { Failure, UsageFailure } from './failure.ts';

export interface DataOptions {
	readonly file?: string;
	readonly null?: boolean;
}

/** Undefined when none was named at all. */
export async function readData(
	context: CommandContext,
	text: string | undefined,
	options: DataOptions,
): Promise<Uint8Array | null | undefined> {
	const named = [text !== undefined, options.file !== undefined, options.null === true].filter(Boolean).length;
	if (named > 1) throw new UsageFailure('the data are named twice: give DATA, --file or --null, only one of them');
	if (options.null === true) return null;
	if (options.file === '-') return context.readInput();
	if (options.file !== undefined) return readFile(options.file);
	return text === undefined ? undefined : new TextEncoder().encode(text);
}

function readFile(file: string): Uint8Array {
	try {
		return readFileSync(file);
	} catch (error) {
		throw new Failure(`the file ${file} cannot be read: ${(error as Error).message}`);
	}
}
