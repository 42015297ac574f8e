import type { ServerView } from '../../zookeeper/server-view.ts';
import type { Json, JsonObject } from './json-text.ts';

/** What a command looks at. */
export interface CommandContext {
	readonly view: ServerView;
	/** The first value of each parameter of the URL. */
	readonly query: Readonly<Record<string, string>>;
	/** The configuration file as it was read at the start; null without one. */
	readonly initialConfiguration: string | null;
}

export type CommandFields = JsonObject & {
	/** What was wrong with the call. */
	readonly error?: Json;
};

/** A command of ZooKeeper's AdminServer. */
export interface Command {
	/** The first is the one that answers carry. */
	readonly names: readonly [string, ...string[]];
	/** It changes something: only with authorization. */
	readonly mutates?: true;
	/** Also while the replica does not serve. */
	readonly always?: true;
	run(context: CommandContext): CommandFields;
}
