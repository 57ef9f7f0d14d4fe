import * as client from "openid-client";
import { AppError } from "../../../lib/actions/errors.ts";
import type { OAuthProvider } from "../../../lib/config/oauth-providers.ts";

/** The provider rejected our client authentication. */
export function isClientRejected(error: unknown): boolean {
  if (error instanceof client.WWWAuthenticateChallengeError) return error.status === 401;
  return error instanceof client.ResponseBodyError && error.error === "invalid_client";
}

/** 503 `service_unavailable` if the provider did not respond properly, otherwise 400 `oauth_failed`. */
export function toRefusal(provider: OAuthProvider, error: unknown): AppError {
  return isUnavailable(error) ? providerUnavailable(provider, error) : signInFailed(error);
}

export function providerUnavailable({ name }: OAuthProvider, cause: unknown): AppError {
  return new AppError("service_unavailable", {
    message: `The provider ${name} is not responding. Try again or sign in another way.`,
    retry_after: 5,
    cause,
  });
}

/** 500 rather than 503, so that clients do not retry: the configuration has to change, and the log names the variable. */
export function issuerDiffers({ name, discovery }: OAuthProvider, issuer: string): AppError {
  const prefix = `OAUTH_${name.toUpperCase().replaceAll("-", "_")}`;
  return new AppError("internal_error", {
    message: `Sign-in with ${name} is not set up correctly. Sign in another way, or tell your administrator.`,
    cause: new Error(
      `The issuer is ${issuer}, not ${discovery}. Set ${prefix}_ISSUER, or ${prefix}_TENANTS for a template.`,
    ),
  });
}

/** The OAuth error code, or else the library's. Unlike the whole error, it contains nothing secret. */
export function errorCodeOf(error: unknown): string | undefined {
  if (error instanceof client.ResponseBodyError || error instanceof client.AuthorizationResponseError)
    return error.error;
  return (error as { code?: string }).code;
}

/** `fetch` rejects with a TypeError if the connection fails. Errors that `openid-client` cannot classify have no code. */
function isUnavailable(error: unknown): boolean {
  if (error instanceof TypeError) return true;
  if (!(error instanceof client.ClientError)) return false;
  return ["OAUTH_TIMEOUT", "OAUTH_ABORT", "OAUTH_RESPONSE_IS_NOT_CONFORM", undefined].includes(error.code);
}

/** RFC 6749 section 4.1.2.1, and Apple's own code. */
const CANCELLED = ["access_denied", "user_cancelled_authorize"];

function signInFailed(error: unknown): AppError {
  const cancelled = error instanceof client.AuthorizationResponseError && CANCELLED.includes(error.error);
  return new AppError("oauth_failed", {
    cause: error,
    ...(cancelled && { message: "The sign-in was cancelled at the provider. Nothing has changed." }),
  });
}
