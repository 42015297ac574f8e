/** Commands about an ensemble: what ZooKeeper's single server says. */
import type { Command } from './command.ts';

export const ensembleCommands: readonly Command[] = [
	{ names: ['leader', 'lead'], run: () => ({ error: 'server is not initialized' }) },
	{ names: ['observers', 'obsr'], run: () => ({ synced_observers: 0, observers: [] }) },
	{ names: ['observer_connection_stat_reset', 'orst'], mutates: true, run: () => ({}) },
	{ names: ['voting_view'], run: () => ({ current_config: {} }) },
	{ names: ['zabstate'], always: true, run: () => ({ voting: false, zabstate: '' }) },
];
