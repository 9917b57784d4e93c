"""Where a person's programs keep things, as each system has it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def cache_folder(environ: Mapping[str, str], platform: str) -> Path | None:
    """As Go's `os.UserCacheDir`, by which the platform's tools find tokens.

    `platform` is `sys.platform`. None where the environment does not say whose home it is.
    """
    if platform == "win32":
        return _path(environ.get("LOCALAPPDATA"))
    if platform == "darwin":
        return _path(environ.get("HOME"), "Library", "Caches")
    return _xdg(environ.get("XDG_CACHE_HOME")) or _path(environ.get("HOME"), ".cache")


def config_folder(environ: Mapping[str, str], platform: str) -> Path | None:
    """As Go's `os.UserConfigDir`."""
    if platform == "win32":
        return _path(environ.get("APPDATA"))
    if platform == "darwin":
        return _path(environ.get("HOME"), "Library", "Application Support")
    return _xdg(environ.get("XDG_CONFIG_HOME")) or _path(environ.get("HOME"), ".config")


def _xdg(given: str | None) -> Path | None:
    """The XDG Base Directory Specification has relative paths passed over."""
    path = _path(given)
    return path if path is not None and path.is_absolute() else None


def _path(base: str | None, *below: str) -> Path | None:
    return Path(base, *below) if base else None
