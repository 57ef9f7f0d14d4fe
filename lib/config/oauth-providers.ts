import { variables } from "./variables.ts";

/** One OpenID Connect provider that people may sign in with. */
export interface OAuthProvider {
  /** As it stands in our paths. */
  readonly name: string;
  /** Without a slash at its end: what identities are kept under. */
  readonly issuer: string;
  /** The same as it was typed, which discovery compares letter by letter. */
  readonly discovery: string;
  readonly clientId: string;
  /** None: a public client, which PKCE alone protects. */
  readonly clientSecret: string | undefined;
  readonly scopes: string;
  readonly redirectUri: string;
  /** False for a provider that puts no nonce into its ID tokens. */
  readonly nonce: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;
type Settings = Readonly<Record<string, string | undefined>>;

interface Surroundings {
  readonly publicUrl: string;
  readonly production: boolean;
}

const KNOWN: Readonly<Record<string, { readonly issuer: string; readonly nonce: boolean }>> = {
  google: { issuer: "https://accounts.google.com", nonce: true },
  linkedin: { issuer: "https://www.linkedin.com/oauth", nonce: false },
};
const FAMILY = "OAUTH_<NAME>_";
/** Paths of ours beside those of the providers. */
const RESERVED = "exchange";

const suffixes = variables.filter((one) => one.name.startsWith(FAMILY)).map((one) => one.name.slice(FAMILY.length));
const pattern = new RegExp(`^OAUTH_([A-Z][A-Z0-9_]{0,30}?)_(${suffixes.join("|")})$`);

/** `OAUTH_<NAME>_*`: the names are the operator's, so they are found in the environment and not in the list of variables. */
export function readOAuthProviders(env: Environment, problems: string[], around: Surroundings): OAuthProvider[] {
  const found = [...settingsByName(env, problems)].flatMap(([name, settings]) =>
    readProvider(name, settings, problems, around),
  );
  const doubled = found.filter((one) => found.some((other) => other !== one && other.issuer === one.issuer));
  // A `sub` is known by its issuer: two names for one could not be told apart.
  if (doubled.length > 0)
    problems.push(`OAuth providers ${doubled.map((one) => one.name).join(", ")} have the same issuer.`);
  return found;
}

function settingsByName(env: Environment, problems: string[]): Map<string, Settings> {
  const found = new Map<string, Settings>();
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith("OAUTH_") || variables.some((one) => one.name === variable) || !value) continue;
    const [, name, suffix] = pattern.exec(variable) ?? [];
    if (name && suffix) found.set(name, { ...found.get(name), [suffix]: value });
    else problems.push(`${variable} is not known: OAUTH_<NAME>_ goes on with ${suffixes.join(", ")}.`);
  }
  return found;
}

function readProvider(family: string, settings: Settings, problems: string[], around: Surroundings): OAuthProvider[] {
  const name = family.toLowerCase().replaceAll("_", "-");
  const known = KNOWN[name];
  const discovery = settings.ISSUER ?? known?.issuer;
  const redirectUri = settings.REDIRECT_URI ?? `${around.publicUrl}/api/v1/auth/oauth/${name}/callback`;
  const problem = (suffix: string, text: string) => problems.push(`OAUTH_${family}_${suffix} ${text}`);
  if (name === RESERVED) problems.push(`${name} can't be the name of an OAuth provider.`);
  if (!settings.CLIENT_ID) problem("CLIENT_ID", "must be set where another of its variables is.");
  if (!discovery) problem("ISSUER", `must be set: ${name} is not a provider whose issuer is known.`);
  else if (!isAllowedUrl(discovery, around.production)) problem("ISSUER", "must be a URL, https in production.");
  if (!isAllowedUrl(redirectUri, false)) problem("REDIRECT_URI", "must be a URL.");
  if (!/^(?:true|false)?$/i.test(settings.NONCE ?? "")) problem("NONCE", "must be true or false.");
  const scopes = settings.SCOPES?.replaceAll(",", " ") ?? "openid email profile";
  if (!scopes.split(/\s+/).includes("openid")) problem("SCOPES", "must hold openid.");
  if (!settings.CLIENT_ID || !discovery) return [];
  const issuer = discovery.replace(/\/+$/, "");
  const { CLIENT_ID: clientId, CLIENT_SECRET: clientSecret } = settings;
  const nonce = settings.NONCE === undefined ? (known?.nonce ?? true) : settings.NONCE.toLowerCase() === "true";
  return [{ name, issuer, discovery, clientId, clientSecret, scopes, redirectUri, nonce }];
}

export function isAllowedUrl(text: string, secure: boolean): boolean {
  return URL.canParse(text) && (secure ? /^https:$/ : /^https?:$/).test(new URL(text).protocol);
}
