/** What is in deploy/, the Dockerfile and docker-compose.yml, held against the configuration, the doors and the programs they are about. */
import {
	cpSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { deployedConfig } from './deploy/deployed-config.ts';
import { copies, environmentOf, instruction, instructions, parseDockerfile } from './deploy/dockerfile.ts';
import { type Compose, type Manifest, readYaml, root } from './deploy/manifests.ts';
import { parseYaml } from './deploy/yaml.ts';
import { CompiledServer } from './support/compiled-server.ts';
import { freePort, RunningProgram, run } from './support/processes.ts';
import { TestServers } from './support/test-servers.ts';

const stages = parseDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8'));
const [build, image] = stages as [(typeof stages)[0], (typeof stages)[0]];
const imageEnvironment = environmentOf(image);
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly version: string };
const ourImage = `chronokeeper:${version}`;
/** A tag that stays what it is: numbers, no `latest`. */
const pinned = /^[\w./-]+:v?[0-9]+(\.[0-9]+)+(-[\w.-]+)?$/;

const folder = mkdtempSync(join(tmpdir(), 'chronokeeper-deploy-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [compose] = readYaml<Compose>('docker-compose.yml') as [Compose];
const services = Object.entries(compose.services);
const replicas = services.filter(([, service]) => service.build !== undefined);

describe('the Dockerfile', () => {
	it('names images that stay what they are, and files that are there and may be copied', () => {
		expect(stages.map((stage) => stage.image)).toSatisfy((images: string[]) =>
			images.every((name) => pinned.test(name)),
		);
		const allowed = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n');
		expect(allowed).toContain('*');
		const sources = stages.flatMap(copies).flatMap((copy) => (copy.from === undefined ? copy.sources : []));
		expect(sources.length).toBeGreaterThan(5);
		for (const source of sources) {
			expect([source, existsSync(join(root, source))]).toEqual([source, true]);
			expect(allowed).toContain(`!${source.replace(/^\.\//, '')}`);
		}
	});

	it('takes out of the build what the build makes, and nothing that builds', () => {
		expect(build.name).toBe('build');
		const taken = copies(image).filter(({ from }) => from !== undefined);
		expect(taken.map(({ from }) => from)).toEqual(['build', 'build', 'build']);
		expect(taken.flatMap(({ sources }) => sources)).toEqual([
			'/build/package.json',
			'/build/node_modules',
			'/build/dist',
		]);
		expect(instruction(build, 'WORKDIR')).toBe('/build');
		expect(instructions(build, 'RUN').at(-1)).toMatch(/^npm prune --omit=dev --omit=optional /);
		for (const command of instructions(image, 'RUN')) expect(command).not.toMatch(/apt|npm|curl|g\+\+|make /);
	});

	it('runs what bin/start.mjs runs, with its flags, as nobody in particular', async () => {
		const { nodeFlags } = (await import(pathToFileURL(join(root, 'bin', 'node-flags.mjs')).href)) as {
			nodeFlags: string[];
		};
		const main = 'dist/apps/server/main.js';
		expect(JSON.parse(instruction(image, 'CMD'))).toEqual(['node', ...nodeFlags, main]);
		const words = main.replace(/[^/]+/g, "'$&'").replaceAll('/', ', ');
		expect(readFileSync(join(root, 'bin', 'start.mjs'), 'utf8')).toContain(`join(root, ${words})`);
		expect(instruction(image, 'USER')).toMatch(/^[1-9][0-9]+:[1-9][0-9]+$/);
		expect(instruction(image, 'STOPSIGNAL')).toBe('SIGTERM');
		expect(imageEnvironment.PATH!.split(':')[0]).toBe(`${instruction(image, 'WORKDIR')}/node_modules/.bin`);
	});

	it('has the ports, the variables and the directory of the configuration, and asks for certificates', () => {
		const { config, objections } = deployedConfig(imageEnvironment);
		expect(objections).toEqual([expect.stringContaining('set grpc.tls.cert and grpc.tls.key, or grpc.plaintext=true')]);
		const certificates = { CK_GRPC_TLS_CERT: '/x.crt', CK_GRPC_TLS_KEY: '/x.key' };
		expect(deployedConfig({ ...imageEnvironment, ...certificates }).objections).toEqual([]);
		expect(config).toMatchObject({ clientPortAddress: '0.0.0.0', grpcAddress: '0.0.0.0', httpAddress: '0.0.0.0' });
		expect(instruction(image, 'EXPOSE').split(' ').map(Number)).toEqual([
			config.clientPort,
			2888,
			3888,
			config.grpcPort,
			config.httpPort,
		]);
		expect(JSON.parse(instruction(image, 'VOLUME'))).toEqual([config.dataDir]);
		expect(instructions(image, 'RUN').join()).toContain(`--mode=0750 ${config.dataDir}`);
	});
});

describe('docker-compose.yml', () => {
	const configs = replicas.map(([, { environment = {} }]) => deployedConfig({ ...imageEnvironment, ...environment }));

	it('has images that stay what they are, or are built here', () => {
		for (const [, service] of services) {
			if (service.build === undefined) expect(service.image).toMatch(pinned);
			else expect([service.build, service.image]).toEqual(['.', ourImage]);
		}
	});

	it('is one ensemble of three, whose hosts are its services', () => {
		for (const { objections } of configs) {
			// Ports are published on loopback, which is below.
			expect(objections).toEqual([
				expect.stringMatching(/^grpc.plaintext=true: /),
				expect.stringMatching(/^grpc.adminIds names world:anyone/),
				expect.stringMatching(/^grpc.historyIds names world:anyone/),
			]);
		}
		expect(configs.map(({ config }) => config.ensemble?.self.id)).toEqual([1, 2, 3]);
		expect(new Set(configs.map(({ config }) => config.ensemble?.members.toString())).size).toBe(1);
		for (const [index, { config }] of configs.entries()) {
			const { self } = config.ensemble!;
			expect(self.quorumAddresses).toEqual([{ host: replicas[index]![0], port: 2888 }]);
			expect(self.electionAddresses).toEqual([{ host: replicas[index]![0], port: 3888 }]);
			expect(config).toMatchObject({ clientPort: 2181, clientPortAddress: '0.0.0.0', quorumListenOnAllIPs: true });
		}
	});

	it('publishes ports that something listens on, each once, on loopback', () => {
		const published = services
			.flatMap(([, { ports = [] }]) => ports)
			.map((port) => /^127\.0\.0\.1:(\d+):\d+$/.exec(port)?.[1]);
		expect(published).not.toContain(undefined);
		expect(new Set(published).size).toBe(published.length);
		for (const [index, { config }] of configs.entries()) {
			const inside = replicas[index]![1].ports!.map((port) => Number(port.split(':').at(-1)));
			expect(inside).toEqual([config.clientPort, config.grpcPort, config.httpPort]);
		}
	});

	it('mounts files that are there and volumes that are declared, and waits for services that exist', () => {
		for (const [name, { volumes = [], depends_on = {} }] of services) {
			for (const volume of volumes) {
				const source = volume.split(':')[0]!;
				const exists = source.startsWith('.') ? existsSync(join(root, source)) : source in compose.volumes;
				expect([name, volume, exists]).toEqual([name, volume, true]);
			}
			for (const [other, { condition }] of Object.entries(depends_on)) {
				expect(compose.services[other]).toBeDefined();
				if (condition === 'service_healthy') expect(compose.services[other]!.healthcheck).toBeDefined();
			}
		}
		for (const [name, { volumes }] of replicas) expect(volumes).toEqual([`${name}:${imageEnvironment.CK_DATA_DIR}`]);
		const mounted = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0]));
		expect(Object.keys(compose.volumes).filter((volume) => !mounted.includes(volume))).toEqual([]);
	});

	it('asks every service that can be asked whether it is well, and lets a replica stop in peace', () => {
		const unasked = services.filter(([, { build, healthcheck }]) => build === undefined && healthcheck === undefined);
		expect(unasked.map(([name]) => name)).toEqual(['otel-collector']);
		for (const [index, { config }] of configs.entries()) {
			const seconds = /^(\d+)s$/.exec(replicas[index]![1].stop_grace_period!)![1];
			expect(Number(seconds) * 1000).toBeGreaterThan(config['shutdown.timeoutMs'] + 5000);
		}
	});

	it('sends the history, spans and metrics to the services that take them', () => {
		const [collector] = readYaml<{
			readonly receivers: { readonly otlp: { readonly protocols: { readonly http: { readonly endpoint: string } } } };
			readonly exporters: { readonly otlp: { readonly endpoint: string } };
			readonly processors: object;
			readonly service: { readonly pipelines: { readonly traces: Record<string, string[]> } };
		}>('deploy/otel-collector.yaml');
		const [prometheus] = readYaml<{
			readonly scrape_configs: readonly {
				readonly metrics_path: string;
				readonly static_configs: readonly { readonly targets: string[] }[];
			}[];
		}>('deploy/prometheus.yml');
		const database = compose.services.postgres!.environment!;
		for (const { config } of configs) {
			const url = new URL(config['audit.url']);
			expect([url.hostname, url.port, url.username, url.password, url.pathname]).toEqual([
				'postgres',
				'5432',
				database.POSTGRES_USER,
				database.POSTGRES_PASSWORD,
				`/${database.POSTGRES_DB}`,
			]);
			expect(new URL(config['otel.endpoint']).host).toBe(
				collector!.receivers.otlp.protocols.http.endpoint.replace('0.0.0.0', 'otel-collector'),
			);
		}
		expect(collector!.exporters.otlp.endpoint).toBe('jaeger:4317');
		const { receivers, processors, exporters } = collector!.service.pipelines.traces;
		expect([receivers, processors, exporters]).toEqual([['otlp'], Object.keys(collector!.processors), ['otlp']]);
		const [job] = prometheus!.scrape_configs;
		expect(job!.static_configs[0]!.targets).toEqual(
			replicas.map(([name], index) => `${name}:${configs[index]!.config.httpPort}`),
		);
		expect(job!.metrics_path).toBe('/metrics');
	});

	it('gives Prometheus its rules, and Grafana its dashboards and where their figures are', () => {
		const mounts = (service: string) =>
			new Map(
				compose.services[service]!.volumes!.map((volume) => volume.split(':') as [string, string, string?]).map(
					([from, to]) => [to, from],
				),
			);
		const file = (service: string, path: string) => {
			const [to, from] = [...mounts(service)].find(([mounted]) => path.startsWith(mounted))!;
			return join(root, from, path.slice(to.length));
		};
		const [prometheus] = readYaml<{ readonly rule_files: readonly string[] }>('deploy/prometheus.yml');
		const [rules] = prometheus!.rule_files;
		expect(existsSync(file('prometheus', rules!.replace('*', 'alerts')))).toBe(true);
		const provisioning = '/etc/grafana/provisioning';
		const [sources] = parseYaml(
			readFileSync(file('grafana', `${provisioning}/datasources/prometheus.yml`), 'utf8'),
		) as [{ readonly datasources: readonly { readonly type: string; readonly url: string }[] }];
		for (const { url } of sources.datasources) expect(compose.services).toHaveProperty(new URL(url).hostname);
		expect(sources.datasources.map(({ type }) => type)).toContain('prometheus');
		const [dashboards] = parseYaml(
			readFileSync(file('grafana', `${provisioning}/dashboards/chronokeeper.yml`), 'utf8'),
		) as [{ readonly providers: readonly { readonly options: { readonly path: string } }[] }];
		const folder = dashboards.providers[0]!.options.path;
		expect(readdirSync(file('grafana', folder))).toEqual(['chronokeeper.json']);
		const home = compose.services.grafana!.environment!.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH!;
		expect(existsSync(file('grafana', home))).toBe(true);
	});
});

