import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Document, isScalar, parse, parseAllDocuments, stringify, visit } from "yaml";
import { variables } from "../../lib/config/variables.ts";

type Node = { readonly [name: string]: unknown };
interface Manifest extends Node {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}
/** Files by their path in the chart. */
export type Chart = Readonly<Record<string, string>>;

const BASE = "k8s/base";
const OVERLAY = "k8s/overlays/production";

/**
 * The same resources as the overlay for production, as a chart of Helm 3 whose values are that overlay's settings. The
 * Namespace is left to Helm (`--create-namespace`).
 */
export function renderChart(version: string): Chart {
  const manifests = readManifests().filter(({ kind }) => kind !== "Namespace");
  const byKind = Map.groupBy(manifests, ({ kind }) => kind);
  const templates = [...byKind].map(([kind, group]) => [
    `templates/${kind.toLowerCase()}.yaml`,
    group.map((one) => withExpressions(stringify(templateOf(one), { lineWidth: 0 }))).join("---\n"),
  ]);
  const about = { apiVersion: "v2", name: "usermesh", type: "application", version, appVersion: version };
  return {
    "Chart.yaml": stringify({ ...about, description: "User accounts and sign-in as a mesh of small services" }),
    "values.yaml": withComments(valuesOf(manifests, version)),
    ...Object.fromEntries(templates),
  };
}

/** The base with the overlay's patches applied. Supports only what these patches use: no deletion, no JSON patch. */
export function readManifests(): Manifest[] {
  const patches = kustomization(OVERLAY).patches.flatMap(({ path }) => documents(join(OVERLAY, path)));
  const patchOf = ({ kind, metadata }: Manifest) =>
    patches.find((patch) => patch.kind === kind && patch.metadata.name === metadata.name);
  return kustomization(BASE)
    .resources.flatMap((file) => documents(join(BASE, file)))
    .map((one) => merge(one, patchOf(one) ?? {}) as Manifest);
}

interface Kustomization {
  readonly resources: readonly string[];
  readonly patches: ReadonlyArray<{ readonly path: string }>;
  readonly images: ReadonlyArray<{ readonly newName: string }>;
}

const kustomization = (folder: string): Kustomization =>
  parse(readFileSync(join(folder, "kustomization.yaml"), "utf8")) as Kustomization;
const documents = (path: string): Manifest[] =>
  parseAllDocuments(readFileSync(path, "utf8")).map((one) => one.toJS() as Manifest);

function merge(one: unknown, patch: unknown): unknown {
  if (!isNode(one) || !isNode(patch)) return patch ?? one;
  const names = new Set([...Object.keys(one), ...Object.keys(patch)]);
  return Object.fromEntries(
    [...names].map((name) => [name, name in patch ? merge(one[name], patch[name]) : one[name]]),
  );
}

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && !Array.isArray(value);

interface Scaler extends Manifest {
  readonly spec: Node & { readonly minReplicas: number; readonly maxReplicas: number };
}

/** Examples in the overlay that the chart replaces: with the host of PUBLIC_URL, and the value `serverAddresses`. */
const HOST = "accounts.example.com";
const SERVERS = "192.0.2.0/24";

function valuesOf(manifests: readonly Manifest[], tag: string): Node {
  const scalers = manifests.filter((one): one is Scaler => one.kind === "HorizontalPodAutoscaler");
  const scaling = scalers.map(({ metadata, spec: { minReplicas, maxReplicas } }) => [
    metadata.name,
    { minReplicas, maxReplicas },
  ]);
  return {
    image: { repository: kustomization(OVERLAY).images[0]?.newName, tag },
    serverAddresses: SERVERS,
    scaling: Object.fromEntries(scaling),
    settings: manifests.find(({ kind }) => kind === "ConfigMap")?.data,
  };
}

const comments: Readonly<Record<string, string>> = {
  image: "Image of all pods. Use an immutable tag, so that a restarted pod never runs another version.",
  serverAddresses: "Network of PostgreSQL, NATS, Redis and the mail server: pods may open connections to it.",
  scaling: "Pods of each service, between these limits by their CPU load.",
  settings: "Environment variables of all pods, as in the README. The host of PUBLIC_URL is that of the Ingress.",
};

/** Each value with what it means: of the settings, what the README says. */
function withComments(values: Node): string {
  const document = new Document(values);
  const help = new Map<string, string>(Object.entries(variables).map(([name, { help }]) => [name, help]));
  visit(document, {
    Pair(_, { key }) {
      if (!isScalar(key)) return;
      const comment = comments[String(key.value)] ?? help.get(String(key.value));
      if (comment !== undefined) key.commentBefore = ` ${comment}`;
    },
  });
  return document.toString({ lineWidth: 0 });
}

/** What differs between installations becomes an expression. */
function templateOf(one: Manifest): Node {
  switch (one.kind) {
    case "ConfigMap":
      return { ...one, data: expression("toYaml .Values.settings | nindent 2") };
    case "HorizontalPodAutoscaler":
      return withScaling(one as Scaler);
    case "Job":
      // A finished Job can't be changed, so each release has its own.
      return { ...one, metadata: { ...one.metadata, name: `migrate-${expression(".Release.Revision")}` } };
    default:
      return one;
  }
}

function withScaling(one: Scaler): Node {
  const value = (name: string) => expression(`index .Values.scaling "${one.metadata.name}" "${name}"`);
  return { ...one, spec: { ...one.spec, minReplicas: value("minReplicas"), maxReplicas: value("maxReplicas") } };
}

/** A mark that `withExpressions` replaces, because YAML would quote the braces of an expression. */
const expression = (text: string): string => `EXPRESSION<${text}>`;

function withExpressions(yaml: string): string {
  return yaml
    .replaceAll(/EXPRESSION<(.*?)>/g, "{{ $1 }}")
    .replaceAll("image: usermesh\n", "image: {{ .Values.image.repository }}:{{ .Values.image.tag }}\n")
    .replaceAll(HOST, '{{ get (urlParse .Values.settings.PUBLIC_URL) "hostname" }}')
    .replaceAll(SERVERS, "{{ .Values.serverAddresses }}");
}
