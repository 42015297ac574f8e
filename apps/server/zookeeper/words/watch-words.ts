/** `wchs`, `wchc` and `wchp`. */
import { watchesByPath, watchesBySession, watchSummary } from '../figures/watch-figures.ts';
import type { ServerView } from '../server-view.ts';
import type { WordText } from './word-text.ts';

export function writeWatchSummary(view: ServerView, text: WordText): void {
	const { connections, paths, watches } = watchSummary(view);
	text.line(`${connections} connections watching ${paths} paths`);
	text.line(`Total watches:${watches}`);
}

export function writeWatchesBySession(view: ServerView, text: WordText): void {
	for (const [session, paths] of watchesBySession(view)) {
		text.line(`0x${session.toString(16)}`);
		for (const path of paths) if (!text.line(`\t${path}`)) return;
	}
	text.line();
}

export function writeWatchesByPath(view: ServerView, text: WordText): void {
	for (const [path, sessions] of watchesByPath(view)) {
		text.line(path);
		for (const session of sessions) if (!text.line(`\t0x${session.toString(16)}`)) return;
	}
	text.line();
}
