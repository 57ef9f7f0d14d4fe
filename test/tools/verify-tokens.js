import { expressjwt } from "express-jwt";
import { createVerifier } from "fast-jwt";
import { createRemoteJWKSet, jwtVerify } from "jose";
import jsonwebtoken from "jsonwebtoken";
import jwksRsa from "jwks-rsa";

/** Verifies each of TOKENS with the libraries that most services use, set up as their documentation says. Prints JSON. */
const { USERMESH_URL, ISSUER: issuer, TOKENS } = process.env;
const discovery = await (await fetch(`${USERMESH_URL}/.well-known/openid-configuration`)).json();
// The server is reached at another address than its public one.
const jwksUri = discovery.jwks_uri.replace(issuer, USERMESH_URL);
const algorithms = ["ES256", "RS256", "EdDSA"];
const keySet = createRemoteJWKSet(new URL(jwksUri));
const client = jwksRsa({ jwksUri });
const keyOf = async (kid) => (await client.getSigningKey(kid)).getPublicKey();

const verifiers = {
  async jose(token) {
    return (await jwtVerify(token, keySet, { issuer, audience: issuer, typ: "at+jwt", algorithms })).payload.sub;
  },
  async jsonwebtoken(token) {
    const { kid } = jsonwebtoken.decode(token, { complete: true }).header;
    const options = { issuer, audience: issuer, algorithms: ["ES256", "RS256"] };
    return jsonwebtoken.verify(token, await keyOf(kid), options).sub;
  },
  async "fast-jwt"(token) {
    const key = async ({ header }) => keyOf(header.kid);
    return (await createVerifier({ key, allowedIss: issuer, allowedAud: issuer, algorithms })(token)).sub;
  },
  async "express-jwt"(token) {
    const secret = jwksRsa.expressJwtSecret({ jwksUri });
    const middleware = expressjwt({ secret, issuer, audience: issuer, algorithms: ["ES256", "RS256"] });
    const request = { headers: { authorization: `Bearer ${token}` } };
    await new Promise((resolve, reject) => {
      middleware(request, {}, (error) => (error ? reject(error) : resolve()));
    });
    return request.auth.sub;
  },
};

const results = {};
for (const [alg, token] of Object.entries(JSON.parse(TOKENS))) {
  const attempts = Object.entries(verifiers).map(async ([name, verify]) => [
    name,
    await verify(token).catch((error) => `refused: ${error.message}`),
  ]);
  results[alg] = Object.fromEntries(await Promise.all(attempts));
}
process.stdout.write(JSON.stringify(results));
