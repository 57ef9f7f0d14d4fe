"""A service as many are written by hand: FastAPI, asyncpg, bcrypt, HS256 tokens, and one read of the account per request."""

import asyncio
import os
import time
import uuid

import asyncpg
import bcrypt
from fastapi import FastAPI, HTTPException, Request
from jose import JWTError, jwt
from pydantic import BaseModel

SECRET = "a-secret-for-measuring-that-is-long-enough"
COST = int(os.environ["COST"])
app = FastAPI()


class Credentials(BaseModel):
    email: str
    password: str


@app.on_event("startup")
async def connect() -> None:
    app.state.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], max_size=10)
    await app.state.pool.execute(
        "CREATE TABLE IF NOT EXISTS accounts (id uuid PRIMARY KEY, email text UNIQUE NOT NULL, hash text NOT NULL)"
    )


@app.get("/health")
async def health() -> dict:
    return {"ok": True}


@app.post("/sign-up")
async def sign_up(body: Credentials) -> dict:
    salt = bcrypt.gensalt(COST)
    hashed = await asyncio.to_thread(bcrypt.hashpw, body.password.encode(), salt)
    user_id = uuid.uuid4()
    await app.state.pool.execute("INSERT INTO accounts VALUES ($1, $2, $3)", user_id, body.email, hashed.decode())
    return {"id": str(user_id)}


@app.post("/sign-in")
async def sign_in(body: Credentials) -> dict:
    row = await app.state.pool.fetchrow("SELECT id, hash FROM accounts WHERE email = $1", body.email)
    if row is None or not await asyncio.to_thread(bcrypt.checkpw, body.password.encode(), row["hash"].encode()):
        raise HTTPException(status_code=401)
    claims = {"sub": str(row["id"]), "exp": int(time.time()) + 1800}
    return {"access_token": jwt.encode(claims, SECRET, algorithm="HS256")}


@app.get("/me")
async def me(request: Request) -> dict:
    try:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    except JWTError as error:
        raise HTTPException(status_code=401) from error
    row = await app.state.pool.fetchrow("SELECT id, email FROM accounts WHERE id = $1", uuid.UUID(claims["sub"]))
    return {"id": str(row["id"]), "email": row["email"]}
