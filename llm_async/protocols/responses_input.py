"""A conversation as the ``input`` of the Responses API.

What belongs here: messages in, items out. The API's list is flat: calls, their results and reasoning are items beside the
messages, not parts of them. What stands in it:

- items of this API, as they are, also of types that are unknown here;
- an answer of this API (``Message.original``): its own ``output`` items, every one as it was received and in order,
  because the API refuses reasoning without what it produced and the other way round, and wants ``phase`` and
  ``encrypted_content`` back;
- messages of Chat Completions, Claude and Gemini, with their calls and results. The reasoning of other APIs and the calls of
  their hosted tools are left out: only their maker can read them. Images that another API's model made are shown as the
  user's, behind the words and before the calls that they came with.

Calls are linked to their results by ``call_id``. Gemini and the oldest form of Chat have no ids: there a result belongs to
the first call of its name that has none yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._json import dumps_text
from ..models.tool_call import SERVER_RUN, ToolCall
from .foreign import made_media, marked_as_error, said_parts, spoken_words
from .responses_parts import (
    ASSISTANT,
    REASONING,
    Part,
    assistant_part,
    fits_a_result,
    is_foreign,
    result_part,
    shown_part,
    simple_parts,
)

__all__ = ["input_of"]

# What other APIs and this library write on a message, and this API does not know.
_NOT_SENT = {
    *("parts", "tool_calls", "function_call", "refusal", "audio", "name", "annotations", "images", "cache_control"),
    *("reasoning", "reasoning_content", "reasoning_details", "original", "output"),
    *("stop_reason", "stop_sequence", "finish_reason", "provider_name"),
}


def input_of(messages: Sequence[Mapping[str, Any]]) -> str | list[dict[str, Any]]:
    """The ``input`` that says what ``messages`` say: the text where they are one user's text, else a list of items.

    Raises:
        UnsupportedError: for content that this API has no place for.
        ValueError: for a call without a name, or a result that belongs to no call.
    """
    if len(messages) == 1 and messages[0].get("role") == "user" and isinstance(messages[0].get("content"), str):
        return str(messages[0]["content"])
    items = _Items()
    for position, message in enumerate(messages):
        items.add(message, f"messages[{position}]")
    return items.items


class _Items:
    """The list under construction."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self._custom: set[str] = set()  # the call ids of custom tools, whose results have a type of their own
        self._unanswered: list[tuple[str, str]] = []  # (call id, name) of the calls that have no result yet
        self._made_up: set[str] = set()  # the call ids of calls that came without one
        self._call_ids: dict[str, str] = {}  # the call id of the item with an id: results may name either

    def add(self, message: Mapping[str, Any], where: str) -> None:
        role, kind = message.get("role"), message.get("type")
        if role == "assistant" and isinstance(message.get("output"), list) and message["output"]:
            for item in message["output"]:
                self._append(dict(item))
        elif isinstance(kind, str) and not (kind == "message" and _has_foreign_parts(message)):
            self._append(_in_own_words(message, where))
        elif role == "tool":
            content = message.get("content")
            content = marked_as_error(content) if message.get("is_error") is True else content
            self._result(message.get("tool_call_id"), message.get("name"), content, where)
        elif role == "function" and "parts" not in message:
            self._result(None, message.get("name"), message.get("content"), where)
        elif role in ASSISTANT:
            self._assistant(message, where)
        elif isinstance(role, str):
            self._content(message, _extra(message), where)
        else:
            # Neither a message nor typed: an item reference, which is an id and no more.
            self._append(dict(message))

    def _append(self, item: dict[str, Any]) -> None:
        call_id = item.get("call_id")
        if isinstance(call_id, str):
            kind = str(item.get("type"))
            if kind.endswith("_output"):
                item["call_id"] = call_id = self._answered(call_id)
                self._unanswered = [call for call in self._unanswered if call[0] != call_id]
            else:
                self._unanswered.append((call_id, str(item.get("name"))))
                if item.get("id"):
                    self._call_ids[str(item["id"])] = call_id
                if kind == "custom_tool_call":
                    self._custom.add(call_id)
        self.items.append(item)

    # ---- messages

    def _assistant(self, message: Mapping[str, Any], where: str) -> None:
        words = spoken_words(message, "the Responses API", where)
        for detail in message.get("reasoning_details") or ():
            if isinstance(detail, Mapping) and detail.get("type") == "reasoning":
                self._append(dict(detail))
        calls = [_tool_call(call, where) for call in message.get("tool_calls") or ()]
        before = len(self.items)
        raw = message["content"] if message.get("content") is not None else message.get("parts")
        said, made = made_media(said_parts(raw), message)
        shown = [shown_part(part, where) for entry in made for part in simple_parts(entry, where)]
        told = {**message, "content": said or words}
        called = self._content(told, _extra(message), where, [call.call_id for call in calls], shown)
        if shown and not called:
            self._append({"role": "user", "content": shown})
        if message.get("refusal"):
            part = {"type": "refusal", "refusal": message["refusal"]}
            self._append({"role": "assistant", "content": [part]})
        if not called:
            for call in calls:
                self._call(call, where)
        legacy = message.get("function_call")
        if isinstance(legacy, Mapping) and legacy.get("name") and not calls:
            self._call(ToolCall("", "function", function=dict(legacy)), where)
        if len(self.items) == before and not isinstance(raw, list):
            self._append({"role": "assistant", **_extra(message), "content": message.get("content") or ""})

    def _content(
        self,
        message: Mapping[str, Any],
        extra: dict[str, Any],
        where: str,
        call_ids: Sequence[str] = (),
        shown: Sequence[dict[str, Any]] = (),
    ) -> bool:
        """Append what a message's content says; whether calls were in it.

        ``call_ids`` are for calls in the content that have no id themselves, in order; ``shown`` is what users show in
        front of the first call.
        """
        role = "assistant" if message["role"] in ASSISTANT else message["role"]
        content = message["content"] if message.get("content") is not None else message.get("parts")
        if not content or isinstance(content, str):
            if content or role != "assistant":
                self._append({"role": role, **extra, "content": content or ""})
            return False
        said: list[dict[str, Any]] = []

        def close_message() -> None:
            if said:
                self._append({"role": role, **extra, "content": said.copy()})
                said.clear()

        spare_ids = iter(call_ids)
        called = False
        parts = list(_parts(content, where))
        if role == "user":  # results follow their calls at once, before what else the user says
            parts.sort(key=lambda part: part["type"] != "tool_result")
        for part in parts:
            kind = part["type"]
            if kind in REASONING or (role == "assistant" and part.get("text") == ""):
                continue
            if kind == "tool_use":
                close_message()
                if shown and not called:
                    self._append({"role": "user", "content": list(shown)})
                call_id = next(spare_ids, "")
                self._call(_tool_call({**part, "id": part.get("id") or call_id}, where), where)
                called = True
            elif kind == "tool_result":
                close_message()
                content_of_result = part.get("content")
                if part.get("is_error"):
                    content_of_result = marked_as_error(content_of_result)
                self._result(part.get("tool_use_id"), part.get("name"), content_of_result, where)
            else:
                said.append(assistant_part(part, where) if role == "assistant" else shown_part(part, where))
        close_message()
        return called

    # ---- calls and their results

    def _call(self, call: ToolCall, where: str) -> None:
        if not call.name:
            raise ValueError(f"{where}: a tool call has no name")
        call_id = call.call_id
        if not call_id:
            call_id = f"call_made_{len(self.items)}"
            self._made_up.add(call_id)
        item: dict[str, Any] = {"type": "function_call", "call_id": call_id, "name": call.name}
        if call.id and call.call_id != call.id:
            # A call of this API: what it calls its id is the item's.
            item["id"] = call.id
        if call.type in ("custom", SERVER_RUN):
            item["type"] = "custom_tool_call"
            item["input"] = call.arguments_text
        else:
            item["arguments"] = call.arguments_text or "{}"
        self._append(item)

    def _result(self, call_id: Any, name: Any, content: Any, where: str) -> None:
        if not call_id:
            waiting = [call for call in self._unanswered if not name or call[1] == name]
            if not waiting:
                raise ValueError(f"{where}: the result of a tool names no call, and there is none that waits for it")
            call_id = waiting[0][0]
        call_id = self._answered(self._call_ids.get(str(call_id), str(call_id)))
        kind = "custom_tool_call_output" if call_id in self._custom else "function_call_output"
        self._append({"type": kind, "call_id": call_id, "output": _output(content, where)})

    def _answered(self, call_id: str) -> str:
        """The call id that a result has to name.

        One that no call has is one that was given, on the way, to a call that stands here without; so the result answers the
        first of those.
        """
        waiting = [call[0] for call in self._unanswered]
        if call_id in waiting:
            return call_id
        return next((made_up for made_up in waiting if made_up in self._made_up), call_id)


