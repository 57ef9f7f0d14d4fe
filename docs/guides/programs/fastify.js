import Fastify from "fastify";
import { assertNotRevoked, createTokenCheck, Refusal } from "./check-token.js";

const issuer = process.env.ISSUER; // PUBLIC_URL of Usermesh
const check = await createTokenCheck(issuer);
const notes = new Map();

const signedIn = async (request) => {
  request.user = await check(request.headers.authorization);
};
/** Permissions, not roles: every tenant can define its own roles. */
const may = (permission) => async (request) => {
  if (!request.user.permissions.includes(permission)) throw new Refusal(403, "forbidden");
};
const notRevoked = async (request) => assertNotRevoked(issuer, request.headers.authorization);

const app = Fastify();
app.decorateRequest("user", null);
app.get("/notes", { onRequest: signedIn }, async ({ user }) => notes.get(user.sub) ?? []);
app.post("/notes", { onRequest: signedIn }, async ({ user, body }, reply) => {
  notes.set(user.sub, [...(notes.get(user.sub) ?? []), String(body?.text)]);
  return reply.code(201).send(notes.get(user.sub));
});
app.delete("/notes", { onRequest: [signedIn, notRevoked] }, async ({ user }, reply) => {
  notes.delete(user.sub);
  return reply.code(204).send();
});
app.get("/admin/notes", { onRequest: [signedIn, may("users:read")] }, async () => [...notes.values()].flat());
app.setErrorHandler((error, _request, reply) => {
  // Errors of Fastify itself, such as a body that is not JSON, have a status too.
  const { statusCode = 500, status = statusCode } = error;
  const code = error instanceof Refusal ? error.code : status < 500 ? "bad_request" : "internal_error";
  if (status === 401) reply.header("WWW-Authenticate", 'Bearer error="invalid_token"');
  return reply.code(status).send({ code });
});

await app.listen({ port: Number(process.env.PORT ?? 4000) });
console.log(`port ${app.server.address().port}`);
