import { defineConfig } from 'vitest/config';
import { common, globalSetup, maxWorkers, reporting } from './vitest.config.ts';

/** Long series: of damage, faults, limits, recordings and many events. They need nothing that `npm test` does not need, and more time than one wants to wait for it. */
export default defineConfig({
	...common,
	test: {
		globalSetup,
		...reporting,
		maxWorkers,
		include: ['test/long/**/*.spec.ts'],
		testTimeout: 120_000,
		hookTimeout: 120_000,
	},
});
