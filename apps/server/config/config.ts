/**
 * The configuration: Java's system properties in SERVER_JVMFLAGS, zoo.cfg over them, the environment over it. Read once, validated, frozen. Anything wrong stops the start with a ConfigError that lists
 * every problem, each with its key, its value, where it stands and what is allowed.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Entry } from './entry.ts';
import { readJvmFlags } from './jvm-flags.ts';
import { environmentVariable, type Key, type KeyName, keyNames, keys, type Values } from './keys.ts';
import { isLaterKey, laterKeys, unbuiltKeys } from './later-keys.ts';
import { nearest } from './nearest.ts';
import { parseProperties } from './properties-file.ts';
import { aliases } from './property-names.ts';
import { type EnsembleServer, parseServerLine, serverLineForm } from './server-line.ts';

export interface ServerConfig extends Values {
	/** The file it was read from; undefined without one. */
	readonly file: string | undefined;
	/** The keys that somebody set; the others have their defaults. */
	readonly given: ReadonlySet<string>;
	/** `server.N`, in order. */
	readonly servers: readonly EnsembleServer[];
	/** The server's own id: the file `myid` in the data directory; 0 without one. */
	readonly serverId: number;
	/** One line each, to be logged at the start. */
	readonly warnings: readonly string[];
}

export class ConfigError extends Error {
	constructor(
		readonly problems: readonly string[],
		/** What it would be without them: good enough to find a server that runs with it, not to start one. */
		readonly understood: ServerConfig,
	) {
		super(problems.length === 1 ? problems[0] : `${problems.length} problems:\n  ${problems.join('\n  ')}`);
		this.name = 'ConfigError';
	}
}

export interface ConfigSources {
	readonly file?: string | undefined;
	readonly environment?: Readonly<Record<string, string | undefined>>;
	/** Over both; for tests and for the command line. */
	readonly overrides?: Partial<Values>;
}

/** What the sources say, before what follows from it. */
interface Read {
	readonly file: string | undefined;
	readonly values: Values;
	readonly given: ReadonlySet<string>;
	readonly servers: readonly EnsembleServer[];
}

/** Variables of other parts of Chronokeeper that begin with CK_ as well. */
const otherVariables: ReadonlySet<string> = new Set([
	'CK_CONFIG',
	'CK_SERVER',
	'CK_AUTH',
	'CK_DEBUG',
	'CK_REWRITE',
	'CK_READY_FILE',
]);

/** @throws ConfigError */
export function loadConfig(sources: ConfigSources = {}): ServerConfig {
	const problems: string[] = [];
	const warnings: string[] = [];
	const withoutEffect = new Set<string>();
	const entries = [
		...readJvmFlags(sources.environment ?? {}, withoutEffect, warnings),
		...(sources.file === undefined ? [] : readFile(sources.file, problems)),
		...readEnvironment(sources.environment ?? {}, warnings),
	];
	const dynamic = entries.findLast((entry) => entry.key === 'dynamicConfigFile');
	if (dynamic !== undefined) entries.push(...readDynamicFile(dynamic, sources.file, problems));

	const values: Record<string, unknown> = {};
	for (const name of keyNames) values[name] = keys[name].fallback;
	const servers = new Map<number, EnsembleServer>();
	const given = new Set<string>(Object.keys(sources.overrides ?? {}));
	for (const entry of entries) {
		const name = isKey(entry.key) ? entry.key : aliases.get(entry.key);
		if (name !== undefined) {
			if (readValue(name, entry, values, problems)) given.add(name);
			if (unbuiltKeys.has(name)) withoutEffect.add(entry.key);
		} else if (/^server\.[0-9]+$/.test(entry.key)) readServer(entry, servers, problems);
		else if (isLaterKey(entry.key)) withoutEffect.add(entry.key);
		else problems.push(unknownKey(entry));
	}
	Object.assign(values, sources.overrides);
	if (withoutEffect.size > 0) {
		warnings.push(`without effect in this build: ${[...withoutEffect].sort().join(', ')}`);
	}
	const read = {
		file: sources.file,
		values: values as unknown as Values,
		given,
		servers: [...servers.values()],
	};
	const config = derive(read, warnings, problems);
	if (problems.length > 0) throw new ConfigError(problems, config);
	return Object.freeze(config);
}

