"""Rows: what a message may hold, and conversations that go on, here and elsewhere."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from llm_async import Message, parts
from llm_async.testing import ToolCalls

from ..test_portable import opaque
from .cell import HELLO, LEFT_OUT, Capability, Scene, Section, holds
from .columns import COLUMNS, Door
from .tools import PNG, look

__all__ = ["CONVERSATIONS", "PARTS"]

PARTS = Section("What a message may hold", "conversations.md#what-a-message-may-hold")
CONVERSATIONS = Section("Conversations", "conversations.md#going-on-here-and-elsewhere")

PDF = b"%PDF-1.7\nnot much"
SOUND = b"RIFF\x04\x00\x00\x00WAVE"
CAT, REPORT, BELL, FILM = (f"https://example.org/{name}" for name in ("cat.png", "report.pdf", "bell.mp3", "film.mp4"))
UPLOADED = "file-1"
# Gemini knows what was uploaded by its address.
UPLOADED_AT = {
    "google": "https://generativelanguage.googleapis.com/v1beta/files/file-1",
    "vertex": "gs://our-bucket/file-1",
}


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


# What the row is called, the part, and what of it has to be in the request.
_PARTS = (
    ("an image: its address", parts.image(CAT), CAT),
    ("an image: data", parts.image(PNG), _base64(PNG)),
    ("a PDF: its address", parts.document(REPORT), REPORT),
    ("a PDF: data", parts.document(PDF, name="report.pdf"), _base64(PDF)),
    ("a document that is text", parts.document(b"All is well.", media_type="text/plain"), "All is well."),
    ("sound: data", parts.audio(SOUND), _base64(SOUND)),
    ("sound: its address", parts.audio(BELL), BELL),
    ("a video: its address", parts.video(FILM), FILM),
    ("an uploaded document", parts.uploaded(UPLOADED), UPLOADED),
    ("an uploaded image", parts.uploaded(UPLOADED, "image"), UPLOADED),
)


def _row_of_part(title: str, part: dict[str, Any], wanted: str) -> Capability:
    async def play(scene: Scene) -> None:
        shown = part
        if wanted == UPLOADED and scene.door.name in UPLOADED_AT:
            shown = json.loads(json.dumps(part).replace(UPLOADED, UPLOADED_AT[scene.door.name]))
        await scene.ask({"role": "user", "content": [parts.text("What is this?"), shown]})
        assert holds(scene.body, "What is this?")
        assert holds(scene.body, wanted)

    return Capability(title, play)


PARTS.rows += [_row_of_part(*each) for each in _PARTS]


@PARTS.row("system messages anywhere")
async def system_anywhere(scene: Scene) -> None:
    messages = [
        HELLO,
        {"role": "system", "content": "Speak French."},
        {"role": "assistant", "content": "Bonjour."},
        {"role": "system", "content": "Now speak Dutch."},
        {"role": "user", "content": "And now?"},
    ]
    assert (await scene.ask(*messages)).main_response.content == "You said: And now?"
    said = json.dumps(scene.body)
    assert 0 < said.index("Speak French.") < said.index("Now speak Dutch.")


# --- conversations

SAID = ToolCalls(("look", {"at": "the sky"}), text="I look.", reasoning="Let me see.")
_ELSEWHERE = tuple(column.doors[0] for column in COLUMNS)


_begun_with: dict[str, tuple[Message, dict[str, Any]]] = {}


async def _begun(scene: Scene, door: Door) -> tuple[Message, dict[str, Any]]:
    """The first answer of a conversation with somebody, which calls a tool, and the tool's result; asked for once."""
    if door.name in _begun_with:
        return _begun_with[door.name]
    provider = await scene.another(door)
    scene.server.reset()
    scene.server.script(SAID)
    message = (await provider.acomplete(door.model, [HELLO], tools=[look])).main_response
    assert message.tool_calls
    result = await provider.execute_tool(message.tool_calls[0], {"look": look})
    scene.server.reset()
    _begun_with[door.name] = message, result
    return message, result


def _check_told(body: Any) -> None:
    for told in ("Good morning", "I look.", "look", "the sky", "the sky is blue"):
        assert holds(body, told), told


@CONVERSATIONS.row("goes on with the same provider, signatures and reasoning as they were")
async def goes_on(scene: Scene) -> str | None:
    message, result = await _begun(scene, scene.door)
    await scene.ask(HELLO, message, result, tools=[look])
    _check_told(scene.body)
    signed = opaque(message.original)
    assert signed
    if not opaque(scene.body):
        return LEFT_OUT
    assert opaque(scene.body) == signed
    return None


@CONVERSATIONS.row("takes over what any other provider has begun")
async def takes_over(scene: Scene) -> None:
    for source in _ELSEWHERE:
        if source.name == scene.door.name:
            continue
        message, result = await _begun(scene, source)
        signed = opaque(message.original)
        await scene.ask(HELLO, message, result, tools=[look])
        _check_told(scene.body)
        readable = signed if source.name in scene.provider.READS else set()
        assert opaque(scene.body) & signed == readable, source.name


@CONVERSATIONS.row("is the same after `json.dumps` and `json.loads`")
async def through_json(scene: Scene) -> None:
    for source in (scene.door, _ELSEWHERE[scene.door.api == _ELSEWHERE[0].api]):
        message, result = await _begun(scene, source)
        saved = json.loads(json.dumps([HELLO, message.to_dict(), result]))
        await scene.ask(HELLO, message, result, tools=[look])
        await scene.ask(*saved, tools=[look])
        first, second = scene.server.requests[-2:]
        assert first.json == second.json
