"""The floors: raw crypto on one core, and an aiohttp handler that answers a constant."""

from __future__ import annotations

import asyncio
import sys
import time

import uvloop
from aiohttp import web
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa


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


async def serve_constant(port: int) -> None:
    """A JSON answer of a minted token's size, whatever is asked."""
    body = b'{"token":"' + b"x" * 1100 + b'"}'

    async def answer(request: web.BaseRequest) -> web.Response:
        await request.read()
        return web.Response(body=body, headers={"Content-Type": "application/json"})

    runner = web.ServerRunner(web.Server(answer, max_field_size=32768, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve_constant(int(sys.argv[1])))
