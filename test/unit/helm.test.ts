import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "@jest/globals";
import { parse, stringify } from "yaml";
import { readManifests, renderChart } from "../../scripts/helm/chart.ts";
import { findExecutable } from "../../scripts/local-servers/processes.ts";
import { type Manifest, readAll } from "../support/data/manifests.ts";

const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
const chart = renderChart("1.2.3");
const templates = Object.entries(chart).filter(([path]) => path.startsWith("templates/"));
const helm = findExecutable("helm");
const testWithHelm = helm ? test : test.skip;

/** As Helm does, for the expressions that the chart uses; any other one fails the test. */
function render(template: string, values: Record<string, unknown>): string {
  const read = (path: readonly string[]) =>
    path.reduce((found, name) => (found as Record<string, unknown>)[name], values as unknown);
  return template.replaceAll(/\{\{ (.*?) \}\}/g, (_, text: string) => {
    const [, settings] = /^toYaml \.Values\.(\w+) \| nindent 2$/.exec(text) ?? [];
    if (settings) return `\n${stringify(read([settings])).replaceAll(/^(?=.)/gm, "  ")}`;
    const [, map, key, name] = /^index \.Values\.(\w+) "([\w-]+)" "(\w+)"$/.exec(text) ?? [];
    if (map && key && name) return String(read([map, key, name]));
    if (text === ".Release.Revision") return "7";
    if (text === 'get (urlParse .Values.settings.PUBLIC_URL) "hostname"')
      return new URL(read(["settings", "PUBLIC_URL"]) as string).hostname;
    const [, path] = /^\.Values\.([\w.]+)$/.exec(text) ?? [];
    if (!path) throw new Error(`Unknown expression: ${text}`);
    return String(read(path.split(".")));
  });
}

const rendered = (values: Record<string, unknown>) => templates.flatMap(([, text]) => readAll(render(text, values)));
const values = () => parse(chart["values.yaml"] ?? "") as Record<string, unknown>;
const sorted = (manifests: readonly unknown[]) =>
  manifests.map((one) => stringify(one, { sortMapEntries: true })).sort();

test("the Helm chart renders the resources of the overlay for production", () => {
  const image = "ghcr.io/example/usermesh:1.2.3";
  const expected = readManifests()
    .filter(({ kind }) => kind !== "Namespace")
    .map((one) => JSON.parse(JSON.stringify(one).replaceAll('"image":"usermesh"', `"image":"${image}"`)))
    .map((one) => (one.kind === "Job" ? { ...one, metadata: { ...one.metadata, name: "migrate-7" } } : one));
  expect(sorted(rendered(values()))).toEqual(sorted(expected));
});

test("each value says what it means, and the host of the Ingress is that of PUBLIC_URL", () => {
  const lines = (chart["values.yaml"] ?? "").split("\n");
  const uncommented = lines.filter(
    (line, at) => /^(?: {2}[A-Z_]+|\w+):/.test(line) && !/^ *# /.test(lines[at - 1] ?? ""),
  );
  expect(uncommented).toEqual([]);
  const settings = { ...(values().settings as object), PUBLIC_URL: "https://id.customer.test:8443/auth" };
  const ingress = rendered({ ...values(), settings }).find(({ kind }) => kind === "Ingress");
  expect(JSON.stringify(ingress)).toContain('"host":"id.customer.test"');
});

test("the values of the chart are all used", () => {
  const changed = {
    image: { repository: "registry.test/users", tag: "9" },
    serverAddresses: "10.9.0.0/16",
    scaling: { ...(values().scaling as object), auth: { minReplicas: 4, maxReplicas: 44 } },
    settings: { PUBLIC_URL: "https://id.customer.test", SMTP_PORT: "2525" },
  };
  expect(Object.keys(changed).sort()).toEqual(Object.keys(values()).sort());
  const manifests = rendered(changed);
  const text = JSON.stringify(manifests);
  for (const part of ["registry.test/users:9", '"host":"id.customer.test"', "10.9.0.0/16", '"maxReplicas":44'])
    expect(text).toContain(part);
  const config = manifests.find(({ kind }) => kind === "ConfigMap") as Manifest;
  expect(config.data).toEqual(changed.settings);
});

test("a second run keeps edited values, and a file instead of a folder is refused in one line", () => {
  const folder = mkdtempSync(join(tmpdir(), "usermesh-test-"));
  const run = () =>
    spawnSync(process.execPath, ["--require", "./scripts/environment.cjs", "scripts/helm.ts", folder], {
      encoding: "utf8",
    });
  expect(run().status).toBe(0);
  writeFileSync(join(folder, "values.yaml"), "host: mine.test\n");
  writeFileSync(join(folder, "Chart.yaml"), "");
  expect(run().stdout).toContain("values.yaml is kept");
  expect(readFileSync(join(folder, "values.yaml"), "utf8")).toBe("host: mine.test\n");
  expect(readFileSync(join(folder, "Chart.yaml"), "utf8")).toBe(chart["Chart.yaml"]?.replace(/1\.2\.3/g, version));
  rmSync(folder, { recursive: true });
  writeFileSync(folder, "");
  const { status, stderr } = run();
  expect([status, stderr]).toEqual([1, `${folder} is a file. Name a folder for the chart.\n`]);
  rmSync(folder);
});

testWithHelm("Helm accepts the chart", () => {
  const folder = mkdtempSync(join(tmpdir(), "usermesh-test-"));
  for (const [path, text] of Object.entries(chart)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  execFileSync(helm as string, ["lint", "--strict", folder]);
  const manifests = readAll(execFileSync(helm as string, ["template", "usermesh", folder]).toString());
  rmSync(folder, { recursive: true });
  expect(manifests.length).toBe(readManifests().length - 1);
});
