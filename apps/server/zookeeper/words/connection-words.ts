/** `cons`, and the two words that let counters start anew, `crst` and `srst`. */
import { connectionFigures } from '../figures/connection-figures.ts';
import { resetConnectionStats, resetServiceStats } from '../figures/resets.ts';
import type { ServerView } from '../server-view.ts';
import { connectionLine } from './connection-line.ts';
import type { WordText } from './word-text.ts';

export function writeConnections(view: ServerView, text: WordText): void {
	for (const connection of view.connections) {
		if (!text.line(connectionLine(connectionFigures(connection), 'full'))) return;
	}
	text.line();
}

export function resetConnections(view: ServerView, text: WordText): void {
	resetConnectionStats(view);
	text.line('Connection stats reset.');
}

export function resetService(view: ServerView, text: WordText): void {
	resetServiceStats(view);
	text.line('Server stats reset.');
}
