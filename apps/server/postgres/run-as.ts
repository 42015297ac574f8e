/**
 * PostgreSQL refuses to run as root. A replica that does run as root starts it as another user: the owner of the database's files, else `postgres`, which is made
 * when it is not there, else `nobody`. Where that user cannot even enter the directories above (a clone below /root), it keeps the one capability that lets it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

export interface RunAs {
	readonly uid: number;
	readonly gid: number;
}

/** Undefined when this process is not root: PostgreSQL then runs as the same user. */
export function unprivilegedUser(databaseDir: string): RunAs | undefined {
	if (process.getuid?.() !== 0) return undefined;
	if (existsSync(databaseDir)) {
		const { uid, gid } = statSync(databaseDir);
		if (uid !== 0) return { uid, gid };
	}
	return passwdEntry('postgres') ?? makePostgresUser() ?? passwdEntry('nobody') ?? { uid: 65_534, gid: 65_534 };
}

function passwdEntry(name: string): RunAs | undefined {
	let text: string;
	try {
		text = readFileSync('/etc/passwd', 'utf8');
	} catch {
		return undefined;
	}
	const fields = text
		.split('\n')
		.map((line) => line.split(':'))
		.find(([user]) => user === name);
	if (fields === undefined) return undefined;
	const [uid, gid] = [Number(fields[2]), Number(fields[3])];
	return Number.isInteger(uid) && Number.isInteger(gid) && uid !== 0 ? { uid, gid } : undefined;
}

function makePostgresUser(): RunAs | undefined {
	const commands: readonly (readonly [string, ...string[]])[] = [
		['useradd', '--system', '--user-group', '--no-create-home', 'postgres'],
		['adduser', '-S', '-D', '-H', 'postgres'],
	];
	for (const [command, ...args] of commands) {
		try {
			execFileSync(command, args, { stdio: 'ignore' });
			return passwdEntry('postgres');
		} catch {
			// Not there, or not allowed: the next one, and then `nobody`.
		}
	}
	return undefined;
}

/** Whether every directory above the path lets that user through. */
export function canReach(path: string, user: RunAs): boolean {
	for (let directory = dirname(resolve(path)); ; directory = dirname(directory)) {
		const { mode, uid, gid } = statSync(directory);
		const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
		if ((mode & bit) === 0) return false;
		if (directory === dirname(directory)) return true;
	}
}

export interface Command {
	readonly file: string;
	readonly args: readonly string[];
	readonly uid?: number;
	readonly gid?: number;
}

/**
 * The command with which `user` runs the program.
 * @throws Error saying what to do when the user could not reach the paths.
 */
export function commandAs(
	user: RunAs | undefined,
	file: string,
	args: readonly string[],
	paths: readonly string[],
): Command {
	if (user === undefined) return { file, args };
	const unreachable = [file, ...paths].find((path) => !canReach(path, user));
	if (unreachable === undefined) return { file, args, ...user };
	const setpriv = ['/usr/bin/setpriv', '/bin/setpriv', '/sbin/setpriv'].find((path) => existsSync(path));
	if (setpriv === undefined) {
		throw new Error(
			`PostgreSQL cannot run as root, and the user it runs as (uid ${user.uid}) may not enter the directories above ${unreachable}: ` +
				'use another dataDir, open those directories (chmod o+x), or set audit.url (CK_AUDIT_URL) to your own PostgreSQL',
		);
	}
	const capability = '+dac_read_search';
	return {
		file: setpriv,
		args: [
			`--reuid=${user.uid}`,
			`--regid=${user.gid}`,
			'--clear-groups',
			`--inh-caps=${capability}`,
			`--ambient-caps=${capability}`,
			file,
			...args,
		],
	};
}
