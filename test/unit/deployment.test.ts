import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { type Environment, readConfig } from "../../lib/config/config.ts";
import { namesOf, type Variable, variables } from "../../lib/config/variables.ts";
import { envExample, readmeTable, TABLE } from "../../scripts/env-table.ts";

interface ComposeService {
  readonly environment?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly healthcheck?: unknown;
}

const compose = parse(readFileSync("docker-compose.yml", "utf8"), { merge: true }) as {
  services: Record<string, ComposeService>;
};
const dockerfile = readFileSync("Dockerfile", "utf8");
const known = new Set(
  Object.entries<Variable>(variables).flatMap(([name, one]) => namesOf(name, one).map((its) => its.name)),
);

/** The environment of a container without variables from the shell. */
function resolved(service: ComposeService): Environment {
  const entries = Object.entries(service.environment ?? {}).map(([name, value]) => [
    name,
    String(value).replace(/\$\{[A-Z_]+:-([^}]*)\}/g, "$1"),
  ]);
  return Object.fromEntries(entries);
}

/** Names of all services and workers, as in SERVICES. */
function allServices(): string[] {
  const services = readdirSync("services").filter((name) => !name.includes("."));
  const workers = readdirSync("workers").map((file) => `worker-${file.replace(".worker.ts", "")}`);
  return [...services, ...workers].sort();
}

describe("the documentation of the configuration", () => {
  test(".env.example matches the table of variables", () => {
    expect(readFileSync(".env.example", "utf8")).toBe(envExample());
  });

  test("the README's table matches the table of variables", () => {
    expect(TABLE.exec(readFileSync("README.md", "utf8"))?.[0]).toContain(readmeTable());
  });
});

describe("docker-compose.yml", () => {
  const nodes = Object.entries(compose.services).filter(([, service]) => service.environment?.SERVICES);

  test("has a container for every service and worker", () => {
    expect(nodes.map(([, service]) => service.environment?.SERVICES).sort()).toEqual(allServices());
  });

  test.each([...nodes.map(([name]) => name), "migrate"])("%s has a valid configuration", (name) => {
    expect(() => readConfig(resolved(compose.services[name] ?? {}))).not.toThrow();
  });

  test.each([...nodes.map(([name]) => name), "migrate"])("%s sets only known variables", (name) => {
    const set = Object.keys(compose.services[name]?.environment ?? {});
    expect(set.filter((variable) => !known.has(variable))).toEqual([]);
  });

  test("the servers require the credentials that the nodes have", () => {
    const env = resolved(compose.services.gateway ?? {});
    const command = (name: string) =>
      (compose.services[name]?.command ?? []).join(" ").replace(/\$\{[A-Z_]+:-([^}]*)\}/g, "$1");
    expect(command("nats")).toContain(`--pass=${new URL(env.NATS_URL ?? "").password}`);
    expect(command("redis")).toContain(`--requirepass ${new URL(env.REDIS_URL ?? "").password}`);
    expect(command("redis")).toContain("--appendonly yes");
    expect(command("nats")).toContain("--jetstream");
  });
});

describe("the Dockerfile", () => {
  test("runs Node 24 as an unprivileged user, without dev dependencies", () => {
    expect(dockerfile).toMatch(/FROM node:24-slim$/m);
    expect(dockerfile).toContain("npm ci --omit=dev");
    expect(dockerfile).toMatch(/^USER node$/m);
  });

  test("sets only known variables", () => {
    const set = [...dockerfile.matchAll(/^(?:ENV| {4})\s*([A-Z_]+)=/gm)].map((match) => match[1] ?? "");
    expect(set.length).toBeGreaterThan(3);
    expect(set.filter((name) => !known.has(name))).toEqual([]);
  });

  test("copies every folder that a node imports", () => {
    for (const folder of ["lib", "mixins", "scripts", "services", "workers"]) {
      expect(dockerfile).toContain(`COPY ${folder} ./${folder}`);
    }
  });
});
