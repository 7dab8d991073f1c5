"""A message of a conversation, and the road from what callers write to what protocols read.

What belongs here: the Message itself, and the checks that every conversation passes before anything is sent. How a
message looks on the wire is the protocols' knowledge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Union

from .tool_call import SERVER_RUN, ServerId, ToolCall

__all__ = ["Content", "Message", "Role", "listed", "message_to_dict", "normalize_messages", "validate_messages"]

Role = Literal["system", "user", "assistant", "tool"]
Content = Union[str, list[dict[str, Any]]]

_ROLES = ("system", "user", "assistant", "tool")

# The keys of nearly every message that is written by hand.
_PLAIN = frozenset({"role", "content"})

# Items of the Responses API that are tool results: a conversation with it may be gone on with elsewhere.
_RESULTS = ("function_call_output", "custom_tool_call_output")


@dataclass
class Message:
    """One turn of a conversation.

    Attributes:
        role: ``system``, ``user``, ``assistant`` or ``tool``.
        content: the text, which is a str in every answer; or, in a request, a list of content parts.
        tool_calls: the calls that the model asks for, in order of first appearance; None without any.
        reasoning: the model's visible reasoning, or None. It is never part of ``content``.
        reasoning_details: the provider's own reasoning items, to be sent back as they came.
        stop_reason: why the model stopped, in the provider's own word.
        original: the message as the provider sent it; it is what is sent back in the next request.
        refusal: the text of a refusal, or None. A refusal is not content.
        finish_reason: why the model stopped, in one vocabulary: ``stop``, ``tool_calls``, ``length``,
            ``content_filter``, ``refusal``, ``pause``, ``error`` or ``unknown``.
        provider_name: the provider that gave this answer, by its ``name()``. Signed and encrypted parts go back to that one
            alone; None where it is not known.
    """

    role: str
    content: Content
    tool_calls: list[ToolCall] | None = None
    reasoning: str | None = None
    reasoning_details: list[Any] | None = None
    stop_reason: str | None = None
    original: dict[str, Any] | None = None
    refusal: str | None = None
    finish_reason: str = "unknown"
    provider_name: str | None = field(default=None, compare=False, repr=False)

    @property
    def text(self) -> str:
        """The text of ``content``, which is all of it in an answer; of a list of parts, their texts joined."""
        if isinstance(self.content, str):
            return self.content
        texts = (part.get("text") for part in self.content or ())
        return "".join(text for text in texts if isinstance(text, str))

    def to_dict(self) -> dict[str, Any]:
        """The message as a dict for ``json.dumps``: every field that is set, ``original`` and its signatures included.

        Such a dict is a message wherever messages are taken, and :meth:`from_dict` makes a Message of it again.
        """
        data = asdict(self)
        unset = {name for name, value in data.items() if value is None or (name, value) == ("finish_reason", "unknown")}
        return {name: value for name, value in data.items() if name not in unset - {"role", "content"}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Message:
        """The message in a dict: what :meth:`to_dict` gave, or a message in the form of any API.

        Raises:
            ValueError, TypeError: the dict is no message.
        """
        message = _normalize(data, 0)
        if "original" not in data and data.keys() <= cls.__dataclass_fields__.keys():
            message.original = None
        return message


def listed(messages: Iterable[Message | Mapping[str, Any]]) -> list[Message | Mapping[str, Any]]:
    """The entries of a conversation, which are not looked at; TypeError for what is no list of messages."""
    if type(messages) is list:
        return messages.copy()
    if isinstance(messages, (str, bytes, Mapping, Message)) or not isinstance(messages, Iterable):
        raise TypeError(f"messages must be a list of messages, not {type(messages).__name__}")
    return list(messages)


def normalize_messages(messages: Iterable[Message | Mapping[str, Any]]) -> list[Message]:
    """Messages and mappings as a list of Messages.

    Raises:
        ValueError: for a role that is none of the four.
        TypeError: for an entry that is neither, or content of a wrong type.
    """
    return [_normalize(entry, position) for position, entry in enumerate(listed(messages))]


def validate_messages(messages: Iterable[Message | Mapping[str, Any]]) -> list[Message]:
    """The same as :func:`normalize_messages`, under its other historical name."""
    return normalize_messages(messages)


def _normalize(entry: Message | Mapping[str, Any], position: int) -> Message:
    if isinstance(entry, Message):
        _check_role(entry.role, position)
        if type(entry.content) is not str:
            _content({"content": entry.content}, position)
        if entry.tool_calls is not None or entry.reasoning is not None or entry.reasoning_details is not None:
            _check_said(entry, position)
        return entry
    if type(entry) is dict and entry.keys() == _PLAIN and type(entry["content"]) is str:
        _check_role(entry["role"], position)  # nothing else in it can be wrong
        return Message(entry["role"], entry["content"], original=entry.copy())
    if not isinstance(entry, Mapping):
        raise TypeError(f"messages[{position}] must be a Message or a mapping, not {type(entry).__name__}")
    if "role" not in entry and isinstance(entry.get("type"), str):
        return _item(entry)
    if entry.get("role") == "model" and isinstance(entry.get("parts"), list):  # Gemini's own form, written by hand
        entry = {**entry, "role": "assistant"}
    _check_role(entry.get("role"), position)
    inner = entry.get("original")
    original = dict(inner) if isinstance(inner, Mapping) else {k: v for k, v in entry.items() if k != "original"}
    return Message(
        role=entry["role"],
        content=_content(entry, position),
        tool_calls=_with_ids_of(original.get("parts"), _tool_calls(entry.get("tool_calls"), position)),
        reasoning=_reasoning(entry.get("reasoning"), position),
        reasoning_details=_reasoning_details(entry.get("reasoning_details"), position),
        original=original,
        **_said_of_answers(entry),
    )


def _item(item: Mapping[str, Any]) -> Message:
    """An item of the Responses API that is no message: a call, a result, or what only that API knows."""
    if item["type"] in _RESULTS:
        result = {"role": "tool", "tool_call_id": item.get("call_id"), "content": item.get("output")}
        return _normalize(result, 0)
    return Message("assistant", "", original=dict(item))


def _said_of_answers(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that only answers have, where a dict has them as this library writes them."""
    names = ("refusal", "finish_reason", "provider_name")
    said = {name: entry[name] for name in names if isinstance(entry.get(name), str)}
    return {"stop_reason": entry.get("stop_reason"), **said}


