import type { ServiceSchema } from "moleculer";
import { requireUser } from "../../lib/actions/caller.ts";
import { type Call, implement } from "../../lib/actions/typed-call.ts";
import type { MeshEvent } from "../../lib/events/events.ts";
import type { Platform } from "../../lib/runtime/platform.ts";
import { createDatabase, database } from "../../mixins/database/database.mixin.ts";
import { eventConsumer } from "../../mixins/event-consumer.mixin.ts";
import { createServiceCaches } from "../../mixins/near-cache.mixin.ts";
import { createOutbox, outboxRelay } from "../../mixins/outbox/outbox.mixin.ts";
import { outboxOperations } from "../../mixins/outbox/outbox-operations.ts";
import { exportPage } from "../../mixins/personal-data/export-pages.ts";
import { createPreferences, importPreferences } from "./create-preferences.ts";
import { erasePreferences, exportSections } from "./personal-data.ts";
import { preferencesContract } from "./preferences.contract.ts";
import { preferencesEntities } from "./preferences.entities.ts";
import { listOverrides } from "./preferences.repo.ts";
import { getOwnPreferences, getPersonPreferences, getPreferences, type PreferencesDeps } from "./read-preferences.ts";
import { sweepPreferences } from "./sweep.ts";
import { updateOwnPreferences } from "./update-preferences.ts";

/** Two hours. Changes invalidate the cache, so this only limits how long unused rows stay in it. */
const CACHED_MS = 7_200_000;

/** Stores the preferences of users: for notifications, for jobs and for the people they look for. */
export default function preferencesService(platform: Platform): ServiceSchema {
  const db = createDatabase(platform, { schema: "preferences", entities: preferencesEntities });
  const outbox = createOutbox(platform, db, "preferences");
  const caches = createServiceCaches(platform, db);
  const cache: PreferencesDeps["cache"] = caches.open("preferences", CACHED_MS);
  const deps: PreferencesDeps = { db, outbox, clock: platform.clock, random: platform.random, caches, cache };
  const handlers = {
    "user.erased": async ({ user_id }: MeshEvent, call: Call) => void (await erasePreferences(deps, call, user_id)),
  };
  return {
    name: preferencesContract.name,
    mixins: [
      database(db),
      outboxRelay(outbox),
      caches.mixin,
      eventConsumer(platform, { service: preferencesContract.name, stream: "USERS", handlers }),
    ],
    actions: implement(preferencesContract, {
      create: (ctx) => createPreferences(db, ctx),
      me: (ctx) => getOwnPreferences(deps, ctx),
      updateMe: (ctx) => updateOwnPreferences(deps, ctx),
      get: ({ params }) => getPreferences(deps, params.user_id),
      person: (ctx) => getPersonPreferences(deps, ctx),
      import: (ctx) => importPreferences(db, ctx),
      exportOverrides: async ({ params }) => {
        const rows = await listOverrides(db, params.user_ids);
        return { preferences: rows.map(({ user_id, overrides }) => ({ user_id, preferences: overrides })) };
      },
      erase: ({ params, call }) => erasePreferences(deps, call, params.user_id),
      export: ({ caller, params }) => exportPage(exportSections(db), requireUser(caller).user_id, params.cursor),
      ...outboxOperations(db, outbox),
      invalidateCache: async ({ params }) => caches.applyInvalidation(params),
      sweep: (ctx) => sweepPreferences(db, ctx.call),
    }),
  };
}
