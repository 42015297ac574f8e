/**
 * An ensemble's members on disk, as ZooKeeper keeps them: `zoo.cfg.dynamic.VERSION` beside zoo.cfg, which names it, and `zoo.cfg.dynamic.next` while a reconfiguration is
 * under way. Where zoo.cfg cannot be written, or is not where the members come from, the same files are in the data directory, and the newer version counts at the next start
 * (apps/server/config/membership-sources.ts).
 *
 * Each file takes the place of the one before as a whole. In force is what zoo.cfg names, so the file of the members comes first, zoo.cfg second, and the next configuration goes last: a power cut after any step
 * leaves the old members and the next ones, or the new members.
 */
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { MembershipStore } from '#core/zab/membership-store';
import type { QuorumConfig } from '#core/zab/quorum-config';
import { isEveryHost } from '#core/zab/quorum-server';
import { currentFile, nextFile, savedBase, savedFiles } from '../config/dynamic-file.ts';
import { isMemberKey } from '../config/members.ts';
import { escapedValue, parseProperties, withoutProperties } from '../config/properties-file.ts';
import { realSmallFiles, type SmallFiles } from './small-files.ts';

export interface MembershipFilesParts {
	readonly serverId: number;
	readonly dataDir: string;
	/** The zoo.cfg that names the file of the members; undefined when it is not to be changed. */
	readonly editableFile: string | undefined;
	readonly warn: (message: string) => void;
	readonly files?: SmallFiles;
}

export class MembershipFiles implements MembershipStore {
	readonly #parts: MembershipFilesParts;
	readonly #files: SmallFiles;
	/** Undefined from the first time on that it could not be written. */
	#editableFile: string | undefined;

	constructor(parts: MembershipFilesParts) {
		this.#parts = parts;
		this.#files = parts.files ?? realSmallFiles;
		this.#editableFile = parts.editableFile === undefined ? undefined : resolve(parts.editableFile);
	}

	/** Where the members of this version are, or would be, for people. */
	fileOf({ version }: QuorumConfig): string {
		return currentFile(this.#editableFile ?? savedBase(this.#parts.dataDir), version);
	}

	/** @throws Error of the file system: nothing may be acknowledged that depends on it */
	saveNext(config: QuorumConfig): void {
		this.#besideConfiguration(
			(file) => this.#files.replace(nextFile(file), linesOf(config, true)),
			() => this.#files.replace(nextFile(savedBase(this.#parts.dataDir)), linesOf(config, true)),
		);
	}

	/** @throws as saveNext() */
	saveCurrent(config: QuorumConfig): void {
		this.#besideConfiguration(
			(file) => this.#name(config, file),
			() => this.#save(config),
		);
	}

	/** The second one is for the data directory. */
	#besideConfiguration(write: (file: string) => void, writeElsewhere: () => void): void {
		const file = this.#editableFile;
		if (file !== undefined) {
			try {
				write(file);
				return;
			} catch (error) {
				this.#editableFile = undefined;
				this.#parts.warn(
					`the members of the ensemble are kept in ${this.#parts.dataDir} from now on, because ${file} cannot be changed: ${(error as Error).message}`,
				);
			}
		}
		writeElsewhere();
	}

	#name(config: QuorumConfig, file: string): void {
		// What a link leads to is changed, and not the link.
		const real = realpathSync(file);
		const text = this.#files.read(real);
		const path = currentFile(file, config.version);
		this.#files.replace(path, linesOf(config, false));
		// ZooKeeper keeps what somebody wrote there by hand.
		if (!parseProperties(text).some(({ key }) => key === 'dynamicConfigFile'))
			this.#files.replace(`${real}.bak`, text, real);
		this.#files.replace(real, this.#edited(text, path, config), real);
		this.#files.remove(nextFile(file));
		// Of a time when zoo.cfg could not be written.
		if (savedFiles(this.#parts.dataDir).length > 0) this.#forgetSaved(config.version + 1);
	}

	/**
	 * ZooKeeper takes the same lines out; comments it does not keep. A `clientPortAddress` stays that confines a port whose line says all addresses, with which ZooKeeper does not start
	 * anyway.
	 */
	#edited(text: string, path: string, config: QuorumConfig): string {
		const client = config.servers.get(this.#parts.serverId)?.client;
		const saysAll = client !== undefined && isEveryHost(client.host);
		const address = parseProperties(text).findLast(({ key }) => key === 'clientPortAddress')?.value ?? '';
		const keepsAddress = saysAll && address !== '' && !isEveryHost(address);
		const rest = withoutProperties(
			text,
			(key) =>
				isMemberKey(key) ||
				key === 'dynamicConfigFile' ||
				key === 'peerType' ||
				(client !== undefined && (key === 'clientPort' || (key === 'clientPortAddress' && !keepsAddress))),
		);
		const end = rest === '' || /[\r\n]$/.test(rest) ? '' : '\n';
		return `${rest}${end}dynamicConfigFile=${escapedValue(path)}\n`;
	}

	#save(config: QuorumConfig): void {
		const base = savedBase(this.#parts.dataDir);
		this.#files.replace(currentFile(base, config.version), linesOf(config, false));
		// The newest one counts: to go back, one file is to be removed, and not all there ever were.
		this.#forgetSaved(config.version);
	}

	#forgetSaved(before: number): void {
		this.#files.remove(nextFile(savedBase(this.#parts.dataDir)));
		for (const { path, version } of savedFiles(this.#parts.dataDir)) if (version < before) this.#files.remove(path);
	}
}

/** In ZooKeeper's order. It refuses a version inside a file that is in force, whose name has it. */
function linesOf(config: QuorumConfig, hasVersion: boolean): string {
	const lines = config.toString().split('\n');
	return lines
		.filter((line) => hasVersion || !line.startsWith('version='))
		.sort()
		.join('\n');
}