def _check_role(role: Any, position: int) -> None:
    if role not in _ROLES:
        hint = ' (its place is "system")' if role == "developer" else ""
        raise ValueError(
            f"Invalid role provided in message: messages[{position}] has the role {role!r}{hint}; "
            f"known roles are {', '.join(_ROLES)}"
        )


def _content(entry: Mapping[str, Any], position: int) -> Content:
    content = entry["content"] if "content" in entry else entry.get("parts")
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, Sequence) and not isinstance(content, (bytes, bytearray)):
        for part in content:
            if not isinstance(part, Mapping):
                raise TypeError(
                    f"messages[{position}]: content parts must be mappings, and one is a {type(part).__name__}"
                )
        return [dict(part) for part in content]
    raise TypeError(f"messages[{position}]: content must be a str or a list of parts, not {type(content).__name__}")


def _tool_calls(value: Any, position: int) -> list[ToolCall] | None:
    if value is None:
        return None
    if isinstance(value, (ToolCall, Mapping)):
        value = [value]
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        raise TypeError(f"messages[{position}]: tool_calls must be a list of tool calls, not {type(value).__name__}")
    calls = []
    for call in value:
        if isinstance(call, ToolCall):
            calls.append(call)
        elif isinstance(call, Mapping):
            calls.append(
                ToolCall(
                    id=str(call.get("id", "")),
                    type=str(call.get("type", "function")),
                    name=call.get("name"),
                    input=call.get("input"),
                    function=call.get("function"),
                    incomplete=call.get("incomplete") is True,
                )
            )
        else:
            raise TypeError(f"messages[{position}]: a tool call must be a ToolCall or a mapping")
    return calls or None


