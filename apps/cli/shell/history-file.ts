/** What was typed in earlier shells: a file of the user's, a command on each line. What has a password in it is not written there. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const kept = 1000;
/** Files grow to twice of what is kept before they are cut. */
const longest = 2 * kept;

export class HistoryFile {
	readonly path: string;
	#isWritable = true;

	constructor(environment: Readonly<Record<string, string | undefined>>) {
		this.path = join(environment.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'chronokeeper', 'history');
	}

	/** The oldest first. */
	read(): string[] {
		let lines: string[];
		try {
			lines = readFileSync(this.path, 'utf8')
				.split('\n')
				.filter((line) => line !== '');
		} catch {
			// The first shell of this user, or no file that can be read: there is nothing to find then.
			return [];
		}
		const recent = lines.slice(-kept);
		if (lines.length > longest) this.#write(() => writeFileSync(this.path, `${recent.join('\n')}\n`, { mode: 0o600 }));
		return recent;
	}

	add(line: string): void {
		if (/^\s*addauth\b/.test(line) || line.includes('--auth')) return;
		this.#write(() => {
			mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
			appendFileSync(this.path, `${line}\n`, { mode: 0o600 });
		});
	}

	/** A shell works as well without a history. */
	#write(write: () => void): void {
		if (!this.#isWritable) return;
		try {
			write();
		} catch {
			this.#isWritable = false;
		}
	}
}
