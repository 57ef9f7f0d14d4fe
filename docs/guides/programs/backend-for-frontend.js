import { randomBytes } from "node:crypto";
import { createClient, UsermeshError } from "@usermesh/client";
import express from "express";

for (const name of ["ORIGIN", "USERMESH_URL"]) if (!process.env[name]) throw new Error(`${name} is not set.`);

/** The browser holds a cookie of this server and nothing else. The tokens of Usermesh stay here, in memory. */
const sessions = new Map();
const origin = process.env.ORIGIN; // of this server, as browsers see it
const cookieOptions = { httpOnly: true, sameSite: "lax", secure: origin.startsWith("https:"), path: "/" };
const cookieName = cookieOptions.secure ? "__Host-session" : "session";

function startSession() {
  const id = randomBytes(32).toString("base64url");
  const session = { id, ip: "" };
  // With TRUST_PROXY=1, Usermesh takes the address of the browser from this header, for rate limits and the activity log.
  const send = (url, init) => fetch(url, { ...init, headers: { ...init.headers, "x-forwarded-for": session.ip } });
  session.usermesh = createClient({
    url: process.env.USERMESH_URL,
    fetch: send,
    onSignedOut: () => sessions.delete(id),
  });
  return session;
}

const app = express();
app.use(express.json());
// Another site can make a browser send the cookie with a form, but not with this Origin.
app.use((request, response, next) => {
  const isOwn = request.method === "GET" || request.get("origin") === origin;
  return isOwn ? next() : response.status(403).json({ code: "csrf_failed" });
});

/** Express makes `undefined` or `{}` of a missing body. */
const withBody = ({ body }, response, next) =>
  Object.keys(body ?? {}).length > 0 ? next() : response.status(400).json({ code: "bad_request" });

app.post("/login", withBody, async (request, response) => {
  const session = startSession();
  session.ip = request.ip;
  const user = await session.usermesh.signIn({ email: request.body.email, password: request.body.password });
  sessions.set(session.id, session);
  response.cookie(cookieName, session.id, cookieOptions).json({ email: user.email });
});

app.use((request, response, next) => {
  const cookies = new Map((request.get("cookie") ?? "").split("; ").map((pair) => pair.split("=")));
  const session = sessions.get(cookies.get(cookieName));
  if (session === undefined) return response.status(401).json({ code: "signed_out" });
  session.ip = request.ip;
  request.session = session;
  next();
});
app.get("/me", async ({ session }, response) => {
  const { email, company } = await session.usermesh.get("/api/v1/users/me");
  response.json({ email, company });
});
app.patch("/me", withBody, async ({ session, body }, response) => {
  const { company } = await session.usermesh.patch("/api/v1/users/me", { body: { company: body.company } });
  response.json({ company });
});
app.post("/logout", async ({ session }, response) => {
  sessions.delete(session.id);
  response.clearCookie(cookieName, cookieOptions);
  await session.usermesh.signOut();
  response.status(204).end();
});

app.use((error, _request, response, _next) => {
  if (error instanceof UsermeshError) {
    const { status, code, errors } = error;
    return response.status(status || 503).json({ code, errors });
  }
  // Errors of Express itself, such as a body that is not JSON, have a status too.
  const { status = 500 } = error;
  response.status(status).json({ code: status < 500 ? "bad_request" : "internal_error" });
});
const server = app.listen(Number(process.env.PORT ?? 4000), () => console.log(`port ${server.address().port}`));
