/**
 * The form of a script: a story in `#` lines, then blocks. A block is its input lines, `----`, the expected output, an empty line.
 * Comments between blocks belong to the block behind them.
 */
export interface Block {
	readonly comments: readonly string[];
	readonly input: readonly string[];
	readonly expected: readonly string[];
	/** Of the first input line, from 1. */
	readonly line: number;
}

const separator = '----';

/** @throws Error naming the line. */
export function parseScript(text: string): Block[] {
	const lines = text.split('\n');
	const blocks: Block[] = [];
	let at = 0;
	while (at < lines.length) {
		const comments: string[] = [];
		while (at < lines.length && (lines[at] === '' || lines[at]?.startsWith('#'))) comments.push(lines[at++]!);
		if (at >= lines.length) {
			if (comments.some((line) => line !== '')) blocks.push({ comments, input: [], expected: [], line: at });
			break;
		}
		const line = at + 1;
		const input: string[] = [];
		while (at < lines.length && lines[at] !== separator && lines[at] !== '') input.push(lines[at++]!);
		if (lines[at] !== separator) throw new Error(`line ${line}: a block needs "${separator}" behind its input`);
		at += 1;
		const expected: string[] = [];
		while (at < lines.length && lines[at] !== '') expected.push(lines[at++]!);
		blocks.push({ comments, input, expected, line });
	}
	return blocks;
}

export function formatScript(blocks: readonly Block[], outputs: readonly (readonly string[])[]): string {
	const parts = blocks.map((block, index) => {
		const comments = trimmed(block.comments)
			.map((line) => `${line}\n`)
			.join('');
		if (block.input.length === 0) return comments;
		const output = (outputs[index] ?? []).map((line) => `${line}\n`).join('');
		const gap = index === 0 && comments !== '' ? '\n' : '';
		return `${comments}${gap}${block.input.join('\n')}\n${separator}\n${output}`;
	});
	return parts.join('\n');
}

/** Without the empty lines at both ends. */
function trimmed(lines: readonly string[]): readonly string[] {
	let start = 0;
	let end = lines.length;
	while (start < end && lines[start] === '') start += 1;
	while (end > start && lines[end - 1] === '') end -= 1;
	return lines.slice(start, end);
}
