/**
 * The line in front of a lock: each contender has an ephemeral sequential node, and waits for the one node in front of it to go. So a release wakes one contender, and they are
 * served in the order in which their nodes were created.
 */
import { nameOf } from '../cache/paths.ts';
import type { Chronokeeper } from '../chronokeeper.ts';
import { NoNodeError, OutcomeUnknownError } from '../errors.ts';
import type { AclOption } from './acl-option.ts';
import { discard, type HeldNode } from './held.ts';
import { isForLostConnection, overSessions, retryMs } from './over-sessions.ts';
import { orAborted, underSignals, unhurried } from './patience.ts';
import { pause } from './pause.ts';

/** Where contenders stand, and for which nodes each of them waits. */
export interface Line {
	/** Their parent; made as a container when it is missing, so that it vanishes when nobody needs it. */
	readonly directory: string;
	/** Of a new node's name: one that nobody else has. */
	readonly newPrefix: () => string;
	/** Of the node: who it is. */
	readonly data: string | Uint8Array | null;
	/** Of nodes and directory. */
	readonly acl: AclOption['acl'];
	/** The name of the node to wait for; undefined when it is this one's turn. */
	readonly predecessor: (names: readonly string[], own: string) => string | undefined;
}

export interface SequenceNode extends HeldNode {
	readonly name: string;
}

export interface Entered {
	readonly node: SequenceNode;
	/** The directory's children, not before the node was created. */
	readonly names: readonly string[];
}

/**
 * Creates a node and lists its siblings: both are sent together, so that it takes one round trip. When the session is lost meanwhile it begins anew; when the signal fires, a
 * node that comes to be nevertheless is deleted.
 */
export async function enterLine(ck: Chronokeeper, line: Line, signal: AbortSignal): Promise<Entered> {
	for (;;) {
		signal.throwIfAborted();
		const entering = enterOnce(ck, line);
		let entered: Entered | undefined;
		try {
			entered = await orAborted(entering, signal);
		} catch (error) {
			if (signal.aborted) void entering.then((late) => late && discard(ck, late.node)).catch(() => {});
			throw error;
		}
		if (entered !== undefined) return entered;
		// Where no session can be had the next attempt fails at once, too.
		if (ck.state !== 'connected') await pause(retryMs, signal);
	}
}

/** Waits until nobody is in front, with one watch. False when the node is gone: deleted by somebody, or with its session. */
export async function awaitTurn(
	ck: Chronokeeper,
	line: Line,
	{ node, names }: Entered,
	signal: AbortSignal,
): Promise<boolean> {
	let siblings = names;
	for (;;) {
		if (node.session.signal.aborted || !siblings.includes(node.name)) return false;
		const inFront = line.predecessor(siblings, node.name);
		if (inFront === undefined) return true;
		try {
			await underSignals([signal, node.session.signal], (first) =>
				ck.untilDeleted(`${line.directory}/${inFront}`, { signal: first }),
			);
			// Who was in front may have given up behind others who still wait.
			siblings = (await ck.children(line.directory, { signal, ...unhurried })).names;
		} catch (error) {
			signal.throwIfAborted();
			if (error instanceof NoNodeError || node.session.signal.aborted || isForLostConnection(ck, error)) return false;
			throw error;
		}
	}
}

/** Stands in line until it is its turn; whoever loses the node meanwhile begins anew at the end. When it fails, no node stays behind. */
export async function takeTurn(ck: Chronokeeper, line: Line, signal: AbortSignal): Promise<SequenceNode> {
	for (;;) {
		const entered = await enterLine(ck, line, signal);
		try {
			if (await awaitTurn(ck, line, entered, signal)) return entered.node;
			// It is gone already, unless nobody could be asked.
			discard(ck, entered.node).catch(() => {});
		} catch (error) {
			// Not waited for: whoever gives up while the connection is away would wait for it to come back. The client sends it before all that comes behind.
			discard(ck, entered.node).catch(() => {});
			throw error;
		}
	}
}

/** Takes the turn if nobody is in front; undefined, and no node left, if somebody is. */
export async function takeTurnAtOnce(
	ck: Chronokeeper,
	line: Line,
	signal: AbortSignal,
): Promise<SequenceNode | undefined> {
	const { node, names } = await enterLine(ck, line, signal);
	if (names.includes(node.name) && line.predecessor(names, node.name) === undefined) return node;
	await discard(ck, node);
	return undefined;
}

/** Undefined: once more. */
async function enterOnce(ck: Chronokeeper, line: Line): Promise<Entered | undefined> {
	const prefix = line.newPrefix();
	const [created, listed] = await Promise.allSettled([
		ck.create(`${line.directory}/${prefix}`, line.data, { mode: 'ephemeralSequential', acl: line.acl, ...unhurried }),
		ck.children(line.directory, unhurried),
	]);
	if (created.status === 'rejected') return enterAfter(ck, line, prefix, created.reason);
	const { path, stat } = created.value;
	const { session } = ck;
	// The session that created it may have been lost since: its node is going.
	if (stat.ephemeralOwner !== session.id) return undefined;
	const node = { path, name: nameOf(path), token: stat.czxid, session };
	if (listed.status === 'fulfilled' && listed.value.names.includes(node.name))
		return { node, names: listed.value.names };
	try {
		return { node, names: (await ck.children(line.directory, unhurried)).names };
	} catch (error) {
		discard(ck, node).catch(() => {});
		if (error instanceof NoNodeError || isForLostConnection(ck, error)) return undefined;
		throw error;
	}
}

/** What to do about a creation that failed. */
async function enterAfter(ck: Chronokeeper, line: Line, prefix: string, error: unknown): Promise<Entered | undefined> {
	if (error instanceof NoNodeError) {
		await overSessions(ck, () => ck.ensurePath(line.directory, { mode: 'container', acl: line.acl, ...unhurried }));
		return undefined;
	}
	if (error instanceof OutcomeUnknownError) return find(ck, line, prefix);
	if (isForLostConnection(ck, error)) return undefined;
	throw error;
}

/** The node that may have been created without an answer. */
async function find(ck: Chronokeeper, line: Line, prefix: string): Promise<Entered | undefined> {
	const { session } = ck;
	try {
		const { names } = await ck.children(line.directory, { linearizable: true, ...unhurried });
		const name = names.find((each) => each.startsWith(prefix));
		if (name === undefined) return undefined;
		const path = `${line.directory}/${name}`;
		const stat = await ck.exists(path, unhurried);
		return stat?.ephemeralOwner === session.id
			? { node: { path, name, token: stat.czxid, session }, names }
			: undefined;
	} catch (error) {
		if (error instanceof NoNodeError || isForLostConnection(ck, error)) return undefined;
		throw error;
	}
}
