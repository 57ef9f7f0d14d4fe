// An app with better-auth, as its documentation sets it up: `/me` is a route of the app that checks the session. It is copied
// into the folder where better-auth is installed. It hashes with bcrypt instead of its default, as Usermesh does, so that
// hashing costs the same.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { fromNodeHeaders, toNodeHandler } from "better-auth/node";
import pg from "pg";

const { DATABASE_URL, BCRYPT, COST, CACHE, PORT } = process.env;
const bcrypt = createRequire(import.meta.url)(BCRYPT);

const auth = betterAuth({
  database: new pg.Pool({ connectionString: DATABASE_URL, max: 10 }),
  baseURL: `http://127.0.0.1:${PORT}`,
  secret: "a-secret-for-measuring-that-is-long-enough",
  telemetry: { enabled: false },
  rateLimit: { enabled: false },
  emailAndPassword: {
    enabled: true,
    password: {
      hash: (password) => bcrypt.hash(password, Number(COST)),
      verify: ({ hash, password }) => bcrypt.compare(password, hash),
    },
  },
  session: { cookieCache: { enabled: CACHE === "true", maxAge: 300 } },
});

await (await getMigrations(auth.options)).runMigrations();
const handle = toNodeHandler(auth);

createServer(async (request, response) => {
  if (request.url !== "/me") return handle(request, response);
  const session = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) });
  const body = JSON.stringify(session?.user ?? null);
  response.writeHead(session ? 200 : 401, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
}).listen(Number(PORT), "127.0.0.1");
