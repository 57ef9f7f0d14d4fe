import { type Config, type Environment, readConfig } from "../../lib/config/config.ts";
import { needsOf, serviceNeeds } from "../../lib/config/service-needs.ts";
import { namesOf, type Variable, variables } from "../../lib/config/variables.ts";
import { deriveKeys } from "../../lib/crypto/derived-keys.ts";
import { urlOf } from "../../lib/database/connection.ts";

/** Variables that hold the secrets of more than one service, or of one that the process may not be. */
const shared = ["DATABASE_URL", "DB_ROLE_PASSWORDS", "SECRET_KEY"];
const CLIENT_SECRET = /^OAUTH_.*_CLIENT_SECRET$/;

/** The environment of a process that runs `service` alone: that of the mesh, without the secrets of the other services. */
export async function processEnvironment(env: Environment, service: string): Promise<Environment> {
  const own = needsOf([service]).secrets;
  const others = Object.values(serviceNeeds).flatMap(({ secrets }) => secrets.filter((name) => !own.includes(name)));
  const removed = new Set([...shared, ...others].flatMap(allNames));
  const isKept = (name: string) => !removed.has(name) && (service === "auth" || !CLIENT_SECRET.test(name));
  return {
    ...Object.fromEntries(Object.entries(env).filter(([name]) => isKept(name))),
    ...(await ownSecrets(readConfig(env), service)),
  };
}

async function ownSecrets(config: Config, service: string): Promise<Environment> {
  const { database, keys } = needsOf([service]);
  const { secretKey } = config;
  return {
    ...(database && { DATABASE_URL: await urlOf(config, service) }),
    ...(secretKey !== undefined && keys.length > 0 && { DERIVED_KEYS: deriveKeys(secretKey, keys) }),
  };
}

function allNames(name: string): string[] {
  return namesOf(name, variables[name as keyof typeof variables] as Variable).map((one) => one.name);
}
