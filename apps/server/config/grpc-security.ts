/** The rules between the keys of the gRPC port. What is in the files of certificates is looked at when the server starts. */
import type { Values } from './keys.ts';

/** Whether only this machine can reach what listens there. */
export function isLoopback(address: string): boolean {
	return /^(127(\.[0-9]{1,3}){3}|::1|(::ffff:)127(\.[0-9]{1,3}){3}|localhost)$/i.test(address);
}

export function hasTls(values: Values): boolean {
	return values['grpc.tls.cert'] !== '' && values['grpc.tls.key'] !== '';
}

export function checkGrpc(values: Values, given: ReadonlySet<string>, warnings: string[], problems: string[]): void {
	checkCertificates(values, given, problems);
	checkPlaintext(values, warnings, problems);
	checkTokens(values, warnings, problems);
	for (const key of ['grpc.adminIds', 'grpc.historyIds', 'grpc.restoreIds'] as const) {
		const isAnybody = values[key].some(({ scheme }) => scheme === 'world');
		if (isAnybody && !isLoopback(values.grpcAddress)) {
			warnings.push(`${key} names world:anyone: whoever reaches the gRPC port may do that`);
		}
	}
}

function checkCertificates(values: Values, given: ReadonlySet<string>, problems: string[]): void {
	for (const [one, other] of [
		['grpc.tls.cert', 'grpc.tls.key'],
		['grpc.tls.key', 'grpc.tls.cert'],
		['grpc.tls.clientCa', 'grpc.tls.cert'],
	] as const) {
		if (values[one] !== '' && values[other] === '') problems.push(`${one} is set, and ${other} is not: it needs both`);
	}
	const clientAuth = values['grpc.tls.clientAuth'];
	if (given.has('grpc.tls.clientAuth') && clientAuth !== 'none' && values['grpc.tls.clientCa'] === '') {
		problems.push(
			`grpc.tls.clientAuth is ${clientAuth}, and grpc.tls.clientCa does not say whose certificates are good`,
		);
	}
}

function checkPlaintext(values: Values, warnings: string[], problems: string[]): void {
	if (hasTls(values) || isLoopback(values.grpcAddress)) return;
	if (values['grpc.plaintext']) {
		warnings.push(
			`grpc.plaintext=true: what the gRPC port carries on ${values.grpcAddress} can be read and changed on the way, passwords and tokens included`,
		);
	} else if (values['grpc.tls.cert'] === '' && values['grpc.tls.key'] === '') {
		problems.push(
			`grpcAddress is ${values.grpcAddress}, which others can reach, and the gRPC port has no TLS: set grpc.tls.cert and grpc.tls.key, or grpc.plaintext=true where nobody can listen to the network`,
		);
	}
}

function checkTokens(values: Values, warnings: string[], problems: string[]): void {
	const jwks = values['grpc.jwt.jwks'];
	if (jwks === '') return;
	for (const key of ['grpc.jwt.issuer', 'grpc.jwt.audience'] as const) {
		if (values[key] === '')
			problems.push(`grpc.jwt.jwks is set, and ${key} is not: tokens made for others would be taken`);
	}
	if (!/^https?:\/\//i.test(jwks)) return;
	if (!URL.canParse(jwks)) problems.push(`grpc.jwt.jwks is "${jwks}": it must be a URL or a file`);
	else if (/^http:/i.test(jwks) && !isLoopback(new URL(jwks).hostname.replace(/^\[(.*)\]$/, '$1'))) {
		warnings.push('grpc.jwt.jwks is fetched without TLS: who can change it on the way can make tokens');
	}
}
