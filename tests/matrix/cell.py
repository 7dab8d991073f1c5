"""One cell: a capability that is tried with a provider, and the word for what came of it.

What belongs here: what the rows' functions are given, and the rule. A cell is right when the function goes through, which is
a "yes" or the word that it returns; or when the provider raises an UnsupportedError before anything is sent, which is a
"no". Everything else is a failure.

Before a call goes to the embedded server it is made at the provider's own address, as far as to the point where it would be
sent. So what a provider refuses at its own address alone is a "no" here too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from llm_async import BaseProvider, Hooks, RequestEvent, Response, RetryConfig, UnsupportedError
from llm_async.testing import ProviderServer

from .columns import Door

__all__ = [
    "BEHIND",
    "HELLO",
    "LEFT_OUT",
    "NO",
    "NOT_SAID",
    "ONCE",
    "UNASKED",
    "YES",
    "Capability",
    "Play",
    "Scene",
    "Section",
    "holds",
]

HELLO: dict[str, Any] = {"role": "user", "content": "Good morning"}
ONCE = RetryConfig(max_attempts=1)

YES, NO = "yes", "no"
#: The provider does not tell it, and what is there says so: it is None.
NOT_SAID = "not said"
#: It happens without being asked for, so that nothing is sent.
UNASKED = "unasked"
#: It is no input of the server's, and is left out on purpose.
LEFT_OUT = "left out"
#: It has no place where it belongs, and stands right behind that.
BEHIND = "behind it"

#: Tries a capability; a word other than "yes" is returned.
Play = Callable[["Scene"], Awaitable[Any]]


class _NotSent(Exception):
    """A call has come as far as to where it would be sent; the body is at hand."""

    def __init__(self, body: Any) -> None:
        super().__init__("not sent")
        self.body = body


def _stop(event: RequestEvent) -> None:
    raise _NotSent(event.body)


@dataclass
class Scene:
    """What a capability is tried with.

    Attributes:
        door: the provider, as the table knows it.
        server: the embedded server, which has seen nothing yet.
        provider: the provider, at the server.
    """

    door: Door
    server: ProviderServer
    provider: BaseProvider
    _others: AsyncExitStack = field(repr=False)
    _at_home: BaseProvider | None = field(default=None, repr=False)

    @property
    def model(self) -> str:
        """The model to ask for."""
        return self.door.model

    @property
    def body(self) -> Any:
        """The body of the request that the server has seen last."""
        return self.server.requests[-1].json

    async def ask(self, *messages: Any, **options: Any) -> Response:
        """An answer, streamed ones read to their end; without messages to a greeting."""
        await self.would_send(*messages, **options)
        return await self.read(await self.provider.acomplete(self.model, list(messages) or [HELLO], **options))

    async def would_send(self, *messages: Any, **options: Any) -> Any:
        """The body that the provider would send at its own address, where a call may be refused that is taken elsewhere."""
        if self._at_home is None:
            self._at_home = self.door.provider(hooks=Hooks(on_request=_stop))
        try:
            await self.read(await self._at_home.acomplete(self.model, list(messages) or [HELLO], **options))
        except _NotSent as stopped:
            return stopped.body
        raise AssertionError("nothing would be sent")

    async def read(self, response: Response) -> Response:
        """The response, at its end."""
        await response.final()
        return response

    async def another(self, door: Door | None = None, **settings: Any) -> BaseProvider:
        """A further provider at the server, closed with the scene; by default the same one with other settings."""
        door = door or self.door
        settings.setdefault("retry_config", ONCE)
        provider = door.provider(self.server.url(door.server), **settings)
        return await self._others.enter_async_context(provider)


@dataclass(frozen=True)
class Capability:
    """A row.

    Attributes:
        title: what the table calls it.
        play: tries it.
        needs: the modules without which it cannot be tried.
    """

    title: str
    play: Play
    needs: tuple[str, ...] = ()

    async def word(self, door: Door, server: ProviderServer) -> str:
        """What stands in the cell.

        Raises:
            AssertionError, Exception: it does not do what it promises.
        """
        server.reset()
        async with AsyncExitStack() as others:
            provider = door.provider(server.url(door.server), retry_config=ONCE)
            scene = Scene(door, server, await others.enter_async_context(provider), others)
            try:
                return await self.play(scene) or YES
            except UnsupportedError as error:
                if server.requests:
                    raise AssertionError("it is refused after something was sent") from error
                return NO


@dataclass
class Section:
    """A table: rows of one subject.

    Attributes:
        title: its heading.
        page: the page of docs/ that tells how it is done.
    """

    title: str
    page: str
    rows: list[Capability] = field(default_factory=list)

    def row(self, title: str, *, needs: tuple[str, ...] = ()) -> Callable[[Play], Play]:
        """Make a function a row."""

        def add(play: Play) -> Play:
            self.rows.append(Capability(title, play, needs))
            return play

        return add


def holds(value: Any, wanted: Any) -> bool:
    """Whether something is anywhere in a JSON value: a text within a text, whatever its case, or an equal value."""
    if isinstance(value, dict):
        return any(holds(each, wanted) for each in (*value, *value.values()))
    if isinstance(value, list):
        return any(holds(each, wanted) for each in value)
    if isinstance(value, str) and isinstance(wanted, str):
        return wanted.lower() in value.lower()
    return type(value) is type(wanted) and bool(value == wanted)
