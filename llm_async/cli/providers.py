"""``llm-async providers``: the servers that are known by name, where they are, and where their keys are looked for."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from ..providers.registry import get_preset, known_providers, provider_class

__all__ = ["show"]


def show(*, as_json: bool) -> int:
    """Print them; 0, or 1 when one that an installed package announces cannot be loaded."""
    rows, status = [], 0
    for name in known_providers():
        try:
            rows.append(_row(name))
        except ImportError as error:
            sys.stderr.write(f"{error}\n")
            status = 1
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return status
    lines = [("name", "address", "key")]
    lines += [(row["name"], row["address"] or "(your resource's)", _keys(row["key_variables"])) for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        sys.stdout.write("  ".join(map(str.ljust, line, widths)).rstrip() + "\n")
    return status


def _row(name: str) -> dict[str, Any]:
    preset = get_preset(name)
    return {
        "name": preset.name,
        "title": preset.title or preset.name,
        "aliases": list(preset.aliases),
        "address": preset.base_url or _address(name),
        "key_variables": list(preset.env_keys),
        "address_variables": list(preset.env_base_url),
    }


def _address(name: str) -> str | None:
    """Where a provider goes that puts its address together; None where that takes more than the environment says."""
    try:
        return provider_class(name)(api_key="").base_url or None
    except (TypeError, ValueError):
        return None


def _keys(variables: list[str]) -> str:
    """The variables of a key, and which of them is set."""
    return ", ".join(f"{each} (set)" if os.environ.get(each) else each for each in variables)
