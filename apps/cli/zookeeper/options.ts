/**
 * The flags of a command as ZooKeeper reads them, with Apache Commons CLI: in any order between the arguments, several behind one dash,
 * `-v 1`, `-v1` and `-v=1` alike. What it cannot read is refused with that library's words.
 */
import { type Failure, OptionFailure } from './failures.ts';

export interface OptionSpec {
	/** Without its dash; one letter, or a word. */
	readonly name: string;
	readonly takesValue: boolean;
	/** For the texts that list options. */
	readonly description?: string;
}

export interface OptionRules {
	readonly options: readonly OptionSpec[];
	/** At most one of the options, and when `required` exactly one. */
	readonly exclusive?: { readonly required: boolean };
}

export interface ParsedOptions {
	/** What is no option, the command's name first. */
	readonly args: readonly string[];
	has(name: string): boolean;
	/** The first value. */
	value(name: string): string | undefined;
}

export function flags(...names: string[]): OptionSpec[] {
	return names.map((name) => ({ name, takesValue: false }));
}

export function valued(...names: string[]): OptionSpec[] {
	return names.map((name) => ({ name, takesValue: true }));
}

/** @throws Failure */
export function parseOptions(words: readonly string[], rules: OptionRules): ParsedOptions {
	return new OptionParser(rules).parse(words);
}

class OptionParser {
	readonly #rules: OptionRules;
	readonly #args: string[] = [];
	readonly #values = new Map<string, string[]>();
	/** Waits for its value. */
	#open: OptionSpec | undefined;
	#selected: string | undefined;

	constructor(rules: OptionRules) {
		this.#rules = rules;
	}

	parse(words: readonly string[]): ParsedOptions {
		const onlyArguments = words.indexOf('--');
		words.forEach((word, index) => {
			if (onlyArguments >= 0 && index > onlyArguments) this.#args.push(word);
			else if (index !== onlyArguments) this.#read(word);
		});
		this.#refuseOpen();
		if (this.#rules.exclusive?.required && this.#selected === undefined) {
			throw refusal('MissingOption', `Missing required option: ${this.#listed()}`);
		}
		const values = this.#values;
		return { args: this.#args, has: (name) => values.has(name), value: (name) => values.get(name)?.[0] };
	}

	#read(word: string): void {
		if (this.#open !== undefined && !this.#looksLikeOption(word)) this.#close(unquoted(word));
		else if (word.startsWith('--')) this.#refuse(word);
		else if (word.startsWith('-') && word !== '-') this.#readOption(word);
		else this.#args.push(word);
	}

	#readOption(word: string): void {
		const text = word.slice(1);
		const equals = text.indexOf('=');
		const whole = this.#find(text);
		if (whole !== undefined) this.#take(whole);
		else if (equals === 1 && this.#find(text[0]!)?.takesValue) this.#takeWith(text[0]!, text.slice(2));
		else if (equals >= 0 || text.length === 1) this.#refuse(word);
		else this.#readLetters(word);
	}

	/** `-sw`, and `-v1`: what stands behind an option with a value is the value. */
	#readLetters(word: string): void {
		for (let i = 1; i < word.length; i++) {
			const option = this.#find(word[i]!);
			if (option === undefined) {
				this.#refuse(word);
				return;
			}
			this.#take(option);
			if (option.takesValue && i + 1 < word.length) {
				this.#close(word.slice(i + 1));
				return;
			}
		}
	}

	#take(option: OptionSpec): void {
		this.#refuseOpen();
		if (this.#rules.exclusive !== undefined) {
			if (this.#selected !== undefined && this.#selected !== option.name) {
				throw refusal(
					'AlreadySelected',
					`The option '${option.name}' was specified but an option from this group has already been selected: '${this.#selected}'`,
				);
			}
			this.#selected = option.name;
		}
		if (!this.#values.has(option.name)) this.#values.set(option.name, []);
		this.#open = option.takesValue ? option : undefined;
	}

	#takeWith(name: string, value: string): void {
		this.#take(this.#find(name)!);
		this.#close(value);
	}

	#close(value: string): void {
		this.#values.get(this.#open!.name)!.push(value);
		this.#open = undefined;
	}

	/** A negative number is a value, and so is a dash. */
	#looksLikeOption(word: string): boolean {
		if (!word.startsWith('-') || word === '-' || isNumber(word)) return false;
		const name = word.slice(1).split('=')[0]!;
		return word === '--' || this.#find(name) !== undefined || (name !== '' && this.#find(name[0]!) !== undefined);
	}

	#find(name: string): OptionSpec | undefined {
		return this.#rules.options.find((option) => option.name === name);
	}

	#listed(): string {
		return `[${this.#rules.options.map(({ name, description }) => `-${name} ${description}`).join(', ')}]`;
	}

	#refuseOpen(): void {
		if (this.#open !== undefined) {
			throw refusal('MissingArgument', `Missing argument for option: ${this.#open.name}`);
		}
	}

	#refuse(word: string): never {
		throw refusal('UnrecognizedOption', `Unrecognized option: ${word}`);
	}
}

/** A value loses quotes around it unless there are more inside. */
function unquoted(text: string): string {
	return /^"[^"]*"$/.test(text) ? text.slice(1, -1) : text;
}

function isNumber(text: string): boolean {
	return text.trim() === text && Number.isFinite(Number(text)) && !/^-0[xob]/i.test(text);
}

function refusal(kind: string, text: string): Failure {
	return new OptionFailure(`org.apache.commons.cli.${kind}Exception`, text);
}
