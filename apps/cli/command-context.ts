import type { Terminal } from './terminal.ts';

/** What every command gets besides its own arguments. */
export interface CommandContext {
	readonly terminal: Terminal;
	readonly environment: Readonly<Record<string, string | undefined>>;
	/** Fires with the first Ctrl-C; commands that have nothing to tidy up need not look at it. */
	readonly interrupted: AbortSignal;
	/** Reads what is piped in to its end. */
	readonly readInput: () => Promise<Uint8Array>;
	readonly inputIsTerminal: boolean;
	/** Of the process, unless it already is something worse. */
	setExitCode(code: number): void;
}
