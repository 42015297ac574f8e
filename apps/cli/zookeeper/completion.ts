/** What the tabulator key offers: commands, and the children of the path before the cursor. */

import { commandNames } from './commands/all.ts';
import type { Operations } from './operations.ts';

export type Completions = [candidates: string[], completed: string];

export async function complete(line: string, client: Operations | null): Promise<Completions> {
	const token = line.slice(line.lastIndexOf(' ') + 1);
	if (!token.startsWith('/')) {
		const names = commandNames.filter((name) => name.startsWith(token));
		return [names.length === 1 ? [`${names[0]} `] : names, token];
	}
	const slash = token.lastIndexOf('/');
	const prefix = token.slice(slash + 1);
	return [(await childrenOf(token.slice(0, slash) || '/', client)).filter((name) => name.startsWith(prefix)), prefix];
}

async function childrenOf(path: string, client: Operations | null): Promise<string[]> {
	try {
		return [...((await client?.getChildren(path, false))?.names ?? [])].sort();
	} catch {
		// No such node, or no server: nothing to offer.
		return [];
	}
}
