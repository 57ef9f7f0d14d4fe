import express from "express";
import { assertNotRevoked, createTokenCheck, Refusal } from "./check-token.js";

const issuer = process.env.ISSUER; // PUBLIC_URL of Usermesh
const check = await createTokenCheck(issuer);
const notes = new Map();

const signedIn = async (request, _response, next) => {
  request.user = await check(request.get("authorization"));
  next();
};
/** Permissions, not roles: every tenant can define its own roles. */
const may = (permission) => (request, _response, next) => {
  if (!request.user.permissions.includes(permission)) throw new Refusal(403, "forbidden");
  next();
};
const notRevoked = async (request, _response, next) => {
  await assertNotRevoked(issuer, request.get("authorization"));
  next();
};

const app = express();
app.use(express.json());
app.get("/notes", signedIn, ({ user }, response) => response.json(notes.get(user.sub) ?? []));
app.post("/notes", signedIn, ({ user, body }, response) => {
  notes.set(user.sub, [...(notes.get(user.sub) ?? []), String(body?.text)]);
  response.status(201).json(notes.get(user.sub));
});
app.delete("/notes", signedIn, notRevoked, ({ user }, response) => {
  notes.delete(user.sub);
  response.status(204).end();
});
app.get("/admin/notes", signedIn, may("users:read"), (_request, response) => response.json([...notes.values()].flat()));
app.use((error, _request, response, _next) => {
  // Errors of Express itself, such as a body that is not JSON, have a status too.
  const { status = 500 } = error;
  const code = error instanceof Refusal ? error.code : status < 500 ? "bad_request" : "internal_error";
  if (status === 401) response.set("WWW-Authenticate", 'Bearer error="invalid_token"');
  response.status(status).json({ code });
});

const server = app.listen(Number(process.env.PORT ?? 4000), () => console.log(`port ${server.address().port}`));
