import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { parse, stringify } from "yaml";
import { readConfig } from "../../lib/config/config.ts";
import { serviceNeeds } from "../../lib/config/service-needs.ts";
import { variables } from "../../lib/config/variables.ts";
import { findExecutable } from "../../scripts/local-servers/processes.ts";
import { HEAP_OPTIONS } from "../../scripts/run/child.ts";
import { completeSecrets, kubernetesManifest, renderSecrets, renderServers } from "../../scripts/secrets/render.ts";
import {
  base,
  containerOf,
  filesOf,
  type Labels,
  type Manifest,
  ofKind,
  readAll,
  type Selector,
  secretOf,
  settingsOf,
} from "../support/data/manifests.ts";

const all = completeSecrets({});
const production = readAll(kubernetesManifest(renderSecrets(all, "kubernetes")));
const dev = readAll(kubernetesManifest({ ...renderSecrets(all, "compose"), ...renderServers(all) }));
const services = [
  ...readdirSync("services").filter((name) => !name.includes(".")),
  ...readdirSync("workers").map((file) => `worker-${file.replace(".worker.ts", "")}`),
].sort();

const kubectl = findExecutable("kubectl");
// kubectl of Debian contains a kustomize of 2018, and neither npm nor Debian has a newer one.
const testWithKustomize = kubectl ? test : test.skip;

describe("the Kubernetes manifests", () => {
  test("have a Deployment for each service and worker, each with its own Secret", () => {
    const deployments = ofKind("Deployment");
    expect(deployments.map((one) => containerOf(one).env?.[0]?.value).sort()).toEqual(services);
    expect(new Set(deployments.map((one) => secretOf(one, production)?.metadata.name)).size).toBe(services.length);
  });

  test.each([
    ...services.map((name) => ["production", name, production] as const),
    ...services.map((name) => ["dev", name, dev] as const),
  ])("in %s, %s has a valid configuration", (overlay, name, secrets) => {
    const deployment = ofKind("Deployment").find(({ metadata }) => metadata.name === name) as Manifest;
    const env = { ...settingsOf(overlay), ...secretOf(deployment, secrets)?.stringData, SERVICES: name };
    const { warnings } = readConfig(env);
    // The overlay for production accepts no unsafe setting.
    if (overlay === "production") expect(warnings).toEqual([]);
  });

  test("a stopping gateway serves until it gets no more requests, and then finishes those it has", () => {
    const gateway = ofKind("Deployment").find(({ metadata }) => metadata.name === "gateway") as Manifest;
    const { env = [], readinessProbe } = containerOf(gateway);
    const delay = Number(env.find(({ name }) => name === "SHUTDOWN_DELAY_SECONDS")?.value);
    const { periodSeconds = 10, failureThreshold = 3 } = readinessProbe ?? {};
    expect(delay).toBeGreaterThan(periodSeconds * failureThreshold);
    expect(gateway.spec?.template?.spec.terminationGracePeriodSeconds).toBeGreaterThan(delay + 10);
  });

  test("migrate has a valid configuration with the Secret of its own", () => {
    const [job] = ofKind("Job") as [Manifest];
    const env = { ...settingsOf("production"), ...secretOf(job, production)?.stringData };
    expect(readConfig(env, "migrate").warnings).toEqual([]);
  });

  test("set only known variables", () => {
    const known = Object.keys(variables);
    const set = [settingsOf("production"), settingsOf("dev"), ...production.map((one) => one.stringData ?? {})];
    expect(set.flatMap((one) => Object.keys(one)).filter((name) => !known.includes(name))).toEqual([]);
  });

  test("survive the loss of a machine: pods are spread, and one at a time is evicted", () => {
    for (const one of ofKind("Deployment")) {
      const { labels } = one.spec?.template?.metadata ?? { labels: {} };
      const { topologySpreadConstraints = [] } = one.spec?.template?.spec ?? {};
      expect(topologySpreadConstraints.map(({ labelSelector }) => labelSelector.matchLabels)).toEqual([labels, labels]);
      const budget = ofKind("PodDisruptionBudget").find(({ metadata }) => metadata.name === one.metadata.name);
      expect(budget?.spec?.selector?.matchLabels).toEqual(labels);
    }
  });

  test("name the image once for each overlay", () => {
    const nodes = [...ofKind("Deployment"), ...ofKind("Job")];
    expect(new Set(nodes.map((one) => containerOf(one).image))).toEqual(new Set(["usermesh"]));
    for (const overlay of ["dev", "production"])
      expect(parse(readFileSync(`k8s/overlays/${overlay}/kustomization.yaml`, "utf8")).images).toHaveLength(1);
  });

  test("run the commands of the Dockerfile and of package.json", () => {
    expect(ofKind("Deployment").filter((one) => containerOf(one).command !== undefined)).toEqual([]);
    const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
    const command = containerOf(ofKind("Job")[0] as Manifest).command?.join(" ");
    expect(command).toBe(scripts.migrate.replace("migrate.ts", "migrate.js"));
    expect(readFileSync("Dockerfile", "utf8")).toContain(HEAP_OPTIONS.map((option) => `"${option}"`).join(", "));
  });
});

