/** ZooKeeper's AdminServer: its commands by all their names, and their answers. */
import { readFileSync } from 'node:fs';
import type { ServerConfig } from '../../config/config.ts';
import { isServing, notServing } from '../../zookeeper/figures/service.ts';
import type { ServerView } from '../../zookeeper/server-view.ts';
import { authorize } from './authorization.ts';
import { clientCommands } from './client-commands.ts';
import type { Command } from './command.ts';
import { ensembleCommands } from './ensemble-commands.ts';
import type { JsonObject } from './json-text.ts';
import { serverCommands } from './server-commands.ts';
import { withoutSecrets } from './without-secrets.ts';

const all: readonly Command[] = [...serverCommands, ...clientCommands, ...ensembleCommands];

const byName: ReadonlyMap<string, Command> = new Map(
	all.flatMap((command) => command.names.map((name) => [name, command] as const)),
);

export interface CommandCall {
	readonly name: string;
	readonly query: Readonly<Record<string, string>>;
	/** The header. */
	readonly authorization: string | undefined;
}

export interface CommandAnswer {
	readonly status: number;
	readonly body: JsonObject;
}

export class Commands {
	readonly #initialConfiguration: string | null;

	constructor(
		private readonly view: ServerView,
		private readonly superDigest: string | null,
	) {
		this.#initialConfiguration = initialConfiguration(view.config);
	}

	/** The names that answers carry, in alphabetical order. */
	get primaryNames(): readonly string[] {
		return all.map(({ names }) => names[0]).sort();
	}

	/** ZooKeeper answers 200 whatever comes of it; so does this, but for authorization. */
	run({ name, query, authorization }: CommandCall): CommandAnswer {
		const command = byName.get(name);
		if (command === undefined) return failure(200, name, `Unknown command: ${name}`);
		const { view } = this;
		if (command.mutates === true) {
			const refusal = authorize(authorization, view, this.superDigest);
			if (refusal !== undefined) return failure(refusal.status, command.names[0], refusal.message);
		}
		if (command.always !== true && !isServing(view)) return failure(200, name, notServing);
		const fields = command.run({ view, query, initialConfiguration: this.#initialConfiguration });
		return { status: 200, body: { ...fields, command: command.names[0], error: fields.error ?? null } };
	}
}

function failure(status: number, command: string, error: string): CommandAnswer {
	return { status, body: { command, error } };
}

/** As it is now: the file may be edited later. */
function initialConfiguration({ file }: ServerConfig): string | null {
	return file === undefined ? null : withoutSecrets(readFileSync(file, 'utf8'));
}
