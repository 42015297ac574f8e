/** What is different between two texts, line by line, with a few lines around it. */

export interface DifferentLine {
	readonly sign: '+' | '-' | ' ' | '…';
	readonly line: string;
}

const around = 2;
/** Beyond it the middle of both is shown as replaced: to compare every line with every other would take long. */
const mostLines = 2000;

export function lineDifference(one: string, other: string): DifferentLine[] {
	const [before, after] = [one.split('\n'), other.split('\n')];
	let head = 0;
	while (head < before.length && head < after.length && before[head] === after[head]) head++;
	let tail = 0;
	const room = Math.min(before.length, after.length) - head;
	while (tail < room && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
	const middle = changed(before.slice(head, before.length - tail), after.slice(head, after.length - tail));
	const same = (lines: readonly string[]) => lines.map((line): DifferentLine => ({ sign: ' ', line }));
	const all = [...same(before.slice(0, head)), ...middle, ...same(before.slice(before.length - tail))];
	return withoutFar(all);
}

/** By the longest common subsequence. */
function changed(before: readonly string[], after: readonly string[]): DifferentLine[] {
	const removed = before.map((line): DifferentLine => ({ sign: '-', line }));
	const added = after.map((line): DifferentLine => ({ sign: '+', line }));
	if (before.length > mostLines || after.length > mostLines) return [...removed, ...added];
	const width = after.length + 1;
	const lengths = new Uint16Array((before.length + 1) * width);
	for (let i = before.length - 1; i >= 0; i--) {
		for (let j = after.length - 1; j >= 0; j--) {
			const rest = lengths[(i + 1) * width + j + 1]!;
			lengths[i * width + j] =
				before[i] === after[j] ? rest + 1 : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!);
		}
	}
	const lines: DifferentLine[] = [];
	let [i, j] = [0, 0];
	while (i < before.length && j < after.length) {
		if (before[i] === after[j]) {
			lines.push({ sign: ' ', line: before[i]! });
			i++;
			j++;
		} else if (lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!) lines.push(removed[i++]!);
		else lines.push(added[j++]!);
	}
	return [...lines, ...removed.slice(i), ...added.slice(j)];
}

/** Where nothing is different for long, a mark stands for it. */
function withoutFar(all: readonly DifferentLine[]): DifferentLine[] {
	const isNear = new Uint8Array(all.length);
	for (const [at, { sign }] of all.entries()) {
		if (sign !== ' ') isNear.fill(1, Math.max(0, at - around), at + around + 1);
	}
	const shown: DifferentLine[] = [];
	for (const [at, line] of all.entries()) {
		if (isNear[at] === 1) shown.push(line);
		else if (at === 0 || isNear[at - 1] === 1) shown.push({ sign: '…', line: '' });
	}
	return shown;
}
