/**
 * The certificates of the gRPC port while it listens. Their files are looked at now and then: what has changed and is good holds for connections that are opened
 * from then on, those that are open stay. What is not good is told, and what there was stays in use. grpc-js's own watcher of files would take no connections then.
 */

import type { SecureContextOptions } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';
import type { Logger } from '#telemetry/logger';
import type { Metrics } from '#telemetry/metrics';
import type { TlsMaterial } from './tls-files.ts';

export type ClientAuth = 'none' | 'want' | 'need';

class TlsCredentials extends ServerCredentials {
	constructor(clientAuth: ClientAuth, context: SecureContextOptions) {
		super({ requestCert: clientAuth !== 'none', rejectUnauthorized: clientAuth === 'need' }, context);
	}

	use(context: SecureContextOptions): void {
		this.updateSecureContextOptions(context);
	}

	override _equals(other: ServerCredentials): boolean {
		return this === other;
	}
}

const dayMs = 86_400_000;
/** From then on it is said once a day. */
const warningDays = 14;

export class ReloadedTls {
	readonly credentials: ServerCredentials;
	readonly #credentials: TlsCredentials;
	readonly #read: () => Promise<TlsMaterial | undefined>;
	readonly #logger: Logger;
	readonly #timer: NodeJS.Timeout;
	#material: TlsMaterial;
	/** What is wrong with the files; empty when nothing is. */
	#problem = '';
	/** What the last look found, content or problem. Files may be found half written: what counts is what two looks in turn find. */
	#found: string;
	#warnedMs = -Infinity;
	#isLooking = false;

	constructor(
		first: TlsMaterial,
		read: () => Promise<TlsMaterial | undefined>,
		options: { readonly clientAuth: ClientAuth; readonly reloadMs: number; readonly logger: Logger },
	) {
		this.#material = first;
		this.#found = first.content;
		this.#read = read;
		this.#logger = options.logger;
		this.#credentials = new TlsCredentials(options.clientAuth, first.context);
		this.credentials = this.#credentials;
		this.#warnOfEnd();
		this.#timer = setInterval(() => void this.look(), options.reloadMs);
		this.#timer.unref();
	}

	/** Below 0 when it has ended. */
	get daysLeft(): number {
		return (this.#material.expiresMs - Date.now()) / dayMs;
	}

	addGauges(metrics: Metrics): void {
		metrics.gauge('grpc_certificate_days_left', "Days until the gRPC port's certificate ends.", () => this.daysLeft);
		metrics.gauge(
			'grpc_certificate_reload_failed',
			"1 when the files of the gRPC port's certificates cannot be used, and the old ones are.",
			() => (this.#problem === '' ? 0 : 1),
		);
	}

	/** Never throws. */
	async look(): Promise<void> {
		if (this.#isLooking) return;
		this.#isLooking = true;
		try {
			const material = await this.#read();
			if (material !== undefined && this.#isFoundAgain(material.content)) this.#take(material);
		} catch (error) {
			const { message } = error as Error;
			if (this.#isFoundAgain(message)) this.#tell(message);
		} finally {
			this.#isLooking = false;
		}
		this.#warnOfEnd();
	}

	close(): void {
		clearInterval(this.#timer);
	}

	#isFoundAgain(found: string): boolean {
		const isAgain = found === this.#found;
		this.#found = found;
		return isAgain;
	}

	#take(material: TlsMaterial): void {
		if (this.#problem !== '' && material.content === this.#material.content) {
			this.#logger.info('the files of the gRPC certificates are as they were');
		}
		this.#problem = '';
		if (material.content === this.#material.content) return;
		this.#credentials.use(material.context);
		this.#material = material;
		this.#warnedMs = -Infinity;
		this.#logger.info(
			`new gRPC connections get the new certificate: ${material.subject}, until ${new Date(material.expiresMs).toISOString()}`,
		);
	}

	#tell(problem: string): void {
		if (problem === this.#problem) return;
		this.#problem = problem;
		this.#logger.error(`the gRPC certificate in use stays: ${problem}`);
	}

	#warnOfEnd(): void {
		const days = this.daysLeft;
		const nowMs = performance.now();
		if (days > warningDays || nowMs - this.#warnedMs < dayMs) return;
		this.#warnedMs = nowMs;
		const end = new Date(this.#material.expiresMs).toISOString();
		const when = days < 0 ? `ended at ${end}: clients refuse it` : `ends in ${Math.floor(days)} days, at ${end}`;
		this.#logger.warn(`the gRPC certificate (${this.#material.subject}, grpc.tls.cert) ${when}`);
	}
}
