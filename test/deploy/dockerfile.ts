/** The instructions of a Dockerfile, by stage. */

export interface Stage {
	readonly image: string;
	readonly name: string | undefined;
	readonly instructions: readonly Instruction[];
}

export interface Instruction {
	readonly name: string;
	/** What stands behind the name, continued lines joined. */
	readonly text: string;
}

export function parseDockerfile(text: string): Stage[] {
	const stages: { image: string; name: string | undefined; instructions: Instruction[] }[] = [];
	const lines = text
		.split('\n')
		.filter((line) => !line.startsWith('#'))
		.join('\n')
		.replace(/\s*\\\n\s*/g, ' ')
		.split('\n')
		.filter((line) => line.trim() !== '');
	for (const line of lines) {
		const [, name, rest] = /^([A-Z]+) (.+)$/.exec(line) ?? [];
		if (name === undefined || rest === undefined) throw new Error(`"${line}" is no instruction of a Dockerfile`);
		if (name === 'FROM') {
			const [image = '', , stage] = rest.split(/\s+/);
			stages.push({ image, name: stage, instructions: [] });
		} else if (stages.length === 0) throw new Error(`"${line}" stands before the first FROM`);
		else stages.at(-1)!.instructions.push({ name, text: rest });
	}
	return stages;
}

export function instructions(stage: Stage, name: string): string[] {
	return stage.instructions.filter((instruction) => instruction.name === name).map(({ text }) => text);
}

/** The only instruction of that name. */
export function instruction(stage: Stage, name: string): string {
	const [text, ...more] = instructions(stage, name);
	if (text === undefined || more.length > 0)
		throw new Error(`there are ${more.length} further ${name} instructions, or none`);
	return text;
}

/** `ENV a=b c=d`. */
export function environmentOf(stage: Stage): Record<string, string> {
	const pairs = instructions(stage, 'ENV').flatMap((text) => text.split(/\s+/));
	return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}

export interface Copy {
	/** The stage it comes from; undefined for this directory. */
	readonly from: string | undefined;
	readonly sources: readonly string[];
	readonly target: string;
}

export function copies(stage: Stage): Copy[] {
	return instructions(stage, 'COPY').map((text) => {
		const words = text.split(/\s+/);
		const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length);
		const paths = words.filter((word) => !word.startsWith('--'));
		return { from, sources: paths.slice(0, -1), target: paths.at(-1)! };
	});
}
