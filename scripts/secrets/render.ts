import { randomBytes } from "node:crypto";
import { readConfig } from "../../lib/config/config.ts";
import { needsOf, serviceNeeds } from "../../lib/config/service-needs.ts";
import { deriveKeys } from "../../lib/crypto/derived-keys.ts";
import { roleName, schemas, withRole } from "../../lib/database/database-roles.ts";

/** By variable, as in `secrets.env`. */
export type Secrets = Readonly<Record<string, string>>;
export type Target = "compose" | "kubernetes";

/** Secrets that are set only where something needs them. */
const optional = ["SERVICE_CREDENTIALS", "SMTP_PASSWORD", "PUSH_SECRET", "OTEL_EXPORTER_OTLP_HEADERS"];

/** `given` completed by generated secrets and the addresses of the servers. */
export function completeSecrets(given: Secrets): Secrets {
  const generated: Secrets = {
    DATABASE_ADDRESS: "postgres:5432/usermesh",
    NATS_ADDRESS: "nats:4222",
    REDIS_ADDRESS: "redis:6379",
    POSTGRES_PASSWORD: randomSecret(),
    DB_ROLE_PASSWORDS: schemas.map((schema) => `${schema}=${randomSecret()}`).join(";"),
    NATS_PASSWORD: randomSecret(),
    REDIS_PASSWORD: randomSecret(),
    SECRET_KEY: `k1:${randomSecret()}${randomSecret()}`,
    OPERATOR_TOKEN: randomSecret(),
    ADMIN_PASSWORD: `Um1-${randomSecret()}`,
  };
  return { ...generated, ...given };
}

/** 192 random bits that need no escaping and are never taken for an option of a command. */
function randomSecret(): string {
  return randomBytes(24).toString("hex");
}

/** The environment of each process: what its service needs, and nothing of the others. */
export function renderSecrets(all: Secrets, target: Target): Record<string, Secrets> {
  const services = Object.keys(serviceNeeds).map((service) => [service, secretsOf(service, all, target)] as const);
  const migrate = { DATABASE_URL: ownerUrl(all), DB_ROLE_PASSWORDS: all.DB_ROLE_PASSWORDS ?? "" };
  return { ...Object.fromEntries(services), migrate };
}

/** For the servers that docker-compose.yml starts. */
export function renderServers({ POSTGRES_PASSWORD = "", NATS_PASSWORD = "", REDIS_PASSWORD = "" }: Secrets) {
  return { postgres: { POSTGRES_PASSWORD }, nats: { NATS_PASSWORD }, redis: { REDIS_PASSWORD } };
}

function secretsOf(service: string, all: Secrets, target: Target): Secrets {
  const { database, keys, secrets } = needsOf([service]);
  // Across a cluster's network the servers are reached by TLS.
  const [nats, redis] = target === "kubernetes" ? ["tls", "rediss"] : ["nats", "redis"];
  const { NATS_PASSWORD = "", NATS_ADDRESS, REDIS_PASSWORD = "", REDIS_ADDRESS, SECRET_KEY = "" } = all;
  return {
    NATS_URL: `${nats}://usermesh:${encodeURIComponent(NATS_PASSWORD)}@${NATS_ADDRESS}`,
    REDIS_URL: `${redis}://:${encodeURIComponent(REDIS_PASSWORD)}@${REDIS_ADDRESS}`,
    OPERATOR_TOKEN: all.OPERATOR_TOKEN ?? "",
    ...(all.OTEL_EXPORTER_OTLP_HEADERS && { OTEL_EXPORTER_OTLP_HEADERS: all.OTEL_EXPORTER_OTLP_HEADERS }),
    ...(database && { DATABASE_URL: withRole(ownerUrl(all), roleOf(all, service), rolePasswordOf(all, service)) }),
    ...(keys.length > 0 && { DERIVED_KEYS: deriveKeys(SECRET_KEY, keys) }),
    ...Object.fromEntries(secrets.filter((name) => all[name]).map((name) => [name, all[name] ?? ""])),
    ...(service === "auth" && clientSecrets(all)),
  };
}

function ownerUrl({ POSTGRES_PASSWORD = "", DATABASE_ADDRESS }: Secrets): string {
  return `postgres://usermesh:${encodeURIComponent(POSTGRES_PASSWORD)}@${DATABASE_ADDRESS}`;
}

function roleOf(all: Secrets, service: string): string {
  const env = { DATABASE_URL: ownerUrl(all), DB_ROLE_PREFIX: all.DB_ROLE_PREFIX };
  return roleName(readConfig(env).database, service);
}

function rolePasswordOf({ DB_ROLE_PASSWORDS = "" }: Secrets, schema: string): string {
  const entry = DB_ROLE_PASSWORDS.split(";").find((one) => one.startsWith(`${schema}=`));
  if (entry === undefined) throw new Error(`DB_ROLE_PASSWORDS has no password for ${schema}.`);
  return entry.slice(schema.length + 1);
}

function clientSecrets(all: Secrets): Secrets {
  return Object.fromEntries(Object.entries(all).filter(([name]) => /^OAUTH_.*_CLIENT_SECRET$/.test(name)));
}

export function envFile(values: Secrets): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}

/** `NAME=value` lines; values are taken as they are. */
export function parseEnvFile(text: string): Secrets {
  const lines = text.split("\n").filter((line) => line.includes("=") && !line.startsWith("#"));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
}

/** One Secret for each Deployment, and one for the Job that migrates. */
export function kubernetesManifest(rendered: Readonly<Record<string, Secrets>>): string {
  const documents = Object.entries(rendered).map(([name, values]) => {
    const data = Object.entries(values).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}\n`);
    return `apiVersion: v1\nkind: Secret\nmetadata:\n  name: usermesh-${name}\nstringData:\n${data.join("")}`;
  });
  return documents.join("---\n");
}

export const SOURCE_HEADER = `# The secrets of an installation. Keep this file where no node can read it: the others are made from it by
# \`npm run secrets\`. Optional: ${optional.join(", ")}, OAUTH_<NAME>_CLIENT_SECRET.\n`;