describe("Kubernetes' manifests", () => {
	const files = readdirSync(join(root, 'deploy', 'kubernetes')).map((name) => `deploy/kubernetes/${name}`);
	const manifests = files.flatMap((file) => readYaml<Manifest>(file));
	const ofKind = <K extends Manifest['kind']>(kind: K) =>
		manifests.filter((manifest): manifest is Extract<Manifest, { kind: K }> => manifest.kind === kind);
	const [set] = ofKind('StatefulSet');
	const { spec } = set!;
	const pod = spec.template.spec;
	const container = pod.containers[0]!;
	const portOf = new Map(container.ports.map(({ name, containerPort }) => [name, containerPort]));
	const mountOf = new Map(container.volumeMounts.map(({ name, mountPath }) => [name, mountPath]));

	/** The configuration of the pod with that ordinal: its environment, and the ConfigMap where it is mounted. */
	function configOf(ordinal: number) {
		const [map] = ofKind('ConfigMap');
		const mounted = pod.volumes.find(({ configMap }) => configMap?.name === map!.metadata.name)!;
		const environment: Record<string, string> = { ...imageEnvironment };
		for (const { name, value, valueFrom } of container.env) {
			if (value !== undefined) environment[name] = value;
			else if (valueFrom?.fieldRef?.fieldPath === "metadata.labels['apps.kubernetes.io/pod-index']")
				environment[name] = `${ordinal}`;
			else if (valueFrom?.secretKeyRef !== undefined)
				environment[name] = 'postgresql://user:password@host:5432/database';
			else throw new Error(`${name} comes from nowhere`);
		}
		const path = environment.CK_CONFIG!;
		expect(path.startsWith(`${mountOf.get(mounted.name)}/`)).toBe(true);
		const file = join(folder, 'zoo.cfg');
		writeFileSync(file, map!.data[basename(path)]!);
		return deployedConfig(environment, file);
	}

	it('are one ensemble, whose hosts are the pods as their service names them', () => {
		const { start } = spec.ordinals;
		for (let ordinal = start; ordinal < start + spec.replicas; ordinal++) {
			const { config, objections } = configOf(ordinal);
			expect(objections).toEqual([]);
			expect(config.ensemble!.members.servers.size).toBe(spec.replicas);
			const host = `${set!.metadata.name}-${ordinal}.${spec.serviceName}`;
			expect(config.ensemble!.self).toMatchObject({
				id: ordinal,
				quorumAddresses: [{ host, port: portOf.get('quorum') }],
				electionAddresses: [{ host, port: portOf.get('election') }],
			});
			expect(Object.fromEntries(portOf)).toMatchObject({
				zookeeper: config.clientPort,
				grpc: config.grpcPort,
				http: config.httpPort,
			});
			expect(config.dataDir).toBe(mountOf.get(spec.volumeClaimTemplates[0]!.metadata.name));
			expect(pod.terminationGracePeriodSeconds * 1000).toBeGreaterThan(config['shutdown.timeoutMs'] + 5000);
		}
		expect(spec.podManagementPolicy).toBe('Parallel');
		expect(spec.template.metadata.annotations['prometheus.io/port']).toBe(`${portOf.get('http')}`);
	});

	it('have a certificate from a Secret of its kind, and let nobody from outside be an operator', () => {
		const { config } = configOf(spec.ordinals.start);
		const { secretName } = pod.volumes.find(({ secret }) => secret !== undefined)!.secret!;
		const mounted = mountOf.get(pod.volumes.find(({ secret }) => secret?.secretName === secretName)!.name);
		// The keys of a Secret that `kubectl create secret tls` makes.
		expect([config['grpc.tls.cert'], config['grpc.tls.key']]).toEqual([`${mounted}/tls.crt`, `${mounted}/tls.key`]);
		expect(readFileSync(join(root, 'docs/deploying.md'), 'utf8')).toContain(`create secret tls ${secretName} `);
		for (const key of ['grpc.adminIds', 'grpc.historyIds'] as const) {
			expect(config[key].map(({ scheme, id }) => `${scheme}:${id}`)).toEqual(['ip:127.0.0.1', 'ip:::1']);
		}
	});

	it('lead clients and members to ports that the pods have', () => {
		const services = ofKind('Service');
		for (const { spec: service } of services) {
			expect(spec.template.metadata.labels).toMatchObject(service.selector);
			for (const { port, targetPort } of service.ports) expect(portOf.get(targetPort)).toBe(port);
		}
		const headless = services.find(({ metadata }) => metadata.name === spec.serviceName)!;
		expect(headless.spec).toMatchObject({ clusterIP: 'None', publishNotReadyAddresses: true });
		expect(services.filter(({ spec: { clusterIP } }) => clusterIP === undefined)).toHaveLength(1);
	});

	it('leave a majority when hosts fail or are emptied', () => {
		const [rule] = pod.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution;
		expect(rule!.topologyKey).toBe('kubernetes.io/hostname');
		expect(rule!.labelSelector.matchLabels).toEqual(spec.selector.matchLabels);
		const [budget] = ofKind('PodDisruptionBudget');
		expect(budget!.spec.selector.matchLabels).toEqual(spec.selector.matchLabels);
		expect(spec.template.metadata.labels).toMatchObject(spec.selector.matchLabels);
		expect(budget!.spec.maxUnavailable).toBeLessThanOrEqual(Math.floor((spec.replicas - 1) / 2));
	});

	it('run the image as the user it has, and let it do nothing else', () => {
		expect(container.image).toBe(ourImage);
		const [user, group] = instruction(image, 'USER').split(':').map(Number);
		expect(pod.securityContext).toMatchObject({
			runAsNonRoot: true,
			runAsUser: user,
			runAsGroup: group,
			fsGroup: group,
		});
		expect(container.securityContext).toEqual({
			allowPrivilegeEscalation: false,
			readOnlyRootFilesystem: true,
			capabilities: { drop: ['ALL'] },
		});
		expect(container.resources).toMatchObject({
			requests: { memory: expect.any(String) },
			limits: { memory: expect.any(String) },
		});
		expect(
			pod.volumes
				.map(({ name }) => name)
				.concat(spec.volumeClaimTemplates.map(({ metadata }) => metadata.name))
				.sort(),
		).toEqual([...mountOf.keys()].sort());
	});

	it('ask what a replica answers', async () => {
		const servers = new TestServers();
		try {
			const { addresses } = await servers.start(servers.newDirectory());
			const { startupProbe, readinessProbe, livenessProbe } = container;
			expect(readinessProbe.httpGet.path).toBe('/health/ready');
			const paths = [startupProbe, readinessProbe, livenessProbe].map(({ httpGet }) => {
				expect(httpGet.port).toBe('http');
				return httpGet.path;
			});
			for (const path of [...paths, spec.template.metadata.annotations['prometheus.io/path'], '/metrics'])
				expect([path, (await fetch(`http://${addresses.http}${path}`)).status]).toEqual([path, 200]);
		} finally {
			await servers.close();
			servers.remove();
		}
	});
});

