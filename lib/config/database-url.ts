/** DATABASE_URL in its one form, and what its parameters say about TLS. */
export interface DatabaseTarget {
  /**
   * `postgres://<user>[:<password>]@<host>:<port>/<database>`, percent-encoded and without a query, so that another role's
   * name put into it takes effect. A socket's folder is the host: `%2Frun%2Fpostgresql`.
   */
  readonly url: string;
  readonly database: string;
  readonly hasPassword: boolean;
  /** From `sslmode` or `ssl`. */
  readonly ssl: SslMode | undefined;
  /** Paths from `sslrootcert`, `sslcert` and `sslkey`. */
  readonly files: Readonly<Partial<Record<SslFile, string>>>;
  /** Parameters without effect here. */
  readonly ignored: readonly string[];
}

export type SslMode = "off" | "require" | "verify";
export type SslFile = "ca" | "cert" | "key";

/** Says what is wrong with the URL, without quoting it: it can contain a password. */
export class DatabaseUrlError extends Error {}

type Environment = Readonly<Record<string, string | undefined>>;

const SCHEME = /^postgres(?:ql)?(?:\+[a-z0-9]+)?:\/\//i;
const FORM = "must be a URL like postgres://user:password@host:5432/database";
/** `new URL` rejects a user without a host, which is libpq's usual form for sockets: `postgres://user@/db?host=/run`. */
const NO_HOST = /^([^/?#]*@)?(?=:\d|[/?]|$)/;
const PLACEHOLDER = "no-host";

/** libpq's names and those of node-postgres, but for `allow` and `prefer`, which fall back to clear text. */
const sslModes: Readonly<Record<string, SslMode>> = {
  disable: "off",
  false: "off",
  "0": "off",
  require: "require",
  "no-verify": "require",
  "verify-ca": "verify",
  "verify-full": "verify",
  true: "verify",
  "1": "verify",
};
const fileNames = { sslrootcert: "ca", sslcert: "cert", sslkey: "key" } as const;
const known = new Set([
  ...["host", "port", "user", "password", "dbname", "sslmode", "ssl", "application_name"],
  ...Object.keys(fileNames),
]);

/**
 * Reads the forms that libpq takes: with user, password, and host or socket folder in the authority or in the query, and
 * with PGUSER and PGPASSWORD for what is in neither.
 */
export function parseDatabaseUrl(text: string, env: Environment = {}): DatabaseTarget {
  const url = readUrl(text.trim());
  const query = url.searchParams;
  const value = (name: string, inUrl: string, fallback = "") => agreeing(name, inUrl, query) || fallback;
  const host = value("host", url.hostname === PLACEHOLDER ? "" : hostOf(url), "localhost");
  const port = value("port", url.port, "5432");
  const user = value("user", decode(url.username), env.PGUSER);
  const password = value("password", decode(url.password), env.PGPASSWORD);
  const database = value("dbname", decode(url.pathname.slice(1)), user);
  if (user === "") throw new DatabaseUrlError(`names no user: it ${FORM}`);
  if (host.includes(",") || !/^\d{1,5}$/.test(port)) throw new DatabaseUrlError("must name one server and its port");
  const credentials = `${encode(user)}${password && `:${encode(password)}`}`;
  return {
    url: `postgres://${credentials}@${authorityOf(host)}:${port}/${encode(database)}`,
    database,
    hasPassword: password !== "",
    ssl: sslOf(query),
    files: filesOf(query),
    ignored: [...new Set(query.keys())].filter((name) => !known.has(name)),
  };
}

/** A mode as libpq's PGSSLMODE and `sslmode` name it. */
export function parseSslMode(name: string, value: string): SslMode {
  const mode = sslModes[value.toLowerCase()];
  if (mode !== undefined) return mode;
  throw new DatabaseUrlError(
    `has ${name}=${value}, but only disable, require and verify-full say whether the connection is encrypted`,
  );
}

function readUrl(text: string): URL {
  if (!SCHEME.test(text)) throw new DatabaseUrlError(FORM);
  const rest = text.replace(SCHEME, "").replaceAll(" ", "%20");
  const url = URL.parse(`postgres://${rest.replace(NO_HOST, `$1${PLACEHOLDER}`)}`);
  if (url === null || url.hash !== "")
    throw new DatabaseUrlError(`${FORM}, with @ : / ? # in names and passwords percent-encoded`);
  return url;
}

/** A value that stands in two places of the URL must be the same in both. */
function agreeing(name: string, inUrl: string, query: URLSearchParams): string {
  const all = [...new Set([inUrl, ...query.getAll(name)].filter((value) => value !== ""))];
  if (all.length > 1) throw new DatabaseUrlError(`gives ${name} twice, and differently`);
  return all[0] ?? "";
}

function hostOf({ hostname }: URL): string {
  return decode(hostname).replace(/^\[(.+)\]$/, "$1");
}

function authorityOf(host: string): string {
  return host.includes(":") && !host.startsWith("/") ? `[${host}]` : encode(host);
}

function sslOf(query: URLSearchParams): SslMode | undefined {
  const modes = ["sslmode", "ssl"].flatMap((name) => query.getAll(name).map((value) => parseSslMode(name, value)));
  if (new Set(modes).size > 1) throw new DatabaseUrlError("gives sslmode and ssl, which disagree");
  return modes[0];
}

function filesOf(query: URLSearchParams): DatabaseTarget["files"] {
  const entries = Object.entries(fileNames).map(([name, file]) => [file, agreeing(name, "", query)] as const);
  return Object.fromEntries(entries.filter(([, path]) => path !== ""));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new DatabaseUrlError("has a % that is not followed by two hexadecimal digits");
  }
}

const encode = encodeURIComponent;
