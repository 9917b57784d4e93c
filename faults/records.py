"""What the audit log says of the load."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import aiosqlite
import asyncpg


async def recorded(url: str) -> set[str]:
    """`jti` of every token that the audit log says was minted."""
    query = "SELECT detail FROM audit_records WHERE outcome = 'ok'"
    if urlsplit(url).scheme == "sqlite":
        async with (
            aiosqlite.connect(Path(url.removeprefix("sqlite:///"))) as database,
            database.execute(query) as rows,
        ):
            details = [row[0] async for row in rows]
    else:
        connection = await asyncpg.connect(url)
        try:
            details = [row["detail"] for row in await connection.fetch(query)]
        finally:
            await connection.close()
    return {found for detail in details if (found := json.loads(detail).get("jti"))}
