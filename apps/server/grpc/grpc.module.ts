import { type DynamicModule, Module } from '@nestjs/common';
import { AdminController } from './admin.controller.ts';
import { Admin } from './admin.ts';
import { ZnodeController } from './znode.controller.ts';
import { Znodes } from './znodes.ts';

export interface GrpcProviders {
	readonly znodes: Znodes;
	readonly admin: Admin;
}

@Module({})
export class GrpcModule {
	static over({ znodes, admin }: GrpcProviders): DynamicModule {
		return {
			module: GrpcModule,
			controllers: [ZnodeController, AdminController],
			providers: [
				{ provide: Znodes, useValue: znodes },
				{ provide: Admin, useValue: admin },
			],
		};
	}
}
