import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

export default mergeConfig(
	base,
	defineConfig({ test: { testTimeout: 120_000, hookTimeout: 180_000, fileParallelism: false } }),
	true,
);