describe('the container, as processes', () => {
	let compiled: CompiledServer | undefined;
	const directory = join(folder, 'image');

	/** What the last stage copies: from the build what a compiler makes of these sources, from here what is here. */
	beforeAll(() => {
		compiled = new CompiledServer();
		mkdirSync(directory, { recursive: true });
		const built = resolve(compiled.dist, '..');
		for (const { from, sources, target } of copies(image)) {
			for (const source of sources) {
				const path = from === undefined ? join(root, source) : join(built, source.replace('/build/', ''));
				const to = join(directory, target, target.endsWith('/') ? basename(source) : '');
				if (basename(source) === 'node_modules') symlinkSync(join(root, 'node_modules'), to);
				else cpSync(path, to, { recursive: true });
			}
		}
		// The build sees no specs and no tests.
		rmSync(join(directory, 'dist', 'test'), { recursive: true });
	});
	afterAll(() => compiled?.remove());

	const [program, ...args] = JSON.parse(instruction(image, 'CMD')) as [string, ...string[]];
	const health = JSON.parse(/ CMD (\[.*\])$/.exec(instruction(image, 'HEALTHCHECK'))![1]!) as string[];
	const stopSignal = instruction(image, 'STOPSIGNAL') as NodeJS.Signals;

	/** Paths and ports of this machine in the place of the container's. */
	async function inPlace(name: string, environment: Readonly<Record<string, string>>): Promise<Record<string, string>> {
		return {
			...environment,
			PATH: imageEnvironment.PATH!.replace(instruction(image, 'WORKDIR'), directory),
			CK_DATA_DIR: join(folder, name),
			CK_GRPC_PORT: `${await freePort()}`,
			CK_HTTP_PORT: `${await freePort()}`,
			CK_AUDIT_MODE: 'off',
			CK_GRPC_PLAINTEXT: 'true',
			CK_OTEL_ENDPOINT: '',
		};
	}

	it('starts with its command, is well by its health check, and stops with its signal', async () => {
		const env = { ...(await inPlace('alone', imageEnvironment)), CK_CLIENT_PORT: `${await freePort()}` };
		const isWell = () => run('/usr/bin/env', health, { cwd: directory, env });
		expect(isWell().status).toBe(1);
		const server = new RunningProgram('/usr/bin/env', [program, ...args], { cwd: directory, env });
		await server.waitFor(/^\{.*"msg":"serving"\}$/m);
		expect(isWell()).toMatchObject({ status: 0, stderr: '' });
		expect(await server.stop(stopSignal)).toBe(0);
		expect(isWell().stdout).toContain('ECONNREFUSED');
	});

	it("is an ensemble with docker-compose.yml's variables", async () => {
		const lines: Record<string, string> = {};
		for (const [name, text] of Object.entries(replicas[0]![1].environment!)) {
			if (!name.startsWith('CK_SERVER_') || name === 'CK_SERVER_ID') continue;
			const role = /^[^:]+:2888:3888(:\w+);2181$/.exec(text)![1];
			lines[name] = `127.0.0.1:${await freePort()}:${await freePort()}${role};${await freePort()}`;
		}
		const programs: RunningProgram[] = [];
		try {
			const environments: Record<string, string>[] = [];
			for (const [name, { environment = {} }] of replicas) {
				const env = await inPlace(name, { ...imageEnvironment, ...environment, ...lines });
				environments.push(env);
				programs.push(new RunningProgram('/usr/bin/env', [program, ...args], { cwd: directory, env }));
			}
			// A look at their health is a process each time.
			await Promise.all(programs.map((server) => server.waitFor(/^\{.*"msg":"serving"\}$/m)));
			for (const env of environments) {
				await vi.waitFor(
					() => expect(run('/usr/bin/env', health, { cwd: directory, env })).toMatchObject({ status: 0 }),
					{
						timeout: 60_000,
						interval: 500,
					},
				);
			}
			for (const server of programs) expect(await server.stop(stopSignal)).toBe(0);
		} finally {
			await Promise.all(programs.map((server) => server.stop('SIGKILL')));
		}
	});
});

