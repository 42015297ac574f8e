/** What programs that a test has started said, for the message of its failure: often nobody can run the test again where it failed. */

/** Of lines that differ in numbers only, so many are shown. */
const alike = 2;
/** So many of the programs that have ended are kept. */
const endedKept = 12;

/** What a JVM prints when somebody asks it by SIGQUIT for its threads; it ends with the state of its heap. */
const threadDump = /^\S+ \S+\nFull thread dump[\s\S]*?^JNI global refs.*\n(?:\nHeap\n(?: .*\n)*)?/gm;

/** Texts that differ in numbers only have this in common. */
export function alikeAs(text: string): string {
	return text.replace(/\b0x[0-9a-f]+|\d+/g, '#');
}

/** The end of a text, without the threads of JVMs. Of stacks the first frame is shown. What is left out because it was said again and again is counted. */
export function tailOf(text: string, lines = 40): string {
	const counts = new Map<string, number>();
	const kept: string[] = [];
	const isFrame = (line = ''): boolean => /^\s+at /.test(line);
	const said = text.replace(threadDump, '').trimEnd().split('\n');
	const shown = said.filter((line, index) => !(isFrame(line) && isFrame(said[index - 1])));
	for (const line of shown.reverse()) {
		const shape = alikeAs(line);
		const count = (counts.get(shape) ?? 0) + 1;
		counts.set(shape, count);
		if (count > alike) continue;
		if (kept.length === lines) break;
		kept.push(line);
	}
	const told = new Set<string>();
	return kept
		.reverse()
		.map((line) => {
			const shape = alikeAs(line);
			const more = counts.get(shape)! - alike;
			if (more <= 0 || told.has(shape)) return line;
			told.add(shape);
			return `${line} (and ${more} like it before)`;
		})
		.join('\n');
}

/** Who is asked what it said. */
export interface Speaker {
	readonly name: string;
	readonly output: string;
}

const running = new Set<Speaker>();
const ended: { readonly name: string; readonly tail: string; readonly at: number }[] = [];

/** @returns what to call when it has ended */
export function listenTo(speaker: Speaker): () => void {
	running.add(speaker);
	return () => {
		running.delete(speaker);
		ended.push({ name: `${speaker.name} (ended)`, tail: tailOf(speaker.output), at: Date.now() });
		if (ended.length > endedKept) ended.shift();
	};
}

/** The last words of those that run, and of those that have ended since then (milliseconds since 1970). */
export function evidenceSince(startMs: number): string {
	const goneSince = ended.filter(({ at }) => at >= startMs);
	const here = [...running].map(({ name, output }) => ({ name, tail: tailOf(output) }));
	return [...goneSince, ...here]
		.filter(({ tail }) => tail !== '')
		.map(({ name, tail }) => `--- ${name}:\n${tail}`)
		.join('\n');
}
