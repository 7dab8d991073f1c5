"""Providers by name: the known ones, those of the program, and those of other packages.

What belongs here: looking up and registering. The known servers are rows in ``presets.py``. A package adds its own with an
entry point of the group ``llm_async.providers``: its name is the provider's, its value a :class:`Preset` or a provider
class. Entry points are looked at when a name is asked for that is not known otherwise, and only the one of that name is
loaded.

Names are compared without regard to case, ``-``, ``_``, ``.`` and spaces: ``"openai-responses"``, ``"llama.cpp"`` and
``"LM Studio"`` are understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .base import BaseProvider
from .presets import PRESETS, Preset

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["ENTRY_POINTS", "get_preset", "get_provider", "known_providers", "provider_class", "register_provider"]

#: The group in which packages announce providers.
ENTRY_POINTS = "llm_async.providers"


def get_provider(name: str, /, *args: Any, **kwargs: Any) -> BaseProvider:
    """A provider by name: ``get_provider("groq")``.

    Args:
        name: a known name or alias, see :func:`known_providers`.
        *args: for the provider's constructor, see :class:`BaseProvider`.
        **kwargs: likewise; some providers have more, such as ``endpoint`` of Azure and ``project`` of Vertex AI.

    Raises:
        ValueError: the name is unknown; the text has the nearest names and all of them.
        ImportError: a package announces the provider and cannot be loaded.
    """
    return provider_class(name)(*args, **kwargs)


def provider_class(name: str) -> type[BaseProvider]:
    """The class of a provider by name, to be built from or derived from; raises as :func:`get_provider`."""
    return _find(name).provider


def get_preset(name: str) -> Preset:
    """The row of a provider by name, with the address and the variables that its class has; raises as :func:`get_provider`."""
    entry = _find(name)
    cls, preset = entry.provider, entry.preset
    address = preset.base_url or cls.BASE_URL or ""
    return replace(preset, base_url=address, env_keys=cls.ENV_KEYS, env_base_url=cls.ENV_BASE_URL)


def known_providers() -> list[str]:
    """The names of all providers in alphabetical order, also of those that installed packages announce."""
    names = {_key(entry.preset.name): entry.preset.name for entry in _known.values()}
    for announced in _entry_points():
        names.setdefault(_key(announced.name), announced.name)
    return sorted(names.values())


def register_provider(
    provider: Preset | type[BaseProvider], *, aliases: Iterable[str] = (), replace: bool = False
) -> type[BaseProvider]:
    """Make a provider known by name in this process.

    Args:
        provider: a row; or a provider class, which is known by its ``name()`` then.
        aliases: further names.
        replace: True takes the place of a provider that has one of the names already.

    Returns:
        The provider's class, so that this can decorate one.

    Raises:
        ValueError: a name is taken.
        TypeError: ``provider`` is neither a Preset nor a provider class, or ``aliases`` is a str.
    """
    if isinstance(aliases, str):
        raise TypeError("aliases must be a sequence of names, not a str")
    entry = _Entry(_as_preset(provider))
    keys = [_key(name) for name in (entry.preset.name, *entry.preset.aliases, *aliases)]
    taken = next((key for key in keys if key in _known), None)
    if taken is not None and not replace:
        raise ValueError(f"there is a provider named {taken!r} already; replace=True takes its place")
    cls = entry.provider
    replaced = _known.get(keys[0])
    if replaced is not None and _key(replaced.preset.name) == keys[0]:
        keys += [key for key, each in _known.items() if each is replaced]  # its aliases mean the new one, too
    _known.update(dict.fromkeys(keys, entry))
    return cls


class _Entry:
    """A row, and its class once somebody asked for it."""

    def __init__(self, preset: Preset) -> None:
        self.preset = preset

    @cached_property
    def provider(self) -> type[BaseProvider]:
        preset = self.preset
        base: Any = preset.provider
        if isinstance(base, str):
            module, _, name = base.partition(":")
            base = getattr(import_module(module), name)
        attributes: dict[str, Any] = {}
        if preset.base_url:
            attributes = {"BASE_URL": preset.base_url}
            attributes |= {"ENV_KEYS": tuple(preset.env_keys), "ENV_BASE_URL": tuple(preset.env_base_url)}
        if preset.dialect is not None:
            if not hasattr(base, "DIALECT"):
                raise TypeError(f"{base.__name__} has no dialect: it does not speak Chat Completions")
            attributes["DIALECT"] = preset.dialect
        if preset.lacks:
            attributes["LACKS"] = tuple(preset.lacks)
        if not attributes:
            return base  # type: ignore[no-any-return]
        # The class is named so that name() gives the row's name, and is found here again when it is unpickled.
        attributes |= {"__doc__": preset.title or preset.name, "__module__": __name__}
        return type(preset.name.capitalize() + "Provider", (base,), attributes)


def _as_preset(provider: Any) -> Preset:
    if isinstance(provider, Preset):
        return provider
    if isinstance(provider, type) and issubclass(provider, BaseProvider):
        return Preset(provider.name(), provider=provider)
    raise TypeError(f"a provider is registered as a Preset or as a provider class, not as {provider!r}")


def _key(name: str) -> str:
    """What names are compared by."""
    return re.sub(r"[\s._-]", "", name).lower()


def _rows(presets: Iterable[Preset]) -> dict[str, _Entry]:
    entries = [_Entry(preset) for preset in presets]
    return {_key(name): entry for entry in entries for name in (entry.preset.name, *entry.preset.aliases)}


_known = _rows(PRESETS)


def _find(name: str) -> _Entry:
    if not isinstance(name, str):
        raise TypeError(f"the name of a provider must be a str, not {type(name).__name__}")
    key = _key(name)
    if key not in _known:
        announced = next((each for each in _entry_points() if _key(each.name) == key), None)
        if announced is None:
            raise ValueError(_unknown(name))
        _known[key] = _Entry(_loaded(announced))
    return _known[key]


def _unknown(name: str) -> str:
    known = known_providers()
    near = get_close_matches(_key(name), {**dict.fromkeys(_known), **dict.fromkeys(known)}, n=3)
    hint = f": did you mean {' or '.join(map(repr, near))}?" if near else ";"
    return f"unknown provider {name!r}{hint} known are {', '.join(known)}"


def _entry_points() -> list[EntryPoint]:
    from importlib.metadata import entry_points  # takes longer to import than all the rest of this module

    return list(entry_points(group=ENTRY_POINTS))


def _loaded(announced: EntryPoint) -> Preset:
    try:
        value = announced.load()
    except Exception as error:
        raise ImportError(f"the provider {announced.name!r} ({announced.value}) cannot be loaded: {error}") from error
    return _as_preset(value)


def __getattr__(name: str) -> Any:
    """The classes that were made of rows, by their names: what pickle looks for."""
    if name.endswith("Provider") and not name.startswith("_"):
        try:
            cls = provider_class(name.removesuffix("Provider"))
        except ValueError:
            pass
        else:
            if cls.__name__ == name:
                return cls
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
