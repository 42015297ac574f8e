import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// Not 'import': vitest hands these to Node, whose require() would then get the ES modules of packages that have both (pg-pool).
const conditions = ['source', 'node'];

export default defineConfig({
	ssr: { resolve: { conditions } },
	resolve: { conditions },
	oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
	test: {
		include: ['libs/**/*.spec.ts', 'apps/**/*.spec.ts', 'migrations/**/*.spec.ts', 'test/**/*.spec.ts'],
		exclude: ['test/ensemble/**', 'test/interop/**', 'node_modules/**', 'dist/**'],
		globalSetup: ['test/support/postgres-global.ts', 'test/support/compiled-global.ts'],
		// One fewer than there are processors would be one on a small machine, where much of the time is spent waiting for disks and other processes.
		maxWorkers: Math.max(2, availableParallelism() - 1),
		testTimeout: 120_000,
		hookTimeout: 120_000,
	},
});