function isKey(key: string): key is KeyName {
	return Object.hasOwn(keys, key);
}

function readFile(file: string, problems: string[]): Entry[] {
	let text: string;
	try {
		text = readFileSync(file, 'utf8');
	} catch (error) {
		problems.push(`the configuration file ${file} cannot be read: ${(error as Error).message}`);
		return [];
	}
	// Some keys are documented with the prefix of their Java system property.
	return parseProperties(text).map(({ key, value, line }) => ({
		key: key.replace(/^zookeeper\./, ''),
		value,
		where: ` (${file}, line ${line})`,
	}));
}

function readDynamicFile(entry: Entry, file: string | undefined, problems: string[]): Entry[] {
	const beside = file === undefined ? '.' : dirname(file);
	const found = readFile(resolve(beside, entry.value), problems);
	for (const { key, where } of found) {
		if (!/^(server|group|weight)\.[0-9]+$|^version$/.test(key)) {
			problems.push(`${key} cannot stand in a dynamic configuration file${where}: only server.N, group.N, weight.N`);
		}
	}
	return found.filter(({ key }) => /^(server|group|weight)\./.test(key));
}

function readEnvironment(environment: Readonly<Record<string, string | undefined>>, warnings: string[]): Entry[] {
	const entries: Entry[] = [];
	const known = new Map<string, string>();
	for (const key of [...aliases.keys(), ...keyNames, ...Object.keys(laterKeys)])
		known.set(environmentVariable(key), key);
	for (const [name, value] of Object.entries(environment)) {
		if (!name.startsWith('CK_') || value === undefined) continue;
		const numbered = /^CK_(SERVER|GROUP|WEIGHT)_([0-9]+)$/.exec(name);
		const key = numbered === null ? known.get(name) : `${numbered[1]!.toLowerCase()}.${numbered[2]}`;
		if (key !== undefined) entries.push({ key, value: value.trim(), where: ` (${name})` });
		else if (!otherVariables.has(name) && !name.startsWith('CK_TEST_')) {
			warnings.push(`the environment variable ${name} is not known; the nearest one is ${nearest(name, known.keys())}`);
		}
	}
	return entries;
}

