import { readFileSync } from "node:fs";
import { parse, parseAllDocuments } from "yaml";

/** The parts of a manifest of k8s/ that the tests read. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
  readonly spec?: Spec;
}

interface Spec {
  readonly template?: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec };
  readonly selector?: { readonly matchLabels?: Labels };
  readonly podSelector?: Selector;
  readonly policyTypes?: readonly string[];
  readonly egress?: ReadonlyArray<{ readonly to?: readonly unknown[]; readonly ports: readonly Port[] }>;
  readonly tls?: ReadonlyArray<{ readonly hosts: readonly string[] }>;
  readonly groups?: ReadonlyArray<{ readonly rules: ReadonlyArray<{ readonly alert: string; readonly expr: string }> }>;
}

export type Labels = Readonly<Record<string, string>>;
interface Port {
  readonly port: number;
}
export interface Selector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: ReadonlyArray<{
    readonly key: string;
    readonly operator: "In" | "NotIn";
    readonly values: readonly string[];
  }>;
}
interface PodSpec {
  readonly topologySpreadConstraints?: ReadonlyArray<{ readonly labelSelector: { readonly matchLabels: Labels } }>;
  readonly securityContext: object;
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly [Container];
}
export interface Container {
  readonly image: string;
  readonly command?: readonly string[];
  readonly env?: ReadonlyArray<{ readonly name: string; readonly value: string }>;
  readonly envFrom: ReadonlyArray<{ readonly secretRef?: { readonly name: string } }>;
  readonly startupProbe?: { readonly httpGet: { readonly path: string } };
  readonly livenessProbe?: { readonly httpGet: { readonly path: string } };
  readonly readinessProbe?: {
    readonly httpGet: { readonly path: string };
    readonly timeoutSeconds: number;
    readonly periodSeconds?: number;
    readonly failureThreshold?: number;
  };
}

export const readAll = (text: string) => parseAllDocuments(text).map((one) => one.toJS() as Manifest);
export const filesOf = (folder: string) =>
  (parse(readFileSync(`${folder}/kustomization.yaml`, "utf8")).resources as string[]) ?? [];
/** k8s/base as it is written. */
export const base = filesOf("k8s/base").flatMap((file) => readAll(readFileSync(`k8s/base/${file}`, "utf8")));
export const settingsOf = (overlay: string) => ({
  ...base.find(({ kind }) => kind === "ConfigMap")?.data,
  ...readAll(readFileSync(`k8s/overlays/${overlay}/config.yaml`, "utf8"))[0]?.data,
});
export const ofKind = (kind: string, among: readonly Manifest[] = base) => among.filter((one) => one.kind === kind);
export const containerOf = (one: Manifest) => one.spec?.template?.spec.containers[0] as Container;
export const secretOf = (one: Manifest, among: readonly Manifest[]) => {
  const named = containerOf(one).envFrom.find(({ secretRef }) => secretRef)?.secretRef?.name;
  return among.find(({ metadata }) => metadata.name === named);
};
