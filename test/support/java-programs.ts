/** The Java programs of test/interop/java, compiled against Curator 5.4 and ZooKeeper 3.8's client as Debian packages them. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Outcome, output, RunningProgram, run } from './processes.ts';

const sources = fileURLToPath(new URL('../interop/java', import.meta.url));
const java = '/usr/bin/java';
const javac = '/usr/bin/javac';

const packages: Readonly<Record<string, readonly string[]>> = {
	'libcurator-client-java': ['curator-client'],
	'libcurator-framework-java': ['curator-framework'],
	'libcurator-recipes-java': ['curator-recipes'],
	'libcurator-discovery-java': ['curator-x-discovery'],
	'libzookeeper-java': [
		'zookeeper',
		'zookeeper-jute',
		'zookeeper-recipes-lock',
		'zookeeper-recipes-queue',
		'zookeeper-recipes-election',
	],
	'libguava-java': ['guava'],
	'libslf4j-java': ['slf4j-api', 'slf4j-simple'],
	'libnetty-java': ['netty-resolver', 'netty-transport-native-unix-common'],
	'libjackson2-databind-java': ['jackson-databind'],
	'libjackson2-core-java': ['jackson-core'],
	'libjackson2-annotations-java': ['jackson-annotations'],
};
const jars = Object.values(packages).flat().map(jar);

function jar(name: string): string {
	return `/usr/share/java/${name}.jar`;
}

/** @throws when a package is missing, naming what to install. */
function requirePackages(): void {
	const missing = Object.entries(packages)
		.filter(([, names]) => names.some((name) => !existsSync(jar(name))))
		.map(([name]) => name);
	if (!existsSync(javac)) missing.push('default-jdk-headless');
	if (!existsSync(java)) missing.push('default-jre-headless');
	if (missing.length > 0) throw new Error(`the Java clients are not there: apt-get install ${missing.join(' ')}`);
}

/** What became of one check. */
export interface CheckResult {
	readonly ok: boolean;
	readonly seen: string;
}

export class JavaPrograms {
	readonly #classes = mkdtempSync(join(tmpdir(), 'java-programs-'));
	readonly #running: RunningProgram[] = [];

	/** @throws with the compiler's words, or naming the packages that are missing */
	constructor() {
		requirePackages();
		const files = readdirSync(sources).map((name) => join(sources, name));
		output(javac, ['-nowarn', '-encoding', 'UTF-8', '-d', this.#classes, '-cp', jars.join(':'), ...files]);
	}

	/** Begins a program beside the test. */
	start(mainClass: string, ...args: string[]): RunningProgram {
		const program = new RunningProgram(java, this.#arguments(mainClass, args));
		this.#running.push(program);
		return program;
	}

	/** Runs a program to its end. */
	run(mainClass: string, ...args: string[]): Outcome {
		return run(java, this.#arguments(mainClass, args));
	}

	#arguments(mainClass: string, args: readonly string[]): string[] {
		const properties = ['-Dfile.encoding=UTF-8', '-Dorg.slf4j.simpleLogger.defaultLogLevel=off'];
		const classPath = [this.#classes, ...jars].join(':');
		return [
			'-Xmx384m',
			'-XX:+UseSerialGC',
			'-XX:TieredStopAtLevel=1',
			...properties,
			'-cp',
			classPath,
			mainClass,
			...args,
		];
	}

	/** Ends what still runs. */
	async remove(): Promise<void> {
		for (const program of this.#running) await program.stop('SIGKILL');
		rmSync(this.#classes, { recursive: true, force: true });
	}
}

/** The titles of the checks in these classes, as their sources have them. */
export function checkTitles(...classNames: string[]): string[] {
	return classNames.flatMap((name) => {
		const source = readFileSync(join(sources, `${name}.java`), 'utf8');
		return [...source.matchAll(/^\t@Check\("(.*)"\)$/gm)].map((match) => match[1]!);
	});
}

/** Waits until the program has said what became of this check. @throws when it ends without */
export async function checkResult(program: RunningProgram, title: string): Promise<CheckResult> {
	const exactly = title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
	const line = new RegExp(`^(ok|failed)\\t${exactly}\\t\\d+\\t(.*)\\n`, 'm');
	const [, outcome, seen] = await program.waitFor(line, 110_000);
	return { ok: outcome === 'ok', seen: seen! };
}
