/** `zkCli.sh`: apps/cli/zookeeper. */
import { runCompiled } from './run-compiled.mjs';

await runCompiled('apps', 'cli', 'zookeeper', 'main.js');
