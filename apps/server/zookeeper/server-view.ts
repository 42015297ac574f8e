/** What the four-letter words and the AdminServer's commands look at. */
import type { ServerConfig } from '../config/config.ts';
import type { Replica } from '../replica/replica.ts';
import type { Connections } from './connections.ts';
import type { Limits } from './limits.ts';
import type { ServiceStats } from './service-stats.ts';
import type { TraceMask } from './trace-mask.ts';

export interface ServerView {
	readonly config: ServerConfig;
	readonly replica: Replica;
	/** Of the client port; none while there is no such port. */
	readonly connections: Connections;
	readonly stats: ServiceStats;
	/** The port that is listened on; 0: none. */
	readonly clientPort: number;
	readonly traceMask: TraceMask;
	readonly limits: Limits;
}
