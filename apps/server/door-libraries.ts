/**
 * Loads what the gRPC and HTTP doors stand on, in pieces: together it takes most of half a second of the only thread, and the client port is open by then. After each piece
 * whatever has come in is answered.
 */
import { setImmediate as turn } from 'node:timers/promises';

const libraries: readonly (() => Promise<unknown>)[] = [
	() => import('reflect-metadata'),
	() => import('rxjs'),
	() => import('@bufbuild/protobuf/wire'),
	() => import('@grpc/grpc-js'),
	() => import('grpc-health-check'),
	() => import('@nestjs/common'),
	() => import('@nestjs/core'),
	() => import('@nestjs/microservices'),
	() => import('@nestjs/platform-fastify'),
];

export async function loadDoors(): Promise<typeof import('./doors.ts')> {
	for (const load of libraries) {
		await load();
		await turn();
	}
	return import('./doors.ts');
}
