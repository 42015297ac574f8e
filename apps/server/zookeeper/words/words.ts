/** ZooKeeper's four-letter words: four bytes where a client sends the length of its first frame, and a text as the answer. */
import type { ServerConfig } from '../../config/config.ts';
import { isReadOnly, isServing, notServing, sendsClientsAway } from '../figures/service.ts';
import type { ServerView } from '../server-view.ts';
import { writeConfiguration, writeDirectories, writeEnvironment } from './configuration-words.ts';
import { resetConnections, resetService, writeConnections } from './connection-words.ts';
import { writeDump } from './dump-word.ts';
import { writeMonitor } from './monitor-word.ts';
import { writeServer, writeServerAndClients } from './stat-word.ts';
import { writeWatchesByPath, writeWatchesBySession, writeWatchSummary } from './watch-words.ts';
import { WordText } from './word-text.ts';

interface Word {
	/** Also while the replica does not serve. */
	readonly always?: true;
	write(view: ServerView, text: WordText, argument: bigint | undefined): void | string;
}

const words: Readonly<Record<string, Word>> = {
	ruok: { always: true, write: () => 'imok' },
	srvr: { write: writeServer },
	stat: { write: writeServerAndClients },
	mntr: { write: writeMonitor },
	conf: { write: writeConfiguration },
	cons: { write: writeConnections },
	crst: { write: resetConnections },
	srst: { write: resetService },
	dump: { write: writeDump },
	envi: { always: true, write: writeEnvironment },
	dirs: { write: writeDirectories },
	wchs: { write: writeWatchSummary },
	wchc: { write: writeWatchesBySession },
	wchp: { write: writeWatchesByPath },
	isro: { always: true, write: (view) => (!servesClients(view) ? 'null' : isReadOnly(view) ? 'ro' : 'rw') },
	hash: { write: writeDigests },
	gtmk: { always: true, write: ({ traceMask }) => `${traceMask.value}` },
	stmk: { always: true, write: setTraceMask },
};

/** What other scripts of ZooKeeper need; it cannot be forbidden. */
const alwaysAllowed = 'srvr';

const byCode: ReadonlyMap<number, string> = new Map(Object.keys(words).map((word) => [codeOf(word), word]));

/** @param code the first four bytes of a connection, as a signed int */
export function wordOf(code: number): string | undefined {
	return byCode.get(code);
}

/** `stmk` has eight bytes behind it, a long. */
export function argumentBytes(word: string): number {
	return word === 'stmk' ? 8 : 0;
}

/** @param argument of `stmk` */
export function answerWord(word: string, view: ServerView, argument?: bigint): string {
	if (!isAllowed(word, view.config)) {
		return `${word} is not executed because it is not in the whitelist.\n`;
	}
	const known = words[word];
	if (known === undefined) return '';
	if (known.always !== true && !servesClients(view)) return `${notServing}\n`;
	const text = new WordText();
	const whole = known.write(view, text, argument);
	return typeof whole === 'string' ? whole : text.toString();
}

function servesClients(view: ServerView): boolean {
	return isServing(view) && !sendsClientsAway(view.replica.host, view.config);
}

/** The zxids at which a digest is kept are the same on every replica. */
function writeDigests({ replica }: ServerView, text: WordText): void {
	for (const { zxid, digest } of replica.host.tree.digests.entries()) {
		text.line(`${zxid.toString(16)}: ${BigInt.asIntN(64, digest)}`);
	}
}

function setTraceMask({ traceMask }: ServerView, _text: WordText, argument = 0n): string {
	traceMask.value = BigInt.asIntN(64, argument);
	return `${traceMask.value}`;
}

function isAllowed(word: string, config: ServerConfig): boolean {
	const whitelist = config['4lw.commands.whitelist'];
	if (word === alwaysAllowed || whitelist.includes('*') || whitelist.includes(word)) return true;
	return word === 'isro' && config['readonlymode.enabled'];
}

function codeOf(word: string): number {
	return [...word].reduce((code, character) => (code << 8) | character.charCodeAt(0), 0);
}