describe("the schemas of Kubernetes", () => {
  /** Kinds of resources that operators define. */
  const custom = ["keda.sh/v1alpha1", "monitoring.coreos.com/v1"];
  const validate = async (manifest: Manifest): Promise<void> => {
    const path = `kubernetes-models/${manifest.apiVersion}/${manifest.kind}`;
    const models = (await import(path)) as Readonly<Record<string, new (data: Manifest) => { validate(): void }>>;
    const Model = models[manifest.kind];
    if (!Model) throw new Error(`There is no ${manifest.kind} in ${manifest.apiVersion}.`);
    new Model(manifest).validate();
  };
  const overlays = ["dev", "production"].flatMap((overlay) =>
    filesOf(`k8s/overlays/${overlay}`)
      .filter((file) => file.endsWith(".yaml"))
      .flatMap((file) => readAll(readFileSync(`k8s/overlays/${overlay}/${file}`, "utf8"))),
  );
  const written = [...base, ...overlays, ...production].filter(({ apiVersion }) => !custom.includes(apiVersion));

  test.each(written.map((one) => [one.kind, one.metadata.name, one] as const))("accept %s %s", async (_, __, one) => {
    await validate(one);
  });

  test("refuse what is wrong", async () => {
    const [deployment] = ofKind("Deployment") as [Manifest];
    await expect(validate({ ...deployment, spec: { replicas: "two" } as never })).rejects.toThrow();
  });

  testWithKustomize.each(["dev", "production"])("accept what kustomize makes of %s", async (overlay) => {
    const rendered = readAll(await output(kubectl ?? "", ["kustomize", `k8s/overlays/${overlay}`]));
    for (const one of rendered) await validate(one);
  });
});

describe("the network policies", () => {
  const policies = ofKind("NetworkPolicy");
  const selects = ({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels) =>
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values }) => values.includes(labels[key] ?? "") === (operator === "In"));
  const portsFrom = (name: string) => {
    const labels = { "app.kubernetes.io/part-of": "usermesh", "app.kubernetes.io/name": name };
    const egress = policies
      .filter(({ spec }) => selects(spec?.podSelector ?? {}, labels))
      .flatMap((one) => one.spec?.egress ?? []);
    return egress.flatMap(({ ports }) => ports.map(({ port }) => port)).sort((left, right) => left - right);
  };

  test("deny everything that is not allowed", () => {
    const [deny] = policies.filter(({ metadata }) => metadata.name === "deny-all");
    expect(deny?.spec).toEqual({ podSelector: {}, policyTypes: ["Ingress", "Egress"] });
  });

  test.each(services)("allow %s the servers that it uses, and no others", (name) => {
    const dns = [53, 53];
    const https = ["auth", "mail", "webhooks", "worker-pictures"].includes(name) ? [443] : [];
    const smtp = name === "mail" ? [587] : [];
    const postgres = serviceNeeds[name]?.database ? [5432] : [];
    expect(portsFrom(name)).toEqual([...dns, ...https, ...smtp, 4222, 4318, ...postgres, 6379].sort((l, r) => l - r));
  });

  test("allow migrate PostgreSQL alone", () => {
    expect(portsFrom("migrate")).toEqual([53, 53, 5432]);
  });
});

