/**
 * Names of sequential nodes and the line they stand in. A name is a prefix that is nobody else's, a mark that says what the node is for, and the digits that the server appended:
 * `_c_3b0e…-lock-0000000007` is `-lock-` number 7.
 */

/** What names have between prefix and digits. Of these kinds are all that stand in one line; others in the same directory are not looked at. */
export type Marks = readonly string[];

export interface Place {
	readonly name: string;
	readonly mark: string;
	readonly sequence: number;
}

/** Undefined for a name that is not of these kinds. The server's counter has 32 bits: past 2,147,483,647 the digits have a sign. */
export function placeOf(name: string, marks: Marks): Place | undefined {
	const [digits] = /-?\d{9,10}$/.exec(name) ?? [''];
	// The dash may be the mark's: of `-lock-0000000001` as well as of `-lock--2147483648`.
	for (const number of [digits, digits.slice(1)]) {
		if (!/^(-\d{9,10}|\d{10})$/.test(number)) continue;
		const before = name.slice(0, -number.length);
		const mark = marks.find((each) => before.endsWith(each));
		if (mark !== undefined) return { name, mark, sequence: Number(number) };
	}
	return undefined;
}

/** Those of these kinds, the first that came in front. */
export function inLine(names: readonly string[], marks: Marks): Place[] {
	return names.flatMap((name) => placeOf(name, marks) ?? []).sort(byArrival);
}

/** The distance and not the greater number decides, so that the line goes on when the counter turns negative. */
function byArrival(one: Place, other: Place): number {
	return (one.sequence - other.sequence) | 0 || (one.name < other.name ? -1 : 1);
}

/** The node to wait for: the nearest in front of this one among those that keep it waiting. Undefined when it is its turn, or when it is not in the line. */
export function predecessorOf(name: string, line: readonly Place[], rivals: Marks): Place | undefined {
	const index = line.findIndex((place) => place.name === name);
	return index < 0 ? undefined : line.slice(0, index).findLast(({ mark }) => rivals.includes(mark));
}

/** The same number in the same line, as something else: `_c_…-__WRIT__0000000007` becomes `_c_…-__READ__0000000007`. */
export function withMark(place: Place, mark: string): string {
	const digits = place.name.slice(place.name.lastIndexOf(place.mark) + place.mark.length);
	const prefix = place.name.slice(0, -(place.mark.length + digits.length));
	return `${prefix}${mark}${digits}`;
}

/** As Curator's withProtection() has it: by it a node can be found whose creation was never answered. */
export function protectedPrefix(mark: string): string {
	return `_c_${crypto.randomUUID()}${mark}`;
}

/** As Kazoo has it. */
export function kazooPrefix(mark: string): string {
	return `${crypto.randomUUID().replaceAll('-', '')}${mark}`;
}
