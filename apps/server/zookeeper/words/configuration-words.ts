/** `conf`, `envi` and `dirs`. */
import { configurationFigures } from '../figures/configuration-figures.ts';
import { directoryFigures } from '../figures/directory-figures.ts';
import { ensembleConfiguration } from '../figures/ensemble-figures.ts';
import { environment } from '../figures/environment.ts';
import type { ServerView } from '../server-view.ts';
import type { WordText } from './word-text.ts';

export function writeConfiguration(view: ServerView, text: WordText): string {
	const figures = configurationFigures(view);
	const directories = directoryFigures(view);
	const lines: Record<string, string | number> = {
		clientPort: figures.clientPort,
		secureClientPort: figures.secureClientPort,
		dataDir: figures.dataDir,
		dataDirSize: directories.snapshotBytes,
		dataLogDir: figures.dataLogDir,
		dataLogSize: directories.logBytes,
		tickTime: figures.tickTime,
		maxClientCnxns: figures.maxClientCnxns,
		minSessionTimeout: figures.minSessionTimeout,
		maxSessionTimeout: figures.maxSessionTimeout,
		clientPortListenBacklog: figures.clientPortListenBacklog,
		serverId: figures.serverId,
	};
	for (const [name, value] of Object.entries(lines)) text.line(`${name}=${value}`);
	const { member } = view.replica;
	return member === undefined ? text.toString() : `${text}${ensembleConfiguration(view, member)}`;
}

export function writeEnvironment(_view: ServerView, text: WordText): void {
	text.line('Environment:');
	for (const [name, value] of environment()) text.line(`${name}=${value}`);
}

export function writeDirectories(view: ServerView, text: WordText): void {
	const { snapshotBytes, logBytes } = directoryFigures(view);
	text.line(`datadir_size: ${snapshotBytes}`);
	text.line(`logdir_size: ${logBytes}`);
}
