"""The conversation of a request, as Gemini's ``contents`` and ``systemInstruction``.

Rules, from the reference and the guides of ``generateContent``:

- ``contents`` knows two roles, ``user`` and ``model``. A system message is part of the instruction, which is text.
- A tool's result is a ``functionResponse`` part of the user. The results for all calls of one model turn stand together in
  one content, in the order of the calls: where calls have no ids, order is all that tells two of the same function apart.
- A ``functionResponse`` needs the name of its function, and repeats the call's ``id`` if the API gave one. Ids that this
  library made up, because the API gave none, are not sent: they only serve to find the name.
- Images and files in a result stand in the ``parts`` of its ``functionResponse`` from version 3 on; models before that take
  none there, and are shown them in the same content, behind the results.
- What Gemini said is sent back as it came, with every ``thoughtSignature`` on its part. From version 3 on, the first call
  of a model turn must have one; for calls that did not come from such a model there is a documented stand-in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from .._json import dumps_text
from ..errors import UnsupportedError
from ..models import ToolCall
from ..models.tool_call import ServerId
from .foreign import is_opaque_item, made_images, said_parts, spoken_words
from .gemini_parts import Part, parts_of

__all__ = ["Conversation", "function_response"]

# "Thought signatures" in the guides of the Gemini API.
_NO_SIGNATURE = "skip_thought_signature_validator"

_EMPTY: Part = {"text": ""}


@dataclass(eq=False)
class _Call:
    """A call in the conversation, as far as its result has to know it.

    Attributes:
        name: the function.
        id: the API's id for the call, or None.
        place: its place among all calls.
        ids: those that are known, be they the API's or made up, so that results are told apart by ids.
    """

    name: str
    id: str | None
    place: int
    ids: tuple[str, ...] = ()


# The place of the results that answer no call we know: behind the others.
_NOWHERE = 1 << 30


def function_response(
    name: str, content: Any, where: str = "a result", *, is_error: bool = False, id: str | None = None
) -> Part:
    """The part that holds a tool's result. ``response`` has to be an object: the text stands in it as result or error.

    ``content`` is a text or a list of parts, in the form of any API; ``where`` it stands, for error messages.

    Raises:
        UnsupportedError: Gemini has no place for something in it.
    """
    text, others = _result_content(content, where)
    response: dict[str, Any] = {} if id is None else {"id": str(id)}
    response["name"] = name
    response["response"] = {"error" if is_error else "result": text}
    if others:
        response["parts"] = others
    return {"functionResponse": response}


class Conversation:
    """Collects the messages of one request.

    Attributes:
        contents: the value of ``contents``.
        instruction: the parts of ``systemInstruction``.
    """

    def __init__(self, model: str) -> None:
        self.contents: list[dict[str, Any]] = []
        self.instruction: list[Part] = []
        self._wants_signatures = _wants_signatures(model)
        self._takes_media_in_results = _takes_media_in_results(model)
        # Every call so far, under each id that a result may name it by; of calls with the same id, the last one.
        self._calls: dict[str, _Call] = {}
        # The calls of the last model turn that have no result yet, in order.
        self._open: list[_Call] = []
        self._count = 0
        # What the last content consists of, while it is nothing but results: each with the call that it answers.
        self._results: list[tuple[Part, _Call]] = []
        # The images and files of those results, where they stand behind them.
        self._media: list[Part] = []

    def add(self, message: Mapping[str, Any], position: int) -> None:
        """Add a message, in the form of any of the four APIs.

        Args:
            message: the message.
            position: its place in the caller's list, for error messages.

        Raises:
            ValueError: the message lacks what Gemini needs.
            UnsupportedError: Gemini has no place for something in it.
        """
        where = f"messages[{position}]"
        role = message.get("role")
        if role in ("assistant", "model"):
            self._add_model_turn(message, where)
        elif role == "tool" and not _is_native(message):
            self._add_user_turn([self._result(message, message.get("content"), where)])
        elif role in ("user", "tool"):
            # What is empty is left for the API to refuse: leaving the turn out would hide a mistake.
            self._add_user_turn(self._user_parts(message, where) or [(dict(_EMPTY), None)])
        elif role in ("system", "developer"):
            said = [part for entry in _entries(message, where) for part in _parts(entry, message, where)]
            if any("text" not in part for part in said):
                raise UnsupportedError(f"{where}: a system message of Gemini is text alone")
            self.instruction += [part for part in said if part != _EMPTY]
        elif role is None:
            self._add_item(message, where)
        else:
            raise ValueError(f"{where}: Gemini has no role {role!r}")

    def _add_item(self, item: Mapping[str, Any], where: str) -> None:
        """An item of the Responses API that is no message."""
        kind = item.get("type")
        if kind in ("function_call", "custom_tool_call"):
            function = {"name": item.get("name"), "arguments": item.get("arguments", item.get("input"))}
            part, call = _foreign_call({"id": item.get("call_id"), "function": function}, where)
            if self.contents and self.contents[-1]["role"] == "model":
                self.contents[-1]["parts"].append(part)
            else:
                self._start_model_turn([part])
            self._sign(self.contents[-1]["parts"])
            self._remember(part, call)
        elif kind in ("function_call_output", "custom_tool_call_output"):
            self._add_user_turn([self._result(item, item.get("output"), where)])
        elif not is_opaque_item(kind):
            raise UnsupportedError(f"{where}: Gemini has no place for an item of type {kind!r}")

    # ---- the model's turns

    def _add_model_turn(self, message: Mapping[str, Any], where: str) -> None:
        turn: list[tuple[Part, ToolCall | None]] = []
        for entry in said_parts(_entries(message, where), own="gemini"):
            if entry.get("type") == "tool_use":  # Messages API
                turn.append(_foreign_call(entry, where))
            elif entry.get("type") == "tool_result":  # programs written for 0.5 have it in an assistant's message, too
                turn.append((self._result(entry, entry.get("content"), where)[0], None))
            else:
                turn += [(part, None) for part in _parts(entry, message, where)]
        if not _is_native(message):
            turn = [pair for pair in turn if pair[0] != _EMPTY]
            said = message.get("refusal") or spoken_words(message, "Gemini", where)
            if not turn and isinstance(said, str) and said:
                turn = [({"text": said}, None)]
            turn += [(part, None) for image in made_images(message) for part in parts_of(image, where)]
        beside = [_foreign_call(call, where) for call in _tool_calls(message)]
        if not any(_function_call(part) for part, _ in turn):
            turn += beside
            beside = []
        parts = [part for part, _ in turn]
        self._sign(parts)
        self._start_model_turn(parts)
        # Beside parts that hold the same calls, `tool_calls` add nothing but the ids by which results name them.
        names = (call for _, call in beside)
        for part, call in turn:
            if _function_call(part):
                self._remember(part, call or next(names, None))

    def _start_model_turn(self, parts: list[Part]) -> None:
        self._open = []
        self._results, self._media = [], []
        if parts:  # the answer to a blocked prompt has none, and the API takes no content without parts
            self.contents.append({"role": "model", "parts": parts})

    def _remember(self, part: Part, call: ToolCall | None) -> None:
        """Note a call for its result: the part that is sent, and the call by whose ids the caller knows it."""
        function = _function_call(part)
        made = _Call(str(function.get("name")), function.get("id"), self._count)
        self._count += 1
        self._open.append(made)
        ids = [made.id]
        if call is not None and call.name == made.name:
            ids += [call.id, call.call_id]
        made.ids = tuple(filter(None, ids))
        for id in made.ids:
            self._calls[id] = made

    def _sign(self, parts: list[Part]) -> None:
        """Say of a turn's first call that it has no signature, where the model would miss one."""
        first = next((part for part in parts if _function_call(part)), None)
        if first is not None and self._wants_signatures and "thought_signature" not in first:
            first.setdefault("thoughtSignature", _NO_SIGNATURE)

    # ---- the user's turns

    def _add_user_turn(self, parts: list[tuple[Part, _Call | None]]) -> None:
        """Add parts, the results among them with the calls that they answer."""
        results = [
            (part, call) for part, call in takewhile(lambda pair: pair[1] is not None, parts) if call is not None
        ]
        rest = [part for part, _ in parts[len(results) :]]
        if results:
            if not self._results:
                self.contents.append({"role": "user", "parts": []})
            self._results = sorted(self._results + results, key=lambda pair: pair[1].place)
            self.contents[-1]["parts"] = [*(part for part, _ in self._results), *self._media]
        if rest:
            if not results:
                self.contents.append({"role": "user", "parts": []})
            self.contents[-1]["parts"] += rest
            self._results, self._media = [], []

    def _user_parts(self, message: Mapping[str, Any], where: str) -> list[tuple[Part, _Call | None]]:
        parts: list[tuple[Part, _Call | None]] = []
        for entry in _entries(message, where):
            if entry.get("type") == "tool_result":  # Messages API
                parts.append(self._result(entry, entry.get("content"), where))
            else:
                parts += [self._own_part(part) for part in _parts(entry, message, where)]
        if not _is_native(message):  # results stand before what else the user says
            parts.sort(key=lambda pair: pair[1] is None)
        return parts

    def _own_part(self, part: Part) -> tuple[Part, _Call | None]:
        """A part in Gemini's form, and the call it answers, if any; where it lacks the call's id, that is put in."""
        response = part.get("functionResponse")
        if not isinstance(response, Mapping):
            return part, None
        id = response.get("id")
        call = self._close(self._find(id, response.get("name")), response.get("name"))
        if call.id and not id:
            part = {**part, "functionResponse": {"id": call.id, **response}}
        elif id in call.ids and not call.id:  # the call stands here without the id
            part = {**part, "functionResponse": {key: value for key, value in response.items() if key != "id"}}
        return self._with_media_apart(part), call

    def _with_media_apart(self, part: Part) -> Part:
        """A ``functionResponse``; its images and files follow the last result, where the model takes none in it."""
        response = part["functionResponse"]
        if not response.get("parts") or self._takes_media_in_results:
            return part
        self._media += response["parts"]
        return {**part, "functionResponse": {key: value for key, value in response.items() if key != "parts"}}

    def _result(self, holder: Mapping[str, Any], content: Any, where: str) -> tuple[Part, _Call]:
        """The part for a tool's result in another API's form; ``holder`` is what names the call that it answers."""
        id = next((holder[key] for key in ("tool_call_id", "tool_use_id", "call_id") if holder.get(key)), None)
        name = holder.get("name")
        known = self._find(id, name)
        if known is None and not (isinstance(name, str) and name):
            raise ValueError(
                f"{where}: Gemini needs the name of the function that a result comes from, and no earlier message has a "
                f"call with the id {id!r}; give the name as 'name', or the Message of that call in place of its original"
            )
        call = self._close(known, name)
        part = function_response(call.name, content, where, is_error=holder.get("is_error") is True, id=call.id)
        return self._with_media_apart(part), call

    def _find(self, id: Any, name: Any) -> _Call | None:
        """The call that a result answers, by its id; where that is unknown, by its name, the first one without a result.

        An id that was made up is unknown when the call stands in Gemini's form alone. Then, as there is nothing else to go
        by, a result without a name belongs to the one function that was called.
        """
        if id and isinstance(id, str) and id in self._calls:
            # Of calls with one id, the first that has no result yet.
            return next((call for call in self._open if id in call.ids), self._calls[id])
        left = [call for call in self._open if not (id and call.ids)]
        if name:
            return next((call for call in left if call.name == name), None)
        return left[0] if id and len({call.name for call in left}) == 1 else None

    def _close(self, call: _Call | None, name: Any) -> _Call:
        """Note that a call has its result; None: that of a function ``name`` which nobody called, as far as we know."""
        if call is None:
            return _Call(str(name), None, _NOWHERE)
        if call in self._open:
            self._open.remove(call)
        return call


