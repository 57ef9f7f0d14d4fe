import { createRemoteJWKSet, errors, jwtVerify } from "jose";

/** The token is invalid. Any other error of `jose` means that the keys could not be read. */
const refusals = [
  errors.JWTClaimValidationFailed,
  errors.JWTInvalid,
  errors.JWSInvalid,
  errors.JWSSignatureVerificationFailed,
  errors.JWKSNoMatchingKey,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
];

export class Refusal extends Error {
  constructor(status, code) {
    super(code);
    this.status = status;
    this.code = code;
  }
}

/**
 * Checks access tokens without a request to Usermesh: it reads the keys once, and again when a token names an unknown one.
 * `issuer` is PUBLIC_URL of Usermesh.
 */
export async function createTokenCheck(issuer) {
  if (!issuer) throw new Error("ISSUER is not set: it is PUBLIC_URL of Usermesh, such as http://localhost:3000.");
  const discovery = await fetch(`${issuer}/.well-known/openid-configuration`).catch((cause) => {
    throw new Error(`Usermesh does not answer at ${issuer}. Is it running?`, { cause });
  });
  const metadata = await discovery.json();
  if (metadata.issuer !== issuer) throw new Error(`ISSUER is ${issuer}, but PUBLIC_URL is ${metadata.issuer}.`);
  const keys = createRemoteJWKSet(new URL(metadata.jwks_uri));
  const options = { issuer, audience: issuer, typ: "at+jwt", algorithms: ["ES256"] };
  return async function check(authorization) {
    const [, token] = /^Bearer +(\S+)$/i.exec(authorization ?? "") ?? [];
    if (token === undefined) throw new Refusal(401, "token_missing");
    try {
      return (await jwtVerify(token, keys, options)).payload;
    } catch (error) {
      // The client refreshes after this code, and signs in again after all others.
      if (error instanceof errors.JWTExpired) throw new Refusal(401, "token_expired");
      if (refusals.some((type) => error instanceof type)) throw new Refusal(401, "token_invalid");
      throw new Refusal(503, "service_unavailable");
    }
  };
}

/** Asks Usermesh whether the session has ended. Use it for actions that a token of an ended session must not allow. */
export async function assertNotRevoked(issuer, authorization) {
  const response = await fetch(`${issuer}/api/v1/auth/me`, { headers: { authorization } });
  if (!response.ok) throw new Refusal(response.status, (await response.json()).code);
}
