import { defineConfig } from 'vitest/config';
import { common, expecting, globalSetup, reporting } from './vitest.config.ts';

/** Specs against the real ZooKeeper and real clients and of several replicas as processes, one at a time: each starts servers of its own. */
export default defineConfig({
	...common,
	test: {
		globalSetup,
		...reporting,
		include: ['test/ensemble/**/*.spec.ts', 'test/interop/**/*.spec.ts'],
		exclude: ['node_modules/**', 'dist/**'],
		setupFiles: ['test/support/evidence-of-failures.ts'],
		expect: expecting,
		testTimeout: 120_000,
		hookTimeout: 180_000,
		fileParallelism: false,
	},
});
