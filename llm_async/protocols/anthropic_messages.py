"""A conversation as the Messages API takes it, from whatever words its messages come in.

A history may have begun at another provider. So besides the API's own form these are understood: Chat messages, Gemini's
``parts``, the items of the Responses API, and tool calls as this library's ToolCall has them. Blocks of the API's own go
back as they came, above all thinking with its signature, which the API verifies.

Four rules of the API shape the rest ("Tool use", "Messages"): system messages stand outside of the conversation; a call's
input is an object; the results of one turn stand together in the one user message that follows it, before anything else
there; and no text is empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from .._json import dumps_text
from ..errors import UnsupportedError
from ..models import ToolCall
from .anthropic_answer import tool_input
from .anthropic_parts import Block, block_of, text_block
from .foreign import is_opaque_item, made_media, said_parts, spoken_words

__all__ = ["Conversation", "result_block"]

_NO_IDS: Iterator[str] = iter(())
_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")

# Where a model has written something that is no JSON object, that is what it is shown again: the API takes nothing but
# objects, and leaving the call out would leave its result without a call.
_UNREADABLE = "unreadable_arguments"


def result_block(call_id: str, content: Any, *, is_error: bool = False) -> Block:
    """A tool's result; ``content`` is a text or a list of blocks."""
    block = {"type": "tool_result", "tool_use_id": call_id, "content": content}
    if is_error:
        block["is_error"] = True
    return block


