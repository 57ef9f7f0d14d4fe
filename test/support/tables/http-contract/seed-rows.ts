import { linkToken, mailTo, newPerson } from "../../flows/main-flow.ts";
import { type Context, pictureForm, type Row } from "./row.ts";

/** The paths of the five systems that came before, as their clients call them. */
export function seedRows(context: Context): readonly Row[] {
  return [...meetinity(context, ""), ...meetinity(context, "/api"), ...rbac(context), ...notification(context)];
}

const named = () => ({ body: { ...newPerson(), name: "Ada Lovelace" } });

function meetinity({ actor, become }: Context, prefix: "" | "/api"): readonly Row[] {
  const credentials = () => ({ body: { email: actor.email, password: actor.password } });
  const anew = async () => {
    await become();
    return {};
  };
  const self = () => ({ path: [actor.id] });
  return [
    ["nobody", `POST ${prefix}/auth/register`, 201, named],
    ["nobody", `POST ${prefix}/auth/login`, 200, credentials],
    ["nobody", `POST ${prefix}/auth/refresh`, 200, () => ({ body: { refresh_token: actor.refresh } })],
    ["person", `POST ${prefix}/auth/logout`, 200],
    ["nobody", `GET ${prefix}/auth/oauth/{provider}`, 404, () => ({ path: ["google"] })],
    ["nobody", `GET ${prefix}/auth/oauth/{provider}/callback`, 404, () => ({ path: ["linkedin"] })],
    ["person", `GET ${prefix}/users/profile`, 200, anew],
    [
      "person",
      `PUT ${prefix}/users/profile`,
      200,
      () => ({ body: { name: "Ada", job_title: "Engineer", industry: "Technology" } }),
    ],
    ["person", `POST ${prefix}/users/profile/avatar`, 200, pictureForm],
    ["person", `GET ${prefix}/users/preferences`, 200],
    ["person", `PUT ${prefix}/users/preferences`, 200, () => ({ body: { age_min: 25, age_max: 45 } })],
    ["vendor", `GET ${prefix}/admin/users`, 200, () => ({ query: "?page=1&limit=20&search=ada" })],
    ["vendor", `GET ${prefix}/admin/users/{id}`, 200, self],
    [
      "vendor",
      `PUT ${prefix}/admin/users/{id}/status`,
      200,
      () => ({ ...self(), body: { is_active: false, reason: "Terms violation" } }),
    ],
    ["person", `GET ${prefix}/users/profile`, 200, anew],
  ];
}

function rbac({ running, actor, become }: Context): readonly Row[] {
  const mailed = async (pattern: RegExp) => linkToken(await mailTo(running(), actor.email, pattern));
  const self = () => ({ path: [actor.id] });
  return [
    ["nobody", "POST /api/register", 201, named],
    ["nobody", "POST /api/login", 200, () => ({ body: { email: actor.email, password: actor.password } })],
    ["nobody", "POST /api/refresh", 200, () => ({ body: { refresh_token: actor.refresh } })],
    ["nobody", "POST /api/verify-email", 200, async () => ({ body: { token: await mailed(/verify-email/) } })],
    ["nobody", "POST /api/reset-password", 202, () => ({ body: { email: actor.email } })],
    [
      "nobody",
      "POST /api/reset-password/{token}",
      200,
      async () => ({ path: [await mailed(/reset-password\?token=/)], body: { password: "Fresh-Words-4711" } }),
    ],
    ["vendor", "GET /api/users", 200],
    ["vendor", "PUT /api/users/{id}", 200, () => ({ ...self(), body: { name: "Ada" } })],
    ["vendor", "GET /api/users/{id}/activity", 200, self],
    ["vendor", "GET /api/metrics", 200],
    ["nobody", "GET /apidocs", 200],
    [
      "person",
      "POST /api/logout",
      200,
      async () => {
        await become();
        return {};
      },
    ],
  ];
}

function notification({ running, actor, become }: Context): readonly Row[] {
  const v1 = "/api/v1";
  const anew = async () => {
    await become();
    return {};
  };
  const preferences = () => ({ body: { notification_email: false, notification_push: true } });
  return [
    ["nobody", `POST ${v1}/users/`, 201, named],
    ["person", `GET ${v1}/users/profile/`, 200, anew],
    ["person", `PATCH ${v1}/users/profile/`, 200, () => ({ body: { name: "Ada", push_token: "token" } })],
    ["person", `GET ${v1}/users/preferences/`, 200],
    ["person", `PATCH ${v1}/users/preferences/`, 200, preferences],
    ["nobody", `POST ${v1}/auth/password-reset/`, 202, () => ({ body: { email: actor.email } })],
    [
      "nobody",
      `POST ${v1}/auth/password-reset/confirm/`,
      200,
      async () => {
        const token = linkToken(await mailTo(running(), actor.email, /reset-password\?token=/));
        return { body: { token, new_password: "Fresh-Words-4711" } };
      },
    ],
    ["person", `DELETE ${v1}/users/profile/`, 200, anew],
    ["nobody", `GET ${v1}/health/`, 200],
    ["nobody", "GET /swagger/", 200],
  ];
}
