/** A client that knows nothing but reflection (buf curl, as grpcurl) finds every service and every method, and can call each. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { status } from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fileDescriptorSet } from '#proto/descriptors';
import { CompiledServer, type ServerAddresses } from '#test/support/compiled-server';
import { eventually } from '#test/support/ensemble-wait';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { output, RunningProgram } from '#test/support/processes';

const buf = fileURLToPath(new URL('../../../node_modules/.bin/buf', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'reflection-'));
const descriptors = loadFileDescriptorSetFromBuffer(Buffer.from(fileDescriptorSet, 'base64'));
/** `chronokeeper.v1.ZnodeService/Get`. */
const methods = Object.values(descriptors)
	.flatMap((one) => ('format' in one ? [] : Object.values(one)))
	.map(({ path }) => path.slice(1));

interface Asked {
	/** JSON; of a stream, several messages. */
	readonly data: string;
	readonly isInSession?: boolean;
	/** OK unless given. */
	readonly code?: status;
}

/** A sensible request of each method. */
const requests: Readonly<Record<string, Asked>> = {
	'ZnodeService/Create': { data: '{"path": "/made", "data": "b25l"}' },
	'ZnodeService/Get': { data: '{"path": "/node", "consistency": "CONSISTENCY_LINEARIZABLE"}' },
	'ZnodeService/Set': { data: '{"path": "/node", "data": "dHdv", "version": 0}' },
	'ZnodeService/Delete': { data: '{"path": "/none"}', code: status.NOT_FOUND },
	'ZnodeService/Exists': { data: '{"path": "/none"}' },
	'ZnodeService/ListChildren': { data: '{"path": "/", "page_size": 1}' },
	'ZnodeService/StreamChildren': { data: '{"path": "/", "with_data": true}' },
	'ZnodeService/GetAcl': { data: '{"path": "/node"}' },
	'ZnodeService/SetAcl': {
		data: '{"path": "/node", "acl": [{"perms": 31, "id": {"scheme": "world", "id": "anyone"}}]}',
	},
	'ZnodeService/Multi': { data: '{"ops": [{"check": {"path": "/node"}}, {"create": {"path": "/two"}}]}' },
	'ZnodeService/MultiRead': { data: '{"ops": [{"get": {"path": "/node"}}, {"listChildren": {"path": "/"}}]}' },
	'ZnodeService/Sync': { data: '{"path": "/"}' },
	'ZnodeService/WhoAmI': { data: '{}' },
	'ZnodeService/GetEphemerals': { data: '{}', isInSession: true },
	'ZnodeService/GetAllChildrenNumber': { data: '{"path": "/"}' },
	'SessionService/OpenSession': { data: '{"timeout_ms": 10000}' },
	'SessionService/AttachSession': {
		data: '{"session_id": "18446744073709551615", "password": "AAAA"}',
		code: status.FAILED_PRECONDITION,
	},
	'SessionService/KeepAlive': { data: '{}', isInSession: true },
	'SessionService/Authenticate': {
		data: '{"scheme": "digest", "credentials": "YW5uOnNlY3JldA=="}',
		isInSession: true,
	},
	'SessionService/CloseSession': { data: '{}', isInSession: true },
	'SessionService/Operate': {
		data: '{"open": {}, "operations": [{"id": 1, "get": {"path": "/node"}}]} {"operations": [{"id": 2, "closeSession": {}}]}',
	},
	'WatchService/Watch': { data: '{"targets": [{"path": "/node", "kind": "WATCH_KIND_DATA"}], "after_zxid": 0}' },
	'HistoryService/History': { data: '{"path": "/node", "limit": 1}' },
	'HistoryService/ZnodeAt': { data: '{"path": "/node", "zxid": 1}' },
	'HistoryService/TreeAt': { data: '{"prefix": "/node"}' },
	'HistoryService/ChildrenAt': { data: '{"path": "/node"}' },
	'HistoryService/Diff': { data: '{"from_zxid": 0, "to_zxid": 1}' },
	'HistoryService/TailTransactions': { data: '{"from_zxid": 0}' },
	'HistoryService/Watch': { data: '{"from_zxid": 0, "path": "/node"}' },
	'RestoreService/PlanRestore': { data: '{"target": {"zxid": 1}}' },
	'RestoreService/StartRestore': { data: '{"target": {"zxid": 1, "path": "/node"}, "reason": "a check"}' },
	'RestoreService/GetRestore': { data: '{"id": 0}' },
	'RestoreService/WatchRestore': { data: '{"id": 0}' },
	'RestoreService/ListRestores': { data: '{}' },
	'RestoreService/ResumeRestore': { data: '{"id": 0}', code: status.FAILED_PRECONDITION },
	'RestoreService/AbortRestore': { data: '{"id": 0}', code: status.FAILED_PRECONDITION },
	'AdminService/Status': { data: '{}' },
	'AdminService/TakeSnapshot': { data: '{}' },
	'AdminService/WatchStatus': { data: '{"interval_ms": 100}' },
	'AdminService/ListConnections': { data: '{}' },
	'AdminService/ShedLoad': { data: '{"share": 0.5}' },
	'AdminService/GetConfig': { data: '{}' },
	'AdminService/Reconfig': { data: '{"leaving": "1"}', code: status.FAILED_PRECONDITION },
};

