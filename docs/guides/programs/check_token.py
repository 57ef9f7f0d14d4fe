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


def check(authorization):
    """Returns the claims, or raises jwt.InvalidTokenError. A PyJWKClientError can mean that the keys could not be read."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise jwt.InvalidTokenError("token_missing")
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
    except jwt.ExpiredSignatureError:
        return answer("401 Unauthorized", {"code": "token_expired"}, start_response)
    except jwt.InvalidTokenError:
        return answer("401 Unauthorized", {"code": "token_invalid"}, start_response)
    except jwt.PyJWKClientError:
        return answer("503 Service Unavailable", {"code": "service_unavailable"}, start_response)
    if environ["PATH_INFO"].startswith("/admin/") and "users:read" not in claims["permissions"]:
        return answer("403 Forbidden", {"code": "forbidden"}, start_response)
    return answer("200 OK", {"email": claims["email"]}, start_response)


with make_server("127.0.0.1", int(os.environ.get("PORT", "4000")), app) as server:
    print(f"port {server.server_port}", flush=True)
    server.serve_forever()