def _with_ids_of(parts: Any, calls: list[ToolCall] | None) -> list[ToolCall] | None:
    """The calls, whose ids are marked again as the API's own where its answer has them; JSON knows no such mark."""
    for call in calls or ():
        for part in parts if isinstance(parts, list) else ():
            inner = part.values() if isinstance(part, Mapping) else ()
            if call.id and any(isinstance(value, Mapping) and value.get("id") == call.id for value in inner):
                call.id = ServerId(call.id)
    return calls


def _check_said(message: Message, position: int) -> None:
    """Check what a Message says beside its content."""
    calls = message.tool_calls
    if calls is not None and not (
        isinstance(calls, (list, tuple)) and all(isinstance(call, ToolCall) for call in calls)
    ):
        raise TypeError(f"messages[{position}]: tool_calls of a Message must be a list of ToolCall objects")
    _reasoning(message.reasoning, position)
    _reasoning_details(message.reasoning_details, position)


def _reasoning(value: Any, position: int) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise TypeError(f"messages[{position}]: reasoning must be a str, not {type(value).__name__}")


def _reasoning_details(value: Any, position: int) -> list[Any] | None:
    if value is None:
        return None
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        raise TypeError(f"messages[{position}]: reasoning_details must be a list, not {type(value).__name__}")
    for detail in value:
        if not isinstance(detail, (Mapping, str)):
            raise TypeError(f"messages[{position}]: reasoning_details must hold mappings or strings")
    return [dict(detail) if isinstance(detail, Mapping) else detail for detail in value]


def message_to_dict(message: Message) -> dict[str, Any]:
    """A message as a plain dict, ready for a protocol: ``original`` where there is one, else the fields.

    ``tool_calls``, ``reasoning`` and ``reasoning_details`` are laid over it, without the calls that the provider has run
    itself: their place, if they have one, is ``original``. ``stop_reason`` is never sent.
    """
    original = message.original
    calls = [call for call in message.tool_calls or () if original is None or call.type != SERVER_RUN]
    if original is not None and "role" not in original and isinstance(original.get("type"), str):
        return dict(original)  # an item of the Responses API
    if original is not None and ("content" in original or "parts" in original):
        data = dict(original)
        data.setdefault("role", message.role)
    else:
        data = {"role": message.role, "content": message.content}
        if message.refusal:
            data["refusal"] = message.refusal
    content = data.get("content")
    if not isinstance(content, (str, list)) and isinstance(content, Sequence):  # protocols look for lists of parts
        data["content"] = list(content)
    if calls:
        data["tool_calls"] = _laid_over(data.get("tool_calls"), calls)
    else:
        data.pop("tool_calls", None)
    if message.reasoning is not None:
        data.setdefault("reasoning", message.reasoning)
    if message.reasoning_details is not None:
        data.setdefault("reasoning_details", message.reasoning_details)
    return data


def _laid_over(given: Any, calls: list[ToolCall]) -> list[Any]:
    """The calls of a message as dicts, each as ``given`` by the provider where it is still the same call."""
    entries = list(given) if isinstance(given, (list, tuple)) else []
    dicts: list[Any] = []
    for call in calls:
        place = next((place for place, entry in enumerate(entries) if _is_same(entry, call)), None)
        dicts.append(_tool_call_to_dict(call) if place is None else entries.pop(place))
    return dicts


def _is_same(entry: Any, call: ToolCall) -> bool:
    if not isinstance(entry, Mapping) or entry.get("id") not in (call.id, call.call_id, None, ""):
        return False
    function = entry.get("function")
    if function is None or call.function is None or function == call.function:
        return True
    told = ToolCall("", "function", function=dict(function))
    return (told.name, told.arguments) == (call.name, call.arguments)


def _tool_call_to_dict(call: ToolCall) -> dict[str, Any]:
    """The fields that are set, as they stand."""
    data: dict[str, Any] = {"id": call.id, "type": call.type}
    for key in ("name", "input", "function"):
        value = getattr(call, key)
        if value is not None:
            data[key] = value
    return data
