import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// Not 'import': vitest hands these to Node, whose require() would then get the ES modules of packages that have both (pg-pool).
const conditions = ['source', 'node'];

/** What every configuration of tests needs. */
export const common = {
	ssr: { resolve: { conditions } },
	resolve: { conditions },
	// What globalSetup imports; without this it is what lies in dist/, which may be older.
	environments: { __vitest__: { resolve: { conditions } } },
	oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
} as const;
const report = process.env.CK_TEST_REPORT;
/** `.ci/run` reads which specs failed. */
export const reporting = report === undefined ? {} : { reporters: ['default', 'json'], outputFile: report };
export const globalSetup = ['test/support/postgres-global.ts', 'test/support/compiled-global.ts'];
// One fewer than there are processors would be one on a small machine, where a third of the time is spent waiting for disks and other processes.
export const maxWorkers = Math.max(3, availableParallelism() - 1);
/** A second, what `expect.poll` waits for by default, is not enough where others need the processors. */
export const expecting = { poll: { timeout: 60_000 } } as const;
const patience = { testTimeout: 120_000, hookTimeout: 120_000, expect: expecting } as const;
const notSources = ['node_modules/**', 'dist/**'];
/**
 * They set variables of their process, look at its memory, or start servers in it: each has a process of its own. So have the simulations, which are long: these files come first,
 * and the others fill up what is left.
 */
const alone = ['test/integration/**/*.spec.ts', 'test/deploy.spec.ts', 'test/sim/**/*.spec.ts'];

export default defineConfig({
	...common,
	test: {
		globalSetup,
		...reporting,
		maxWorkers,
		projects: [
			{ ...common, test: { name: 'alone', include: alone, ...patience } },
			{
				...common,
				test: {
					name: 'together',
					include: ['libs/**/*.spec.ts', 'apps/**/*.spec.ts', 'migrations/**/*.spec.ts', 'test/**/*.spec.ts'],
					exclude: [...alone, 'test/long/**', 'test/ensemble/**', 'test/interop/**', ...notSources],
					// To start a process for each of so many files, and to load the same modules in it, took longer than most of them.
					isolate: false,
					...patience,
				},
			},
		],
	},
});
