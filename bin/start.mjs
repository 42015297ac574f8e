/** `npm start`: the server, on Node 24. What follows `--` goes to it: `npm start -- --config zoo.cfg`. */
import { join } from 'node:path';
import { nodeFlags } from './node-flags.mjs';
import { explained, prepare, root } from './prepare.mjs';
import { runOnNode24 } from './run-on-node24.mjs';

// A person started this: what it prints is for reading, also behind a pipe.
process.env.CK_LOG_FORMAT ??= 'text';
// What V8 made of the sources is kept for the next start.
process.env.NODE_COMPILE_CACHE ??= join(root, 'dist', '.compile-cache');

await explained(() => {
	prepare();
	runOnNode24([...nodeFlags, join(root, 'dist', 'apps', 'server', 'main.js'), ...process.argv.slice(2)]);
});
