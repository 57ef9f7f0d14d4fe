import { providerVariables, schemaOf, variables } from "./variables.ts";

/** An OpenID Connect provider that users can sign in with. */
export interface OAuthProvider {
  /** As in our paths. */
  readonly name: string;
  /** Without a trailing slash: identities are stored under it. */
  readonly issuer: string;
  /** The issuer as configured: discovery compares it exactly. */
  readonly discovery: string;
  readonly clientId: string;
  /** Undefined: a public client, protected by PKCE alone. */
  readonly clientSecret: string | undefined;
  readonly scopes: string;
  readonly redirectUri: string;
  /** False for a provider whose ID tokens have no nonce. */
  readonly nonce: boolean;
  /** How the provider returns to our callback: with a redirect, or with a form that the browser posts. */
  /** The tenants of a provider with an issuer for each tenant; null for a provider with one issuer. */
  readonly tenants: readonly string[] | "any" | null;
  /** Whether an address counts as verified if the provider does not say whether it is. */
  readonly trustEmail: boolean;
  readonly responseMode: "query" | "form_post";
}

type Environment = Readonly<Record<string, string | undefined>>;
/** By the names of the table: `OAUTH_<NAME>_ISSUER`. */
type Settings = Readonly<Record<string, string>>;

interface Context {
  readonly publicUrl: string;
  readonly production: boolean;
}

const PREFIX = "OAUTH_<NAME>_";
const builtIn: Readonly<Record<string, Settings>> = {
  google: { [`${PREFIX}ISSUER`]: "https://accounts.google.com" },
  apple: {
    [`${PREFIX}ISSUER`]: "https://appleid.apple.com",
    [`${PREFIX}SCOPES`]: "openid email name",
    // The only mode in which Apple shares the email and the name.
    [`${PREFIX}RESPONSE_MODE`]: "form_post",
  },
  linkedin: { [`${PREFIX}ISSUER`]: "https://www.linkedin.com/oauth", [`${PREFIX}NONCE`]: "false" },
};
/** Taken by `POST /auth/oauth/exchange`. */
const RESERVED = "exchange";

const schema = schemaOf(providerVariables);
const suffixes = Object.keys(providerVariables).map((name) => name.slice(PREFIX.length));
const pattern = new RegExp(`^OAUTH_([A-Z][A-Z0-9_]{0,30}?)_(${suffixes.join("|")})$`);

/** Finds `OAUTH_<NAME>_*` in the environment: the operator chooses the names. */
export function readOAuthProviders(env: Environment, problems: string[], context: Context): OAuthProvider[] {
  const providers = [...settingsByProvider(env, problems)].flatMap(([name, settings]) =>
    readProvider(name, settings, problems, context),
  );
  const duplicates = providers.filter((one) => providers.some((other) => other !== one && other.issuer === one.issuer));
  // A `sub` is unique within its issuer only: identities of two providers with one issuer could not be told apart.
  if (duplicates.length > 0)
    problems.push(`OAuth providers ${duplicates.map((one) => one.name).join(", ")} have the same issuer.`);
  return providers;
}

function settingsByProvider(env: Environment, problems: string[]): Map<string, Settings> {
  const found = new Map<string, Settings>();
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith("OAUTH_") || variable in variables || !value) continue;
    const [, name, suffix] = pattern.exec(variable) ?? [];
    if (name && suffix) found.set(name, { ...found.get(name), [PREFIX + suffix]: value });
    else problems.push(`${variable} is unknown: OAUTH_<NAME>_ must be followed by ${suffixes.join(", ")}.`);
  }
  return found;
}

function readProvider(upperName: string, settings: Settings, problems: string[], context: Context): OAuthProvider[] {
  const name = upperName.toLowerCase().replaceAll("_", "-");
  const redirectUri = `${context.publicUrl}/api/v1/auth/oauth/${name}/callback`;
  const parsed = schema.safeParse({ [`${PREFIX}REDIRECT_URI`]: redirectUri, ...builtIn[name], ...settings });
  for (const { path, message } of parsed.error?.issues ?? [])
    problems.push(`${String(path[0]).replace("<NAME>", upperName)} ${message}.`);
  if (name === RESERVED) problems.push(`${name} can't be the name of an OAuth provider.`);
  if (!parsed.success) return [];
  const { "OAUTH_<NAME>_ISSUER": discovery, ...values } = parsed.data;
  if (context.production && !discovery.startsWith("https:"))
    problems.push(`OAUTH_${upperName}_ISSUER must be a URL, https in production.`);
  if (values["OAUTH_<NAME>_TENANTS"] === "any" && values["OAUTH_<NAME>_TRUST_EMAIL"])
    problems.push(
      `OAUTH_${upperName}_TRUST_EMAIL can't be used with all tenants: the administrators of any of them can choose any address.`,
    );
  return [
    {
      name,
      issuer: discovery.replace(/\/+$/, ""),
      discovery,
      clientId: values["OAUTH_<NAME>_CLIENT_ID"],
      clientSecret: values["OAUTH_<NAME>_CLIENT_SECRET"],
      scopes: values["OAUTH_<NAME>_SCOPES"],
      redirectUri: values["OAUTH_<NAME>_REDIRECT_URI"],
      nonce: values["OAUTH_<NAME>_NONCE"],
      tenants: values["OAUTH_<NAME>_TENANTS"] ?? null,
      trustEmail: values["OAUTH_<NAME>_TRUST_EMAIL"],
      responseMode: values["OAUTH_<NAME>_RESPONSE_MODE"],
    },
  ];
}
