import type { Entity } from "../../../lib/database/entity.ts";
import { serviceEntities } from "../../../mixins/service-tables/service-tables.entities.ts";
import * as admin from "../../../services/admin/admin.entities.ts";
import * as auth from "../../../services/auth/auth.entities.ts";
import * as mail from "../../../services/mail/mail.entities.ts";
import * as preferences from "../../../services/preferences/preferences.entities.ts";
import * as sessions from "../../../services/sessions/sessions.entities.ts";
import * as users from "../../../services/users/users.entities.ts";
import * as webhooks from "../../../services/webhooks/webhooks.entities.ts";

/** The entities of each schema by the name that the code gives them. */
export const entities: Readonly<Record<string, Readonly<Record<string, Entity>>>> = Object.fromEntries(
  Object.entries({ users, auth, sessions, preferences, mail, admin, webhooks }).map(([schema, exported]) => [
    schema,
    { ...Object.fromEntries(Object.entries<object>(exported).filter(isNamedEntity)), ...serviceEntities(schema) },
  ]),
);

function isNamedEntity(entry: [string, object]): entry is [string, Entity] {
  return "table" in entry[1] && "columns" in entry[1];
}
