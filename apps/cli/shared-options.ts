/**
 * Options that several commands have: `--json` and `--no-color` all, `--server` and its kind those that ask a replica, `--database` and its kind those
 * that ask PostgreSQL. They may stand before the command or behind it: `ck --json ls /` is `ck ls / --json`.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { addressArgument, authArgument, databaseArgument } from './arguments.ts';
import { UsageFailure } from './failure.ts';

export interface OutputOptions {
	readonly json?: boolean;
	readonly color: boolean;
}

export interface ServerOptions {
	readonly server: string;
	readonly auth?: string;
	readonly token?: string;
	readonly tls?: boolean;
	/** Files. */
	readonly tlsCa?: string;
	readonly tlsCert?: string;
	readonly tlsKey?: string;
	/** Seconds. */
	readonly timeout: number;
}

export interface ReadOptions extends ServerOptions {
	readonly linearizable?: boolean;
}

export interface DatabaseOptions {
	readonly database?: string;
	readonly dataDir?: string;
}

const outputOptions = () => [
	new Option('--json', 'for machines: one JSON object per line'),
	new Option('--no-color', 'no colours, as with the environment variable NO_COLOR'),
];

const serverOptions = () => [
	new Option('--server <host:port>', 'the replica to ask')
		.env('CK_SERVER')
		.default('127.0.0.1:50051')
		.argParser(addressArgument),
	new Option('--auth <user:password>', "adds ZooKeeper's digest identity").env('CK_AUTH').argParser(authArgument),
	new Option('--token <token>', 'a bearer token (JWT) says who you are; better in CK_TOKEN').env('CK_TOKEN'),
	new Option('--tls', 'with TLS: the certificate of the replica is from an authority that Node knows'),
	new Option('--tls-ca <file>', 'with TLS: the authorities of replicas, PEM').env('CK_TLS_CA'),
	new Option('--tls-cert <file>', 'with TLS: your own certificate, PEM; it says who you are').env('CK_TLS_CERT'),
	new Option('--tls-key <file>', 'the key of --tls-cert, PEM').env('CK_TLS_KEY'),
	new Option('--timeout <seconds>', 'how long to wait for an answer').default(10).argParser(secondsArgument),
];

const databaseOptions = () => [
	new Option('--database <url>', 'PostgreSQL, postgresql://user:password@host:5432/database')
		.env('CK_AUDIT_URL')
		.argParser(databaseArgument),
	new Option(
		'--data-dir <dir>',
		"without --database: the replica's dataDir, whose embedded PostgreSQL is asked (default: ./data)",
	).env('CK_DATA_DIR'),
];

export function addOutputOptions(command: Command): Command {
	return add(command, outputOptions());
}

export function addServerOptions(command: Command): Command {
	return add(command, [...serverOptions(), ...outputOptions()]);
}

/** Of commands that read nodes. */
export function addReadOptions(command: Command): Command {
	const help = 'not older than anything acknowledged before: the replica asks a quorum first';
	return addServerOptions(command.option('--linearizable', help));
}

export function addDatabaseOptions(command: Command): Command {
	return add(command, [...databaseOptions(), ...outputOptions()]);
}

/** Only what a read is asked with: the command's own options may have the same names. */
export function readOptionsOf({ linearizable = false }: ReadOptions): { readonly linearizable: boolean } {
	return { linearizable };
}

/** Of a command that has the other options already. */
export function addDatabaseOnly(command: Command): Command {
	return add(command, databaseOptions());
}

/** On the program itself: for those who write them before the command. Defaults and the environment are the command's business. */
export function addLeadingOptions(program: Command): void {
	add(program, outputOptions());
	for (const option of [...serverOptions(), ...databaseOptions()]) {
		const leading = new Option(option.flags, option.description).hideHelp();
		program.addOption(option.parseArg === undefined ? leading : leading.argParser(option.parseArg));
	}
}

/** The command's options, with those that stood before it. */
export function optionsOf<Options extends object>(command: Command): Options {
	const merged: Record<string, unknown> = command.opts();
	let program = command.parent;
	if (program === null) return merged as Options;
	while (program.parent !== null) program = program.parent;
	for (const option of program.options) {
		const name = option.attributeName();
		if (program.getOptionValueSource(name) !== 'cli') continue;
		const own = command.options.find((each) => each.attributeName() === name);
		if (own === undefined) throw new UsageFailure(`ck ${command.name()} has no option ${option.long}`);
		if (command.getOptionValueSource(name) !== 'cli') merged[name] = program.getOptionValue(name);
	}
	return merged as Options;
}

function add(command: Command, options: readonly Option[]): Command {
	for (const option of options) command.addOption(option);
	return command;
}

function secondsArgument(text: string): number {
	const seconds = Number(text);
	if (!(seconds > 0 && seconds <= 86_400)) throw new InvalidArgumentError('it must be a number of seconds.');
	return seconds;
}
