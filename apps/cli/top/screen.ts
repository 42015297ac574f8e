/** The whole terminal for one view: the alternate screen, redrawn in place, keys as they are pressed. What was there before comes back. */
import type { ReadStream, WriteStream } from 'node:tty';
import type { Terminal } from '../terminal.ts';
import type { Line, Style } from './dashboard.ts';

const enter = '\x1b[?1049h\x1b[?25l';
const leave = '\x1b[?25h\x1b[?1049l';
const [home, toEndOfLine, toEndOfScreen] = ['\x1b[H', '\x1b[K', '\x1b[J'];

export interface ScreenEvents {
	readonly onKey: (key: string) => void;
	readonly onResize: () => void;
}

export class Screen {
	readonly #input: ReadStream;
	readonly #output: WriteStream;
	readonly #colors: Terminal['colors'];
	readonly #events: ScreenEvents;
	readonly #pressed = (chunk: Buffer): void => this.#events.onKey(chunk.toString('utf8'));

	constructor(input: ReadStream, output: WriteStream, colors: Terminal['colors'], events: ScreenEvents) {
		this.#input = input;
		this.#output = output;
		this.#colors = colors;
		this.#events = events;
	}

	/** Some terminals do not know their size. */
	get columns(): number {
		return this.#output.columns || 80;
	}

	get rows(): number {
		return this.#output.rows || 24;
	}

	open(): void {
		this.#input.setRawMode(true);
		this.#input.on('data', this.#pressed);
		this.#output.on('resize', this.#events.onResize);
		this.#output.write(enter);
	}

	draw(lines: readonly Line[]): void {
		const text = lines.map((line) => line.map(({ text, style }) => this.#styled(text, style)).join('') + toEndOfLine);
		this.#output.write(home + text.join('\r\n') + toEndOfScreen);
	}

	close(): void {
		this.#output.write(leave);
		this.#output.off('resize', this.#events.onResize);
		this.#input.off('data', this.#pressed);
		this.#input.setRawMode(false);
		this.#input.pause();
	}

	#styled(text: string, style: Style): string {
		const { bold, dim, green, red, inverse } = this.#colors;
		const styles = { bold, dim, good: green, bad: red, inverse, plain: (plain: string) => plain };
		return styles[style](text);
	}
}
