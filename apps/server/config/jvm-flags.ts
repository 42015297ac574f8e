/**
 * `-Dname=value` out of the variables with which ZooKeeper's launchers are told of Java's flags. What they set here is what ZooKeeper reads from system
 * properties; flags of the Java machine itself mean nothing here.
 */
import type { Entry } from './entry.ts';
import { isLaterKey } from './later-keys.ts';
import { keyOfProperty } from './property-names.ts';

/** The last one wins, as zkServer.sh joins them. */
const variables = ['SERVER_JVMFLAGS', 'JVMFLAGS'] as const;
/** Of the log files of Java's server, which launchers and unit files pass on. */
const silent = /^zookeeper\.(log|root|console|tracelog|jmx)\./;

export function readJvmFlags(
	environment: Readonly<Record<string, string | undefined>>,
	withoutEffect: Set<string>,
	warnings: string[],
): Entry[] {
	const entries: Entry[] = [];
	for (const variable of variables) {
		// Words as the shell makes them of an unquoted variable: quotes in it are letters like others.
		for (const word of (environment[variable] ?? '').split(/\s+/)) {
			const [, name, value] = /^-D([^=]+)=?(.*)$/.exec(word) ?? [];
			if (name === undefined || value === undefined) continue;
			const key = keyOfProperty(name);
			const bare = name.replace(/^zookeeper\./, '');
			if (key !== undefined) entries.push({ key, value: decimal(value), where: ` (-D${name} in ${variable})` });
			else if (bare !== name && isLaterKey(bare)) withoutEffect.add(bare);
			else if (bare !== name && !silent.test(name)) {
				warnings.push(`-D${name} in ${variable} is not a property that a server reads: it has no effect`);
			}
		}
	}
	return entries;
}

/** Java's properties take `0xfffff` for a number. */
function decimal(value: string): string {
	return /^0x[0-9a-f]+$/i.test(value) ? String(Number(value)) : value;
}
