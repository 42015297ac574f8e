/** gRPC reflection, so that grpcurl and its kind need no .proto files. */
import type { Server } from '@grpc/grpc-js';
import type { ReflectionService } from '@grpc/reflection';

/** It holds what the API is and nothing of a server: those of one process have it in common. */
let ofProcess: Promise<ReflectionService> | undefined;

/** Its libraries take a tenth of a second to load, and their reading of the API as long: call it when the replica serves. */
export async function addReflection(server: Server): Promise<void> {
	ofProcess ??= makeService();
	(await ofProcess).addToServer(server);
}

async function makeService(): Promise<ReflectionService> {
	const [{ ReflectionService }, { loadFileDescriptorSetFromBuffer }, { fileDescriptorSet }] = await Promise.all([
		import('@grpc/reflection'),
		import('@grpc/proto-loader'),
		import('#proto/descriptors'),
	]);
	const descriptors = loadFileDescriptorSetFromBuffer(Buffer.from(fileDescriptorSet, 'base64'));
	const services = [
		'ZnodeService',
		'SessionService',
		'WatchService',
		'HistoryService',
		'RestoreService',
		'AdminService',
	].map((name) => `chronokeeper.v1.${name}`);
	return new ReflectionService(descriptors, { services });
}
