/**
 * Which of the places that hold members decides: zoo.cfg with its dynamicConfigFile and the environment, as somebody configured them, or what a reconfiguration has left in the
 * data directory since, because it could not write there.
 */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type DynamicFile, nextFile, readDynamicFile, savedBase, savedFiles } from './dynamic-file.ts';
import type { Entry } from './entry.ts';
import { type MemberLines, readMembers } from './members.ts';

export interface MembersRead {
	readonly lines: MemberLines;
	/** The zxid of the reconfiguration that made them; 0 where none has. */
	readonly version: number;
	/** Of a reconfiguration that was logged here, and of which it is not known whether it was committed. */
	readonly next: { readonly lines: MemberLines; readonly version: number; readonly path: string } | undefined;
	/** Undefined while members stand in zoo.cfg or in the environment. */
	readonly dynamicConfigFile: string | undefined;
	/** The zoo.cfg in which a reconfiguration may name the file of the new members; undefined when they come from elsewhere. */
	readonly editableFile: string | undefined;
}

export interface MembershipSources {
	/** zoo.cfg. */
	readonly file: string | undefined;
	readonly dataDir: string;
	/** `dynamicConfigFile`, wherever it stands. */
	readonly dynamicEntry: Entry | undefined;
	/** Those of zoo.cfg and of the environment. */
	readonly memberEntries: readonly Entry[];
	/** Whether lines make an ensemble and not a single server. */
	isEnsemble(lines: MemberLines): boolean;
}

export function chooseMembers(sources: MembershipSources, notes: string[], problems: string[]): MembersRead {
	const configured = readConfigured(sources, problems);
	// A copy of a data directory, looked at by a single server, is not to join the ensemble it comes from.
	if (!sources.isEnsemble(configured.lines)) return configured;
	const base = savedBase(sources.dataDir);
	const [newest] = savedFiles(sources.dataDir);
	const next = newer(configured.next, readNext(base, problems));
	if (newest === undefined || newest.version <= configured.version) return { ...configured, next };
	const saved = readDynamicFile(newest.path, problems);
	notes.push(
		`the members are those of ${newest.path}, which a reconfiguration wrote, and not those that are configured elsewhere (version ${configured.version.toString(16)}): change them with reconfig. To go back to the configured ones, stop all servers and remove ${base}.dynamic.* from each`,
	);
	return {
		...configured,
		lines: linesOf(saved, problems),
		version: saved.version,
		next,
		dynamicConfigFile: newest.path,
	};
}

function newer(one: MembersRead['next'], other: MembersRead['next']): MembersRead['next'] {
	if (one === undefined || other === undefined) return one ?? other;
	return other.version > one.version ? other : one;
}

function readConfigured(sources: MembershipSources, problems: string[]): MembersRead {
	const { file, dynamicEntry, memberEntries } = sources;
	const isFromEnvironment = ({ where }: Entry) => where.startsWith(' (CK_');
	const fromEnvironment =
		dynamicEntry === undefined ? memberEntries.some(isFromEnvironment) : isFromEnvironment(dynamicEntry);
	const editableFile = fromEnvironment ? undefined : file;
	if (dynamicEntry === undefined) {
		const lines = readMembers(memberEntries, problems);
		return { lines, version: 0, next: undefined, dynamicConfigFile: undefined, editableFile };
	}
	const dynamic = readDynamicFile(resolve(file === undefined ? '.' : dirname(file), dynamicEntry.value), problems);
	for (const { key, where } of memberEntries)
		problems.push(`${key} cannot stand here${where}: with a dynamicConfigFile it stands there (${dynamic.path})`);
	return {
		lines: linesOf(dynamic, problems),
		version: dynamic.version,
		next: file === undefined ? undefined : readNext(file, problems),
		dynamicConfigFile: dynamic.path,
		editableFile,
	};
}

function readNext(base: string, problems: string[]): MembersRead['next'] {
	const path = nextFile(base);
	if (!existsSync(path)) return undefined;
	const next = readDynamicFile(path, problems);
	return { lines: linesOf(next, problems), version: next.version, path };
}

/** A file without servers is not one that somebody wrote on purpose: a single server would start. */
function linesOf(dynamic: DynamicFile, problems: string[]): MemberLines {
	const known = problems.length;
	const lines = readMembers(dynamic.entries, problems);
	if (lines.servers.length === 0 && problems.length === known)
		problems.push(`${dynamic.path} has no server.N line: it has to hold the members of the ensemble`);
	return lines;
}
