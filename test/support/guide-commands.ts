/** What a document tells its reader to type, as it is printed there, typed into a shell. */
import { spawnSync } from 'node:child_process';

/** The blocks of code in this language, in order. */
export function codeBlocks(document: string, language = 'sh'): string[] {
	const fenced = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm');
	return [...document.matchAll(fenced)].map(([, block]) => block!.trim());
}

export interface GuidePlace {
	readonly cwd: string;
	readonly environment: Readonly<Record<string, string>>;
	/** What the document cannot know here, such as paths and ports, and what stands here instead; from the first to the last. */
	readonly replaced: readonly (readonly [string, string])[];
}

export class GuideCommands {
	/** Those that were not followed yet. */
	readonly blocks: string[];
	readonly #place: () => GuidePlace;

	/** @param place asked for when there is something to type: what is replaced is known when servers are there */
	constructor(document: string, place: () => GuidePlace) {
		this.blocks = codeBlocks(document);
		this.#place = place;
	}

	/** Follows the next block. @returns what it printed @throws when that one does not have this in it, or fails */
	next(containing: string): string {
		const block = this.blocks.shift();
		if (!block?.includes(containing)) throw new Error(`the next block should have ${containing}, and is: ${block}`);
		return this.follow(block);
	}

	/** Types these commands into a shell. @returns what they printed @throws with what they said when one fails */
	follow(block: string): string {
		const { cwd, environment, replaced } = this.#place();
		const commands = replaced.reduce((text, [from, to]) => text.replaceAll(from, to), block);
		const options = { cwd, env: environment, encoding: 'utf8', timeout: 120_000 } as const;
		const { status, stdout, stderr } = spawnSync('bash', ['-euo', 'pipefail', '-c', commands], options);
		if (status !== 0) throw new Error(`it ended with ${status}: ${commands}\n${stdout}${stderr}`);
		return stdout;
	}
}