describe("the monitoring", () => {
  const [rules] = readAll(readFileSync("k8s/monitoring/alerts.yaml", "utf8")) as [Manifest];
  const alerts = (rules.spec?.groups ?? []).flatMap((group) => group.rules);
  const promtool = findExecutable("promtool");
  // CI installs kustomize.
  const testWithPromtool = promtool || process.env.CI ? test : test.skip;

  test("has a remedy for every alert in docs/operations.md", () => {
    const text = readFileSync("docs/operations.md", "utf8");
    expect(alerts.filter(({ alert }) => !text.includes(`\`${alert}\``))).toEqual([]);
  });

  test("has a test for every alert", () => {
    const { tests } = parse(readFileSync("k8s/monitoring/alerts.test.yaml", "utf8")) as {
      readonly tests: ReadonlyArray<{ readonly alert_rule_test: ReadonlyArray<{ readonly alertname: string }> }>;
    };
    const tested = tests.flatMap(({ alert_rule_test }) => alert_rule_test.map(({ alertname }) => alertname));
    expect(tested.toSorted()).toEqual(alerts.map(({ alert }) => alert).toSorted());
  });

  testWithPromtool("can fire every alert", async () => {
    const folder = mkdtempSync(join(tmpdir(), "usermesh-rules-"));
    writeFileSync(join(folder, "rules.yaml"), stringify(rules.spec));
    writeFileSync(join(folder, "test.yaml"), readFileSync("k8s/monitoring/alerts.test.yaml"));
    expect(await output(promtool ?? "promtool", ["test", "rules", "test.yaml"], folder)).toContain("SUCCESS");
  });
});

describe("kustomize", () => {
  testWithKustomize.each(["dev", "production"])("renders the overlay %s", async (overlay) => {
    const rendered = readAll(await output(kubectl ?? "", ["kustomize", `k8s/overlays/${overlay}`]));
    expect(
      ofKind("Deployment", rendered)
        .map(({ metadata }) => metadata.name)
        .sort(),
    ).toEqual(services);
    expect(
      new Set(rendered.map(({ kind, metadata }) => (kind === "Namespace" ? "usermesh" : metadata.namespace))),
    ).toEqual(new Set(["usermesh"]));
    const images = [...ofKind("Deployment", rendered), ...ofKind("Job", rendered)].map((one) => containerOf(one).image);
    expect(new Set(images).size).toBe(1);
    expect(images[0]).not.toBe("usermesh");
    for (const { metadata, spec } of ofKind("NetworkPolicy", rendered).filter(({ spec }) => spec?.egress))
      for (const { to, ports } of spec?.egress ?? [])
        expect([metadata.name, to !== undefined || ports.every(({ port }) => port === 443)]).toEqual([
          metadata.name,
          true,
        ]);
  });

  testWithKustomize("renders the monitoring", async () => {
    const rendered = readAll(await output(kubectl ?? "", ["kustomize", "k8s/monitoring"]));
    expect(rendered.map(({ kind }) => kind).sort()).toEqual(["ConfigMap", "PrometheusRule", "ServiceMonitor"]);
  });
});

test("every file of k8s/ belongs to a kustomization", () => {
  const folders = ["base", "overlays/dev", "overlays/production", "components/keda", "monitoring"].map(
    (one) => `k8s/${one}`,
  );
  for (const folder of folders) {
    const kustomization = readFileSync(`${folder}/kustomization.yaml`, "utf8");
    const files = readdirSync(folder).filter((file) => !["kustomization.yaml", "alerts.test.yaml"].includes(file));
    expect([folder, files.filter((file) => !kustomization.includes(file))]).toEqual([folder, []]);
    for (const file of filesOf(folder)) expect([file, existsSync(join(folder, file))]).toEqual([file, true]);
  }
});

async function output(command: string, args: readonly string[], cwd = process.cwd()): Promise<string> {
  const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const [out, error] = await Promise.all([child.stdout.toArray(), child.stderr.toArray()]);
  return Buffer.concat([...out, ...error]).toString();
}