class Conversation:
    """``system`` and ``messages`` of a request.

    Raises (while it is built):
        UnsupportedError: a message has a part that the API has no place for.
        ValueError: a tool call without a name, a result that answers no call, or a role that nobody knows.
    """

    def __init__(self, messages: Iterable[Mapping[str, Any]], system: Any = None) -> None:
        self._system: list[str | Block] = []
        self._turns: list[dict[str, Any]] = []
        self._open_calls: list[tuple[str, str]] = []  # id and name of each call that has no result yet
        self._ids: dict[str, str] = {}  # ids of calls, and what they are in this request
        self._same: dict[str, list[str]] = {}  # the same, with all that calls of one id are
        self._used_ids: set[str] = set()
        self._made_up: set[str] = set()  # those of them whose calls came without an id
        self._made_up_ids = 0
        self._where = "system"
        if system is not None:
            self._add_system(system)
        for position, message in enumerate(messages):
            self._where = f"messages[{position}]"
            self._add(message)

    @property
    def system(self) -> str | list[Block] | None:
        """All system messages: a str when it is one text, else blocks; None without any."""
        if len(self._system) == 1 and isinstance(self._system[0], str):
            return self._system[0]
        blocks = [text_block(entry) if isinstance(entry, str) else entry for entry in self._system]
        return [block for block in blocks if block is not None] or None

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The turns; those that belong together are one."""
        messages: list[dict[str, Any]] = []
        for role, run in groupby(self._turns, key=lambda turn: turn["role"]):
            turns = list(run)
            if not any(_has_calls(turn) for turn in turns):
                messages += turns
                continue
            blocks = [block for turn in turns for block in _as_blocks(turn)]
            if role == "user":
                # Sorting keeps the order of what it finds equal.
                blocks.sort(key=lambda block: block.get("type") != "tool_result")
            messages.append({"role": role, "content": blocks})
        return messages

    # ---- messages

    def _add(self, message: Mapping[str, Any]) -> None:
        role, kind = message.get("role"), message.get("type")
        if role is None and isinstance(kind, str):
            self._add_item(kind, message)
            return
        content = message.get("content")
        if content is None:
            content = message.get("parts")
        if role in ("system", "developer"):
            self._add_system(content)
        elif role == "tool":
            self._add_tool_message(message, content)
        elif role in ("assistant", "model"):
            self._add_assistant(message, content)
        elif role == "user":
            blocks = content if isinstance(content, str) else self._blocks(content)
            # What is empty throughout is left for the API to refuse: dropping the user's turn would hide a mistake.
            self._turns.append({"role": "user", "content": blocks or content or ""})
        else:
            raise ValueError(f"{self._where} has the role {role!r}; known are system, user, assistant and tool")

    def _add_system(self, content: Any) -> None:
        if isinstance(content, str):
            if content.strip():
                self._system.append(content)
            return
        for block in self._blocks(content):
            if block.get("type") != "text":
                raise UnsupportedError(f"{self._where}: a system message of the Messages API is text alone")
            self._system.append(block)

    def _add_assistant(self, message: Mapping[str, Any], content: Any) -> None:
        calls = [self._call(entry) for entry in _tool_calls(message)]
        ids = iter([call.call_id for call in calls])
        said, made = made_media(said_parts(content, own="messages"), message)
        blocks = self._blocks(said, ids)
        if not any(block.get("type") in ("thinking", "redacted_thinking") for block in blocks):
            blocks = [*_own_thinking(message.get("reasoning_details")), *blocks]
        # A message of this API, or of Gemini, has its calls twice: in its content and as ToolCalls.
        there = {block.get("id") for block in blocks if block.get("type") == "tool_use"}
        blocks += [block for call in calls if self._ids.get(call.call_id) not in there for block in [self._use(call)]]
        blocks = blocks or self._blocks(self._said_elsewhere(message))
        if isinstance(content, str) and blocks == [text_block(content)]:
            self._turns.append({"role": "assistant", "content": content})
        elif blocks:
            self._turns.append({"role": "assistant", "content": blocks})
        if made:
            # The API shows images to the model, and knows none that it has made.
            self._turns.append({"role": "user", "content": self._blocks(made)})

    def _said_elsewhere(self, message: Mapping[str, Any]) -> str | None:
        """What an assistant of Chat Completions said outside of its content: a refusal, or what its voice says."""
        said = message.get("refusal") or spoken_words(message, "the Messages API", self._where)
        return said if isinstance(said, str) else None

    def _add_tool_message(self, message: Mapping[str, Any], content: Any) -> None:
        """Chat's ``role: "tool"``; also a message of results that only its role makes one."""
        given = message.get("tool_call_id") or message.get("tool_use_id") or message.get("call_id")
        blocks = content if isinstance(content, str) else self._result(content)
        if given is None and blocks and all(isinstance(b, dict) and b.get("type") == "tool_result" for b in blocks):
            self._turns.append({"role": "user", "content": blocks})
            return
        call_id = self._answered(given, message.get("name"))
        result = result_block(call_id, blocks or "", is_error=message.get("is_error") is True)
        self._turns.append({"role": "user", "content": [result]})

    def _add_item(self, kind: str, item: Mapping[str, Any]) -> None:
        """An item of the Responses API that is no message."""
        if kind in ("function_call", "custom_tool_call"):
            self._turns.append({"role": "assistant", "content": [self._use(self._call(item))]})
        elif kind in ("function_call_output", "custom_tool_call_output"):
            self._add_tool_message({"call_id": item.get("call_id")}, item.get("output"))
        elif not is_opaque_item(kind):
            raise UnsupportedError(f"{self._where}: the Messages API has no place for an item of type {kind!r}")

    # ---- their content

    def _blocks(self, content: Any, ids: Iterator[str] = _NO_IDS) -> list[Block]:
        """The blocks of a message's content; ``ids`` are those of its calls, for calls that come without."""
        if content is None:
            return []
        if isinstance(content, str):
            content = [content]
        if isinstance(content, Mapping) or not isinstance(content, Iterable):
            raise TypeError(f"{self._where}: content must be a str or a list of parts, not {type(content).__name__}")
        blocks = [self._block(part, ids) for part in content]
        return [block for block in blocks if block is not None]

    def _result(self, content: Any) -> Any:
        """The content of a result: its blocks, or the JSON text of a value that is no list of parts."""
        if content is None or (isinstance(content, list) and all(isinstance(part, (str, Mapping)) for part in content)):
            return self._blocks(content)
        return dumps_text(content)

    def _block(self, part: Any, ids: Iterator[str]) -> Block | None:
        if not isinstance(part, Mapping):
            return block_of(part, self._where)
        kind = part.get("type")
        if kind == "tool_use":
            return self._own_use(part)
        if kind == "tool_result":
            content = part.get("content")
            return {
                **part,
                "tool_use_id": self._answered(part.get("tool_use_id"), None),
                **({"content": self._result(content)} if isinstance(content, list) else {}),
            }
        call = part.get("functionCall") or part.get("function_call")
        if kind is None and isinstance(call, Mapping):
            return self._gemini_use(call, next(ids, None))
        response = part.get("functionResponse") or part.get("function_response")
        if kind is None and isinstance(response, Mapping):
            return self._gemini_result(response)
        return block_of(part, self._where)

    # ---- calls

    def _call(self, entry: Any) -> ToolCall:
        """A call from Chat's form, a ToolCall's fields, or an item of the Responses API."""
        if isinstance(entry, ToolCall):
            if entry.type != "custom":
                return entry
            entry = vars(entry)
        if not isinstance(entry, Mapping):
            raise TypeError(f"{self._where}: a tool call must be a mapping, not {type(entry).__name__}")
        custom, function = entry.get("custom"), entry.get("function")
        name, given = entry.get("name"), entry.get("input")
        if entry.get("type") in ("custom", "custom_tool_call"):  # free text as the input
            holder = next((holder for holder in (custom, function) if isinstance(holder, Mapping)), entry)
            text = holder.get("input", holder.get("arguments"))
            function = {"name": holder.get("name"), "arguments": {"input": text}}
            given = given if isinstance(given, Mapping) else None
        elif not isinstance(function, Mapping) and "arguments" in entry:
            function = {"name": name, "arguments": entry["arguments"]}
        return ToolCall(
            id=str(entry.get("call_id") or entry.get("id") or self._make_id()),
            type=str(entry.get("type") or "function"),
            name=name,
            input=given,
            function=dict(function) if isinstance(function, Mapping) else None,
        )

    def _use(self, call: ToolCall) -> Block:
        """The ``tool_use`` block of a call."""
        if not call.name:
            raise ValueError(f"{self._where}: a tool call has no name")
        # Other providers use characters that this API refuses, or the same ids again in every turn.
        call_id = unique = _NOT_IN_IDS.sub("_", call.call_id)
        while unique in self._used_ids:
            self._made_up_ids += 1
            unique = f"{call_id}_{self._made_up_ids}"
        self._remember(call.call_id, call.name, unique)
        if call.call_id in self._made_up:
            self._made_up.add(unique)
        return {"type": "tool_use", "id": unique, "name": call.name, "input": _as_object(call.arguments)}

    def _own_use(self, block: Mapping[str, Any]) -> Block:
        call_id = str(block.get("id"))
        self._remember(call_id, str(block.get("name")), call_id)
        return {**block, "input": _as_object(tool_input(block.get("input")))}

    def _gemini_use(self, call: Mapping[str, Any], known: str | None) -> Block:
        """A ``functionCall``. ``known`` is the id that its ToolCall has, which is what results name."""
        own = call.get("id")
        tool_call = ToolCall(known or own or self._make_id(), "function", call.get("name"), call.get("args"))
        block = self._use(tool_call)
        if own:
            self._ids[own] = block["id"]
        return block

    def _make_id(self) -> str:
        self._made_up_ids += 1
        made_up = f"call_{self._made_up_ids}"
        self._made_up.add(made_up)
        return made_up

    def _remember(self, given: str, name: str, sent: str) -> None:
        self._ids[given] = sent
        self._same.setdefault(given, []).append(sent)
        self._used_ids.add(sent)
        self._open_calls.append((sent, name))

    # ---- results

    def _answered(self, given: Any, name: Any) -> str:
        """The id that a result has to name: that of the call it names, or of the first open call of its function.

        An id that no call has is one that was given, on the way, to a call that stands here without; so the result answers
        the first of those.
        """
        call_id = self._ids.get(str(given)) if given else None
        same = self._same.get(str(given), ())
        if len(same) > 1:  # of calls with one id, the first that has no result yet
            call_id = next((open_id for open_id, _ in self._open_calls if open_id in same), call_id)
        if call_id is None:
            fitting = [
                open_id
                for open_id, called in self._open_calls
                if (name is None or called == name) and (not given or open_id in self._made_up)
            ]
            if not fitting and not given:
                raise ValueError(f"{self._where}: a tool's result names no call, and there is none that it could mean")
            call_id = fitting[0] if fitting else str(given)
        self._open_calls = [(open_id, called) for open_id, called in self._open_calls if open_id != call_id]
        return call_id

    def _gemini_result(self, response: Mapping[str, Any]) -> Block:
        """A ``functionResponse``, whose ``response`` is an object with one of three fields by convention."""
        content, is_error = response.get("response"), False
        if isinstance(content, Mapping) and len(content) == 1:
            is_error = "error" in content
            content = next((content[key] for key in ("result", "output", "error") if key in content), content)
        said: Any = content if isinstance(content, str) else dumps_text(content)
        if response.get("parts"):  # images and files, from version 3 on
            said = self._blocks([{"text": said}, *response["parts"]])
        return result_block(self._answered(response.get("id"), response.get("name")), said, is_error=is_error)


