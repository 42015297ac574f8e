/**
 * The configuration: Java's system properties in SERVER_JVMFLAGS, zoo.cfg over them, the environment over it. Read once, validated, frozen. Anything wrong stops the start with a ConfigError that lists
 * every problem, each with its key, its value, where it stands and what is allowed.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { formatQuorumServer, isEveryHost } from '#core/zab/quorum-server';
import { type EnsembleConfig, ensembleOf, isEnsemble } from './ensemble.ts';
import { needsEnsemble } from './ensemble-keys.ts';
import type { Entry } from './entry.ts';
import { checkGrpc } from './grpc-security.ts';
import { readJvmFlags } from './jvm-flags.ts';
import { environmentVariable, type Key, type KeyName, keyNames, keys, type Values } from './keys.ts';
import { isLaterKey, laterKeys, unbuiltKeys } from './later-keys.ts';
import { isMemberKey } from './members.ts';
import { chooseMembers, type MembersRead } from './membership-sources.ts';
import { nearest } from './nearest.ts';
import { propertiesOf } from './properties-file.ts';
import { aliases } from './property-names.ts';

export interface ServerConfig extends Values {
	/** The file it was read from; undefined without one. */
	readonly file: string | undefined;
	/** The keys that somebody set; the others have their defaults. */
	readonly given: ReadonlySet<string>;
	/** The server's own id: `serverId`, or the file `myid` in the data directory; 0 without either. */
	readonly serverId: number;
	/** Undefined for a single server. */
	readonly ensemble: EnsembleConfig | undefined;
	/** One line each, to be logged at the start. */
	readonly warnings: readonly string[];
	/** What is as it should be, and worth knowing: logged, too. */
	readonly notes: readonly string[];
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
	readonly members: MembersRead;
}

/** ZooKeeper keeps no fewer. */
const leastCommitLog = 500;

/** Variables of other parts of Chronokeeper that begin with CK_ as well. */
const otherVariables: ReadonlySet<string> = new Set([
	'CK_CONFIG',
	'CK_SERVER',
	'CK_AUTH',
	'CK_TOKEN',
	'CK_TLS_CA',
	'CK_TLS_CERT',
	'CK_TLS_KEY',
	'CK_DEBUG',
	'CK_REWRITE',
	'CK_READY_FILE',
	'CK_ENSEMBLE_DIR',
]);

/** @throws ConfigError */
export function loadConfig(sources: ConfigSources = {}): ServerConfig {
	const problems: string[] = [];
	const warnings: string[] = [];
	const withoutEffect = new Set<string>();
	const entries = [
		...readJvmFlags(sources.environment ?? {}, withoutEffect, warnings),
		...(sources.file === undefined ? [] : propertiesOf(sources.file, problems)),
		...readEnvironment(sources.environment ?? {}, warnings),
	];
	const values: Record<string, unknown> = {};
	for (const name of keyNames) values[name] = keys[name].fallback;
	const memberEntries: Entry[] = [];
	const given = new Set<string>(Object.keys(sources.overrides ?? {}));
	for (const entry of entries) {
		const name = isKey(entry.key) ? entry.key : aliases.get(entry.key);
		if (name !== undefined) {
			if (readValue(name, entry, values, problems)) given.add(name);
			if (unbuiltKeys.has(name)) withoutEffect.add(entry.key);
		} else if (isMemberKey(entry.key)) memberEntries.push(entry);
		else if (isLaterKey(entry.key)) withoutEffect.add(entry.key);
		else problems.push(unknownKey(entry));
	}
	Object.assign(values, sources.overrides);
	if (withoutEffect.size > 0) {
		warnings.push(`without effect in this build: ${[...withoutEffect].sort().join(', ')}`);
	}
	const { dataDir, standaloneEnabled } = values as unknown as Values;
	const notes: string[] = [];
	const members = chooseMembers(
		{
			file: sources.file,
			dataDir: resolve(dataDir),
			dynamicEntry: entries.findLast(({ key, value }) => key === 'dynamicConfigFile' && value !== ''),
			memberEntries,
			isEnsemble: (lines) => isEnsemble(lines, standaloneEnabled, []),
		},
		notes,
		problems,
	);
	const read = { file: sources.file, values: values as unknown as Values, given, members };
	const config = { ...derive(read, warnings, problems), notes: Object.freeze(notes) };
	if (problems.length > 0) throw new ConfigError(problems, config);
	return Object.freeze(config);
}

