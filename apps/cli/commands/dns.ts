import { isIP } from 'node:net';
import { type Command, InvalidArgumentError } from 'commander';
import type { Chronokeeper } from '#client/chronokeeper';
import type { ConnectOptions } from '#client/connect-options';
import { pathArgument, replicasArgument } from '../arguments.ts';
import type { CommandContext } from '../command-context.ts';
import { Failure } from '../failure.ts';
import { clientOptions, explained } from '../server-connection.ts';
import { addServerOptions, optionsOf, type ServerOptions } from '../shared-options.ts';
import type { Terminal } from '../terminal.ts';

interface Listening {
	readonly host: string;
	readonly port: number;
}

interface Options extends ServerOptions {
	readonly listen: Listening;
	readonly zone: string;
	readonly services: string;
	readonly ttl: number;
	readonly replicas?: readonly string[];
}

export function addDns(program: Command, context: CommandContext): void {
	const command = program
		.command('dns')
		.summary('answer DNS queries from the service registry')
		.description(
			'A DNS server, over UDP and TCP, whose zone is the service registry: A, AAAA, SRV and TXT of the services and of each instance. It follows changes at once, ' +
				'and goes on with what it knew while no replica can be reached. Until Ctrl-C.',
		)
		.option('--listen <address:port>', 'where', listenArgument, { host: '127.0.0.1', port: 5353 })
		.option('--zone <name>', 'the domain that it answers for', zoneArgument, 'services.local')
		.option('--services <path>', 'where the registry is', pathArgument, '/services')
		.option('--ttl <seconds>', 'how long answers may be remembered', ttlArgument, 1)
		.option(
			'--replicas <host:port,...>',
			'other replicas of the ensemble, for when that of --server is away',
			replicasArgument,
		);
	addServerOptions(command).action(async (_: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const [{ connect }, { ClientError }] = await Promise.all([
			import('#client/connect'),
			import('#client/client-error'),
		]);
		try {
			await using ck = await connect(connectOptions(options));
			await serve(ck, options, context);
		} catch (error) {
			throw error instanceof ClientError ? explained(error) : error;
		}
	});
}

async function serve(ck: Chronokeeper, options: Options, { terminal, interrupted }: CommandContext): Promise<void> {
	const [{ ServiceDiscovery }, { RegistryZone }, { DnsServer }] = await Promise.all([
		import('#client/recipes/service-discovery'),
		import('../dns/registry-zone.ts'),
		import('../dns/dns-server.ts'),
	]);
	const stop = interrupted();
	await using view = new ServiceDiscovery(ck, options.services).watchAll();
	await view.ready;
	const { host, port } = options.listen;
	const serverAddress = isIP(host) !== 0 && host !== '0.0.0.0' && host !== '::' ? host : undefined;
	const zone = new RegistryZone(view, { origin: options.zone, ttlSeconds: options.ttl, serverAddress });
	const failed = (error: Error) => terminal.note(error.message);
	const server = await DnsServer.start({ host, port, zone: () => zone.current, failed }).catch((error: Error) => {
		throw cannotListen(error, options.listen);
	});
	const silence = ck.on(({ state, reason }) => {
		if (state === 'connected') terminal.note('connected again');
		else if (state !== 'closed') terminal.note(`${reason ?? state}; answers are those of before`);
	});
	try {
		tell(terminal, options, server.port, view.services.size);
		await new Promise<void>((resolve) => {
			if (stop.aborted) resolve();
			stop.addEventListener('abort', () => resolve(), { once: true });
		});
	} finally {
		silence();
		await server.close();
	}
}

function tell(terminal: Terminal, { listen: { host }, zone }: Options, port: number, services: number): void {
	if (terminal.json) terminal.object({ listening: { host, port }, zone, services });
	else
		terminal.line(
			`listening at ${host.includes(':') ? `[${host}]` : host}:${port} (UDP and TCP) for ${zone}, ${services} services`,
		);
	terminal.flush();
}

function connectOptions(options: Options): ConnectOptions {
	const { address, auth, token, tls, timeoutMs } = clientOptions(options);
	return {
		endpoints: [address, ...(options.replicas ?? [])],
		connectTimeoutMs: timeoutMs,
		auth: auth === undefined ? [] : [{ scheme: 'digest', credentials: auth }],
		token,
		tls,
	};
}

function cannotListen(error: NodeJS.ErrnoException, { host, port }: Listening): Failure {
	const advice =
		error.code === 'EACCES'
			? 'Ports below 1024 are for root: take another one and let the resolver forward to it, or give the process CAP_NET_BIND_SERVICE.'
			: '--listen address:port names another place.';
	return new Failure(`cannot listen at ${host}:${port}: ${error.message}`, advice);
}

function listenArgument(text: string): Listening {
	const [, bracketed, plain, digits] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]/\s]+)):([0-9]{1,5})$/i.exec(text) ?? [];
	const host = bracketed ?? plain;
	const port = Number(digits);
	if (host === undefined || isIP(host) === 0 || port > 65_535)
		throw new InvalidArgumentError(
			`"${text}" is not an address to listen at: write one like 127.0.0.1:5353 or [::1]:5353.`,
		);
	return { host, port };
}

function zoneArgument(text: string): string {
	const zone = text.replace(/\.$/, '').toLowerCase();
	const isName =
		zone.length <= 190 && zone.split('.').every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
	if (!isName) throw new InvalidArgumentError(`"${text}" is not the name of a domain, such as services.local.`);
	return zone;
}

function ttlArgument(text: string): number {
	const seconds = Number(text);
	if (!(Number.isInteger(seconds) && seconds >= 0 && seconds <= 86_400))
		throw new InvalidArgumentError('it must be a whole number of seconds, at most 86400.');
	return seconds;
}
