/** The commands that talk to a running replica: its address, the connection, and its errors in words. */
import { type Command, Option } from 'commander';
import type { ChronokeeperClient } from '#client/client';
import { addressArgument, authArgument } from './arguments.ts';
import { Failure } from './failure.ts';

export interface ServerOptions {
	readonly server: string;
	readonly auth?: string;
	readonly timeout: number;
}

export const defaultServer = '127.0.0.1:50051';

export function addServerOptions(command: Command): Command {
	return command
		.addOption(
			new Option('--server <host:port>', 'the replica to ask')
				.env('CK_SERVER')
				.default(defaultServer)
				.argParser(addressArgument),
		)
		.addOption(
			new Option('--auth <user:password>', "adds ZooKeeper's digest identity").env('CK_AUTH').argParser(authArgument),
		)
		.addOption(
			new Option('--timeout <seconds>', 'how long to wait for an answer').default(10).argParser(secondsArgument),
		);
}

/** Runs `use` with a client, and closes it. */
export async function withClient<T>(
	options: ServerOptions,
	use: (client: ChronokeeperClient) => Promise<T>,
): Promise<T> {
	// Loaded when it is needed: the other commands start faster without gRPC.
	const [{ ChronokeeperClient }, { ClientError }] = await Promise.all([
		import('#client/client'),
		import('#client/client-error'),
	]);
	const client = new ChronokeeperClient({
		address: options.server,
		auth: options.auth,
		timeoutMs: options.timeout * 1000,
	});
	try {
		return await use(client);
	} catch (error) {
		if (!(error instanceof ClientError)) throw error;
		throw new Failure(describe(error.message, error.codeName), advice(error.status, error.codeName, error.message));
	} finally {
		client.close();
	}
}

function describe(message: string, codeName: string): string {
	return codeName === '' || message.includes(codeName) ? message : `${message} (${codeName})`;
}

const adviceByCode: Readonly<Record<string, string>> = {
	BadVersion: 'Somebody changed it meanwhile: `ck stat PATH` shows the version it has now.',
	NotEmpty: 'Delete what is below it first, or everything at once with `ck delete --recursive PATH`.',
	NodeExists: '`ck set PATH DATA` replaces its data.',
	NoAuth: 'Say who you are with --auth user:password (or CK_AUTH).',
	AuthFailed: 'See whether user and password of --auth (or CK_AUTH) are right.',
};

function advice(status: string, codeName: string, message: string): string | undefined {
	if (message.startsWith('cannot reach ')) {
		return 'Is the server running? `npm start` (or `ck server`) starts one; --server host:port (or CK_SERVER) names another.';
	}
	if (status === 'DEADLINE_EXCEEDED') return '--timeout gives it longer.';
	return adviceByCode[codeName];
}

function secondsArgument(text: string): number {
	const seconds = Number(text);
	if (!(seconds > 0 && seconds <= 86_400))
		throw new Failure(`--timeout ${text}: it must be a number of seconds`, undefined, 2);
	return seconds;
}
