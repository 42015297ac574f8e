/** What the tabulator key offers: words, and the children of the path before the cursor. */

import type { Operations } from './operations.ts';

export type Completions = [candidates: string[], completed: string];

/** @param wordsFor what may stand behind these words of the line, where no path is begun */
export async function complete(
	line: string,
	wordsFor: (before: readonly string[], begun: string) => readonly string[],
	client: Pick<Operations, 'getChildren'> | null,
): Promise<Completions> {
	const token = line.slice(line.lastIndexOf(' ') + 1);
	if (!token.startsWith('/')) {
		const before = line
			.slice(0, line.length - token.length)
			.split(' ')
			.filter((word) => word !== '');
		const names = wordsFor(before, token).filter((name) => name.startsWith(token));
		return [names.length === 1 ? [`${names[0]} `] : names, token];
	}
	const slash = token.lastIndexOf('/');
	const prefix = token.slice(slash + 1);
	return [(await childrenOf(token.slice(0, slash) || '/', client)).filter((name) => name.startsWith(prefix)), prefix];
}

async function childrenOf(path: string, client: Pick<Operations, 'getChildren'> | null): Promise<string[]> {
	try {
		return [...((await client?.getChildren(path, false))?.names ?? [])].sort();
	} catch {
		// No such node, or no server: nothing to offer.
		return [];
	}
}
