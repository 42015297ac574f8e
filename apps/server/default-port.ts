/** A port that somebody set is listened on or the start fails. One that nobody asked for must not keep a server from starting: 8080 often has another owner. */
import { createServer } from 'node:net';
import type { Logger } from '#telemetry/logger';
import type { ServerConfig } from './config/config.ts';

/** The configured port, or 0, any free one, when the default is taken. */
export async function portOrAny(
	config: ServerConfig,
	name: 'clientPort' | 'grpcPort' | 'httpPort',
	address: string,
	logger: Logger,
): Promise<number> {
	const port = config[name];
	if (port === 0 || config.given.has(name) || (await canListen(port, address))) return port;
	logger.warn(
		`port ${port} is taken, and nobody set ${name}: a free one is used instead. Set ${name} to have one that stays`,
	);
	return 0;
}

function canListen(port: number, host: string): Promise<boolean> {
	return new Promise((resolve) => {
		const server = createServer();
		server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'));
		server.listen({ port, ...(host === '' ? {} : { host }) }, () => server.close(() => resolve(true)));
	});
}
