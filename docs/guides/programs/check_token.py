"""Checks access tokens with PyJWT (pip install "pyjwt[crypto]"). ISSUER is PUBLIC_URL of Usermesh."""

import json
import os
import sys
from urllib.request import urlopen
from wsgiref.simple_server import make_server

import jwt

ISSUER = os.environ.get("ISSUER") or sys.exit("ISSUER is not set: it is PUBLIC_URL of Usermesh, such as http://localhost:3000.")
with urlopen(f"{ISSUER}/.well-known/openid-configuration") as response:
    METADATA = json.load(response)
if METADATA["issuer"] != ISSUER:
    sys.exit(f"ISSUER is {ISSUER}, but PUBLIC_URL is {METADATA['issuer']}.")
KEYS = jwt.PyJWKClient(METADATA["jwks_uri"])


class TokenMissing(Exception):
    pass


def check(authorization):
    """Returns the claims, or raises an error of PyJWT or TokenMissing."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise TokenMissing
    key = KEYS.get_signing_key_from_jwt(token).key
    claims = jwt.decode(token, key, algorithms=["ES256"], issuer=ISSUER, audience=ISSUER, options={"require": ["exp", "sub"]})
    if jwt.get_unverified_header(token).get("typ") != "at+jwt":
        raise jwt.InvalidTokenError("token_invalid")
    return claims


def answer(status, body, start_response):
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]


def app(environ, start_response):
    try:
        claims = check(environ.get("HTTP_AUTHORIZATION", ""))
    except TokenMissing:
        return answer("401 Unauthorized", {"code": "token_missing"}, start_response)
    except jwt.ExpiredSignatureError:
        return answer("401 Unauthorized", {"code": "token_expired"}, start_response)
    except (jwt.InvalidTokenError, jwt.PyJWKClientError) as error:
        # A PyJWKClientError follows another error if the keys could not be read. Otherwise no key has the token's id.
        if isinstance(error, jwt.PyJWKClientError) and error.__context__:
            return answer("503 Service Unavailable", {"code": "service_unavailable"}, start_response)
        return answer("401 Unauthorized", {"code": "token_invalid"}, start_response)
    if environ["PATH_INFO"].startswith("/admin/") and "users:read" not in claims["permissions"]:
        return answer("403 Forbidden", {"code": "forbidden"}, start_response)
    return answer("200 OK", {"email": claims["email"]}, start_response)


with make_server("127.0.0.1", int(os.environ.get("PORT", "4000")), app) as server:
    print(f"port {server.server_port}", flush=True)
    server.serve_forever()