def _wants_signatures(model: str) -> bool:
    """Whether a model refuses calls without a signature: Gemini 3 and later, which is what the ``-latest`` names mean."""
    version = re.search(r"gemini-(\d+)", model)
    return int(version[1]) >= 3 if version else re.search(r"gemini-.*-latest$", model) is not None


def _takes_media_in_results(model: str) -> bool:
    """Whether the results of a model's calls may hold images and files: "Gemini 3+" in the API's reference."""
    version = re.search(r"gemini-(\d+)", model)
    return version is None or int(version[1]) >= 3


def _is_native(message: Mapping[str, Any]) -> bool:
    """Whether a message is in Gemini's own form."""
    return isinstance(message.get("parts"), list)


def _entries(message: Mapping[str, Any], where: str) -> list[Mapping[str, Any]]:
    """The content of a message as a list of parts, of whatever API."""
    content = message["parts"] if _is_native(message) else message.get("content")
    if content is None:
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list) or not all(isinstance(entry, Mapping) for entry in content):
        raise ValueError(f"{where}: content must be a str or a list of parts")
    return content


def _parts(entry: Mapping[str, Any], message: Mapping[str, Any], where: str) -> list[Part]:
    """What one entry of a message's content becomes. What stands in Gemini's own form passes, known here or not."""
    if _is_native(message) and "type" not in entry:
        return [dict(entry)]
    return parts_of(entry, where)


