import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { type Environment, readConfig } from "../../lib/config/config.ts";
import { namesOf, type Variable, variables } from "../../lib/config/variables.ts";
import { envExample, readmeTable, TABLE } from "../../scripts/env-table.ts";
import { HEAP_OPTIONS } from "../../scripts/run/child.ts";
import { completeSecrets, renderSecrets, renderServers } from "../../scripts/secrets/render.ts";

interface ComposeService {
  readonly environment?: Readonly<Record<string, string>>;
  readonly env_file?: readonly string[];
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

const all = completeSecrets({});
const rendered: Readonly<Record<string, Environment>> = { ...renderSecrets(all, "compose"), ...renderServers(all) };
const secretsOf = ({ env_file: files = [] }: ComposeService): Environment =>
  Object.assign({}, ...files.map((file) => rendered[/^secrets\/compose\/([\w-]+)\.env$/.exec(file)?.[1] ?? ""]));

/** The environment of a container without variables from the shell. */
function resolved(service: ComposeService): Environment {
  const entries = Object.entries(service.environment ?? {}).map(([name, value]) => [
    name,
    String(value).replace(/\$\{[A-Z_]+:-([^}]*)\}/g, "$1"),
  ]);
  return { ...secretsOf(service), ...Object.fromEntries(entries) };
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

test("nodes have the same bounds of memory however they are started", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
  expect(scripts.node).toBe(`node ${HEAP_OPTIONS.join(" ")} --require ./scripts/environment.cjs scripts/node.ts`);
  expect(dockerfile).toContain(`CMD ["node", ${HEAP_OPTIONS.map((option) => `"${option}"`).join(", ")}, `);
});

describe("docker-compose.yml", () => {
  const nodes = Object.entries(compose.services).filter(([, service]) => service.environment?.SERVICES);

  test("has a container for every service and worker", () => {
    expect(nodes.map(([, service]) => service.environment?.SERVICES).sort()).toEqual(allServices());
  });

  test.each([...nodes.map(([name]) => name), "migrate"])("%s has a valid configuration", (name) => {
    const command = name === "migrate" ? "migrate" : "node";
    expect(() => readConfig(resolved(compose.services[name] ?? {}), command)).not.toThrow();
  });

  test.each([...nodes.map(([name]) => name), "migrate"])("%s sets only known variables", (name) => {
    const set = Object.keys(resolved(compose.services[name] ?? {}));
    expect(set.filter((variable) => !known.has(variable))).toEqual([]);
  });

  test("the servers require the credentials that the nodes have", () => {
    const env = resolved(compose.services.gateway ?? {});
    const command = (name: string) => {
      const service = compose.services[name] ?? {};
      const secrets = secretsOf(service);
      return (service.command ?? []).join(" ").replace(/"?\$\$([A-Z_]+)"?/g, (_, one) => String(secrets[one]));
    };
    expect(command("nats")).toContain(`--pass=${new URL(env.NATS_URL ?? "").password}`);
    expect(command("redis")).toContain(`--requirepass ${new URL(env.REDIS_URL ?? "").password}`);
    const postgres = secretsOf(compose.services.postgres ?? {}).POSTGRES_PASSWORD;
    expect(new URL(resolved(compose.services.migrate ?? {}).DATABASE_URL ?? "").password).toBe(postgres);
    expect(command("redis")).toContain("--appendonly yes");
    expect(command("nats")).toContain("--jetstream");
  });
});

describe("the Dockerfile", () => {
  test("runs Node 24 as an unprivileged user, and contains nothing but the release", () => {
    expect(dockerfile).toContain("ARG NODE_IMAGE=node:24-slim\n");
    const images = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
    expect(new Set(images)).toEqual(new Set(["$".concat("{NODE_IMAGE}")]));
    const [, last = ""] = dockerfile.split(/^FROM .*(?![\s\S]*^FROM )/m);
    expect(last.match(/^(COPY|ADD) .*/gm)).toEqual(["COPY --from=build /app/dist ./"]);
    expect(dockerfile).toMatch(/^USER node$/m);
  });

  test("compiles what a node imports while it is built", async () => {
    const cache = mkdtempSync(join(tmpdir(), "usermesh-test-"));
    const [, command = ""] = /^RUN node (.*fill-compile-cache)\.js$/m.exec(dockerfile) ?? [];
    await promisify(execFile)(process.execPath, `${command}.ts`.split(" "), {
      env: { ...process.env, NODE_COMPILE_CACHE: cache },
    });
    const compiled = readdirSync(cache, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    rmSync(cache, { recursive: true });
    expect(compiled.length).toBeGreaterThan(1_000);
  });

  test("sets only known variables", () => {
    const set = [...dockerfile.matchAll(/^(?:ENV| {4})\s*([A-Z_]+)=/gm)].map((match) => match[1] ?? "");
    expect(set.length).toBeGreaterThan(3);
    expect(set.filter((name) => !known.has(name))).toEqual([]);
  });

  test("gets every folder that the build reads", () => {
    const allowed = readFileSync(".dockerignore", "utf8").split("\n");
    for (const folder of ["lib", "mixins", "scripts", "services", "workers"]) expect(allowed).toContain(`!${folder}`);
  });
});

describe("the workflow of a release", () => {
  const text = readFileSync(".github/workflows/release.yml", "utf8");
  const { jobs } = parse(text) as {
    jobs: Record<string, { readonly needs?: string; readonly permissions?: Readonly<Record<string, string>> }>;
  };

  test("publishes only what was tested, with SBOM and provenance, and writes nothing but packages", () => {
    expect(jobs.image?.needs).toBe("test");
    expect(text).toContain("--sbom=true --provenance=mode=max");
    expect(jobs.image?.permissions).toEqual({ contents: "read", packages: "write" });
    expect(jobs.test?.permissions).toBeUndefined();
  });

  test("pins the image of Node by its digest", () => {
    expect(text).toContain('--build-arg "NODE_IMAGE=node:24-slim@$digest"');
  });
});
