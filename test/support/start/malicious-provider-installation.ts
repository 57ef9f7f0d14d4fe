import { type MaliciousProvider, startMaliciousProvider } from "../fakes/malicious-provider.ts";
import { newPerson } from "../flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "./usermesh.ts";

/** An installation and the providers that it believes, which lie each in its own way. */
export interface MaliciousProviderInstallation extends Record<Name, MaliciousProvider> {
  readonly usermesh: Usermesh;
  stop(): Promise<void>;
}

/** `silent`: configured without nonce. */
const options = { liar: {}, other: {}, promising: { promisesIss: true }, forging: { forges: true }, silent: {} };
type Name = keyof typeof options;
const names = Object.keys(options) as Name[];

export async function startMaliciousProviderInstallation(returnUrl: string): Promise<MaliciousProviderInstallation> {
  const started = await Promise.all(
    names.map(async (name) => [name, await startMaliciousProvider(options[name])] as const),
  );
  const providers = Object.fromEntries(started) as Record<Name, MaliciousProvider>;
  const env = started.flatMap(([name, { issuer }]) => [
    [`OAUTH_${name.toUpperCase()}_ISSUER`, issuer],
    [`OAUTH_${name.toUpperCase()}_CLIENT_ID`, "usermesh"],
    [`OAUTH_${name.toUpperCase()}_CLIENT_SECRET`, "secret"],
  ]);
  const usermesh = await startUsermesh({
    ...Object.fromEntries(env),
    OAUTH_SILENT_NONCE: "false",
    OAUTH_RETURN_URLS: returnUrl,
  });
  return {
    ...providers,
    usermesh,
    async stop() {
      await usermesh.stop();
      await Promise.all(started.map(([, one]) => one.stop()));
    },
  };
}

export const someone = () => ({ sub: newPerson().email, email: newPerson().email, email_verified: true });

/** What a sign-in by a provider may make. */
export async function madeBy({ usermesh }: Pick<MaliciousProviderInstallation, "usermesh">) {
  const {
    "auth.identities": identities,
    "users.users": users,
    "sessions.sessions": sessions,
  } = await usermesh.rowCounts();
  return { identities, users, sessions };
}
