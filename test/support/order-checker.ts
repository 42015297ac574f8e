/**
 * Checks what each client of a run saw, in the order in which it arrived, against what happened: answers in the order of the requests (semantics 10), each
 * showing exactly the state of its zxid, and every watch event ahead of all answers that come from its change or a later state (46).
 */
import { eventType } from '#jute/op-codes';
import type { Arrived, WireEvent, WireReply } from './wire-client.ts';

/** What a request asked, as far as the checks need it. */
export type Asked =
	| { readonly kind: 'set'; readonly writes: readonly { readonly path: string; readonly value: string }[] }
	| { readonly kind: 'create' | 'delete'; readonly parent: string; readonly name: string }
	| { readonly kind: 'get' | 'list'; readonly path: string; readonly watch: boolean }
	| { readonly kind: 'ping' };

export interface ClientLog {
	readonly name: string;
	readonly log: readonly Arrived[];
	/** By xid; in the order of sending. */
	readonly asked: ReadonlyMap<number, Asked>;
	/** Whether it has a persistent recursive watch over everything: then it sets no others. */
	readonly hearsAll: boolean;
}

interface Change {
	readonly zxid: number;
	readonly event: string;
}

/** What the successful writes of all clients did, by zxid. */
class History {
	readonly #data = new Map<string, { readonly zxid: number; readonly value: string }[]>();
	readonly #children = new Map<string, { readonly zxid: number; readonly name: string; readonly exists: boolean }[]>();
	/** One per event of a recursive watch, in order. */
	readonly all: Change[] = [];
	readonly zxids: number[] = [];

