/** `mntr`: a line per figure, its name and a tab before it. */
import { monitorFigures } from '../figures/monitor-figures.ts';
import type { ServerView } from '../server-view.ts';
import type { WordText } from './word-text.ts';

export function writeMonitor(view: ServerView, text: WordText): void {
	for (const [name, value] of monitorFigures(view)) text.line(`zk_${name}\t${value}`);
}
