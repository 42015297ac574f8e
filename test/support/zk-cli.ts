/** ZooKeeper's command line and ours, run to their ends: what they print and how they end. */
import { fileURLToPath } from 'node:url';
import { type Outcome, type RunOptions, runBeside } from './processes.ts';
import { javaOptions } from './real-zookeeper.ts';

export type CommandLineProgram = (args: readonly string[], options?: RunOptions) => Promise<Outcome>;

export const zkCliPath = fileURLToPath(new URL('../../bin/zkCli.sh', import.meta.url));

export const ourZkCli: CommandLineProgram = (args, options) => runBeside(zkCliPath, args, options);

/** Without its log, which goes to stderr as answers do. */
export const zooKeepersZkCli: CommandLineProgram = (args, options) => {
	const quiet = { 'org.slf4j.simpleLogger.defaultLogLevel': 'off' };
	return runBeside('java', [...javaOptions(quiet), 'org.apache.zookeeper.ZooKeeperMain', ...args], options);
};

/**
 * What two runs may differ in has names instead: times, session ids, the build. Events come at any time and are apart; sets, of which
 * ZooKeeper prints ephemeral nodes and identities in the order of their hashes, are sorted.
 */
export interface Transcript {
	readonly status: number | null;
	readonly stdout: readonly string[];
	readonly stderr: readonly string[];
	readonly events: readonly string[];
}

export interface Names {
	/** Text to replace and its name. */
	readonly [text: string]: string;
}

export function transcriptOf({ status, stdout, stderr }: Outcome, names: Names = {}): Transcript {
	const masked = mask(stdout, names);
	// Two lines, each behind an empty one, which other output may come between.
	const event = /^\n(?:WATCHER::|(WatchedEvent .*))\n/gm;
	return {
		status,
		stdout: masked.replace(event, '').split('\n'),
		// Of a session that is closed Java tells while the next one begins, or not at all when it is the last.
		events: removalsInOrder(
			[...masked.matchAll(event)]
				.map(([, text]) => text ?? '')
				.filter((text) => text !== '' && !text.includes('state:Closed')),
		),
		// Where Java was when it gave up.
		stderr: mask(stderr, names)
			.split('\n')
			.filter((line) => !/^(\tat |Caused by: |\t\.\.\. \d+ more)/.test(line))
			// Its ZKUtil lets the command go on before it notes that a batch has failed (ZooKeeper 3.8): sometimes it says so, and sometimes not.
			.filter((line) => line !== 'Failed to delete some node(s) in the subtree!'),
	};
}

/** Java tells of the watches that one command has taken away from one path in the order of a hash set. */
function removalsInOrder(events: readonly string[]): string[] {
	const ordered: string[] = [];
	for (const event of events) {
		const path = /WatchRemoved (path:.*)$/.exec(event)?.[1];
		let at = ordered.length;
		const isOfTheSame = (other: string | undefined) => other?.endsWith(`WatchRemoved ${path}`) === true;
		while (path !== undefined && at > 0 && isOfTheSame(ordered[at - 1]) && ordered[at - 1]! > event) at -= 1;
		ordered.splice(at, 0, event);
	}
	return ordered;
}

function mask(text: string, names: Names): string {
	let masked = text;
	for (const [value, name] of Object.entries(names)) masked = masked.replaceAll(value, name);
	return masked
		.replace(/^([cm]time) = \w{3} \w{3} \d\d \d\d:\d\d:\d\d \S+ \d{4}$/gm, '$1 = TIME')
		.replace(/^ephemeralOwner = 0x[0-9a-f]{2,16}$/gm, 'ephemeralOwner = SESSION')
		.replace(/^\[(\/.*)\]$/gm, (_, paths: string) => `[${paths.split(', ').sort().join(', ')}]`)
		.replace(/(?<=^Auth scheme: User\n)(\w+: .*\n)+/gm, (identities) => sorted(identities.trimEnd().split('\n')))
		.replace(/^(ZooKeeper CLI version: 3\.8\.0)-.*, built on \d{4}-\d\d-\d\d \d\d:\d\d UTC$/gm, '$1-BUILD');
}

function sorted(lines: readonly string[]): string {
	return `${[...lines].sort().join('\n')}\n`;
}
