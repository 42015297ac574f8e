/** All that the gRPC port needs to know who calls and what they may, made from the configuration. */
import { ServerCredentials } from '@grpc/grpc-js';
import type { Logger } from '#telemetry/logger';
import type { Metrics } from '#telemetry/metrics';
import type { ServerConfig } from '../../config/config.ts';
import { chainOptions } from '../../replica/chain-options.ts';
import { Callers } from './callers.ts';
import { RoleGuard } from './role-guard.ts';
import { Roles } from './roles.ts';
import { ReloadedTls } from './tls-credentials.ts';
import { readTls, type TlsMaterial } from './tls-files.ts';
import type { Tokens } from './tokens.ts';

export interface GrpcSecurity {
	readonly callers: Callers;
	readonly roles: Roles;
	readonly guard: RoleGuard;
	readonly credentials: ServerCredentials;
	close(): void;
}

export async function openSecurity(
	config: ServerConfig,
	material: TlsMaterial | undefined,
	metrics: Metrics,
	logger: Logger,
): Promise<GrpcSecurity> {
	const { superDigest } = chainOptions(config);
	const digest = { enabled: config['DigestAuthenticationProvider.enabled'], superDigest };
	const x509SuperUser = config['X509AuthenticationProvider.superUser'];
	const callers = new Callers(digest, { tokens: await openTokens(config, metrics, logger), x509SuperUser });
	const roles = new Roles(config);
	const guard = new RoleGuard(callers, roles);
	if (material === undefined)
		return { callers, roles, guard, credentials: ServerCredentials.createInsecure(), close() {} };
	const tls = new ReloadedTls(material, () => readTls(config), {
		clientAuth: material.context.ca === undefined ? 'none' : config['grpc.tls.clientAuth'],
		reloadMs: config['grpc.tls.reloadMs'],
		logger,
	});
	tls.addGauges(metrics);
	return { callers, roles, guard, credentials: tls.credentials, close: () => tls.close() };
}

/** What checks tokens is loaded only where they are taken. */
async function openTokens(config: ServerConfig, metrics: Metrics, logger: Logger): Promise<Tokens | undefined> {
	const source = config['grpc.jwt.jwks'];
	if (source === '') return undefined;
	const [{ TokenKeys }, { Tokens }] = await Promise.all([import('./token-keys.ts'), import('./tokens.ts')]);
	const isFile = !/^https?:\/\//i.test(source);
	const times = isFile ? { freshMs: config['grpc.tls.reloadMs'] } : {};
	const keys = new TokenKeys({ source, logger, now: () => performance.now(), times });
	metrics.gauge('grpc_token_keys_away', '1 when the keys of bearer tokens could not be fetched.', () =>
		keys.isAway ? 1 : 0,
	);
	return new Tokens(keys, {
		issuer: config['grpc.jwt.issuer'],
		audience: config['grpc.jwt.audience'],
		idClaim: config['grpc.jwt.idClaim'],
		rolesClaim: config['grpc.jwt.rolesClaim'],
		scheme: config['grpc.jwt.scheme'],
		clockSkewSeconds: config['grpc.jwt.clockSkewSeconds'],
	});
}
