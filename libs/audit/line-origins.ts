/** Which lines of a text were there in the one before it: what blame is made of. */

/** Beyond it the lines between what both begin and end with count as new: to compare each with each other would take long. */
const mostLines = 2000;

/** For each line of `after` the number of the line of `before` that it is, -1 for a new one. By the longest common subsequence. */
export function lineOrigins(before: readonly string[], after: readonly string[]): Int32Array {
	const origins = new Int32Array(after.length).fill(-1);
	let head = 0;
	const room = Math.min(before.length, after.length);
	for (; head < room && before[head] === after[head]; head++) origins[head] = head;
	let tail = 0;
	for (; tail < room - head && before.at(-1 - tail) === after.at(-1 - tail); tail++) {
		origins[after.length - 1 - tail] = before.length - 1 - tail;
	}
	const [rows, columns] = [before.length - tail - head, after.length - tail - head];
	if (rows <= 0 || columns <= 0 || rows > mostLines || columns > mostLines) return origins;
	const width = columns + 1;
	/** The length of what is common to the rest of both. */
	const common = new Uint16Array((rows + 1) * width);
	for (let i = rows - 1; i >= 0; i--) {
		for (let j = columns - 1; j >= 0; j--) {
			common[i * width + j] =
				before[head + i] === after[head + j]
					? common[(i + 1) * width + j + 1]! + 1
					: Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!);
		}
	}
	for (let i = 0, j = 0; i < rows && j < columns; ) {
		if (before[head + i] === after[head + j]) origins[head + j++] = head + i++;
		else if (common[(i + 1) * width + j]! >= common[i * width + j + 1]!) i++;
		else j++;
	}
	return origins;
}
