import { defineConfig } from 'vitest/config';
import { common, expecting, globalSetup, maxWorkers, reporting } from './vitest.config.ts';

/** Long series: of damage, faults, limits, recordings and many events. They need nothing that `npm test` does not need, and more time than one wants to wait for it. */
export default defineConfig({
	...common,
	test: {
		globalSetup,
		...reporting,
		maxWorkers,
		include: ['test/long/**/*.spec.ts'],
		expect: expecting,
		testTimeout: 120_000,
		hookTimeout: 120_000,
	},
});
