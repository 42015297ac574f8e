/** Structured logs: one JSON object per line, or on a terminal one readable line. */
import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger };

export interface LoggerOptions {
	readonly level: string;
	readonly format: 'json' | 'text' | 'auto';
	/** Where lines go; standard output when absent. */
	readonly destination?: DestinationStream;
}

export function isReadable({ format }: Pick<LoggerOptions, 'format'>): boolean {
	return format === 'text' || (format === 'auto' && process.stdout.isTTY === true);
}

export function createLogger(options: LoggerOptions): Logger {
	const destination = options.destination ?? pino.destination({ fd: 1, sync: true });
	return pino(
		{
			level: options.level,
			base: null,
			timestamp: pino.stdTimeFunctions.isoTime,
			formatters: { level: (label) => ({ level: label }) },
			// A zxid or session id is 64 bits: JSON has no number for it.
			serializers: { err: pino.stdSerializers.err },
		},
		isReadable(options) ? { write: (line: string) => destination.write(readable(line)) } : destination,
	);
}

const own: ReadonlySet<string> = new Set(['level', 'time', 'msg', 'err']);

/** `10:24:02.123 warn  what happened (key=value …)`, an error's stack below it. */
function readable(line: string): string {
	const entry = JSON.parse(line) as Record<string, unknown> & { err?: { message?: string; stack?: string } };
	const time = String(entry.time).slice(11, 23);
	const details = Object.entries(entry)
		.filter(([key]) => !own.has(key))
		.map(([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`);
	const tail = details.length === 0 ? '' : ` (${details.join(' ')})`;
	const stack =
		entry.err === undefined ? '' : `\n    ${(entry.err.stack ?? entry.err.message ?? '').replaceAll('\n', '\n    ')}`;
	return `${time} ${String(entry.level).padEnd(5)} ${String(entry.msg ?? '')}${tail}${stack}\n`;
}
