/** `npm start` as a process of its own, on ports that are free. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RunningProgram } from './processes.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export class ServerProcess {
	/** host:port of the gRPC door. */
	readonly grpc: string;
	readonly http: string;
	private readonly program: RunningProgram;

	private constructor(program: RunningProgram, grpc: string, http: string) {
		this.program = program;
		this.grpc = grpc;
		this.http = http;
	}

	/** Serves when it resolves. Without PostgreSQL unless the environment says otherwise. @throws with its log when it refuses */
	static async start(dataDir: string, environment: Readonly<Record<string, string>> = {}): Promise<ServerProcess> {
		const program = new RunningProgram(process.execPath, [join(root, 'bin', 'start.mjs')], {
			env: {
				CK_DATA_DIR: dataDir,
				CK_CLIENT_PORT: '0',
				CK_GRPC_PORT: '0',
				CK_HTTP_PORT: '0',
				CK_AUDIT_MODE: 'off',
				CK_LOG_FORMAT: 'json',
				...environment,
			},
		});
		const [, line] = await program.waitFor(/^(\{.*"msg":"serving"\})$/m);
		const { grpc, http } = JSON.parse(line!) as { readonly grpc: string; readonly http: string };
		return new ServerProcess(program, grpc, http);
	}

	get log(): string {
		return this.program.output;
	}

	/** @returns the exit code, -1 when the signal ended it */
	stop(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL' = 'SIGINT'): Promise<number> {
		return this.program.stop(signal);
	}
}
