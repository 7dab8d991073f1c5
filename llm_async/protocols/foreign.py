"""What the histories of other APIs hold that only its maker can read, and how a message is told without it.

What belongs here: which kinds of parts and items are opaque, and the readings of other APIs' parts that all protocols share.
How a part that can be read is said in an API's words is the business of that API's ``…_parts.py``.

Opaque are: signed or encrypted reasoning; the calls of hosted tools (searches, code execution, computers, remote MCP servers)
and their results, whose ids, encrypted contents and containers exist at one provider alone; and what steers one API's own
machinery. They go back to their maker unchanged, because it verifies them, and are left out for everybody else. What the
model said in words stays, and so do its calls of the caller's tools.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..errors import UnsupportedError
from ..models import Message
from ..models.tool_call import SERVER_RUN

__all__ = [
    "is_opaque_item",
    "made_images",
    "made_media",
    "marked_as_error",
    "portable",
    "readable_by",
    "said_parts",
    "spoken_words",
    "unfolded",
]

Part = Mapping[str, Any]

# Parts of Gemini's that tell what its hosted tools did, in both spellings that its JSON reader takes.
_GEMINI_OPAQUE = frozenset(
    {
        *("executableCode", "executable_code", "codeExecutionResult", "code_execution_result"),
        *("toolCall", "tool_call", "toolResponse", "tool_response"),
    }
)
_GEMINI_SIGNED = ("thoughtSignature", "thought_signature")
# Blocks of the Messages API, beside those that _is_claude_opaque knows by their ending.
_CLAUDE_OPAQUE = ("container_upload", "fallback")
# Parts that are neither words nor calls, in Gemini's form and in those of Chat Completions and the Responses API.
_GEMINI_MEDIA = frozenset({"inlineData", "inline_data", "fileData", "file_data"})
_MEDIA = frozenset(
    {
        *("image_url", "input_image", "file", "input_file", "document_url"),
        *("input_audio", "audio_url", "video_url", "input_video"),
    }
)
# What parts that stay refer with to others that do not.
_REFERENCES = (*_GEMINI_SIGNED, "citations", "caller")
_THINKING = ("thinking", "redacted_thinking", "reasoning")

# Items of the Responses API, beside those that end in ``_call`` and ``_call_output``.
_OPAQUE_ITEMS = frozenset(
    {
        *("reasoning", "compaction", "compaction_trigger", "configuration_update", "additional_tools"),
        *("mcp_list_tools", "mcp_approval_request", "mcp_approval_response"),
        *("tool_search_output", "program", "program_output"),
    }
)
# Calls of tools that the caller has declared, and the results of these.
_CALL_ITEMS = ("function_call", "custom_tool_call", "function_call_output", "custom_tool_call_output")


def is_opaque_item(kind: Any) -> bool:
    """Whether an item of the Responses API means nothing to other APIs.

    A message does, a call of the caller's tools and its result do, and so does a reference to something that the server
    holds: that one cannot be followed elsewhere, but leaving it out would lose what it stands for.
    """
    if not isinstance(kind, str) or kind in _CALL_ITEMS:
        return False
    return kind in _OPAQUE_ITEMS or kind.endswith(("_call", "_call_output"))


def said_parts(content: Any, *, own: str = "") -> Any:
    """What a model said, without the parts of hosted tools of other APIs than ``own``.

    Args:
        content: the content of an assistant's message; anything but a list is given back as it is.
        own: ``"messages"`` or ``"gemini"`` for the API whose parts stay; the others have no such parts.
    """
    if not isinstance(content, (list, tuple)):
        return content
    said = []
    for part in content:
        if not isinstance(part, Mapping):
            said.append(part)
        elif own != "messages" and part.get("type") == "compaction":
            if isinstance(part.get("content"), str):
                # The model's own summary of what was said before; those messages may be there no longer.
                said.append({"type": "text", "text": part["content"]})
        elif not (own != "messages" and _is_claude_opaque(part)) and not (own != "gemini" and _is_gemini_opaque(part)):
            said.append(part)
    return said


def _is_claude_opaque(part: Part) -> bool:
    kind = part.get("type")
    if not isinstance(kind, str) or kind in ("tool_use", "tool_result"):
        return False
    return kind in _CLAUDE_OPAQUE or kind.endswith(("_tool_use", "_tool_result"))


def _is_gemini_opaque(part: Part) -> bool:
    return "type" not in part and bool(part.keys() & _GEMINI_OPAQUE)


def unfolded(part: Part, where: str) -> list[Part] | None:
    """The simpler parts that say what a part of the Messages API says which no other API has; None for any other part.

    These are documents whose content is text or parts, and search results that the caller gives. A title is a text before
    the others: the conversation may speak of it.

    Raises:
        UnsupportedError: the content of the part is of another kind.
    """
    kind, source = part.get("type"), part.get("source")
    if kind == "search_result":
        head = "\n".join(str(part[key]) for key in ("title", "source") if part.get(key))
        return [*_titles(head), *_inner(part.get("content"), where)]
    if kind != "document" or not isinstance(source, Mapping) or source.get("type") not in ("text", "content"):
        return None
    inner = source.get("data") if source["type"] == "text" else source.get("content")
    titles = _titles("\n".join(str(part[key]) for key in ("title", "context") if part.get(key)))
    return [*titles, *_inner(inner, where)]


def _titles(text: str) -> list[Part]:
    return [{"type": "text", "text": f"{text}\n\n"}] if text else []


def _inner(content: Any, where: str) -> list[Part]:
    if content is None or isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    if isinstance(content, (list, tuple)) and all(isinstance(part, Mapping) for part in content):
        return [part for inner in content for part in unfolded(inner, where) or [inner]]
    raise UnsupportedError(f"{where}: a document's content must be a str or a list of parts")


def marked_as_error(content: Any) -> Any:
    """The result of a tool that failed, for APIs that have no flag for it, so that the text has to say so."""
    if isinstance(content, list):
        return [{"type": "text", "text": "Error:"}, *content]
    return f"Error: {content or 'the tool failed'}"


def made_images(message: Mapping[str, Any]) -> list[Part]:
    """The images that a model made, where they stand beside the content, as OpenRouter's and xAI's do."""
    images = message.get("images")
    return [image for image in images if isinstance(image, Mapping)] if isinstance(images, list) else []


def made_media(content: Any, message: Mapping[str, Any]) -> tuple[Any, list[Any]]:
    """What a model said, and apart from it the images and the like that it made, for APIs in which only users show them.

    Parts in the words of the Messages API stay where they are: its models make none.
    """
    if not isinstance(content, (list, tuple)):
        return content, made_images(message)
    made = [part for part in content if _is_media(part)]
    said = [part for part in content if not _is_media(part)] if made else content
    return said, [*made, *made_images(message)]


def _is_media(part: Any) -> bool:
    if not isinstance(part, Mapping):
        return False
    return part["type"] in _MEDIA if isinstance(part.get("type"), str) else bool(part.keys() & _GEMINI_MEDIA)


def spoken_words(message: Mapping[str, Any], api: str, where: str) -> str:
    """What an assistant of Chat Completions said with its voice; ``""`` where it has none.

    Raises:
        UnsupportedError: nobody wrote it down, and ``api`` has no place for the sound.
    """
    words, heard = _voice(message)
    if heard and not words and not message.get("content"):
        raise UnsupportedError(f"{where}: {api} has no place for audio that the assistant said")
    return words


def _voice(message: Mapping[str, Any]) -> tuple[str, bool]:
    """The words of an answer's audio, and whether there is any."""
    audio = message.get("audio")
    if not isinstance(audio, Mapping):
        return "", False
    words = audio.get("transcript")
    return (words if isinstance(words, str) else ""), bool(audio.get("id") or audio.get("data"))


