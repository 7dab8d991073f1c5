"""A conversation in the words of Chat Completions, from whatever words its messages come in.

A history may have begun at another provider. So besides the API's own form these are understood: Claude's content blocks,
Gemini's ``parts``, the items of the Responses API, and tool calls as this library's ToolCall has them. Everything that
the API has a place for is put there; what belongs to its origin alone (signed or encrypted reasoning, the calls of hosted tools)
is dropped; what has no place is an :class:`~llm_async.errors.UnsupportedError` that names the message.

A message in the API's own form is left as it is, unknown fields and unknown kinds of parts included, since imitating
servers have more of them than anybody knows. Two rules of the API shape the rest: the calls of one turn stand in one
assistant message, and their results follow it at once, each a ``role: "tool"`` message of text alone. So an image or a file
in a result, and an image that another API's model made, is shown in a message of the user's after the last result.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..errors import UnsupportedError
from .chat_answer import arguments_text, says_something
from .chat_parts import MEDIA_IN_RESULTS, Pieces, Result, read_parts, read_result
from .foreign import is_opaque_item, made_images, marked_as_error, said_parts

__all__ = ["chat_messages"]

# Fields of a message that are this library's or another API's. ``reasoning`` and its like are among them, because servers
# refuse fields that they do not know; a dialect names those that it wants back.
_FOREIGN_FIELDS = frozenset(
    {
        "finish_reason",
        "is_error",
        "original",
        "output",
        "parts",
        "provider_name",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "stop_reason",
    }
)
# Fields that answers have also when there is nothing in them. Sent back empty, strict servers refuse them.
_OFTEN_EMPTY = ("annotations", "audio", "function_call", "images", "refusal", "tool_calls")
# What a call in the API's own form is made of here. Its other fields are sent as they came, such as the ``extra_content`` in
# which Gemini's imitation of this API keeps its signatures.
_CALL_FIELDS = frozenset({"custom", "function", "id", "incomplete", "index", "name", "type"})


def chat_messages(
    messages: Iterable[Mapping[str, Any]], *, replayed: Collection[str] = (), takes: Collection[str] = ()
) -> list[dict[str, Any]]:
    """The ``messages`` of a request.

    Args:
        messages: the conversation, each message in any of the known forms.
        replayed: the fields with reasoning, or with images, that the server wants back as it sent them.
        takes: what the server takes beyond OpenAI: :data:`.chat_parts.VIDEO` and its neighbours.

    Raises:
        UnsupportedError: a message has a part that the API has no place for.
        ValueError: a tool call without a name, or a result that answers no call.
    """
    conversation = _Conversation(frozenset(replayed), frozenset(takes))
    for position, message in enumerate(messages):
        conversation.add(message, f"messages[{position}]")
    conversation.end_results()
    return conversation.messages


class _Conversation:
    """The messages so far, and what the last turn left open."""

    def __init__(self, replayed: frozenset[str], takes: frozenset[str]) -> None:
        self.messages: list[dict[str, Any]] = []
        self._replayed = replayed
        self._takes = takes
        self._open_calls: list[tuple[str, str]] = []  # id and name of the calls that no result has answered yet
        self._attachments: list[dict[str, Any]] = []  # what results and answers hold besides text; a message of its own
        self._made_up_ids: list[str] = []

    def add(self, message: Mapping[str, Any], where: str) -> None:
        """Append what a message becomes: one message, several, or none."""
        kind = message.get("type")
        if isinstance(kind, str) and kind != "message" and "role" not in message:
            self._add_item(kind, message, where)
            return
        role, changed = message.get("role", "user"), False
        if role == "model":  # Gemini's word
            role = "assistant"
        elif role == "tool" and message.get("is_error") is True:
            message = {**message, "content": marked_as_error(message.get("content"))}
        parts = message.get("content")
        if not parts and isinstance(message.get("parts"), list):
            parts = message["parts"]
        if role == "assistant":
            readable = said_parts(parts)
            changed, parts = readable != parts, readable
        pieces = read_parts(parts, where, self._takes) if isinstance(parts, list) else Pieces()
        pieces.changed = pieces.changed or changed
        for result in pieces.results:
            self._add_result(result, where)
        if pieces.results and not pieces.content:
            return
        if role != "tool":
            self.end_results()
        if role == "assistant":
            self._add_assistant(message, pieces, where)
            return
        data = self._fields(message)
        data["role"] = role
        if role == "tool":
            if isinstance(data.get("tool_call_id"), str):
                data["tool_call_id"] = self._answer_to(data["tool_call_id"])
            self._attach_media(pieces)
        elif role in ("system", "developer") and pieces.media():
            raise UnsupportedError(f"{where}: a system message of Chat Completions is text alone")
        if pieces.changed or data.get("content") is None:
            data["content"] = pieces.as_content()
        self.messages.append(data)

    def _attach_media(self, pieces: Pieces) -> None:
        """Put what a result holds besides text into the message that follows the results, unless the server takes it."""
        media = pieces.media()
        if media and MEDIA_IN_RESULTS not in self._takes:
            pieces.content = [part for part in pieces.content if part not in media]
            pieces.changed = True
            self._attachments += media

    def _fields(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of a message that the API may see."""
        if message.get("type") == "message":
            # An item of the Responses API, or a whole answer of Claude's: its other fields are that API's.
            return {key: message[key] for key in ("role", "content") if key in message}
        data = dict(message)
        for field in _FOREIGN_FIELDS & message.keys():
            if field not in self._replayed or data[field] is None:
                del data[field]
        for field in _OFTEN_EMPTY:
            if field in data and not data[field]:
                del data[field]
        return data

    # ---- assistant messages and their calls

    def _add_assistant(self, message: Mapping[str, Any], pieces: Pieces, where: str) -> None:
        data = self._fields(message)
        data["role"] = "assistant"
        # A Message of another provider has its calls twice: in its own words, and as ToolCalls, whose ids the results name.
        entries = data.pop("tool_calls", None) or pieces.calls
        if not isinstance(entries, list):
            raise TypeError(f"{where}: tool_calls must be a list, not {type(entries).__name__}")
        calls = [self._call(entry, where) for entry in entries if _is_call(entry)]
        if pieces.changed:
            data["content"] = pieces.as_answer(where) or (None if calls else "")
            self._attachments += pieces.media()
        if "images" in data and "images" not in self._replayed:
            self._attachments += read_parts(made_images(data), where, self._takes).content
            del data["images"]
        data["content"] = data.get("content") if data.get("content") != [] else None
        legacy = data.get("function_call")
        if isinstance(legacy, Mapping) and (calls or not legacy.get("name")):
            del data["function_call"]
        if isinstance(data.get("audio"), Mapping):
            # A request refers to the audio of an earlier answer by its id, and has no place for the sound.
            audio = data.pop("audio")
            if audio.get("id"):
                data["audio"] = {"id": audio["id"]}
        details = data.get("reasoning_details")
        if details is not None and not _is_openrouters(details):
            del data["reasoning_details"]
            data.pop("reasoning", None)
        if calls:
            data["tool_calls"] = calls
        elif data["content"] is None and data.keys().isdisjoint(("audio", "function_call", "refusal")):
            # An answer without anything in it, as a token limit can leave one; null is refused where nothing stands beside it.
            data["content"] = ""
        self._expect_results(calls)
        self.messages.append(data)
        if not calls:
            self.end_results()

    def _call(self, entry: Any, where: str) -> dict[str, Any]:
        """A tool call in the API's form, from that form, a ToolCall's fields, or another API's."""
        if not isinstance(entry, Mapping):
            raise TypeError(f"{where}: a tool call must be a mapping, not {type(entry).__name__}")
        function, custom, given = entry.get("function"), entry.get("custom"), entry.get("input")
        function = dict(function) if isinstance(function, Mapping) else {}
        name = function.get("name") or entry.get("name")
        # What the result will name: the Responses API has ids for its items besides, and ToolCall keeps call_id in ``input``.
        call_id = given.get("call_id") if function and isinstance(given, Mapping) else entry.get("call_id")
        call: dict[str, Any] = {"id": str(call_id or entry.get("id") or self._make_id())}
        if entry.get("type") == "custom":
            if not isinstance(custom, Mapping):
                custom = {"name": name, "input": arguments_text(function.get("arguments", given))}
            name = custom.get("name")
            call |= {"type": "custom", "custom": dict(custom)}
        else:
            arguments = function.get("arguments") if function else entry.get("arguments", given)
            call |= {"type": "function", "function": {**function, "name": name, "arguments": _object_text(arguments)}}
            if function and "input" not in entry:
                call |= {key: value for key, value in entry.items() if key not in _CALL_FIELDS}
        if not isinstance(name, str) or not name:
            raise ValueError(f"{where}: a tool call has no name")
        return call

    def _make_id(self) -> str:
        self._made_up_ids.append(f"call_{len(self._made_up_ids) + 1}")
        return self._made_up_ids[-1]

    def _expect_results(self, calls: list[dict[str, Any]]) -> None:
        self._open_calls = [(call["id"], call[call["type"]]["name"]) for call in calls]

    # ---- results

    def _add_result(self, result: Result, where: str) -> None:
        call_id = self._answer_to(result.call_id or self._answered(result.name, where))
        content: str | list[dict[str, Any]] = result.text
        if result.attachments and MEDIA_IN_RESULTS in self._takes:
            texts = [{"type": "text", "text": result.text}] if result.text else []
            content = [*texts, *result.attachments]
        else:
            self._attachments += result.attachments
        self.messages.append({"role": "tool", "tool_call_id": call_id, "content": content})

    def _answer_to(self, call_id: str) -> str:
        """The id that a result has to name, whose call is then no longer open.

        An id that no call has is one that was given, on the way, to a call that stands here without; so the result answers
        the first of those.
        """
        known = [open_id for open_id, _ in self._open_calls]
        if call_id not in known:
            call_id = next((open_id for open_id in known if open_id in self._made_up_ids), call_id)
        self._open_calls = [call for call in self._open_calls if call[0] != call_id]
        return call_id

    def _answered(self, name: str, where: str) -> str:
        """The id of the call that a result means by its function's name, as Gemini does."""
        for call_id, called in self._open_calls:
            if called == name:
                return call_id
        raise ValueError(f"{where}: the result of {name!r} answers no tool call of the message before it")

    def end_results(self) -> None:
        """Say that no further result follows: what was held back besides text becomes a message of the user's."""
        if self._attachments:
            self.messages.append({"role": "user", "content": self._attachments})
            self._attachments = []

    # ---- items of the Responses API

    def _add_item(self, kind: str, item: Mapping[str, Any], where: str) -> None:
        if kind in ("function_call", "custom_tool_call"):
            self.end_results()
            self._add_call(self._call({**item, "type": "custom" if kind == "custom_tool_call" else "function"}, where))
        elif kind in ("function_call_output", "custom_tool_call_output"):
            output = item.get("output")
            self._add_result(read_result(str(item.get("call_id")), output, where, self._takes), where)
        elif not is_opaque_item(kind):
            raise UnsupportedError(f"{where}: Chat Completions has no place for an item of type {kind!r}")

    def _add_call(self, call: dict[str, Any]) -> None:
        """Append a call that stands alone to the assistant's turn that it belongs to."""
        if not self.messages or self.messages[-1]["role"] != "assistant":
            self.messages.append({"role": "assistant", "content": None})
        turn = self.messages[-1]
        turn["tool_calls"] = [*turn.get("tool_calls", ()), call]
        self._expect_results(turn["tool_calls"])


def _is_call(entry: Any) -> bool:
    """Whether an entry of ``tool_calls`` has anything in it; some servers fill the list with empty ones."""
    return not isinstance(entry, Mapping) or bool(entry.get("input") or says_something(entry))


def _object_text(arguments: Any) -> str:
    """Arguments as text, an empty object for none: servers read it as JSON, and ``""`` is none."""
    return arguments_text(arguments) or "{}"


def _is_openrouters(details: Any) -> bool:
    """Whether reasoning details are OpenRouter's: those of other APIs mean nothing to it."""
    return isinstance(details, list) and all(
        isinstance(detail, Mapping) and str(detail.get("type", "")).startswith("reasoning.") for detail in details
    )
