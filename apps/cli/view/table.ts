/** Aligned columns for people. The widths come from the first rows, so that a long list begins to show at once. */
import type { Terminal } from '../terminal.ts';

export interface Column {
	readonly title: string;
	readonly align?: 'left' | 'right';
	/** Applied to the padded cell, where colour is on. */
	readonly color?: (text: string) => string;
}

const measured = 200;

export class Table {
	readonly #terminal: Terminal;
	readonly #columns: readonly Column[];
	readonly #widths: number[];
	#waiting: (readonly string[])[] = [];
	#begun = false;

	constructor(terminal: Terminal, columns: readonly Column[]) {
		this.#terminal = terminal;
		this.#columns = columns;
		this.#widths = columns.map((column) => width(column.title));
	}

	row(...cells: readonly string[]): void {
		if (this.#begun) {
			this.#write(cells);
			return;
		}
		this.#waiting.push(cells);
		if (this.#waiting.length >= measured) this.flush();
	}

	/** Shows what has come so far. At the end of the list, and whenever the next row may take long. */
	flush(): void {
		if (this.#begun || this.#waiting.length === 0) return;
		this.#begun = true;
		for (const cells of this.#waiting) {
			cells.forEach((cell, i) => {
				this.#widths[i] = Math.max(this.#widths[i] ?? 0, width(cell));
			});
		}
		const { bold } = this.#terminal.colors;
		this.#terminal.line(bold(this.#line(this.#columns.map((column) => column.title))));
		for (const cells of this.#waiting) this.#write(cells);
		this.#waiting = [];
	}

	#write(cells: readonly string[]): void {
		this.#terminal.line(this.#line(cells, true));
	}

	#line(cells: readonly string[], colored = false): string {
		const padded = this.#columns.map((column, i) => {
			const cell = cells[i] ?? '';
			const gap = ' '.repeat(Math.max(0, (this.#widths[i] ?? 0) - width(cell)));
			const last = i === this.#columns.length - 1;
			const text = column.align === 'right' ? gap + cell : last ? cell : cell + gap;
			return colored && column.color !== undefined ? column.color(text) : text;
		});
		return padded.join('  ').trimEnd();
	}
}

const narrow = /^[\x20-\x7e]*$/;
const segmenter = new Intl.Segmenter();

/** Columns that a text takes on a terminal: East Asian characters and emoji take two, combining marks none. */
export function width(text: string): number {
	if (narrow.test(text)) return text.length;
	let columns = 0;
	for (const { segment } of segmenter.segment(text)) {
		columns +=
			/\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u.test(
				segment,
			)
				? 2
				: 1;
	}
	return columns;
}
