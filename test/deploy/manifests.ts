/** The parts of docker-compose.yml and of Kubernetes' manifests that are looked at. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseYaml } from './yaml.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export function readYaml<T>(path: string): T[] {
	return parseYaml(readFileSync(join(root, path), 'utf8')) as T[];
}

export interface ComposeService {
	readonly image: string;
	readonly build?: string;
	readonly environment?: Readonly<Record<string, string>>;
	readonly ports?: readonly string[];
	readonly volumes?: readonly string[];
	readonly command?: readonly string[];
	readonly healthcheck?: { readonly test: readonly string[] };
	readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
	readonly stop_grace_period?: string;
}

export interface Compose {
	readonly services: Readonly<Record<string, ComposeService>>;
	readonly volumes: Readonly<Record<string, null>>;
}

type Labels = Readonly<Record<string, string>>;

export interface Probe {
	readonly httpGet: { readonly path: string; readonly port: string };
}

export interface EnvironmentVariable {
	readonly name: string;
	readonly value?: string;
	readonly valueFrom?: {
		readonly fieldRef?: { readonly fieldPath: string };
		readonly secretKeyRef?: { readonly name: string };
	};
}

export interface Container {
	readonly image: string;
	readonly env: readonly EnvironmentVariable[];
	readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
	readonly startupProbe: Probe;
	readonly readinessProbe: Probe;
	readonly livenessProbe: Probe;
	readonly resources: { readonly requests: object; readonly limits: object };
	readonly securityContext: object;
	readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

export interface StatefulSet {
	readonly kind: 'StatefulSet';
	readonly metadata: { readonly name: string };
	readonly spec: {
		readonly serviceName: string;
		readonly replicas: number;
		readonly ordinals: { readonly start: number };
		readonly podManagementPolicy: string;
		readonly selector: { readonly matchLabels: Labels };
		readonly template: {
			readonly metadata: { readonly labels: Labels; readonly annotations: Labels };
			readonly spec: {
				readonly terminationGracePeriodSeconds: number;
				readonly affinity: {
					readonly podAntiAffinity: {
						readonly requiredDuringSchedulingIgnoredDuringExecution: readonly {
							readonly topologyKey: string;
							readonly labelSelector: { readonly matchLabels: Labels };
						}[];
					};
				};
				readonly securityContext: { readonly runAsUser: number; readonly fsGroup: number };
				readonly containers: readonly Container[];
				readonly volumes: readonly {
					readonly name: string;
					readonly configMap?: { readonly name: string };
					readonly secret?: { readonly secretName: string };
				}[];
			};
		};
		readonly volumeClaimTemplates: readonly { readonly metadata: { readonly name: string } }[];
	};
}

export interface Service {
	readonly kind: 'Service';
	readonly metadata: { readonly name: string };
	readonly spec: {
		readonly clusterIP?: string;
		readonly publishNotReadyAddresses?: boolean;
		readonly selector: Labels;
		readonly ports: readonly { readonly name: string; readonly port: number; readonly targetPort: string }[];
	};
}

export interface ConfigMap {
	readonly kind: 'ConfigMap';
	readonly metadata: { readonly name: string };
	readonly data: Readonly<Record<string, string>>;
}

export interface DisruptionBudget {
	readonly kind: 'PodDisruptionBudget';
	readonly spec: { readonly maxUnavailable: number; readonly selector: { readonly matchLabels: Labels } };
}

export type Manifest = StatefulSet | Service | ConfigMap | DisruptionBudget;
