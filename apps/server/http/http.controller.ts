import { Controller, Get, Header, Inject, Res } from '@nestjs/common';
import { HttpAnswers, type HttpReply } from './http-answers.ts';

@Controller()
export class HttpController {
	constructor(@Inject(HttpAnswers) private readonly answers: HttpAnswers) {}

	@Get()
	about() {
		return this.answers.about();
	}

	@Get('metrics')
	@Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
	metrics() {
		return this.answers.metrics();
	}

	@Get('health/live')
	live(@Res() reply: HttpReply) {
		return this.answers.live(reply);
	}

	@Get('health/ready')
	ready(@Res() reply: HttpReply) {
		return this.answers.ready(reply);
	}
}
