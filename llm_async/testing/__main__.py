"""Runs the testing server by itself: ``python -m llm_async.testing [--port N] [--pause S] [--key K]``."""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import suppress

from .dialects import DIALECTS
from .server import ProviderServer

__all__ = ["main"]


async def serve(server: ProviderServer) -> None:
    """Run until cancelled, after the base URLs are printed."""
    async with server:
        for name in DIALECTS:
            sys.stdout.write(f"{name:<16} {server.url(name)}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """Read the command line and serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m llm_async.testing", description="A provider server on loopback.")
    parser.add_argument("--port", type=int, default=8765, help="port on 127.0.0.1; 0 takes a free one (default 8765)")
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between two events (default 0.05)")
    parser.add_argument("--key", help="the only API key that is accepted; by default any, and none")
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(ProviderServer(api_key=options.key, pause=options.pause, port=options.port)))


if __name__ == "__main__":
    main()