def _as_object(arguments: dict[str, Any] | str) -> dict[str, Any]:
    return arguments if isinstance(arguments, dict) else {_UNREADABLE: arguments}


def _tool_calls(message: Mapping[str, Any]) -> Iterable[Any]:
    """The ``tool_calls`` of a message, or its ``function_call`` of old."""
    legacy = message.get("function_call")
    if not message.get("tool_calls") and isinstance(legacy, Mapping) and legacy.get("name"):
        return [{"function": legacy}]
    return message.get("tool_calls") or ()


def _own_thinking(details: Any) -> list[Block]:
    """Thinking of this API among a message's ``reasoning_details``; that of others cannot be verified here."""
    if not isinstance(details, list):
        return []
    signed = {"thinking": "signature", "redacted_thinking": "data"}
    return [
        dict(detail)
        for detail in details
        if isinstance(detail, Mapping) and detail.get("type") in signed and detail.get(signed[detail["type"]])
    ]


def _has_calls(turn: Mapping[str, Any]) -> bool:
    """Whether a turn holds calls, or the results of calls."""
    content = turn["content"]
    return isinstance(content, list) and any(
        isinstance(block, Mapping) and block.get("type") in ("tool_use", "tool_result") for block in content
    )


def _as_blocks(turn: Mapping[str, Any]) -> list[Block]:
    content = turn["content"]
    if isinstance(content, str):
        block = text_block(content)
        return [] if block is None else [block]
    return list(content)
