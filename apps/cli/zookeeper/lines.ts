/** The lines of a stream, whatever ends them: `\n`, `\r` or both. What stands behind the last end is a line unless it is empty. */
export async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
	const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
	let rest = '';
	for await (const chunk of input) {
		rest += decoder.decode(chunk, { stream: true });
		// A \r at the end may be half of an end.
		const lines = rest.split(/\r\n|\n|\r(?!$)/);
		rest = lines.pop()!;
		yield* lines;
	}
	rest += decoder.decode();
	if (rest !== '') yield rest.replace(/\r$/, '');
}
