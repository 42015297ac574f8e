/**
 * The files that hold an ensemble's members apart from zoo.cfg. ZooKeeper's stand beside zoo.cfg, with the version in their names; where zoo.cfg cannot be written
 * a reconfiguration leaves the same in the data directory.
 */
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Entry } from './entry.ts';
import { isMemberKey } from './members.ts';
import { propertiesOf } from './properties-file.ts';

export interface DynamicFile {
	readonly path: string;
	/** `server.N`, `group.N` and `weight.N`. */
	readonly entries: readonly Entry[];
	/** The zxid of the reconfiguration that made it; 0 where it was not one. */
	readonly version: number;
}

/** Of the members of this version. `base` is the path of zoo.cfg, or savedBase(). */
export function currentFile(base: string, version: number): string {
	return `${base}.dynamic.${version.toString(16)}`;
}

/** Of the members that a reconfiguration which is not known to be committed would have. */
export function nextFile(base: string): string {
	return `${base}.dynamic.next`;
}

const savedName = 'members';

/** Where members are kept when zoo.cfg cannot be written, or does not hold them. */
export function savedBase(dataDir: string): string {
	return join(dataDir, savedName);
}

/** Those of the data directory that hold members, the newest first. */
export function savedFiles(dataDir: string): readonly { readonly path: string; readonly version: number }[] {
	let names: readonly string[];
	try {
		names = readdirSync(dataDir);
	} catch {
		// A new server; whatever else is wrong with the directory is said by who opens it.
		return [];
	}
	return names
		.flatMap((name) => {
			const version = name.startsWith(`${savedName}.dynamic.`) ? versionInName(name) : undefined;
			return version === undefined ? [] : [{ path: join(dataDir, name), version }];
		})
		.sort((one, other) => other.version - one.version);
}

/** ZooKeeper writes the version into the file's name, and into that of a next configuration; one inside is taken wherever the name has none. */
export function readDynamicFile(path: string, problems: string[]): DynamicFile {
	const found = propertiesOf(path, problems);
	for (const { key, where } of found) {
		if (!isMemberKey(key) && key !== 'version') {
			problems.push(`${key} cannot stand in a dynamic configuration file${where}: only server.N, group.N, weight.N`);
		}
	}
	const inside = found.findLast(({ key }) => key === 'version');
	const version = versionInName(path) ?? hexadecimal(inside?.value ?? '0');
	if (version === undefined)
		problems.push(`version is "${inside!.value}"${inside!.where}: it must be a zxid in hexadecimal`);
	return { path: resolve(path), entries: found.filter(({ key }) => isMemberKey(key)), version: version ?? 0 };
}

function versionInName(path: string): number | undefined {
	const text = /\.([0-9a-f]+)$/i.exec(path)?.[1];
	return text === undefined ? undefined : hexadecimal(text);
}

function hexadecimal(text: string): number | undefined {
	const version = Number.parseInt(text, 16);
	return /^[0-9a-f]+$/i.test(text) && Number.isSafeInteger(version) ? version : undefined;
}
