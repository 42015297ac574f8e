/**
 * The text of an answer while it is being made. It has an end: with a million watches it would fill the memory of the server that it is
 * to help to look into.
 */

const maxCharacters = 32 << 20;

export class WordText {
	#text = '';
	#isCut = false;

	constructor(private readonly limit: number = maxCharacters) {}

	/** False when nothing more is taken. */
	line(text = ''): boolean {
		if (this.#isCut) return false;
		if (this.#text.length + text.length >= this.limit) {
			this.#isCut = true;
			this.#text += `... cut off here: the answer is longer than ${this.limit} characters\n`;
			return false;
		}
		this.#text += `${text}\n`;
		return true;
	}

	toString(): string {
		return this.#text;
	}
}