def _tool_calls(message: Mapping[str, Any]) -> Sequence[Any]:
    """The ``tool_calls`` of a message, or its ``function_call`` of old; one call may stand there without a list."""
    calls = message.get("tool_calls") or ()
    legacy = message.get("function_call")
    if not calls and isinstance(legacy, Mapping) and legacy.get("name"):
        calls = {"function": legacy}
    return calls if isinstance(calls, (list, tuple)) else [calls]


def _result_content(content: Any, where: str) -> tuple[str, list[Part]]:
    """The text of a tool's result, which is JSON for a value that is no list of parts, and the images and files in it."""
    if content is None or isinstance(content, str):
        return content or "", []
    if not (isinstance(content, list) and all(isinstance(entry, Mapping) for entry in content)):
        return dumps_text(content), []
    parts = [part for entry in content for part in parts_of(entry, where)]
    texts = [part["text"] for part in parts if "text" in part]
    return "\n".join(texts), [part for part in parts if "text" not in part]


def _function_call(part: Part) -> Mapping[str, Any]:
    """The call in a part; an empty mapping where there is none."""
    call = part.get("functionCall") or part.get("function_call")
    return call if isinstance(call, Mapping) else {}


def _foreign_call(raw: Any, where: str) -> tuple[Part, ToolCall]:
    """A call that another API's model made, as a part: ``tool_calls[i]``, a ``tool_use`` block, a ``function_call`` item."""
    signature = None
    given = raw.id if isinstance(raw, ToolCall) else raw.get("id") if isinstance(raw, Mapping) else None
    if isinstance(raw, ToolCall):
        call = raw
    elif not isinstance(raw, Mapping):
        raise ValueError(f"{where}: a tool call must be a ToolCall or a mapping, not {type(raw).__name__}")
    else:
        custom = raw.get("custom")
        if raw.get("type") == "custom" and isinstance(custom, Mapping):  # Chat Completions
            raw = {**raw, "function": {"name": custom.get("name"), "arguments": custom.get("input")}}
        function = raw.get("function")
        call = ToolCall(
            id=str(raw.get("id", "")),
            type=str(raw.get("type", "function")),
            name=raw.get("name"),
            input=raw.get("input"),
            function=function if isinstance(function, dict) else None,
        )
        # The compatibility endpoint of the Gemini API hands signatures out here.
        extra = raw.get("extra_content")
        google = extra.get("google") if isinstance(extra, Mapping) else None
        signature = google.get("thought_signature") if isinstance(google, Mapping) else None
    if not call.name:
        raise ValueError(f"{where}: a tool call has no name")
    arguments = call.arguments
    if not isinstance(arguments, dict):
        # Free text, or what was meant to be JSON and is none, where the API takes an object: the model sees what it wrote.
        arguments = {"input": arguments}
    part: Part = {"functionCall": {"name": call.name, "args": arguments}}
    if isinstance(given, ServerId):
        part["functionCall"]["id"] = given
    if signature:
        part["thoughtSignature"] = signature
    return part, call