def _tool_call(call: Any, where: str) -> ToolCall:
    """A call in Chat's form, in Claude's, or in this library's, as a ToolCall."""
    if isinstance(call, ToolCall):
        return call
    if not isinstance(call, Mapping):
        raise TypeError(f"{where}: a tool call must be a ToolCall or a mapping, not {type(call).__name__}")
    function = call.get("function")
    custom = call.get("custom")
    if function is None and isinstance(custom, Mapping):
        function = {"name": custom.get("name"), "arguments": custom.get("input")}
    return ToolCall(
        id=str(call.get("id") or ""),
        type=str(call.get("type") or "function"),
        name=call.get("name"),
        input=call.get("input"),
        function=function,
    )


def _output(content: Any, where: str) -> str | list[dict[str, Any]]:
    """What a tool gave back: a text, or a list of parts where there is more than a text."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, (list, tuple)) and all(isinstance(part, (str, Mapping)) for part in content):
        shown = [result_part(part, where) for part in _parts(content, where)]
        if len(shown) == 1 and shown[0].keys() == {"type", "text"}:
            return str(shown[0]["text"])
        return shown
    return dumps_text(content)


def _in_own_words(item: Mapping[str, Any], where: str) -> dict[str, Any]:
    """An item as it is; the result of a call with its parts in this API's words."""
    output = item.get("output")
    is_result = item.get("type") in ("function_call_output", "custom_tool_call_output")
    if is_result and isinstance(output, list) and not all(map(fits_a_result, output)):
        return {**item, "output": _output(output, where)}
    return dict(item)


# ---- messages, seen from outside


def _parts(content: Any, where: str) -> Iterable[Part]:
    if not isinstance(content, (list, tuple)):
        raise TypeError(f"{where}: content must be a str or a list of parts, not {type(content).__name__}")
    for part in content:
        if isinstance(part, str):
            yield {"type": "text", "text": part}
        elif isinstance(part, Mapping):
            yield from simple_parts(part, where)
        else:
            raise TypeError(f"{where}: a content part must be a mapping, not {type(part).__name__}")


def _has_foreign_parts(message: Mapping[str, Any]) -> bool:
    content = message.get("content")
    # Claude's whole answer has the same type as a message here, and may have nothing in it.
    return "stop_reason" in message or (isinstance(content, list) and any(is_foreign(part) for part in content))


def _extra(message: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that go along with a message's role and content."""
    if message.get("type") == "message":
        # Another API's message, whose id and the like mean nothing here.
        return {}
    return {key: value for key, value in message.items() if key not in _NOT_SENT and key not in ("role", "content")}
