import type { Terminal } from './terminal.ts';

/** What every command gets besides its own arguments. */
export interface CommandContext {
	readonly terminal: Terminal;
	readonly environment: Readonly<Record<string, string | undefined>>;
	/** Fires with the first Ctrl-C. A command that never asks for it simply ends then. */
	interrupted(): AbortSignal;
	/** Reads what is piped in to its end. */
	readonly readInput: () => Promise<Uint8Array>;
	readonly inputIsTerminal: boolean;
	/** Of the process, unless it is something worse already. */
	setExitCode(code: number): void;
}
