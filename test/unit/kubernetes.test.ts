import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { parseAllDocuments } from "yaml";
import { readConfig } from "../../lib/config/config.ts";
import { variables } from "../../lib/config/variables.ts";

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
  readonly spec?: { readonly template?: { readonly spec: { readonly containers: readonly Container[] } } };
}

interface Container {
  readonly env?: ReadonlyArray<{ readonly name: string; readonly value: string }>;
  readonly envFrom: unknown;
  readonly readinessProbe?: { readonly httpGet: { readonly path: string } };
}

const manifests = readdirSync("k8s")
  .filter((file) => file.endsWith(".yaml"))
  .flatMap((file) => parseAllDocuments(readFileSync(`k8s/${file}`, "utf8")).map((one) => one.toJS() as Manifest));
const ofKind = (kind: string) => manifests.filter((one) => one.kind === kind);
const settings = { ...ofKind("ConfigMap")[0]?.data, ...ofKind("Secret")[0]?.stringData };
const services = [
  ...readdirSync("services").filter((name) => !name.includes(".")),
  ...readdirSync("workers").map((file) => `worker-${file.replace(".worker.ts", "")}`),
].sort();

describe("the Kubernetes manifests", () => {
  test("have a Deployment for each service and worker", () => {
    const running = ofKind("Deployment").map((one) => one.spec?.template?.spec.containers[0]?.env?.[0]?.value);
    expect(running.sort()).toEqual(services);
  });

  test("have a valid production configuration", () => {
    expect(() => readConfig(settings)).not.toThrow();
  });

  test("set only known variables", () => {
    const known = Object.keys(variables);
    expect(Object.keys(settings).filter((name) => !known.includes(name))).toEqual([]);
  });

  test("route no traffic to a node that is not ready", () => {
    const probes = ofKind("Deployment").map(
      (one) => one.spec?.template?.spec.containers[0]?.readinessProbe?.httpGet.path,
    );
    expect(new Set(probes)).toEqual(new Set(["/health/ready"]));
  });

  test("scale services independently", () => {
    expect(ofKind("HorizontalPodAutoscaler").length).toBeGreaterThan(3);
  });
});
