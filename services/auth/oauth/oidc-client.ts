import * as client from "openid-client";
import type { OAuthProvider } from "../../../lib/config/oauth-providers.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";
import { isIssuerOf } from "./many-issuers.ts";
import { issuerDiffers } from "./oauth-errors.ts";

/** Of one request to the provider. A callback makes up to four of them, and its action ends after 9.5 s. */
const TIMEOUT_SECONDS = 2.2;
const DISCOVERY_INTERVAL_MS = 3_600_000;

/** Makes a configuration of the library from the discovered metadata. */
export type Configure = (issuer?: string) => client.Configuration;

/** Our registration as an OAuth client of one provider. */
export interface OidcClient {
  /** Resolves to a function that makes a configuration for the issuer of the metadata, or for another issuer. */
  configuration(): Promise<Configure>;
  /** Switches between `client_secret_basic` and `client_secret_post`. False if it was switched before, or there is no secret. */
  switchAuthentication(): boolean;
}

/**
 * Discovers the provider's metadata when they are first needed, and once an hour. A failure is not cached, and the last
 * known metadata stay in use.
 */
export function createOidcClient(provider: OAuthProvider, clock: Clock): OidcClient {
  let known: Configure | undefined;
  let validUntil = Number.NEGATIVE_INFINITY;
  let runningDiscovery: Promise<Configure> | undefined;
  let switched = false;
  const refresh = async () => {
    try {
      known = await discover(provider, switched);
      validUntil = clock.monotonic() + DISCOVERY_INTERVAL_MS;
      return known;
    } catch (error) {
      if (known) return known;
      throw error;
    } finally {
      runningDiscovery = undefined;
    }
  };
  return {
    async configuration() {
      if (known && clock.monotonic() < validUntil) return known;
      runningDiscovery ??= refresh();
      return runningDiscovery;
    },
    switchAuthentication() {
      if (switched || provider.clientSecret === undefined) return false;
      switched = true;
      validUntil = Number.NEGATIVE_INFINITY;
      return true;
    },
  };
}

/**
 * The discovery itself needs no client authentication; which method we use depends on the metadata that it returns. An http
 * issuer gets here only outside production. The non-repudiation checks verify the signatures of ID tokens: by default, the
 * library does not verify the signature of a token that comes directly from the provider over TLS.
 */
async function discover(provider: OAuthProvider, switched: boolean): Promise<Configure> {
  const { discovery, clientId, clientSecret } = provider;
  const insecure = discovery.startsWith("http:") ? [client.allowInsecureRequests] : [];
  // Given the full discovery URL, the library leaves out its own check of the issuer, which can't handle several.
  const url = new URL(`${discovery.replace(/\/+$/, "")}/.well-known/openid-configuration`);
  const discovered = await client.discovery(url, clientId, undefined, client.None(), {
    timeout: TIMEOUT_SECONDS,
    execute: insecure,
  });
  const { supportsPKCE: _, ...metadata } = discovered.serverMetadata();
  if (!isIssuerOf(provider, metadata.issuer)) throw issuerDiffers(provider, metadata.issuer);
  const authentication = authenticationFor(clientSecret, metadata, switched);
  const configure: Configure = (issuer = metadata.issuer) => {
    const configuration = new client.Configuration({ ...metadata, issuer }, clientId, {}, authentication);
    configuration.timeout = TIMEOUT_SECONDS;
    for (const extend of [...insecure, client.enableNonRepudiationChecks]) extend(configuration);
    return configuration;
  };
  return configure;
}

/**
 * Some providers list methods that they have not registered for our client. So after a rejection the other method is
 * tried, once.
 */
function authenticationFor(
  secret: string | undefined,
  metadata: client.ServerMetadata,
  switched: boolean,
): client.ClientAuth {
  if (secret === undefined) return client.None();
  // OpenID Connect Discovery section 3: client_secret_basic is the default if the metadata list no methods.
  const methods = metadata.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
  const listsBasic = methods.includes("client_secret_basic");
  const useBasic = switched ? !listsBasic : listsBasic;
  return useBasic ? client.ClientSecretBasic(secret) : client.ClientSecretPost(secret);
}
