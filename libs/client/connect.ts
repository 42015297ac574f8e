import { Chronokeeper } from './chronokeeper.ts';
import type { ConnectOptions } from './connect-options.ts';

/**
 * Opens a session with an ensemble: `await using ck = await connect({ endpoints: 'localhost:9090' })`. From then on the client sees to it that it has one.
 *
 * @throws ConnectionLossError when no server opened one within `connectTimeoutMs`; another ClientError when a server refused for good
 */
export function connect(options: ConnectOptions): Promise<Chronokeeper> {
	return Chronokeeper.connect(options);
}
