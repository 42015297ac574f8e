/** What a container's environment and its zoo.cfg mean to a replica. */
import { ConfigError, loadConfig, type ServerConfig } from '#server/config/config';

export interface Deployed {
	readonly config: ServerConfig;
	/** Problems and warnings. */
	readonly objections: readonly string[];
}

/** @param file its zoo.cfg, if it has one */
export function deployedConfig(environment: Readonly<Record<string, string>>, file?: string): Deployed {
	try {
		const config = loadConfig({ file, environment });
		return { config, objections: config.warnings };
	} catch (error) {
		if (!(error instanceof ConfigError)) throw error;
		return { config: error.understood, objections: [...error.problems, ...error.understood.warnings] };
	}
}
