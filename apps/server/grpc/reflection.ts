/** gRPC reflection, so that grpcurl and its kind need no .proto files. */
import type { Server } from '@grpc/grpc-js';

/** Its libraries take a tenth of a second to load: call it when the replica serves. */
export async function addReflection(server: Server): Promise<void> {
	const [{ ReflectionService }, { loadFileDescriptorSetFromBuffer }, { fileDescriptorSet }] = await Promise.all([
		import('@grpc/reflection'),
		import('@grpc/proto-loader'),
		import('#proto/descriptors'),
	]);
	const descriptors = loadFileDescriptorSetFromBuffer(Buffer.from(fileDescriptorSet, 'base64'));
	const services = ['ZnodeService', 'SessionService', 'WatchService', 'HistoryService', 'AdminService'].map(
		(name) => `chronokeeper.v1.${name}`,
	);
	new ReflectionService(descriptors, { services }).addToServer(server);
}
