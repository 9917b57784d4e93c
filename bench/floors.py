"""The floors: raw crypto on one core, an aiohttp handler that answers a constant, and one that
verifies and mints with nothing around it."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from collections.abc import Awaitable, Callable

import orjson
import uvloop
from aiohttp import web
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc.jwk import RSAKey

Handler = Callable[[web.BaseRequest], Awaitable[web.Response]]

CONSTANT = b'{"token":"' + b"x" * 1100 + b'"}'


def crypto(seconds: float) -> float:
    """Microseconds to verify one RS256 signature and make one ES256 signature."""
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    ec_key = ec.generate_private_key(ec.SECP256R1())
    message, payload = b"x" * 1500, b"y" * 1200
    signature = rsa_key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    public = rsa_key.public_key()
    count, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        for _ in range(100):
            public.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
            ec_key.sign(payload, ec.ECDSA(hashes.SHA256()))
        count += 100
    return elapsed / count * 1e6


async def constant(request: web.BaseRequest) -> web.Response:
    """A JSON answer of a minted token's size, whatever is asked."""
    await request.read()
    return web.Response(body=CONSTANT, headers={"Content-Type": "application/json"})


def bare(jwk: dict[str, str]) -> Handler:
    """Verify the bearer token's RS256 signature, sign claims of its like with ES256: no rules, no
    policy, no records, no strictness. What is left of Python and aiohttp when all else is gone."""
    public = RSAKey.import_key(jwk).public_key
    private = ec.generate_private_key(ec.SECP256R1())
    header = b64(orjson.dumps({"alg": "ES256", "typ": "at+jwt", "kid": "x" * 43}))

    async def handler(request: web.BaseRequest) -> web.Response:
        token = request.headers["Authorization"][7:]
        signing_input, _, signature = token.rpartition(".")
        public.verify(
            base64.urlsafe_b64decode(signature + "=="),
            signing_input.encode(),
            padding.PKCS1v15(),
            hashes.SHA256(),
        )
        payload = signing_input.partition(".")[2]
        claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        now = int(time.time())
        minted = {"iss": "x", "sub": "y" * 74, "aud": claims["aud"], "iat": now, "exp": now + 3600}
        minted |= {"act": {"iss": claims["iss"], "sub": claims["sub"]}, "cap": {"y" * 57: "z" * 40}}
        message = header + b"." + b64(orjson.dumps(minted))
        r, s = decode_dss_signature(private.sign(message, ec.ECDSA(hashes.SHA256())))
        signed = message + b"." + b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
        body = orjson.dumps({"token": signed.decode(), "refreshToken": "", "expiry": "2026"})
        return web.Response(body=body, headers={"Content-Type": "application/json"})

    return handler


def b64(raw: bytes) -> bytes:
    """Without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


async def serve(port: int, handler: Handler) -> None:
    """For ever."""
    runner = web.ServerRunner(web.Server(handler, max_field_size=32768, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    chosen = bare(json.loads(sys.argv[2])) if len(sys.argv) > 2 else constant
    uvloop.run(serve(int(sys.argv[1]), chosen))
