"""What servers that imitate Chat Completions do otherwise than OpenAI, as data; and a request put into their words.

What belongs here: the differences in what is *sent*. Answers are read the same way from everybody, see ``chat_reader.py``.
Which server has which dialect is a row in ``llm_async/providers/presets.py``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._json import dumps_text
from ..errors import UnsupportedError
from .base import Call

__all__ = ["ChatDialect"]

_SCHEMA_PROMPT = "Answer with JSON that follows this JSON Schema, and with nothing else:\n"


@dataclass(frozen=True)
class ChatDialect:
    """What a server takes; the defaults are OpenAI's own.

    Attributes:
        stream_usage: ask for usage in streams, with ``stream_options``. False for servers that refuse the field; a call's
            own ``stream_options`` takes its place, and None there leaves it out.
        replayed: the fields of assistant messages that go back as they came although they are no input of OpenAI's:
            DeepSeek, Moonshot and Z.AI demand their ``reasoning_content`` in the loop of a tool call. Servers that refuse
            unknown fields have none.
        takes: what a message may hold beyond OpenAI's kinds of parts: ``video``, ``file_urls``, ``media_in_results`` (see
            ``chat_parts.py``).
        renamed: the server's name for a field: ``{"seed": "random_seed"}``. A call that uses that name itself wins.
        refused: fields that the server answers with an error. To ask for one is an UnsupportedError; ``extra_body`` sends
            it all the same.
        tool_choices: the server's word for ``"required"``, ``"auto"`` or ``"none"``; None where it has none, which is an
            UnsupportedError.
        json_schema: whether ``response_format`` takes a schema. Where not, plain JSON is asked for, and the schema is told
            to the model in the system message; the answer is checked against it as everywhere.
        tool_id_length: the ids of tool calls must be letters and digits, so many of them; others, which come with a
            conversation that began elsewhere, are replaced. None: any id will do.
    """

    stream_usage: bool = True
    replayed: Collection[str] = ("reasoning_content",)
    takes: Collection[str] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    refused: Collection[str] = ()
    tool_choices: Mapping[str, str | None] = field(default_factory=dict)
    json_schema: bool = True
    tool_id_length: int | None = None

    def adapt(self, body: dict[str, Any], call: Call) -> None:
        """Put a request that is right for OpenAI into the server's words, in place.

        Args:
            body: the request, whole but for ``extra_body``, which nobody touches.
            call: what it was made of.

        Raises:
            UnsupportedError: the server takes no such thing.
        """
        for ours, theirs in self.renamed.items():
            if ours in body:
                value = body.pop(ours)
                body.setdefault(theirs, value)
        for name in self.refused:
            if body.get(name) is not None:
                raise UnsupportedError(
                    f"this server refuses {name!r}; extra_body={{{name!r}: …}} sends it all the same"
                )
        choice = body.get("tool_choice")
        if isinstance(choice, str) and choice in self.tool_choices:
            word = self.tool_choices[choice]
            if word is None:
                raise UnsupportedError(f"this server has no tool_choice {choice!r}")
            body["tool_choice"] = word
        if call.response_schema is not None and not self.json_schema and "response_format" not in call.extra_body:
            schema = body["response_format"]["json_schema"]["schema"]
            body["response_format"] = {"type": "json_object"}
            body["messages"] = _with_instruction(body["messages"], _SCHEMA_PROMPT + dumps_text(schema))
        if self.tool_id_length is not None:
            body["messages"] = [_with_short_ids(message, self.tool_id_length) for message in body["messages"]]


def _with_instruction(messages: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    """The messages with ``text`` at the end of their system message, of which some servers take only one."""
    first = messages[0]
    if first.get("role") != "system":
        return [{"role": "system", "content": text}, *messages]
    content = first.get("content")
    if isinstance(content, list):
        content = [*content, {"type": "text", "text": text}]
    else:
        content = f"{content}\n\n{text}" if content else text
    return [{**first, "content": content}, *messages[1:]]


def _with_short_ids(message: dict[str, Any], length: int) -> dict[str, Any]:
    """A message whose tool calls, and whose answer to one, have ids of that length."""
    if isinstance(message.get("tool_calls"), list):
        calls = [{**call, "id": _short_id(call["id"], length)} for call in message["tool_calls"]]
        message = {**message, "tool_calls": calls}
    if isinstance(message.get("tool_call_id"), str):
        message = {**message, "tool_call_id": _short_id(message["tool_call_id"], length)}
    return message


def _short_id(id: str, length: int) -> str:
    """The id, if it is one that the server takes; else one that is always the same for the same id."""
    if len(id) == length and id.isascii() and id.isalnum():
        return id
    import hashlib  # few conversations need it

    return hashlib.sha256(id.encode("utf-8", "surrogatepass")).hexdigest()[:length]
