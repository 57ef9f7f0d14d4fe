import { client } from "./generated/hey-api/client.gen.js";
import { getMe, refreshSession, register, signIn, signOut, updateMe } from "./generated/hey-api/index.js";

/** The main flow with the functions of @hey-api/openapi-ts. Prints what it saw as JSON. */
const { USERMESH_URL: baseUrl = "", EMAIL: email = "" } = process.env;
const password = "Difference-Engine-1";
let token = "";
client.setConfig({ baseUrl, auth: () => token });

const registered = await register({ body: { email, password, full_name: "Ada Lovelace" } });
const outcome = registered.data?.outcome satisfies "created" | "accepted" | undefined;
const signedIn = await signIn({ body: { email, password } });
if (signedIn.data?.data.transport !== "tokens") throw new Error("Not signed in with tokens.");
const refreshed = await refreshSession({ body: { refresh_token: signedIn.data.data.refresh_token } });
if (refreshed.data?.data.transport !== "tokens") throw new Error("Not refreshed with tokens.");
token = refreshed.data.data.access_token;
const me = await getMe();
const changed = await updateMe({ body: { company: "Analytical Engines" } });
const refused = await updateMe({ body: { username: "x" } });
await signOut();
const after = await getMe();
console.log(
  JSON.stringify({
    outcome,
    email: me.data?.data.email,
    company: changed.data?.data.company,
    refused: [refused.error?.code, refused.error?.errors?.[0]?.field],
    after: [after.response?.status, after.error?.code],
  }),
);
