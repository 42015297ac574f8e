/**
 * A network of its own for the members of an ensemble: each in a network namespace, connected by test/interop/ensemble/network.py, which loses and
 * delays what it is told to. Clients outside always reach every member.
 */
import { accessSync, constants } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { EnsembleNetwork } from './ensemble.ts';
import { RunningProgram, run } from './processes.ts';

const python = '/usr/bin/python3';
const script = fileURLToPath(new URL('../interop/ensemble/network.py', import.meta.url));

/** Why this machine has no such networks; undefined when it has. */
export function whyNoNetwork(): string | undefined {
	if (process.platform !== 'linux') return 'network namespaces are Linux’s';
	try {
		accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
	} catch (error) {
		return `/dev/net/tun cannot be opened: ${(error as Error).message}`;
	}
	const name = `ck${process.pid}-try`;
	try {
		const { status, stderr } = run('ip', ['netns', 'add', name]);
		if (status !== 0) return `ip netns add: ${stderr.trim()} (it needs root)`;
		run('ip', ['netns', 'del', name]);
	} catch (error) {
		return `${(error as Error).message}: apt-get install iproute2`;
	}
	return undefined;
}

/** What happens to packets from some members to others. */
interface Rule {
	readonly from: readonly number[];
	readonly to: readonly number[];
	readonly drop?: boolean;
	/** Seconds. */
	readonly delay?: number;
	/** 0 to 1. */
	readonly loss?: number;
}

interface Layout {
	readonly namespaces: readonly string[];
	readonly hosts: readonly string[];
}

export class MemberNetwork implements EnsembleNetwork {
	readonly #program: RunningProgram;
	readonly #layout: Layout;
	#answers = 0;

	private constructor(program: RunningProgram, layout: Layout) {
		this.#program = program;
		this.#layout = layout;
	}

	static async open(members: number): Promise<MemberNetwork> {
		const program = new RunningProgram(python, ['-B', script, String(members)], { interactive: true });
		try {
			const [line] = await program.waitFor(/^\{"namespaces".*\}$/m);
			return new MemberNetwork(program, JSON.parse(line) as Layout);
		} catch (error) {
			await program.stop('SIGTERM');
			throw error;
		}
	}

	place(id: number): { readonly host: string; readonly wrapper: readonly string[] } {
		const [host, namespace] = [this.#layout.hosts[id - 1], this.#layout.namespaces[id - 1]];
		if (host === undefined || namespace === undefined) throw new Error(`the network has no place ${id}`);
		return { host, wrapper: ['ip', 'netns', 'exec', namespace] };
	}

	/** Nothing passes between the two groups. */
	async partition(some: readonly number[], others: readonly number[]): Promise<void> {
		await this.cut(some, others);
		await this.cut(others, some);
	}

	/** What some send never reaches others; the other direction is as it was. */
	cut(from: readonly number[], to: readonly number[]): Promise<void> {
		return this.#tell({ from, to, drop: true });
	}

	/** Between all members, in each direction. */
	async degrade(quality: { readonly delay?: number; readonly loss?: number }): Promise<void> {
		const all = this.#layout.hosts.map((_, index) => index + 1);
		for (const id of all) await this.#tell({ from: [id], to: all.filter((other) => other !== id), ...quality });
	}

	/** As at the beginning. */
	heal(): Promise<void> {
		return this.#tell({ heal: true });
	}

	/** Members in it must have ended. */
	async close(): Promise<void> {
		this.#program.end();
		await this.#program.exited;
		// Its own clean-up may not have come to its end.
		for (const namespace of this.#layout.namespaces) run('ip', ['netns', 'del', namespace]);
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	async #tell(rule: Rule | { readonly heal: true }): Promise<void> {
		this.#program.type(`${JSON.stringify(rule)}\n`);
		this.#answers += 1;
		await this.#program.waitFor(new RegExp(`(?:^done$[\\s\\S]*){${this.#answers}}`, 'm'));
	}
}
