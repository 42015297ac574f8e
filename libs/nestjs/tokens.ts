/** What stands for the module's things where they are injected. */
import { Inject } from '@nestjs/common';

/** The client. */
export const chronokeeperToken = Symbol('Chronokeeper');
/** @internal */
export const optionsToken = Symbol('ChronokeeperModuleOptions');

/** Injects the client: `constructor(@InjectChronokeeper() ck: Chronokeeper)`. */
export function InjectChronokeeper(): PropertyDecorator & ParameterDecorator {
	return Inject(chronokeeperToken);
}

/** The token of a live configuration. */
export function configurationToken(path: string): string {
	return `ChronokeeperConfiguration:${path}`;
}

/** Injects the live Configuration of a path that forConfiguration() was given. */
export function InjectConfiguration(path: string): PropertyDecorator & ParameterDecorator {
	return Inject(configurationToken(path));
}