	constructor(logs: readonly ClientLog[]) {
		for (const { log, asked } of logs) {
			for (const one of log) {
				if (one.kind === 'reply') this.#add(one, asked.get(one.xid)!);
			}
		}
		const byZxid = (a: { readonly zxid: number }, b: { readonly zxid: number }): number => a.zxid - b.zxid;
		for (const list of this.#data.values()) list.sort(byZxid);
		for (const list of this.#children.values()) list.sort(byZxid);
		this.all.sort(byZxid);
		this.zxids.sort((a, b) => a - b);
	}

	#add({ zxid, error }: WireReply, what: Asked): void {
		if (what.kind !== 'set' && what.kind !== 'create' && what.kind !== 'delete') return;
		this.zxids.push(zxid);
		if (error !== 0) return;
		if (what.kind === 'set') {
			for (const { path, value } of what.writes) {
				listIn(this.#data, path).push({ zxid, value });
				this.all.push({ zxid, event: describe(eventType.nodeDataChanged, path) });
			}
			return;
		}
		const exists = what.kind === 'create';
		listIn(this.#children, what.parent).push({ zxid, name: what.name, exists });
		const type = exists ? eventType.nodeCreated : eventType.nodeDeleted;
		this.all.push({ zxid, event: describe(type, `${what.parent}/${what.name}`) });
	}

	value(path: string, zxid: number): string {
		const list = this.#data.get(path) ?? [];
		return list[firstAfter(list, zxid) - 1]?.value ?? '';
	}

	names(path: string, zxid: number): string[] {
		const names = new Set<string>();
		for (const { name, exists, ...change } of this.#children.get(path) ?? []) {
			if (change.zxid > zxid) break;
			if (exists) names.add(name);
			else names.delete(name);
		}
		return [...names].sort();
	}

	/** Of the data or of the children; undefined when there was none. */
	nextChange(watch: string, afterZxid: number): number | undefined {
		const [kind, path] = watch.split(' ') as ['get' | 'list', string];
		const list = (kind === 'get' ? this.#data : this.#children).get(path) ?? [];
		return list[firstAfter(list, afterZxid)]?.zxid;
	}
}

/** @returns one line for each thing that is not as it must be, and how much was looked at */
export function checkOrder(logs: readonly ClientLog[]): { readonly problems: string[]; readonly events: number } {
	const history = new History(logs);
	const problems: string[] = [];
	let events = 0;
	for (let i = 1; i < history.zxids.length; i++) {
		if (history.zxids[i] === history.zxids[i - 1]) problems.push(`two writes have zxid ${history.zxids[i]}`);
	}
	for (const one of logs) {
		const found = new LogChecker(one, history).check();
		problems.push(...found.map((problem) => `${one.name}: ${problem}`));
		events += one.log.filter(({ kind }) => kind === 'event').length;
	}
	return { problems, events };
}

class LogChecker {
	readonly #client: ClientLog;
	readonly #history: History;
	readonly #problems: string[] = [];
	/** One-shot watches that are set: `get /path` or `list /path`, and the zxid of the state they were set on. */
	readonly #watches = new Map<string, number>();
	/** Of history.all: how many the client has heard of. */
	#heard = 0;
	#zxid = 0;

	constructor(client: ClientLog, history: History) {
		this.#client = client;
		this.#history = history;
	}

	check(): string[] {
		const { log, asked } = this.#client;
		for (const one of log) {
			if (one.kind === 'reply') this.#reply(one, asked.get(one.xid)!);
			else if (one.kind === 'event') this.#event(one);
		}
		const sent = [...asked.keys()].filter((xid) => xid > 0);
		const answered = log.flatMap((one) => (one.kind === 'reply' && one.xid > 0 ? [one.xid] : []));
		if (sent.join() !== answered.join())
			this.#problems.push('the answers are not those of the requests, in their order');
		return this.#problems;
	}

	#reply(reply: WireReply, what: Asked): void {
		const { zxid, xid } = reply;
		if (zxid < this.#zxid) this.#problems.push(`xid ${xid} shows ${zxid} behind ${this.#zxid}`);
		this.#zxid = Math.max(this.#zxid, zxid);
		for (const [watch, setAt] of this.#watches) {
			const change = this.#history.nextChange(watch, setAt);
			if (change === undefined || change > zxid) continue;
			this.#problems.push(`xid ${xid} shows ${zxid}, and no event of the watch ${watch} for ${change} came before it`);
			this.#watches.delete(watch);
		}
		const next = this.#history.all[this.#heard];
		if (this.#client.hearsAll && next !== undefined && next.zxid <= zxid) {
			this.#problems.push(`xid ${xid} shows ${zxid}, and ${next.event} of ${next.zxid} did not come before it`);
			this.#heard += 1;
		}
		if (what.kind === 'get' || what.kind === 'list') this.#read(reply, what);
	}

	#read(reply: WireReply, { kind, path, watch }: Asked & { readonly kind: 'get' | 'list' }): void {
		const { response, zxid } = reply;
		if (response?.kind === 'getData') {
			const value = Buffer.from(response.data ?? []).toString();
			const expected = this.#history.value(path, zxid);
			if (value !== expected) this.#problems.push(`${path} is "${value}" at ${zxid} and was "${expected}"`);
		} else if (response?.kind === 'getChildren') {
			const [seen, expected] = [[...response.names].sort().join(), this.#history.names(path, zxid).join()];
			if (seen !== expected) this.#problems.push(`${path} has children ${seen} at ${zxid} and had ${expected}`);
		} else this.#problems.push(`a read of ${path} was answered with error ${reply.error}`);
		// A watch that is set already stays as it is.
		const key = `${kind} ${path}`;
		if (watch && !this.#watches.has(key)) this.#watches.set(key, zxid);
	}

	#event({ type, path }: WireEvent): void {
		const event = describe(type, path);
		if (this.#client.hearsAll) {
			// What one multi changed has one zxid, and any order.
			const expected = this.#history.all[this.#heard];
			const same = this.#history.all.findIndex((one, i) => i >= this.#heard && one.event === event);
			if (expected === undefined || this.#history.all[same]?.zxid !== expected.zxid) {
				this.#problems.push(`heard ${event} where ${expected?.event ?? 'nothing'} was due`);
				return;
			}
			const { all } = this.#history;
			if (same !== this.#heard) [all[same], all[this.#heard]] = [all[this.#heard]!, all[same]!];
			this.#heard += 1;
			return;
		}
		const key = `${type === eventType.nodeDataChanged ? 'get' : 'list'} ${path}`;
		const setAt = this.#watches.get(key);
		if (setAt === undefined) this.#problems.push(`heard ${event} without a watch`);
		else if (this.#history.nextChange(key, setAt) === undefined) this.#problems.push(`heard ${event}, which was not`);
		this.#watches.delete(key);
	}
}

/** Where the first one later than this stands, in a list that is in order. */
function firstAfter(list: readonly { readonly zxid: number }[], zxid: number): number {
	let low = 0;
	for (let high = list.length; low < high; ) {
		const middle = (low + high) >> 1;
		if (list[middle]!.zxid > zxid) high = middle;
		else low = middle + 1;
	}
	return low;
}

function describe(type: number, path: string): string {
	return `event ${type} ${path}`;
}

function listIn<T>(map: Map<string, T[]>, key: string): T[] {
	const list = map.get(key) ?? [];
	map.set(key, list);
	return list;
}