function isKey(key: string): key is KeyName {
	return Object.hasOwn(keys, key);
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
		// Of a key, nothing is its default; of a server, no server.
		if (numbered !== null && value.trim() === '') continue;
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

function unknownKey(entry: Entry): string {
	const known = [...keyNames, ...aliases.keys(), 'server.1', ...Object.keys(laterKeys)];
	return `${entry.key} is not a known key${entry.where}; the nearest one is ${nearest(entry.key, known)}`;
}

/** Where ZooKeeper's clients are listened to: `clientPort`, or what stands behind the `;` of this server's line; nobody asked for an open port when neither is there. */
function clientAddress(
	{ values, given, members }: Read,
	serverId: number | undefined,
	warnings: string[],
	problems: string[],
): Pick<Values, 'clientPort' | 'clientPortAddress'> {
	const { clientPort, clientPortAddress } = values;
	// A single server is the one of the only line, whatever its number.
	const { servers } = members.lines;
	const own = servers.length === 1 ? servers[0] : servers.find(({ id }) => id === serverId);
	const line = own?.client;
	const lineAddress = line === undefined || isEveryHost(line.host) ? '' : line.host;
	const isOther = given.has('clientPort') && line !== undefined && line.port !== clientPort;
	if (isOther) {
		const both = `clientPort is ${clientPort}, and ${line.port} in the server's line "${formatQuorumServer(own!)}"`;
		if (members.version === 0) problems.push(`${both}: leave one of them out`);
		else warnings.push(`${both}, which a reconfiguration made and which decides: leave clientPort out`);
	}
	if (given.has('clientPort') && !isOther) {
		return { clientPort, clientPortAddress: clientPortAddress === '' ? lineAddress : clientPortAddress };
	}
	if (line !== undefined) return { clientPort: line.port, clientPortAddress: lineAddress || clientPortAddress };
	if (given.has('secureClientPort')) return { clientPort: 0, clientPortAddress };
	return { clientPort, clientPortAddress: clientPortAddress === '' ? '127.0.0.1' : clientPortAddress };
}

/** What follows from several values, and the rules between them. */
function derive(read: Read, warnings: string[], problems: string[]): Omit<ServerConfig, 'notes'> {
	const { values, given, members } = read;
	const minSessionTimeout = values.minSessionTimeout === -1 ? 2 * values.tickTime : values.minSessionTimeout;
	const maxSessionTimeout = values.maxSessionTimeout === -1 ? 20 * values.tickTime : values.maxSessionTimeout;
	if (minSessionTimeout > maxSessionTimeout) {
		problems.push(
			`minSessionTimeout (${minSessionTimeout} ms) is larger than maxSessionTimeout (${maxSessionTimeout} ms): it must not be`,
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
	checkGrpc(values, given, warnings, problems);
	const dataDir = resolve(values.dataDir);
	const serverId = ownId(dataDir, values.serverId, problems);
	const ensemble = ensembleOf({ values, members, serverId }, warnings, problems);
	if (ensemble !== undefined && values.readOnlyCopy) {
		problems.push('readOnlyCopy is for a single server on a copy of a data directory, and this is one of an ensemble');
	}
	const missing = [...given].filter(needsEnsemble).sort();
	if (ensemble === undefined && members.lines.servers.length < 2 && missing.length > 0) {
		warnings.push(`without effect on a single server: ${missing.join(', ')}`);
	}
	if (values.commitLogCount < leastCommitLog) {
		warnings.push(`commitLogCount is ${values.commitLogCount}: ${leastCommitLog} is taken, the least`);
	}
	return {
		...values,
		...clientAddress(read, serverId, warnings, problems),
		file: read.file,
		given,
		dataDir,
		dataLogDir: values.dataLogDir === '' ? dataDir : resolve(values.dataLogDir),
		minSessionTimeout,
		maxSessionTimeout,
		'autopurge.snapRetainCount': Math.max(3, values['autopurge.snapRetainCount']),
		commitLogCount: Math.max(leastCommitLog, values.commitLogCount),
		serverId: serverId ?? 0,
		ensemble,
		warnings: Object.freeze(warnings),
	};
}

/** Undefined when nothing says it. */
function ownId(dataDir: string, given: number, problems: string[]): number | undefined {
	const file = resolve(dataDir, 'myid');
	const inFile = readMyId(file, problems);
	if (given === -1) return inFile;
	if (inFile !== undefined && inFile !== given) {
		problems.push(`serverId is ${given}, and ${file} holds ${inFile}: the data directory is another server's`);
	}
	return given;
}

function readMyId(file: string, problems: string[]): number | undefined {
	let text: string;
	try {
		text = readFileSync(file, 'utf8').trim();
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && (error as NodeJS.ErrnoException).code !== 'ENOTDIR') {
			problems.push(`${file} cannot be read: ${(error as Error).message}`);
		}
		return undefined;
	}
	const id = /^[0-9]+$/.test(text) ? Number(text) : -1;
	if (id >= 0 && id <= 255) return id;
	problems.push(`${file} holds "${text}": it must be the server's number, from 0 to 255`);
	return undefined;
}
