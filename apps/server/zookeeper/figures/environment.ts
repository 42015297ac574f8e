/**
 * The process and its machine: `envi`, and the AdminServer's `environment`. The names are Java's; what they say is of what runs here
 * instead of Java.
 */
import { hostname, machine, release, type as systemType, tmpdir, totalmem, userInfo } from 'node:os';
import { dirname } from 'node:path';
import { getHeapStatistics } from 'node:v8';
import { spokenVersion } from './spoken-version.ts';

const notThere = '<NA>';

export function environment(): (readonly [name: string, value: string])[] {
	const user = userInfo();
	const heap = getHeapStatistics();
	return [
		['zookeeper.version', spokenVersion],
		['host.name', hostname()],
		['java.version', `${notThere} (Node.js ${process.versions.node})`],
		['java.vendor', notThere],
		['java.home', dirname(dirname(process.execPath))],
		['java.class.path', process.argv[1] ?? notThere],
		['java.library.path', notThere],
		['java.io.tmpdir', tmpdir()],
		['java.compiler', notThere],
		['os.name', systemType()],
		['os.arch', javaArchitecture()],
		['os.version', release()],
		['user.name', user.username],
		['user.home', user.homedir],
		['user.dir', process.cwd()],
		['os.memory.free', megabytes(heap.total_available_size)],
		['os.memory.max', megabytes(Math.min(heap.heap_size_limit, totalmem()))],
		['os.memory.total', megabytes(heap.total_heap_size)],
	];
}

function javaArchitecture(): string {
	return machine() === 'x86_64' ? 'amd64' : machine();
}

function megabytes(bytes: number): string {
	return `${Math.floor(bytes / (1 << 20))}MB`;
}
