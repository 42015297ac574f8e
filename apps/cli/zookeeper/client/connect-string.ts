/** `host:port,host:port/chroot`, IPv6 addresses in brackets. */
import { IllegalArgument } from '../failures.ts';
import { requireInt } from '../java-numbers.ts';
import { Chroot, checkPath } from './client-path.ts';

export interface Host {
	readonly host: string;
	readonly port: number;
}

export interface ConnectString {
	readonly hosts: readonly Host[];
	readonly chroot: Chroot;
}

const defaultPort = 2181;

/** @throws IllegalArgument for a chroot that is no path, brackets that do not match or no host at all; Fatal for a port that is no number */
export function parseConnectString(text: string): ConnectString {
	const slash = text.indexOf('/');
	const chroot = slash < 0 || slash === text.length - 1 ? null : text.slice(slash);
	if (chroot !== null) checkPath(chroot);
	const names = (slash < 0 ? text : text.slice(0, slash))
		.split(',')
		.map((name) => name.trim())
		.filter((name) => name !== '');
	if (names.length === 0) throw new IllegalArgument('A HostProvider may not be empty!');
	return { hosts: names.map(parseHost), chroot: new Chroot(chroot) };
}

function parseHost(text: string): Host {
	if (text.startsWith('[')) return parseBracketed(text);
	const colon = text.lastIndexOf(':');
	if (colon < 0) return { host: text, port: defaultPort };
	return {
		host: text.slice(0, colon),
		port: colon === text.length - 1 ? defaultPort : parsePort(text.slice(colon + 1)),
	};
}

function parseBracketed(text: string): Host {
	const end = text.lastIndexOf(']');
	if (end < 0) throw new IllegalArgument(`${text} starts with '[' but has no matching ']'`);
	const host = text.slice(1, end);
	if (host === '') throw new IllegalArgument(' is empty.');
	const rest = text.slice(end + 1);
	if (rest === '') return { host, port: defaultPort };
	if (!rest.startsWith(':')) throw new IllegalArgument(`${text} does not have : after ]`);
	if (rest === ':') throw new IllegalArgument(`${text} doesn't have a port after colon.`);
	return { host, port: parsePort(rest.slice(1)) };
}

function parsePort(text: string): number {
	const port = requireInt(text);
	if (port < 0 || port > 0xffff) throw new IllegalArgument(`port out of range:${port}`);
	return port;
}
