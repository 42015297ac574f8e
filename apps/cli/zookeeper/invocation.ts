/** How the program was called: its options, a command behind them, and the properties that were meant for Java. */
import { readFileSync } from 'node:fs';
import { propertiesOf } from './commands/members.ts';
import { Fatal } from './failures.ts';
import { decodeInt, readLong } from './java-numbers.ts';

export interface Invocation {
	readonly server: string;
	/** A number, when it is needed. */
	readonly timeout: string;
	readonly readOnly: boolean;
	readonly waitForConnection: boolean;
	readonly clientConfiguration: string | undefined;
	/** Empty for a shell. */
	readonly command: readonly string[];
	/** An option that stood at the end without its value. */
	readonly incomplete: string | undefined;
}

/** Options that it does not know are passed over; the first word without a dash begins the command. */
export function parseInvocation(args: readonly string[]): Invocation {
	const values = new Map<string, string>();
	let at = 0;
	while (at < args.length && args[at]!.startsWith('-')) {
		const option = args[at]!;
		const takesValue = option === '-server' || option === '-timeout' || option === '-client-configuration';
		if (takesValue && at + 1 === args.length) return invocation(values, [], option);
		values.set(option, takesValue ? args[at + 1]! : '');
		at += takesValue ? 2 : 1;
	}
	return invocation(values, args.slice(at), undefined);
}

function invocation(
	values: ReadonlyMap<string, string>,
	command: readonly string[],
	incomplete: string | undefined,
): Invocation {
	return {
		server: values.get('-server') ?? 'localhost:2181',
		timeout: values.get('-timeout') ?? '30000',
		readOnly: values.has('-r'),
		waitForConnection: values.has('-waitforconnection'),
		clientConfiguration: values.get('-client-configuration'),
		command,
		incomplete,
	};
}

export interface ClientSettings {
	readonly maxFrameBytes: number;
	readonly requestTimeoutMs: number;
	readonly resetWatches: boolean;
	/** What stands in the client's configuration file and does nothing here. */
	readonly withoutEffect: readonly string[];
}

const maxBuffer = 'jute.maxbuffer';
const requestTimeout = 'zookeeper.request.timeout';
const disableReset = 'zookeeper.disableAutoWatchReset';
const secure = 'zookeeper.client.secure';
const withEffect = [maxBuffer, requestTimeout, disableReset, secure];

/** @throws Fatal for a file that cannot be read, a number that is none, and for TLS, which a plain connection must not stand in for */
export function readClientSettings(
	file: string | undefined,
	environment: Readonly<Record<string, string | undefined>>,
): ClientSettings {
	const fromFile = file === undefined ? new Map<string, string>() : readProperties(file);
	const properties = new Map([...systemProperties(environment), ...fromFile]);
	if (properties.get(secure)?.trim() === 'true') {
		throw new Fatal(`${secure}=true`, 'TLS is not supported: use a plain port, or the command line of ZooKeeper');
	}
	const timeout = readLong(properties.get(requestTimeout) ?? '0');
	if (timeout === undefined) {
		throw new Fatal('java.lang.NumberFormatException', `For input string: "${properties.get(requestTimeout)}"`);
	}
	return {
		maxFrameBytes: decodeInt(properties.get(maxBuffer) ?? '1048575'),
		requestTimeoutMs: Number(timeout),
		resetWatches: properties.get(disableReset) !== 'true',
		withoutEffect: [...fromFile.keys()].filter((name) => !withEffect.includes(name)),
	};
}

/** `-Dname=value` among the flags for Java; its other flags have no meaning here. */
function systemProperties(environment: Readonly<Record<string, string | undefined>>): Map<string, string> {
	const flags = `${environment.CLIENT_JVMFLAGS ?? ''} ${environment.JVMFLAGS ?? ''}`;
	const pairs = flags.matchAll(/(?:^|\s)-D([^\s=]+)(?:=(\S*))?/g);
	return new Map([...pairs].map(([, name, value]) => [name!, value ?? '']));
}

function readProperties(file: string): ReadonlyMap<string, string> {
	try {
		return propertiesOf(readFileSync(file, 'utf8'));
	} catch (error) {
		throw new Fatal(`Error while processing ${file}`, (error as Error).message);
	}
}
