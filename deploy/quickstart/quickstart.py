"""From nothing to a minted and verified token on this machine. Run it by `make quickstart`.

Starts the broker as it comes, and a small OpenID provider that stands for a customer's CI; shows
an exchange that succeeds and one that is refused, with the reason; stops everything.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import aiohttp
import click

from broker.sdk.testing.issuer import LocalIssuer

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent.parent
VAR: Final = ROOT / "var" / "quickstart"
BROKER: Final = Path(sys.executable).with_name("broker")
ENVIRONMENT: Final = {
    name: value for name, value in os.environ.items() if not name.startswith("BROKER_")
}
"""Without settings of somebody's real installation, which this must not touch."""
IDENTITY: Final = "acme/shop/deploy"
AUDIENCE: Final = "https://registry.acme.example"


class Failed(Exception):
    """A step did not do what it should; the text says which."""


def port(wanted: int) -> int:
    """`wanted` if nobody listens there, else one that is free."""
    for number in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", number))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise Failed("no port is free")


def title(number: int, text: str) -> None:
    """A heading."""
    click.secho(f"\n{number}. {text}", bold=True)


def command(*words: str) -> None:
    """What a reader could type."""
    click.secho("   $ broker " + " ".join(words), fg="cyan")


def show(text: str) -> None:
    """Output of a command, set in."""
    for line in text.rstrip().splitlines():
        click.echo(f"     {line}")


async def run(*words: str, expect: int = 0) -> tuple[str, str]:
    """Run a `broker` command to its end; what it wrote to standard output and error."""
    process = await asyncio.create_subprocess_exec(
        BROKER, *words, cwd=ROOT, env=ENVIRONMENT, stdout=PIPE, stderr=PIPE
    )
    out, err = await process.communicate()
    if process.returncode != expect:
        raise Failed(f"broker {words[0]} ended with {process.returncode}:\n{err.decode()}")
    return out.decode(), err.decode()


async def serve(number: int) -> Process:
    """Start the broker and wait until it is ready."""
    environment = ENVIRONMENT | ({"BROKER_PORT": str(number)} if number != 8080 else {})
    with (VAR / "broker.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            BROKER, "serve", cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    async with aiohttp.ClientSession() as session:
        for _ in range(150):
            if process.returncode is not None:
                break
            try:
                async with session.get(f"http://127.0.0.1:{number}/readyz") as answer:
                    if answer.status == 200:
                        return process
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
    if process.returncode is None:
        process.terminate()
        await process.wait()
    raise Failed(f"the broker did not start; its log is {VAR / 'broker.log'}")


async def stop(process: Process) -> None:
    """Let it finish."""
    if process.returncode is None:
        process.terminate()
        await process.wait()


def declaration(issuer: str) -> Path:
    """The file to apply; a copy where the provider could not have its usual port."""
    original = HERE / "acme.yaml"
    if issuer == "http://127.0.0.1:8090":
        return original.relative_to(ROOT)
    copy = VAR / "acme.yaml"
    copy.write_text(original.read_text().replace("http://127.0.0.1:8090", issuer))
    return copy.relative_to(ROOT)


def kept(name: str, token: str) -> str:
    """Keep a token in a file that nobody else reads; its path for the command line."""
    path = VAR / name
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(token)
    return str(path.relative_to(ROOT))


async def manage(url: str, provider: LocalIssuer) -> None:
    """Calls of the management API, by the owner whom the declaration names."""
    alice = kept("alice.jwt", provider.token({"sub": "alice"}))
    command("exchange", "--issuer", url, "--token", alice)
    owner = kept("owner.jwt", (await run("exchange", "--issuer", url, "--token", alice))[0])
    for words in (("iam", "organizations", "list", "-o", "tree"), ("iam", "identities", "list")):
        command(*words, "--api", url, "--token", owner)
        show((await run(*words, "--api", url, "--token", owner))[0])


async def story(stack: AsyncExitStack) -> None:
    """Every step."""
    number = port(8080)
    url = f"http://127.0.0.1:{number}"

    title(1, "The broker starts, with an empty configuration")
    command("serve")
    broker = await serve(number)
    stack.push_async_callback(stop, broker)
    show(f"listening on {url}; records in var/, the key that wraps its signing keys in keys/")

    title(2, "A customer's CI starts: an OpenID provider with keys of its own")
    provider = await stack.enter_async_context(LocalIssuer(port=port(8090), audience=url))
    show(f"issuer {provider.url}, discovery and JWKS over HTTP, GitHub's claims")

    title(3, "An operator declares who may become what")
    file = declaration(provider.url)
    command("apply", "-f", str(file))
    applied, _ = await run("apply", "-f", str(file))
    show(applied)
    listed = json.loads((await run("apply", "-f", str(file), "-o", "json"))[0])
    identity = next(record["id"] for record in listed["records"] if record["path"] == IDENTITY)

    title(4, "A workflow on the main branch exchanges its token")
    claims = provider.github_claims(repository_id="724155", repository_owner_id="9919")
    upstream = kept("upstream.jwt", provider.token(claims))
    words = ("--issuer", url, "--identity", identity)
    command("exchange", *words, "--audience", AUDIENCE, "--token", upstream)
    token, _ = await run("exchange", *words, "--audience", AUDIENCE, "--token", upstream)
    minted = kept("token.jwt", token)
    show(f"{token[:60]}… ({len(token.strip())} characters)")

    title(5, "A service, another process, verifies the token through the broker's JWKS")
    command("token", "verify", "--issuer", url, "--audience", AUDIENCE, minted)
    out, err = await run("token", "verify", "--issuer", url, "--audience", AUDIENCE, minted)
    show(err + out)

    title(6, "A workflow on another branch is refused")
    claims = provider.github_claims(
        ref="refs/heads/feature", repository_id="724155", repository_owner_id="9919"
    )
    other = kept("other-branch.jwt", provider.token(claims))
    command("exchange", *words, "--token", other)
    _, err = await run("exchange", *words, "--token", other, expect=1)
    show(err)
    # the message speaks of the request id too; the last line has it
    request_id = err.rpartition("request id")[2].strip()

    title(7, "The owner of the identity sees why")
    command("audit", "list", "--failed", "--request-id", request_id)
    explained, _ = await run("audit", "list", "--failed", "--request-id", request_id)
    if "FAIL" not in explained:
        raise Failed(f"the audit log has no explanation of request {request_id}")
    show(explained)

    title(8, "The owner works through the management API")
    await manage(url, provider)

    title(9, "What next")
    show(
        "make serve                            run the broker\n"
        "deploy/quickstart/acme.yaml           declare your own organization and identities\n"
        "README.md                             a GitHub Actions workflow in ten minutes\n"
        f"{url}/docs            every call of the API, while it runs (docs/api.md explains)\n"
        "docs/configuration.md, docs/cli.md    every setting, every command\n"
        "docs/security-model.md                what is checked, and against what"
    )


async def main() -> int:
    """Run the story; whatever happens, stop what was started."""
    VAR.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        async with AsyncExitStack() as stack:
            await story(stack)
    except Failed as failure:
        click.secho(f"\nfailed: {failure}", fg="red", err=True)
        return 1
    click.secho("\nDone. Everything that was started has stopped.", fg="green")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
