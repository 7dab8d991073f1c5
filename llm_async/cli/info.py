"""``llm-async info``: what is installed, compiled or plain, and why."""

from __future__ import annotations

import json
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from .. import _json
from .._version import __version__

__all__ = ["show"]


def show(*, as_json: bool) -> int:
    """Print it; 0, or 1 when the extensions are demanded from the environment and cannot be used."""
    compiled, reason = _hot_paths()
    orjson = getattr(_json, "orjson", None)
    facts: dict[str, str | bool | None] = {
        "version": __version__,
        "compiled": compiled,
        "reason": reason,
        "aiosonic": _version("aiosonic"),
        "orjson": None if orjson is None else orjson.__version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "executable": sys.executable,
        "platform": platform.platform(),
    }
    if as_json:
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
    else:
        lines = {
            "llm-async": facts["version"],
            "hot paths": f"{_word(compiled)}: {reason}",
            "aiosonic": facts["aiosonic"] or "absent, and needed: pip install aiosonic",
            "orjson": facts["orjson"] or "absent: standard json",
            "python": f"{facts['python']} ({facts['executable']})",
            "platform": facts["platform"],
        }
        width = max(map(len, lines))
        sys.stdout.writelines(f"{name:<{width}}  {fact}\n" for name, fact in lines.items())
    return 1 if compiled is None else 0


def _hot_paths() -> tuple[bool | None, str]:
    """Whether they are compiled, and why; None where the environment demands what cannot be."""
    try:
        from .._speedups import COMPILED, REASON
    except ImportError as error:
        return None, str(error)
    return COMPILED, REASON


def _word(compiled: bool | None) -> str:
    return "unusable" if compiled is None else "compiled" if compiled else "plain"


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
