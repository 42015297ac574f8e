import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { Admin } from './admin.ts';

@Controller()
export class AdminController {
	constructor(@Inject(Admin) private readonly admin: Admin) {}

	@GrpcMethod('AdminService', 'status')
	status() {
		return this.admin.status();
	}

	@GrpcMethod('AdminService', 'takeSnapshot')
	takeSnapshot() {
		return this.admin.takeSnapshot();
	}
}