/** @returns whether it has a value */
function readValue(name: KeyName, entry: Entry, values: Record<string, unknown>, problems: string[]): boolean {
	const key = keys[name] as Key<unknown>;
	// An empty value in the environment is what `CK_AUDIT_URL= npm start` gives: the default.
	if (entry.value === '' && /^ \((CK_|-D)/.test(entry.where)) return false;
	const value = key.type.read(entry.value);
	if (value !== undefined) values[name] = value;
	else {
		const shown = key.secret === true ? 'a value' : `"${entry.value}"`;
		problems.push(`${entry.key} is ${shown}${entry.where}: it must be ${key.type.allowed}`);
	}
	return value !== undefined;
}

function readServer(entry: Entry, servers: Map<number, EnsembleServer>, problems: string[]): void {
	const id = Number(entry.key.slice('server.'.length));
	const server = parseServerLine(id, entry.value);
	if (server !== undefined) servers.set(id, server);
	else problems.push(`${entry.key} is "${entry.value}"${entry.where}: it must be ${serverLineForm}`);
}

function unknownKey(entry: Entry): string {
	const known = [...keyNames, ...aliases.keys(), 'server.1', ...Object.keys(laterKeys)];
	return `${entry.key} is not a known key${entry.where}; the nearest one is ${nearest(entry.key, known)}`;
}

/** Where ZooKeeper's clients are listened to: `clientPort`, or what stands behind the `;` of this server's line; nobody asked for an open port when neither is there. */
function clientAddress(
	{ values, given, servers }: Read,
	problems: string[],
): Pick<Values, 'clientPort' | 'clientPortAddress'> {
	const { clientPort, clientPortAddress } = values;
	const line = servers.length === 1 ? servers[0]!.client : undefined;
	if (given.has('clientPort')) {
		if (line !== undefined && line.port !== clientPort) {
			problems.push(
				`clientPort is ${clientPort}, and ${line.port} in the server's line "${servers[0]!.text}": leave one of them out`,
			);
		}
		return { clientPort, clientPortAddress: clientPortAddress === '' ? (line?.address ?? '') : clientPortAddress };
	}
	if (line !== undefined) return { clientPort: line.port, clientPortAddress: line.address || clientPortAddress };
	if (given.has('secureClientPort')) return { clientPort: 0, clientPortAddress };
	return { clientPort, clientPortAddress: clientPortAddress === '' ? '127.0.0.1' : clientPortAddress };
}

/** What follows from several values, and the rules between them. */
function derive(read: Read, warnings: string[], problems: string[]): ServerConfig {
	const { values, servers } = read;
	const minSessionTimeout = values.minSessionTimeout === -1 ? 2 * values.tickTime : values.minSessionTimeout;
	const maxSessionTimeout = values.maxSessionTimeout === -1 ? 20 * values.tickTime : values.maxSessionTimeout;
	if (minSessionTimeout > maxSessionTimeout) {
		problems.push(
			`minSessionTimeout (${minSessionTimeout} ms) is larger than maxSessionTimeout (${maxSessionTimeout} ms): it must not be`,
		);
	}
	if (servers.length > 1 || !values.standaloneEnabled) {
		// One replica of an ensemble that ran alone would acknowledge writes the others never see.
		problems.push(
			`the configuration names an ensemble (${servers.length} server.N lines, standaloneEnabled=${values.standaloneEnabled}): ` +
				'this build runs a single server only. Remove the server.N lines to run one',
		);
	}
	if (values['autopurge.snapRetainCount'] < 3) {
		warnings.push(`autopurge.snapRetainCount is ${values['autopurge.snapRetainCount']}: 3 is taken, the least`);
	}
	if (!values.forceSync) {
		warnings.push('forceSync=no: acknowledged writes are lost when the machine stops');
	}
	if (values.skipACL) warnings.push('skipACL=yes: access control lists are not looked at');
	if (values.secureClientPort !== 0) {
		warnings.push(`secureClientPort=${values.secureClientPort}: this build has no client port with TLS`);
	}
	const dataDir = resolve(values.dataDir);
	return {
		...values,
		...clientAddress(read, problems),
		file: read.file,
		given: read.given,
		servers,
		dataDir,
		dataLogDir: values.dataLogDir === '' ? dataDir : resolve(values.dataLogDir),
		minSessionTimeout,
		maxSessionTimeout,
		'autopurge.snapRetainCount': Math.max(3, values['autopurge.snapRetainCount']),
		serverId: readMyId(dataDir, problems),
		warnings: Object.freeze(warnings),
	};
}

function readMyId(dataDir: string, problems: string[]): number {
	let text: string;
	const file = resolve(dataDir, 'myid');
	try {
		text = readFileSync(file, 'utf8').trim();
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && (error as NodeJS.ErrnoException).code !== 'ENOTDIR') {
			problems.push(`${file} cannot be read: ${(error as Error).message}`);
		}
		return 0;
	}
	const id = /^[0-9]+$/.test(text) ? Number(text) : -1;
	if (id < 0 || id > 255) {
		problems.push(`${file} holds "${text}": it must be the server's number, from 0 to 255`);
		return 0;
	}
	return id;
}