let compiled: CompiledServer;
let database: TestDatabase;
let server: RunningProgram & { readonly addresses: ServerAddresses };
const called = new Set<string>();
const mirrored = "select 1 from chronokeeper.change where path = '/node'";

/** Until it ends; what never does, until there is a message. */
async function call(method: string, data: string, headers: readonly string[] = []): Promise<Answer> {
	called.add(method);
	const url = `http://${server.addresses.grpc}/${method}`;
	const given = headers.flatMap((header) => ['--header', header]);
	const program = new RunningProgram(buf, ['curl', '--protocol', 'grpc', ...given, '--data', data, url], {
		asGroup: true,
	});
	if (/WatchStatus|TailTransactions|HistoryService\/Watch/.test(method)) {
		await program.waitFor(/^\}$|^\{.*\}$/m);
		await program.stop('SIGTERM');
	}
	// The exit code is the status, three bits to the left.
	const exitCode = await program.exited;
	return { code: exitCode === -1 ? status.OK : exitCode >> 3, said: program.output };
}

/** Headers of a call inside a new session. */
async function inSession(): Promise<readonly string[]> {
	const { said } = await call('chronokeeper.v1.SessionService/OpenSession', '{}');
	const { sessionId, password } = JSON.parse(said) as { readonly sessionId: string; readonly password: string };
	return [`ck-session-id: ${sessionId}`, `ck-session-password-bin: ${password}`];
}

interface Answer {
	readonly code: status;
	readonly said: string;
}

beforeAll(async () => {
	database = await createDatabase();
	compiled = new CompiledServer();
	server = await compiled.start({
		CK_DATA_DIR: folder,
		CK_AUDIT_URL: database.url,
		CK_GRPC_RESTORE_IDS: 'ip:127.0.0.1',
		CK_LOG_FORMAT: 'json',
	});
	await call('chronokeeper.v1.ZnodeService/Create', '{"path": "/node", "data": "b25l"}');
	await eventually('it is in the history', async () => (await database.query(mirrored)).length > 0);
	called.clear();
});
afterAll(async () => {
	await server?.stop('SIGTERM');
	await database?.drop();
	compiled?.remove();
	rmSync(folder, { recursive: true, force: true });
});

describe('reflection', () => {
	it('lists all services and methods', () => {
		const base = `http://${server.addresses.grpc}`;
		const listed = output(buf, ['curl', '--protocol', 'grpc', '--list-methods', base]).trim().split('\n');
		expect(listed.toSorted()).toEqual(methods.toSorted());
		expect(methods.length).toBeGreaterThan(0);
	});

	describe.each(methods)('%s', (method) => {
		const { data, isInSession = false, code = status.OK } = requests[method.replace('chronokeeper.v1.', '')]!;

		it('is called', async () => {
			const answer = await call(method, data, isInSession ? await inSession() : []);
			expect(status[answer.code], answer.said).toBe(status[code]);
		});

		it('has a clear answer to an empty request', async () => {
			const answer = await call(method, '{}');
			expect([status.INTERNAL, status.UNKNOWN], answer.said).not.toContain(answer.code);
		});
	});

	it('has shown each method, and each was called', () => {
		expect([...called].toSorted()).toEqual(methods.toSorted());
	});
});