# ---- a message for somebody else than its maker


def readable_by(names: Collection[str], messages: Iterable[Any]) -> list[Any]:
    """The messages as a provider of one of these names may see them: those of other makers are made portable.

    A message of an unknown maker is left as it is. What of it an API of another shape cannot read is then left out by its
    protocol; between two providers of one API only the maker's name tells whose signatures they are.
    """
    return [
        portable(message)
        if isinstance(message, Message) and message.provider_name and message.provider_name not in names
        else message
        for message in messages
    ]


def portable(message: Message) -> Message:
    """A model's message without everything that only its maker can read. The text, a refusal, images that it made, and the
    calls of the caller's tools stay, each call with the id that its result names.
    """
    original = message.original
    if original is not None:
        original = _portable(original, message)
    calls = [call for call in message.tool_calls or () if call.type != SERVER_RUN]
    return replace(message, original=original, tool_calls=calls or None, reasoning=None, reasoning_details=None)


def _portable(original: Mapping[str, Any], message: Message) -> dict[str, Any]:
    told: dict[str, Any] = {"role": message.role}
    parts = original.get("parts")
    if isinstance(parts, list):
        told["parts"] = [_unsigned(part) for part in said_parts(parts) if not _is_thought(part)]
        return told
    content = said_parts(original.get("content"))
    if isinstance(content, list):
        content = [_unsigned(part) for part in content if not _is_thought(part)]
    words, _ = _voice(original)
    told["content"] = content or words or content
    kept = ("refusal", "images", "name", "tool_call_id", *(() if content or words else ("audio",)))
    for key in kept:
        if original.get(key):
            told[key] = original[key]
    calls = original.get("tool_calls")
    if isinstance(calls, list) and calls:
        told["tool_calls"] = [_plain_call(call) if isinstance(call, Mapping) else call for call in calls]
    elif original.get("function_call"):
        told["function_call"] = original["function_call"]
    return told


def _is_thought(part: Any) -> bool:
    if not isinstance(part, Mapping):
        return False
    if isinstance(part.get("type"), str):
        return part["type"] in _THINKING
    return bool(part.get("thought")) or not part.keys() - {*_GEMINI_SIGNED, "thought"}


def _unsigned(part: Any) -> Any:
    """A part without a signature, and without references to what hosted tools did."""
    return {key: value for key, value in part.items() if key not in _REFERENCES} if isinstance(part, Mapping) else part


def _plain_call(call: Mapping[str, Any]) -> dict[str, Any]:
    """A call in the form of Chat Completions, by the id that its result names; further fields are its maker's."""
    given = call.get("input")
    plain = {key: call[key] for key in ("id", "type", "function", "custom", "name") if call.get(key) is not None}
    if call.get("function") is not None and isinstance(given, Mapping):
        plain["id"] = given.get("call_id") or plain.get("id")
    elif given is not None:
        plain["input"] = given
    return plain