describe('the reader of YAML', () => {
	it('reads what the files use', () => {
		const text =
			'# c\na: &x\n  b: 1 # one\n  "c d": "x: #y"\n  e: [p, "q r", 2]\nf:\n- g: 1\n  h: {}\n- z\n-\n  i: null\nk:\n  <<: *x\n  b: two\nl: |\n  m: #1\n\n    n\no: 1.5\np: a:b;c#d\nq:\n---\n- true\n';
		expect(parseYaml(text)).toEqual([
			{
				a: { b: 1, 'c d': 'x: #y', e: ['p', 'q r', 2] },
				f: [{ g: 1, h: {} }, 'z', { i: null }],
				k: { b: 'two', 'c d': 'x: #y', e: ['p', 'q r', 2] },
				l: 'm: #1\n\n  n\n',
				o: 1.5,
				p: 'a:b;c#d',
				q: null,
			},
			[true],
		]);
	});

	it.each([
		['a: 1\na: 2\n', 'a is there twice'],
		['a:\n\tb: 1\n', 'a tab cannot indent'],
		['a: 1\n  b: 2\n', 'too far'],
		['a: *b\n', 'there is no &b'],
		['a: {b: 1}\n', 'more than this reader knows'],
		['a: >\n  b\n', 'more than this reader knows'],
		['- - a\n', 'more than this reader knows'],
		['a\n', 'no `key: value`'],
	])('refuses %j', (text, why) => {
		expect(() => parseYaml(text)).toThrow(why);
	});
});
