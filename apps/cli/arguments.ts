/** What people type, read strictly. Each throws InvalidArgumentError, which commander turns into a usage error naming the argument. */
import { InvalidArgumentError } from 'commander';
import { parseSessionId, parseZxid } from '#core/model/zxid';
import type { Acl } from '#jute/records';
import type { SessionId, Zxid } from '#jute/scalars';
import { permissionBit } from './view/text.ts';

export function zxidArgument(text: string): Zxid {
	return orInvalid(() => parseZxid(text));
}

export function sessionArgument(text: string): SessionId {
	return orInvalid(() => parseSessionId(text));
}

export function pathArgument(text: string): string {
	if (!text.startsWith('/')) throw new InvalidArgumentError(`"${text}" is not a path: a path begins with "/".`);
	return text;
}

/** Separated by commas. */
export function pathsArgument(text: string): string[] {
	return text.split(',').map((path) => {
		const trimmed = path.trim();
		if (trimmed !== '/' && !/^(\/[^/]+)+$/.test(trimmed)) {
			throw new InvalidArgumentError(`"${trimmed}" is not the path of a node: write /secrets.`);
		}
		return trimmed;
	});
}

export function versionArgument(text: string): number {
	const version = /^-?[0-9]+$/.test(text) ? Number(text) : Number.NaN;
	if (!(version >= -(2 ** 31) && version < 2 ** 31)) {
		throw new InvalidArgumentError(`"${text}" is not a version: write a whole number, -1 for any.`);
	}
	return version;
}

export function countArgument(text: string): number {
	const value = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
	if (!Number.isSafeInteger(value)) throw new InvalidArgumentError(`"${text}" is not a whole number.`);
	return value;
}

export function uint32Argument(text: string): number {
	const value = countArgument(text);
	if (value >= 2 ** 32) throw new InvalidArgumentError(`"${text}" is too large.`);
	return value;
}

export function portArgument(text: string): number {
	const port = countArgument(text);
	if (port < 1 || port > 65_535) throw new InvalidArgumentError(`"${text}" is not a port.`);
	return port;
}

/** `host:port`, `[::1]:port`. */
export function addressArgument(text: string): string {
	const port = Number(/^(?:\[[0-9a-f:.]+\]|[^:[\]/\s]+):([0-9]{1,5})$/i.exec(text)?.[1] ?? Number.NaN);
	if (!(port >= 1 && port <= 65_535)) {
		throw new InvalidArgumentError(`"${text}" is not an address: write host:port, such as 127.0.0.1:50051.`);
	}
	return text;
}

/** Several addresses, separated by commas. */
export function replicasArgument(text: string): string[] {
	return text.split(',').map((address) => addressArgument(address.trim()));
}

export function databaseArgument(text: string): string {
	if (!/^postgres(ql)?:\/\/./.test(text) || !URL.canParse(text)) {
		throw new InvalidArgumentError('it must be like postgresql://user:password@host:5432/database.');
	}
	return text;
}

export function authArgument(text: string): string {
	if (!/^[^:]+:/.test(text)) throw new InvalidArgumentError('it must be user:password.');
	return text;
}

/** `scheme:id:perms`, separated by commas, as zkCli takes them; the id may itself have colons. */
export function aclArgument(text: string): Acl[] {
	return text.split(',').map((entry) => {
		const match = /^([^:]+):(.*):([a-z]+)$/.exec(entry);
		const [, scheme, id, letters] = match ?? [];
		if (scheme === undefined || id === undefined || letters === undefined) {
			throw new InvalidArgumentError(
				`"${entry}" is not an ACL entry: write scheme:id:perms, such as world:anyone:cdrwa.`,
			);
		}
		let perms = 0;
		for (const letter of letters) {
			const bit = permissionBit(letter);
			if (bit === undefined) {
				throw new InvalidArgumentError(
					`"${letter}" in "${entry}" is no permission: c create, d delete, r read, w write, a admin.`,
				);
			}
			perms |= bit;
		}
		return { perms, scheme, id };
	});
}

function orInvalid<T>(parse: () => T): T {
	try {
		return parse();
	} catch (error) {
		if (error instanceof RangeError) throw new InvalidArgumentError(`${error.message}.`);
		throw error;
	}
}
