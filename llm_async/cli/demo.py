"""``llm-async demo``: every provider streams, calls a tool and gives a structured answer; then one table.

What belongs here: the order of events, and what counts as a failure of the whole.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import AbstractAsyncContextManager

from .. import _speedups
from .._version import __version__
from .places import LOCAL_PROVIDERS, PROVIDERS, Place, embedded, live, on_this_machine
from .screen import Cell, Screen
from .steps import STEPS, Outcome, Participant, attempt

__all__ = ["perform", "run"]

_HEADER = ("provider", "first token", "tokens", "tool result", "schema valid", "code")
_TOOL_COLUMN = _HEADER.index("tool result")


def run(options: argparse.Namespace) -> int:
    """The command, for its parsed arguments; 0 when all is well, 1 when something failed.

    Raises:
        SystemExit: with 2, for arguments that do not go together.
        MissingError: what was asked for cannot be started.
    """
    return asyncio.run(_run(_place(options)))


async def _run(opening: AbstractAsyncContextManager[Place]) -> int:
    screen = Screen.on(sys.stdout)
    screen.wait("getting ready …")
    try:
        async with opening as place:
            return await perform(place, screen)
    finally:
        screen.settle()


def _place(options: argparse.Namespace) -> AbstractAsyncContextManager[Place]:
    """Where it takes place, by the arguments."""
    known = LOCAL_PROVIDERS if options.local else PROVIDERS
    names = [name for name in PROVIDERS if name in (options.provider or known)]
    for name in options.provider or ():
        if name not in known:
            options.error(f"--provider: {name!r} is not one of {', '.join(known)}")
    if options.live:
        models = dict(_assigned(options, each) for each in options.model)
        return live(names, models)
    if options.local:
        if len(options.model) > 1:
            options.error("--model: with --local there is one model file")
        return on_this_machine(names, options.model[0] if options.model else None)
    if options.model:
        options.error("--model goes with --live or --local")
    return embedded(names, options.pause)


def _assigned(options: argparse.Namespace, text: str) -> tuple[str, str]:
    name, _, model = text.partition("=")
    if name not in PROVIDERS or not model:
        options.error(
            f"--model: with --live it is PROVIDER=MODEL, and {text!r} is not; providers: {', '.join(PROVIDERS)}"
        )
    return name, model


async def perform(place: Place, screen: Screen) -> int:
    """All steps of all participants, on a screen; 0 when all is well, 1 when something failed."""
    code = "compiled" if _speedups.COMPILED else "plain"
    screen.line((f"llm-async {__version__} ({code})", "bold"))
    screen.line((place.title, "dim"))
    rows, failures = [], 0
    for participant in place.participants:
        name = participant.provider.name()
        screen.line()
        screen.line((name, "bold"), (f"  {participant.model}", "dim"))
        async with participant.provider:
            # Importing the HTTP library, which the first client does, is no part of anybody's first token.
            _ = participant.provider.client
            outcomes = [await _step(step, participant, screen) for step in STEPS]
        failures += sum(outcome.failed for outcome in outcomes)
        stream, tool, schema = (_cell(outcome) for outcome in outcomes)
        rows.append([(name, "bold"), stream, (_tokens(participant), ""), tool, schema, (code, "")])
    screen.line()
    screen.table(_HEADER, rows, elastic=_TOOL_COLUMN)
    screen.line()
    steps = len(STEPS) * len(rows)
    if failures:
        screen.line((f"{failures} of {steps} steps failed", "red"))
    else:
        screen.line((f"{steps} steps, none failed", "green"))
    return 1 if failures else 0


async def _step(name: str, participant: Participant, screen: Screen) -> Outcome:
    screen.begin(name)
    outcome = await attempt(STEPS[name], participant, screen.say)
    if outcome.failed:
        screen.end(f"failed: {outcome.note}", "red")
    else:
        screen.end(f"({outcome.note})" if outcome.note else "")
    return outcome


def _cell(outcome: Outcome) -> Cell:
    return outcome.cell, "red" if outcome.failed else ""


def _tokens(participant: Participant) -> str:
    """Tokens in and out of all calls of a participant; a dash for what the provider did not say."""
    usage = participant.usage
    return "/".join("-" if count is None else str(count) for count in (usage.input_tokens, usage.output_tokens))
