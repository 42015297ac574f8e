/** The recorded history of real ZooKeeper servers in test/recordings (its README says what each file is). */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

export type RecordingName = 'recording-a' | `recording-c-ensemble/server${1 | 2 | 3}`;

export const recordingNames: readonly RecordingName[] = [
	'recording-a',
	'recording-c-ensemble/server1',
	'recording-c-ensemble/server2',
	'recording-c-ensemble/server3',
];

/** One line of an `expected/tree-ZXID.jsonl.gz`, as it stands there. */
export interface ExpectedNode {
	readonly path: string;
	/** Base64. */
	readonly data: string | null;
	/** Hexadecimal with 0x, unsigned, as are the other zxids and ephemeralOwner. */
	readonly czxid: string;
	readonly mzxid: string;
	readonly pzxid: string;
	readonly ctime: number;
	readonly mtime: number;
	readonly version: number;
	/** Stored; `clientCversion` is the one a client sees. */
	readonly cversion: number;
	readonly aversion: number;
	readonly ephemeralOwner: string;
	readonly clientCversion: number;
	readonly numChildren: number;
	readonly acl: readonly { readonly perms: number; readonly scheme: string; readonly id: string }[];
}

export interface ExpectedState {
	readonly zxid: string;
	readonly treeDigest: string;
	readonly loggedDigest: string | null;
}

/** From the sources and from dist/ alike. */
const root = findRoot(fileURLToPath(new URL('.', import.meta.url)));

function findRoot(directory: string): string {
	return existsSync(join(directory, 'package.json')) ? directory : findRoot(join(directory, '..'));
}

export function recordingDirectory(name: string): string {
	return join(root, 'test', 'recordings', name);
}

/** Writes the recording's files, unpacked, into `directory`, flat: a caller that wants `version-2` passes it. */
export function unpackRecording(
	name: RecordingName,
	directory: string,
	wanted: (file: string) => boolean = () => true,
): void {
	unpack(join(recordingDirectory(name), 'data'), directory, wanted);
}

/** recording-a with one of the damages of recording-d done to it; `outcomes.json` there says what comes of it. */
export function unpackDamaged(damage: string, directory: string, wanted: (file: string) => boolean = () => true): void {
	const folder = recordingDirectory('recording-d-damaged');
	unpackRecording('recording-a', directory, wanted);
	const outcomes = JSON.parse(readFileSync(join(folder, 'outcomes.json'), 'utf8')) as Outcomes;
	const outcome = outcomes.cases.find((each) => each.case === damage);
	if (!outcome) throw new Error(`recording-d has no case ${damage}`);
	for (const file of outcome.baseFilesLeftOut ?? []) rmSync(join(directory, basename(file)), { force: true });
	if (existsSync(join(folder, damage))) unpack(join(folder, damage), directory, wanted);
}

interface Outcomes {
	readonly cases: readonly { readonly case: string; readonly baseFilesLeftOut?: readonly string[] }[];
}

export function expectedTree(name: RecordingName, zxid: string): ExpectedNode[] {
	const file = join(recordingDirectory(name), 'expected', `tree-${zxid}.jsonl.gz`);
	const lines = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n');
	return lines.map((line) => JSON.parse(line) as ExpectedNode);
}

export function expectedState(name: RecordingName, zxid: string): ExpectedState {
	return JSON.parse(
		readFileSync(join(recordingDirectory(name), 'expected', `state-${zxid}.json`), 'utf8'),
	) as ExpectedState;
}

/** The zxids, in hexadecimal without 0x, at which the recording says what the tree was, in order. */
export function expectedZxids(name: RecordingName): string[] {
	const files = readdirSync(join(recordingDirectory(name), 'expected'));
	const zxids = files.flatMap((file) => /^tree-([0-9a-f]+)\.jsonl\.gz$/.exec(file)?.[1] ?? []);
	return zxids.sort((a, b) => Number.parseInt(a, 16) - Number.parseInt(b, 16));
}

function unpack(from: string, directory: string, wanted: (file: string) => boolean): void {
	mkdirSync(directory, { recursive: true });
	for (const packed of readdirSync(from)) {
		const file = basename(packed, '.gz');
		if (!wanted(file)) continue;
		if (packed === file) copyFileSync(join(from, packed), join(directory, file));
		else writeFileSync(join(directory, file), unpackedBytes(join(from, packed)));
	}
}

/** By their packed file: dozens of tests begin with the same ones. */
const unpacked = new Map<string, Buffer>();

function unpackedBytes(packed: string): Buffer {
	const known = unpacked.get(packed) ?? gunzipSync(readFileSync(packed));
	unpacked.set(packed, known);
	return known;
}
