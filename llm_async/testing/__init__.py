"""A provider server for tests: your program talks to it as to the real ones, and it says what the test wants.

::

    async with ProviderServer() as server:
        server.script(ToolCalls(("get_weather", {"city": "Lisbon"})), Text("It is sunny."))
        server.fail(429, retry_after=0)                # the first request fails, the next ones are answered
        server.cut(after=3)                            # and the first answer breaks off
        provider = ClaudeProvider("any key", server.url("claude"))
        ...
        assert server.requests[0].json["model"] == "claude-test"

It listens on loopback alone, needs nothing but the standard library, and ``python -m llm_async.testing`` runs it by
itself.
"""

from .answers import Answer, Raw, Refusal, Text, ToolCalls
from .http1 import Request
from .server import ProviderServer

__all__ = ["Answer", "ProviderServer", "Raw", "Refusal", "Request", "Text", "ToolCalls"]
