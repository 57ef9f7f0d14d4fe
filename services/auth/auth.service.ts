import type { ServiceSchema } from "moleculer";
import { implement } from "../../lib/mesh.ts";
import type { Platform } from "../../lib/platform.ts";
import { createDatabase, database } from "../../mixins/database.mixin.ts";
import { eraseUser } from "../../mixins/erasure.ts";
import { eventConsumer } from "../../mixins/event-consumer.mixin.ts";
import { exportPage } from "../../mixins/export-pages.ts";
import { createOutbox, outboxRelay } from "../../mixins/outbox.mixin.ts";
import { authContract } from "./auth.contract.ts";
import { createBreachedPasswords } from "./breached-passwords.ts";
import { changePassword } from "./change-password.ts";
import { loadCommonPasswords } from "./common-passwords.ts";
import type { AuthDeps } from "./dependencies.ts";
import { mailEmailChangeLink } from "./email-change-intents.ts";
import { deleteWaysIn } from "./erase.repo.ts";
import { exportSections } from "./export.repo.ts";
import { importCredentials } from "./import-credentials.ts";
import { rotateKeys } from "./key-rotation.ts";
import { createIdentityCounts, listIdentities, unlinkIdentity } from "./linked-identities.ts";
import { login } from "./login.ts";
import { mailed, mailedToken } from "./mailed-token.ts";
import { me } from "./me.ts";
import { exchangeCode } from "./oauth-exchange.ts";
import { startLink } from "./oauth-link.ts";
import { createOAuthProviders } from "./oauth-providers.ts";
import { finishOAuth, startOAuth } from "./oauth-sign-in.ts";
import { createPasswords } from "./passwords.ts";
import { confirmReset } from "./recovery.ts";
import { refresh } from "./refresh.ts";
import { register } from "./registration.ts";
import { requestReset } from "./request-reset.ts";
import { requestVerification } from "./request-verification.ts";
import { seedAdmin } from "./seed-admin.ts";
import { signedInUser } from "./signed-in-user.ts";
import { createSigningKeys } from "./signing-keys.ts";
import { sweep } from "./sweep.ts";
import { mailVerificationLink } from "./verification-intents.ts";
import { verifyEmail } from "./verify-email.ts";
import { verifyPassword } from "./verify-password.ts";

/** Who somebody is: registration, sign-in, recovery, and the keys that sign access tokens. */
export default function authService(platform: Platform): ServiceSchema {
  const deps = createDeps(platform);
  const erase = (userId: string) => eraseUser(deps.db, userId, (tx) => deleteWaysIn(tx, userId));
  return {
    name: authContract.name,
    mixins: [
      database(deps.db),
      outboxRelay(deps.outbox),
      eventConsumer(platform, {
        service: authContract.name,
        stream: "USERS",
        effects: {
          "user.created": (event, call) => mailVerificationLink(deps, event, call),
          "user.updated": (event, call) => mailEmailChangeLink(deps, event, call),
          "user.erased": async (event) => void (await erase(event.user_id)),
        },
      }),
    ],
    actions: implement(authContract, {
      register: (ctx) => register(deps, ctx),
      login: (ctx) => login(deps, ctx),
      refresh: (ctx) => refresh(deps, ctx),
      me: (ctx) => me(ctx),
      changePassword: (ctx) => changePassword(deps, ctx),
      verifyPassword: (ctx) => verifyPassword(deps, ctx),
      requestReset: (ctx) => requestReset(deps, ctx),
      confirmReset: (ctx) => confirmReset(deps, ctx),
      requestVerification: (ctx) => requestVerification(deps, ctx),
      verifyEmail: (ctx) => verifyEmail(deps, ctx),
      oauthStart: (ctx) => startOAuth(deps, ctx),
      oauthCallback: (ctx) => finishOAuth(deps, ctx),
      oauthExchange: (ctx) => exchangeCode(deps, ctx),
      identities: (ctx) => listIdentities(deps, ctx),
      linkIdentity: (ctx) => startLink(deps, ctx),
      unlinkIdentity: (ctx) => unlinkIdentity(deps, ctx),
      identityCounts: () => deps.identityCounts(),
      seedAdmin: (ctx) => seedAdmin(deps, ctx),
      mailedToken: (ctx) => mailedToken(deps, ctx),
      mailed: (ctx) => mailed(deps, ctx),
      importCredentials: (ctx) => importCredentials(deps, ctx),
      keys: async () => ({ keys: await deps.signingKeys.published() }),
      erase: ({ params }) => erase(params.user_id),
      export: ({ caller, params }) =>
        exportPage(exportSections(deps.db), signedInUser({ caller }).user_id, params.cursor),
      rotateKeys: () => rotateKeys(deps),
      sweep: (ctx) => sweep(deps, ctx),
    }),
  };
}

function createDeps(platform: Platform): AuthDeps {
  const { config, clock, random, timers, ring, log } = platform;
  const db = createDatabase(platform, { schema: authContract.name });
  const shared = { config, clock, random, timers, ring, log, db };
  const oauth = createOAuthProviders(platform);
  return {
    ...shared,
    outbox: createOutbox(platform, db, authContract.name),
    passwords: createPasswords(platform),
    rules: { policy: config.auth.passwordPolicy, common: loadCommonPasswords() },
    breached: createBreachedPasswords(platform),
    signingKeys: createSigningKeys(shared),
    oauth,
    identityCounts: createIdentityCounts({ db, oauth }, clock),
  };
}
