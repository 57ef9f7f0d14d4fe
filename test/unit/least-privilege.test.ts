import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { ConfigError, readConfig } from "../../lib/config/config.ts";
import { needsOf, serviceNeeds } from "../../lib/config/service-needs.ts";
import { deriveKeys, parseDerivedKeys } from "../../lib/crypto/derived-keys.ts";
import { parseKeyRing, purposes, UnknownKeyError } from "../../lib/crypto/key-ring.ts";
import { createLog } from "../../lib/observability/log.ts";
import { createPlatform } from "../../lib/runtime/create-platform.ts";
import { completeSecrets, renderSecrets, type Secrets } from "../../scripts/secrets/render.ts";

const services = Object.keys(serviceNeeds);
const all = completeSecrets({
  PUSH_SECRET: "push-of-mail",
  SMTP_PASSWORD: "smtp-of-mail",
  SERVICE_CREDENTIALS: "jobs=credential-of-gateway",
  OAUTH_LAB_CLIENT_SECRET: "client-of-auth",
});
const rendered = renderSecrets(all, "compose");
const textOf = (secrets: Secrets | undefined) => JSON.stringify(secrets);

describe("the environment of a taken process", () => {
  test("every service has an entry in the table of needs", async () => {
    const folders = (await readdir("services")).filter((name) => !name.includes("."));
    const workers = (await readdir("workers")).map((file) => `worker-${file.replace(".worker.ts", "")}`);
    expect(services.toSorted()).toEqual([...folders, ...workers].sort());
  });

  test.each(services)("of %s has neither the owner's password nor the key ring", (service) => {
    const text = textOf(rendered[service]);
    expect(text).not.toContain(all.POSTGRES_PASSWORD);
    expect(text).not.toContain(all.SECRET_KEY?.slice(3));
  });

  test.each(services)("of %s has no secret of another service", (service) => {
    const owners: Readonly<Record<string, string>> = {
      auth: all.ADMIN_PASSWORD ?? "",
      mail: "-of-mail",
      gateway: "credential-of-gateway",
    };
    const text = textOf(rendered[service]);
    for (const [owner, secret] of Object.entries(owners)) expect(text.includes(secret)).toBe(owner === service);
    expect(text.includes("client-of-auth")).toBe(service === "auth");
    for (const entry of (all.DB_ROLE_PASSWORDS ?? "").split(";")) {
      const [role = "", password = ""] = entry.split("=");
      expect(text.includes(password)).toBe(role === service);
    }
  });

  test.each(services)("of %s has the keys of its purposes alone", (service) => {
    const keys = rendered[service]?.DERIVED_KEYS ?? "";
    const found = new Set([...keys.matchAll(/k1\/([a-z]+)\//g)].map(([, purpose]) => purpose));
    expect([...found].sort()).toEqual([...(serviceNeeds[service]?.keys ?? [])].sort());
  });

  test("that migrates has no key and no bus", () => {
    expect(Object.keys(rendered.migrate ?? {})).toEqual(["DATABASE_URL", "DB_ROLE_PASSWORDS"]);
  });
});

describe("derived keys", () => {
  const ring = parseKeyRing(`k2:${"b".repeat(32)},k1:${"a".repeat(32)}`);
  const secret = `k2:${"b".repeat(32)},k1:${"a".repeat(32)}`;
  const binding = { table: "t", column: "c", rowId: "1" };

  test.each(purposes)("for %s equal those of the ring, and serve no other purpose", (purpose) => {
    const own = parseDerivedKeys(deriveKeys(secret, [purpose]), [purpose]);
    expect([own.active, own.kids]).toEqual([ring.active, ring.kids]);
    expect(own.mac(purpose, "x", "k1")).toEqual(ring.mac(purpose, "x", "k1"));
    expect(own.open(purpose, ring.seal(purpose, "text", binding), binding).toString()).toBe("text");
    for (const other of purposes.filter((one) => one !== purpose)) expect(() => own.mac(other, "x")).toThrow("no key");
    expect(() => own.mac(purpose, "x", "k9")).toThrow(UnknownKeyError);
  });

  test.each(["", "k1", "k1/data/mac=short", "k1/admin/mac=AAAA", `${deriveKeys(secret, ["data"])},k3/data/mac=x`])(
    "%j is refused",
    (text) => expect(() => parseDerivedKeys(text, ["data"])).toThrow("DERIVED_KEYS"),
  );

  test("that lack a purpose of the process are refused at its start", async () => {
    const config = readConfig({ DERIVED_KEYS: deriveKeys(secret, ["data"]), REDIS_URL: "redis://127.0.0.1:1" });
    const start = createPlatform(config, { log: createLog(config.log), services: ["sessions"] });
    await expect(start).rejects.toThrow("DERIVED_KEYS lacks k2/refresh/mac");
  });
});

test("a node with the role of one service refuses to run another one", async () => {
  const config = readConfig({
    DATABASE_URL: "postgres://usermesh_users:p@127.0.0.1:1/x",
    REDIS_URL: "redis://127.0.0.1:1",
  });
  const start = createPlatform(config, { log: createLog(config.log), services: ["users", "sessions"] });
  await expect(start).rejects.toThrow(ConfigError);
});

test("npm run secrets keeps what it generated, and lets only its owner read it", async () => {
  const dir = await mkdtemp(join(tmpdir(), "secrets-"));
  const run = () => promisify(execFile)(process.execPath, ["scripts/secrets.ts", dir]);
  await run();
  const read = (name: string) => readFile(join(dir, name), "utf8");
  const [source, auth] = [await read("secrets.env"), await read("compose/auth.env")];
  await run();
  expect([await read("secrets.env"), await read("compose/auth.env")]).toEqual([source, auth]);
  for (const name of ["secrets.env", "kubernetes.yaml", "compose/auth.env"])
    expect((await stat(join(dir, name))).mode & 0o077).toBe(0);
  expect(needsOf(["gateway"]).database).toBe(false);
});
