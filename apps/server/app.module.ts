/** What NestJS wires: the doors, over instances that start-server.ts made. */
import { type DynamicModule, Module } from '@nestjs/common';
import { GrpcModule, type GrpcProviders } from './grpc/grpc.module.ts';
import { HttpModule, type HttpProviders } from './http/http.module.ts';

@Module({})
export class AppModule {
	static over(parts: GrpcProviders & HttpProviders): DynamicModule {
		return { module: AppModule, imports: [GrpcModule.over(parts), HttpModule.over(parts)] };
	}
}
