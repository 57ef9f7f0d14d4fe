import { connections, isLoopbackUrl } from "./production-connections.ts";
import { PASSWORD, reusedSecrets, secrets, type Weakness, weakSecret, when } from "./production-secrets.ts";
import { namesOf, type Values, type Variable, variables } from "./variables.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface ProductionFindings {
  readonly problems: readonly string[];
  /** Named in ALLOW_INSECURE: logged at each start. */
  readonly accepted: readonly string[];
}

/** Unsafe settings of a production environment, all of them. `ALLOW_INSECURE` accepts those of the variables that it names. */
export function checkProduction(values: Values, env: Environment, command: "node" | "migrate"): ProductionFindings {
  const allowed = values.ALLOW_INSECURE.map(canonicalName);
  const found = command === "migrate" ? migrationWeaknesses(values, env) : findWeaknesses(values, env);
  const isAccepted = ({ name }: Weakness) => allowed.includes(canonicalName(name));
  const text = ({ name, problem }: Weakness) => `${withGivenName(name, env)} ${problem}.`;
  return {
    problems: [...unknownNames(values, env), ...found.filter((one) => !isAccepted(one)).map(text)],
    accepted: found.filter(isAccepted).map((one) => `ALLOW_INSECURE: ${text(one)}`),
  };
}

/** Also the name that the operator used, if it is a former one. */
function withGivenName(name: string, env: Environment): string {
  const one = variables[name as keyof typeof variables] as Variable | undefined;
  const given = one && namesOf(name, one).find((its) => env[its.name]);
  return given && given.name !== name ? `${name} (set as ${given.name})` : name;
}

function migrationWeaknesses(values: Values, env: Environment): Weakness[] {
  return [...connections(values, env), ...secrets(values, env), ...reusedSecrets(values)];
}

function findWeaknesses(values: Values, env: Environment): Weakness[] {
  return [
    ...webAddresses(values, env),
    ...connections(values, env),
    ...secrets(values, env),
    ...reusedSecrets(values),
    ...account(values),
    ...limits(values),
    ...developmentOnly(values, env),
  ];
}

function webAddresses(values: Values, env: Environment): Weakness[] {
  const links = ["PUBLIC_URL", "PASSWORD_RESET_URL", "EMAIL_VERIFICATION_URL"] as const;
  const redirects = Object.keys(env).filter((name) => /^OAUTH_[A-Z0-9_]+_REDIRECT_URI$/.test(name));
  const isOpen = (url: string) => isHttp(url) && !isLoopbackUrl(url);
  return [
    ...when(
      values.PUBLIC_URL === undefined,
      "PUBLIC_URL",
      "must be set, to an https URL: mails would link to localhost",
    ),
    ...links.flatMap((name) =>
      when(isHttp(values[name]), name, "must be an https URL: mailed links would cross the network in the clear"),
    ),
    ...redirects.flatMap((name) => when(isHttp(env[name]), name, "must be an https URL")),
    ...when(
      values.ALLOWED_ORIGINS.some(isOpen),
      "ALLOWED_ORIGINS",
      "must list https origins: others can be forged on the network",
    ),
    ...when(
      isOpen(values.PUSH_URL ?? ""),
      "PUSH_URL",
      "must be an https URL: notifications and PUSH_SECRET would be readable on the network",
    ),
  ];
}

function isHttp(url: string | undefined): boolean {
  return /^http:/i.test(url ?? "");
}

/** The minimum of OWASP's Password Storage Cheat Sheet for bcrypt. */
const MIN_HASH_COST = 10;

/** Only auth creates the first administrator. */
function account({ ADMIN_EMAIL, ADMIN_PASSWORD, SERVICES, PASSWORD_HASH_COST }: Values): Weakness[] {
  const createsAdmin = SERVICES.length === 0 || SERVICES.includes("auth");
  return [
    ...when(
      createsAdmin && ADMIN_EMAIL.toLowerCase() === "admin@example.com",
      "ADMIN_EMAIL",
      "must be an address that takes mail: its owner could not reset the password",
    ),
    ...weakSecret("ADMIN_PASSWORD", ADMIN_PASSWORD, PASSWORD),
    ...when(PASSWORD_HASH_COST < MIN_HASH_COST, "PASSWORD_HASH_COST", `must be ${MIN_HASH_COST} or more`),
  ];
}

const MAX_STALENESS_SECONDS = 900;
/** Requests per second and address. Above this, a limit limits nothing that an attacker needs. */
export const maxRates = { register: 20, login: 20, mail: 10, default: 1_000 } as const;

function limits(values: Values): Weakness[] {
  const rates = Object.entries(maxRates).flatMap(([suffix, max]) => {
    const name = `RATE_LIMIT_${suffix.toUpperCase() as Uppercase<keyof typeof maxRates>}` as const;
    const { count, seconds } = values[name];
    return when(count / seconds > max, name, `must not exceed ${max} requests per second and address`);
  });
  const byRoute = Object.entries(values.RATE_LIMIT_ROUTES).flatMap(([route, { count, seconds }]) =>
    when(
      count / seconds > maxRates.default,
      "RATE_LIMIT_ROUTES",
      `must not exceed ${maxRates.default} requests per second and address for ${route}`,
    ),
  );
  const staleness = values.REVOCATION_MODE === "bounded" ? (values.REVOCATION_MAX_STALENESS_SECONDS ?? 0) : 0;
  return [
    ...when(!values.RATE_LIMIT_ENABLED, "RATE_LIMIT_ENABLED", "must be true: passwords could be tried without limit"),
    ...(values.RATE_LIMIT_ENABLED ? [...rates, ...byRoute] : []),
    ...when(
      staleness > MAX_STALENESS_SECONDS,
      "REVOCATION_MAX_STALENESS_SECONDS",
      `must be ${MAX_STALENESS_SECONDS} or less: revoked tokens would be accepted for so long`,
    ),
  ];
}

function developmentOnly(values: Values, env: Environment): Weakness[] {
  return [
    ...when(
      values.DEV_MAILBOX_URL !== undefined,
      "DEV_MAILBOX_URL",
      "must be unset: it publishes mails with their links at /dev/mail",
    ),
    ...when(
      values.WEBHOOK_ALLOW_PRIVATE_ADDRESSES,
      "WEBHOOK_ALLOW_PRIVATE_ADDRESSES",
      "must be false: administrators of tenants could send requests to servers of the internal network",
    ),
    ...when(
      values.OAUTH_PICTURES === "any",
      "OAUTH_PICTURES",
      "must not be any: with a URL as their picture at the provider, users could make Usermesh send requests to servers of the internal network",
    ),
    ...when(
      /(?:^|\s)--inspect/.test(env.NODE_OPTIONS ?? ""),
      "NODE_OPTIONS",
      "must not open the debugger with --inspect",
    ),
  ];
}

const others = ["NODE_TLS_REJECT_UNAUTHORIZED", "NODE_OPTIONS"];

/** A misspelled name would accept nothing, and one of a later release too much. */
function unknownNames({ ALLOW_INSECURE }: Values, env: Environment): string[] {
  const known = [...Object.keys(variables), ...others, ...Object.keys(env).filter((name) => name.startsWith("OAUTH_"))];
  return ALLOW_INSECURE.filter((name) => !known.includes(canonicalName(name))).map(
    (name) => `ALLOW_INSECURE names ${name}, which is not a variable of Usermesh.`,
  );
}

function canonicalName(name: string): string {
  const found = Object.entries<Variable>(variables).find(([current, one]) =>
    namesOf(current, one).some((its) => its.name === name),
  );
  return found?.[0] ?? name;
}
