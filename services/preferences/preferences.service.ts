import type { ServiceSchema } from "moleculer";
import { requireUser } from "../../lib/actions/caller.ts";
import { type Call, implement } from "../../lib/actions/typed-call.ts";
import type { MeshEvent } from "../../lib/events/events.ts";
import type { Platform } from "../../lib/runtime/platform.ts";
import { createDatabase, database } from "../../mixins/database.mixin.ts";
import { eventConsumer } from "../../mixins/event-consumer.mixin.ts";
import { exportPage } from "../../mixins/export-pages.ts";
import { type CachingService, createServiceCaches } from "../../mixins/near-cache.mixin.ts";
import { createOutbox, outboxRelay } from "../../mixins/outbox.mixin.ts";
import { createPreferences } from "./create-preferences.ts";
import type { Change, PreferencesView } from "./defaults.ts";
import { erasePreferences } from "./erase.repo.ts";
import { exportSections } from "./export.ts";
import { exportOverrides, importPreferences } from "./import-preferences.ts";
import { personPreferences } from "./person-preferences.ts";
import { preferencesContract } from "./preferences.contract.ts";
import { preferencesEntities } from "./preferences.entities.ts";
import { preferencesOf } from "./read-preferences.ts";
import { sweepPreferences } from "./sweep.ts";
import { updatePreferencesOf } from "./update-preferences.ts";

/** The figure of the systems that came before. */
const CACHED_MS = 7_200_000;

/** What users want: notices, jobs, people, visibility. */
export default function preferencesService(platform: Platform): ServiceSchema {
  const db = createDatabase(platform, { schema: "preferences", entities: preferencesEntities });
  const outbox = createOutbox(platform, db, "preferences");
  const caches = createServiceCaches(platform, "preferences");
  const kept = caches.open<PreferencesView>("preferences", CACHED_MS);
  const deps = { db, outbox, clock: platform.clock, kept };
  const erase = (call: Call, userId: string) =>
    caches.withInvalidation(call, userId, () => erasePreferences(db, userId));
  const effects = {
    "user.erased": async (event: MeshEvent, call: Call) => void (await erase(call, event.user_id)),
  };
  return {
    name: preferencesContract.name,
    mixins: [
      database(db),
      outboxRelay(outbox),
      caches.mixin,
      eventConsumer(platform, { service: preferencesContract.name, stream: "USERS", effects }),
    ],
    actions: implement(preferencesContract, {
      create: (ctx) => createPreferences(db, ctx),
      me: (ctx) => preferencesOf(deps, requireUser(ctx.caller).user_id),
      updateMe: (ctx) =>
        caches.withInvalidation(
          ctx.call,
          requireUser(ctx.caller).user_id,
          () => updatePreferencesOf(deps, ctx),
          alsoInvalidate(ctx.params),
        ),
      get: (ctx) => preferencesOf(deps, ctx.params.user_id),
      person: (ctx) => personPreferences(ctx, (userId) => preferencesOf(deps, userId)),
      import: (ctx) => importPreferences(db, ctx),
      exportOverrides: (ctx) => exportOverrides(db, ctx),
      erase: ({ params, call }) => erase(call, params.user_id),
      export: ({ caller, params }) => exportPage(exportSections(db), requireUser(caller).user_id, params.cursor),
      invalidateCache: async ({ params }) => caches.applyInvalidation(params),
      sweep: (ctx) => sweepPreferences(db, ctx.call),
    }),
  };
}

/** Visibility stands in users, and moves the account's `updated_at`. */
function alsoInvalidate({ privacy_profile, privacy_location }: Change): readonly CachingService[] {
  return privacy_profile === undefined && privacy_location === undefined ? [] : ["users"];
}
