/** The API from plain JavaScript: grpc-js and proto-loader, without generated code. */
import { fileURLToPath } from 'node:url';
import { describeChecks } from '#test/support/script-checks';
import { LiveServers } from './live-servers.ts';

describeChecks('gRPC from plain JavaScript', {
	command: [process.execPath, fileURLToPath(new URL('node/main.mjs', import.meta.url))],
	start: () => LiveServers.start(),
});
