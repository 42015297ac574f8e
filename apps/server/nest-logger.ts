import type { LoggerService } from '@nestjs/common';
import type { Logger } from '#telemetry/logger';

/** Nest's own lines in our log: only what is wrong, the rest is for debugging. */
export class NestLogger implements LoggerService {
	constructor(private readonly logger: Logger) {}

	log(message: unknown, context?: unknown): void {
		this.logger.debug({ context }, String(message));
	}

	warn(message: unknown, context?: unknown): void {
		this.logger.warn({ context }, String(message));
	}

	error(message: unknown, stack?: unknown, context?: unknown): void {
		const err = message instanceof Error ? message : { message: String(message), stack: String(stack ?? '') };
		this.logger.error({ err, context }, String(message));
	}
}
