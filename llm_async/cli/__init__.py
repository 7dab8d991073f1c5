"""The command ``llm-async``, also ``python -m llm_async``.

What belongs here: the words of the command line, and what its exit codes mean. The commands themselves are in ``info``,
``providers`` and ``demo``; they are imported when they are asked for.

==== ==========================================================
   0 all right
   1 something failed, and was said
   2 wrong arguments, or something that they need is missing
 130 interrupted
==== ==========================================================
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

from .._version import __version__

__all__ = ["MissingError", "main"]

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

_EXIT_CODES = "exit codes: 0 all right, 1 something failed, 2 wrong arguments or something missing, 130 interrupted"


class MissingError(Exception):
    """What was asked for cannot be started here; the text says what to do about it."""


class _Parser(argparse.ArgumentParser):
    """A parser that shows the whole help when it does not understand."""

    def error(self, message: str) -> NoReturn:
        self.print_help(sys.stderr)
        self.exit(USAGE, f"\n{self.prog}: {message}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line (by default this process' own) and return its exit code.

    Raises:
        SystemExit: with 2 for wrong arguments, with 0 after ``--help`` and ``--version``.
    """
    parser = _parser()
    options = parser.parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        # A degree sign is no reason to fail where the terminal knows ASCII alone.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        if options.command == "info":
            from .info import show

            return show(as_json=options.json)
        if options.command == "providers":
            from .providers import show as show_providers

            return show_providers(as_json=options.json)
        return _demo(options)
    except MissingError as error:
        sys.stderr.write(f"llm-async {options.command}: {error}\n")
        return USAGE
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped\n")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, say) has seen enough. What is left in the buffer must not be written at exit either.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _demo(options: argparse.Namespace) -> int:
    try:
        import_module(".._speedups", __package__)
    except ImportError as error:
        # The environment demands the compiled extensions, and they cannot be used.
        raise MissingError(str(error)) from error
    from .demo import run

    return run(options)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="llm-async",
        description="An asyncio client for large language model APIs: what is installed here, and what it does.",
        epilog=_EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=f"llm-async {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)

    info = commands.add_parser(
        "info",
        help="versions, and whether the compiled extensions are in use",
        description="Show the versions of everything that takes part, and whether the hot paths are compiled.",
    )
    info.add_argument("--json", action="store_true", help="as a JSON object")

    providers = commands.add_parser(
        "providers",
        help="the servers that are known by name, and where their keys are looked for",
        description="List every provider that get_provider knows: its name, its address, and the environment variables of "
        "its key.",
    )
    providers.add_argument("--json", action="store_true", help="as a JSON array")

    demo = commands.add_parser(
        "demo",
        help="stream, call a tool and get a structured answer, with every provider",
        description="Stream an answer, make a tool-call round trip and get a structured answer, with every provider. "
        "Without further words it talks to a server inside this process, and needs neither key nor network.",
        epilog=_EXIT_CODES,
    )
    place = demo.add_mutually_exclusive_group()
    place.add_argument(
        "--live", action="store_true", help="the real services, as far as the environment has a key for them; it costs"
    )
    place.add_argument(
        "--local", action="store_true", help="a real model on this machine, in llama.cpp's server (see make demo-local)"
    )
    demo.add_argument(
        "--provider", metavar="NAME", action="append", help="only this provider; may be given several times"
    )
    demo.add_argument(
        "--model",
        metavar="MODEL",
        action="append",
        default=[],
        help="with --live PROVIDER=MODEL, which may be given several times; with --local a model file (GGUF)",
    )
    demo.add_argument(
        "--pause",
        metavar="SECONDS",
        type=_seconds,
        default=0.015,
        help="between two events of the embedded server (default: %(default)s)",
    )
    demo.set_defaults(error=demo.error)
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise argparse.ArgumentTypeError(f"a number of seconds is wanted, not {text!r}")
    return seconds
