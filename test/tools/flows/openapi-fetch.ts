import createClient from "openapi-fetch";
import type { paths } from "./generated/schema.js";

/** The main flow with the types of openapi-typescript. Prints what it saw as JSON. */
const { USERMESH_URL: baseUrl = "", EMAIL: email = "" } = process.env;
const password = "Difference-Engine-1";
const api = createClient<paths>({ baseUrl });

const registered = await api.POST("/api/v1/auth/register", { body: { email, password, full_name: "Ada Lovelace" } });
const outcome = registered.data?.outcome satisfies "created" | "accepted" | undefined;
const signedIn = await api.POST("/api/v1/auth/login", { body: { email, password } });
if (signedIn.data?.data.transport !== "tokens") throw new Error("Not signed in with tokens.");
const refreshed = await api.POST("/api/v1/auth/refresh", { body: { refresh_token: signedIn.data.data.refresh_token } });
if (refreshed.data?.data.transport !== "tokens") throw new Error("Not refreshed with tokens.");
const headers = { authorization: `Bearer ${refreshed.data.data.access_token}` };
const me = await api.GET("/api/v1/users/me", { headers });
const changed = await api.PATCH("/api/v1/users/me", { headers, body: { company: "Analytical Engines" } });
const refused = await api.PATCH("/api/v1/users/me", { headers, body: { username: "x" } });
await api.POST("/api/v1/auth/logout", { headers });
const after = await api.GET("/api/v1/users/me", { headers });
console.log(
  JSON.stringify({
    outcome,
    email: me.data?.data.email,
    company: changed.data?.data.company,
    refused: [refused.error?.code, refused.error?.errors?.[0]?.field],
    after: [after.response.status, after.error?.code],
  }),
);
