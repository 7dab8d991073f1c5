"""One choice of a streamed Chat Completions answer, adding up.

What belongs here: which rule each field of a delta follows, and what a delta says to the caller. Which choice an event is
about, and when the answer is complete, is ``chat_reader.py``'s business.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from .._speedups import DeltaMerger
from ..models import ToolCallDelta
from .chat_answer import REASONING_FIELDS, arguments_text, part_texts, unified_finish_reason
from .chat_deltas import Audio, ContentParts, ReasoningDetails
from .chat_tool_calls import ToolCalls
from .fragments import Fragment
from .text import TextBuffer

__all__ = ["NOTHING", "Choice", "Said", "joined"]

_CHOICE_RULES = dict.fromkeys(("index", "delta", "message", "finish_reason", "logprobs"), "ignore")
_LOGPROBS_RULES = dict.fromkeys(
    # reasoning_content is DeepSeek's; the rest is the older shape, of Together and others.
    ("content", "refusal", "reasoning_content", "tokens", "token_ids", "token_logprobs", "top_logprobs", "text_offset"),
    "extend",
)
_MESSAGE_RULES = {
    "role": "first",
    "refusal": "join",
    "reasoning_text": "join",
    "annotations": "extend",
    "images": "extend",
    # These have rules of their own below.
    **dict.fromkeys(
        ("content", *REASONING_FIELDS, "reasoning_details", "tool_calls", "function_call", "audio"), "ignore"
    ),
}
_FUNCTION_CALL_RULES = {"name": "first", "arguments": "join"}


# What a delta says to the caller: text, reasoning, pieces of tool calls. A plain tuple, as one is made for every event.
Said: TypeAlias = tuple[str, str, list[ToolCallDelta]]
NOTHING: Said = ("", "", [])


def joined(first: Said, second: Said) -> Said:
    """What two deltas say, as one."""
    return first[0] + second[0], first[1] + second[1], first[2] + second[2]


class Choice:
    """What has arrived of one choice.

    Attributes:
        finish_reason: the last one that is not empty, or None.
    """

    def __init__(self) -> None:
        self.finish_reason: str | None = None
        self._fields = DeltaMerger(_CHOICE_RULES)
        self._logprobs = DeltaMerger(_LOGPROBS_RULES)
        self._message = DeltaMerger(_MESSAGE_RULES)
        self._text = TextBuffer()
        self._has_content = False  # content was a text, be it an empty one; an answer of tool calls may have null
        self._parts: ContentParts | None = None  # the content again, where it comes in lists
        self._reasoning = TextBuffer()
        self._reasoning_fields: list[str] = []  # the fields that the reasoning came in
        self._details: ReasoningDetails | None = None
        self._calls = ToolCalls()
        self._function_call = DeltaMerger(_FUNCTION_CALL_RULES)
        self._function_name: str | None = None
        self._audio: Audio | None = None
        self._refused = False

    # ---- in

    def add(self, choice: dict[str, Any]) -> Said:
        """Take what an event has of this choice."""
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            delta = choice.get("message")
        said = self._add_delta(delta) if isinstance(delta, dict) else NOTHING
        self._fields.merge(choice)
        logprobs = choice.get("logprobs")
        if isinstance(logprobs, dict):
            self._logprobs.merge(logprobs)
        reason = choice.get("finish_reason")
        if reason and isinstance(reason, str):
            self.finish_reason = reason
            said = joined(said, self.flush())
        return said

    def fragment(self, choice: dict[str, Any]) -> Fragment | None:
        """What an event has just said of this choice, if it was nothing but a piece of a text."""
        delta = choice.get("delta")
        if (
            not isinstance(delta, dict)
            or choice.get("finish_reason")
            or choice.get("logprobs")
            or self._parts is not None
        ):
            return None
        news = [name for name, value in delta.items() if value and name != "role"]
        if len(news) != 1:
            return None
        (name,) = news
        fragment = None
        if name == "content" and isinstance(delta[name], str) and self._text.whole:
            fragment = Fragment((name,), "content", self._text.append)
        elif name in REASONING_FIELDS and isinstance(delta[name], str) and self._reasoning.whole:
            fragment = Fragment((name,), "reasoning", self._reasoning.append)
        elif name == "tool_calls" and isinstance(delta[name], list) and len(delta[name]) == 1:
            fragment = self._calls.fragment(delta[name][0])
        if fragment is not None:
            fragment.path = ("delta", *fragment.path)
            others = {other: value for other, value in choice.items() if other not in _CHOICE_RULES}
            fragment.constants = (
                others,
                {other: value for other, value in delta.items() if other not in (name, "role")},
            )
        return fragment

    def flush(self) -> Said:
        """What was held back for want of its other half, once nothing more is expected."""
        return self._text.flush(), self._reasoning.flush(), self._calls.flush()

    def _add_delta(self, delta: dict[str, Any]) -> Said:
        text = reasoning = ""
        content = delta.get("content")
        if isinstance(content, str):
            self._has_content = True
            text = self._text.add(content)
            if self._parts is not None:
                self._parts.add(content)
            if len(delta) == 1:
                return text, "", []
        elif len(delta) == 1 and "tool_calls" in delta:
            return "", "", self._add_calls(delta)
        elif content:
            text, reasoning = self._add_parts(content if isinstance(content, list) else [content])
        self._message.merge(delta)
        if delta.get("refusal"):
            self._refused = True
        details = delta.get("reasoning_details")
        if isinstance(details, list):
            if self._details is None:
                self._details = ReasoningDetails()
            for detail in details:
                self._details.add(detail)
        audio = delta.get("audio")
        if isinstance(audio, dict):
            if self._audio is None:
                self._audio = Audio()
            self._audio.add(audio)
        return text, reasoning + self._add_reasoning(delta), self._add_calls(delta)

    def _add_parts(self, content: list[Any]) -> tuple[str, str]:
        """Take content in parts; the text and the reasoning in them."""
        if self._parts is None:
            self._parts = ContentParts()
            if self._text:
                self._parts.add(self._text.value())
        text = reasoning = ""
        for part in content:
            self._parts.add(part)
            said, thought, refused = part_texts(part)
            text += said
            reasoning += thought
            self._refused = self._refused or bool(refused)
        return self._text.add(text), self._reasoning.add(reasoning)

    def _add_reasoning(self, delta: dict[str, Any]) -> str:
        piece = ""
        for field in REASONING_FIELDS:
            value = delta.get(field)
            if value and isinstance(value, str):
                piece = piece or value
                if field not in self._reasoning_fields:
                    self._reasoning_fields.append(field)
        return self._reasoning.add(piece)

    def _add_calls(self, delta: dict[str, Any]) -> list[ToolCallDelta]:
        entries, legacy = delta.get("tool_calls"), delta.get("function_call")
        if entries:
            return self._calls.add(entries)
        if isinstance(legacy, dict) and not self._calls:
            return self._add_function_call(legacy)
        return []

    def _add_function_call(self, piece: dict[str, Any]) -> list[ToolCallDelta]:
        self._function_call.merge(piece)
        name, arguments = piece.get("name"), arguments_text(piece.get("arguments"))
        if isinstance(name, str) and name and self._function_name is None:
            self._function_name = name
        return [ToolCallDelta(0, None, self._function_name, arguments)] if name or arguments else []

    # ---- out

    def ending(self, *, whole: bool = False) -> tuple[str | None, str | None]:
        """Why it ended, in the server's word and in ours; two times None while it has not.

        Args:
            whole: the answer is known to be complete, with or without a ``finish_reason``.
        """
        if not self.finish_reason and not whole:
            return None, None
        return self.finish_reason, unified_finish_reason(
            self.finish_reason,
            called=bool(self._calls or self._function_name),
            refused=self._refused,
            said=bool(self._text),
        )

    def result(self, index: int) -> dict[str, Any]:
        """The choice so far, as an answer that was not streamed has it."""
        fields = self._fields.result()
        if self._logprobs:
            fields["logprobs"] = self._logprobs.result()
        return {"index": index, "message": self._whole_message(), "finish_reason": self.finish_reason, **fields}

    def _whole_message(self) -> dict[str, Any]:
        fields = self._message.result()
        message: dict[str, Any] = {"role": fields.pop("role", None) or "assistant", "content": self._content()}
        for field in self._reasoning_fields:
            message[field] = self._reasoning.value()
        if self._details is not None:
            message["reasoning_details"] = self._details.result()
        if self._audio is not None:
            message["audio"] = self._audio.result()
        if self._function_call:
            message["function_call"] = self._function_call.result()
        if self._calls:
            message["tool_calls"] = self._calls.result()
        return message | fields

    def _content(self) -> str | list[dict[str, Any]] | None:
        if self._parts is not None:
            return self._parts.result()
        return self._text.value() if self._has_content else None
