#!/usr/bin/env node
/** The command line: apps/cli. */
import { runCompiled } from './run-compiled.mjs';

await runCompiled('apps', 'cli', 'main.js');
