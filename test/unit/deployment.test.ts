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

/** What a container gets where the shell sets nothing. */
function resolved(service: ComposeService): Environment {
  const entries = Object.entries(service.environment ?? {}).map(([name, value]) => [
    name,
    String(value).replace(/\$\{[A-Z_]+:-([^}]*)\}/g, "$1"),
  ]);
  return Object.fromEntries(entries);
}

/** The actors of this tree, by the names that SERVICES takes. */
function actors(): string[] {
  const services = readdirSync("services").filter((name) => !name.includes("."));
  const workers = readdirSync("workers").map((file) => `worker-${file.replace(".worker.ts", "")}`);
  return [...services, ...workers].sort();
}

describe("what is written about the configuration", () => {
  test(".env.example is what the list of variables says", () => {
    expect(readFileSync(".env.example", "utf8")).toBe(envExample());
  });

  test("the README's table is what the list of variables says", () => {
    expect(TABLE.exec(readFileSync("README.md", "utf8"))?.[0]).toContain(readmeTable());
  });
});

describe("docker-compose.yml", () => {
  const nodes = Object.entries(compose.services).filter(([, service]) => service.environment?.SERVICES);

  test("every actor has a container of its own", () => {
    expect(nodes.map(([, service]) => service.environment?.SERVICES).sort()).toEqual(actors());
  });

  test.each([...nodes.map(([name]) => name), "migrate"])("%s starts with a configuration that is accepted", (name) => {
    expect(() => readConfig(resolved(compose.services[name] ?? {}))).not.toThrow();
  });

  test.each([...nodes.map(([name]) => name), "migrate"])("%s sets no variable that nobody reads", (name) => {
    const set = Object.keys(compose.services[name]?.environment ?? {});
    expect(set.filter((variable) => !known.has(variable))).toEqual([]);
  });

  test("the servers ask for the credentials that the nodes bring", () => {
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
  test("runs Node 24 as a plain user, without dev dependencies", () => {
    expect(dockerfile).toMatch(/FROM node:24-slim$/m);
    expect(dockerfile).toContain("npm ci --omit=dev");
    expect(dockerfile).toMatch(/^USER node$/m);
  });

  test("sets no variable that nobody reads", () => {
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
