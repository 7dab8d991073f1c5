"""Parts of messages: what the helpers make, and what becomes of each at every API, seen at the embedded server."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from llm_async import (
    BaseProvider,
    ClaudeProvider,
    GoogleProvider,
    Message,
    OpenAIProvider,
    OpenAIResponsesProvider,
    OpenRouterProvider,
    ToolCall,
    UnsupportedError,
    parts,
)
from llm_async.models.media_types import ending_of, media_type_of_bytes, media_type_of_name
from llm_async.protocols.base import Call
from llm_async.testing import ProviderServer

PNG = b"\x89PNG\r\n\x1a\n....."
PDF = b"%PDF-1.7 ..."
WAV = b"RIFF....WAVEfmt "
MP4 = b"\0\0\0\x18ftypisom...."
DOCX = b"PK\x03\x04...."
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def b64(data: bytes) -> str:
    return b64encode(data).decode()


def data_url(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{b64(data)}"


PROVIDERS: list[type[BaseProvider]] = [
    OpenAIProvider,
    OpenRouterProvider,
    OpenAIResponsesProvider,
    ClaudeProvider,
    GoogleProvider,
]
UNSUPPORTED = None


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


def image_url(url: str, **more: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def input_image(url: str, **more: Any) -> dict[str, Any]:
    return {"type": "input_image", "image_url": url, **more}


def chat_file(**fields: Any) -> dict[str, Any]:
    return {"type": "file", "file": fields}


def input_file(**fields: Any) -> dict[str, Any]:
    return {"type": "input_file", **fields}


def claude(kind: str, source: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": kind, "source": source, **more}


def base64_source(data: bytes, media_type: str) -> dict[str, Any]:
    return {"type": "base64", "media_type": media_type, "data": b64(data)}


def inline(data: bytes, media_type: str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": media_type, "data": b64(data)}}


def file_data(uri: str, media_type: str | None = None) -> dict[str, Any]:
    return {"fileData": {**({"mimeType": media_type} if media_type else {}), "fileUri": uri}}


SOUND = {"type": "input_audio", "input_audio": {"data": b64(WAV), "format": "wav"}}
PAGE = "https://x.org/a"
CAT, PAPER, SONG, FILM = "https://x.org/a.png", "https://x.org/a.pdf", "https://x.org/a.mp3", "https://x.org/a.mp4"
NOTES = "Ünder the cloud"

# A part, and what it is for Chat Completions (OpenAI, OpenRouter), the Responses API, Claude and Gemini.
CELLS: list[tuple[str, dict[str, Any], list[Any]]] = [
    (
        "text",
        parts.text("hi"),
        [text("hi"), text("hi"), {"type": "input_text", "text": "hi"}, text("hi"), {"text": "hi"}],
    ),
    (
        "image by its address",
        parts.image(CAT),
        [image_url(CAT), image_url(CAT), input_image(CAT), claude("image", {"type": "url", "url": CAT}),
         file_data(CAT, "image/png")],
    ),
    (
        "image at an address that tells no type",
        parts.image(PAGE, media_type="image/webp", detail="low"),
        [image_url(PAGE, detail="low"), image_url(PAGE, detail="low"), input_image(PAGE, detail="low"),
         claude("image", {"type": "url", "url": PAGE}), file_data(PAGE, "image/webp")],
    ),
    (
        "image as data",
        parts.image(PNG),
        [image_url(data_url(PNG, "image/png"))] * 2
        + [input_image(data_url(PNG, "image/png")), claude("image", base64_source(PNG, "image/png")),
           inline(PNG, "image/png")],
    ),
    (
        "image in a data URL",
        parts.image(data_url(PNG, "image/png")),
        [image_url(data_url(PNG, "image/png"))] * 2
        + [input_image(data_url(PNG, "image/png")), claude("image", base64_source(PNG, "image/png")),
           inline(PNG, "image/png")],
    ),
    (
        "image that was uploaded",
        parts.uploaded("file_1", "image"),
        [UNSUPPORTED, UNSUPPORTED, {"type": "input_image", "file_id": "file_1"},
         claude("image", {"type": "file", "file_id": "file_1"}), UNSUPPORTED],
    ),
    (
        "image at Google's storage",
        parts.image("gs://bucket/a.png"),
        [UNSUPPORTED, UNSUPPORTED, UNSUPPORTED, UNSUPPORTED, file_data("gs://bucket/a.png", "image/png")],
    ),
    (
        "image that Claude does not read",
        parts.image(b"BM....\0\0\0\0"),
        [image_url(data_url(b"BM....\0\0\0\0", "image/bmp"))] * 2
        + [input_image(data_url(b"BM....\0\0\0\0", "image/bmp")), UNSUPPORTED, inline(b"BM....\0\0\0\0", "image/bmp")],
    ),
    (
        "PDF by its address",
        parts.document(PAPER),
        [UNSUPPORTED, chat_file(file_data=PAPER), input_file(file_url=PAPER),
         claude("document", {"type": "url", "url": PAPER}), file_data(PAPER, "application/pdf")],
    ),
    (
        "PDF at an address that tells no type",
        parts.document(PAGE, media_type="application/pdf", name="a.pdf"),
        [UNSUPPORTED, chat_file(filename="a.pdf", file_data=PAGE), input_file(file_url=PAGE, filename="a.pdf"),
         claude("document", {"type": "url", "url": PAGE}, title="a.pdf"), file_data(PAGE, "application/pdf")],
    ),
    (
        "PDF as data",
        parts.document(PDF, name="a.pdf"),
        [chat_file(filename="a.pdf", file_data=data_url(PDF, "application/pdf"))] * 2
        + [input_file(filename="a.pdf", file_data=data_url(PDF, "application/pdf")),
           claude("document", base64_source(PDF, "application/pdf"), title="a.pdf"), inline(PDF, "application/pdf")],
    ),
    (
        "document that was uploaded",
        parts.uploaded("file_1"),
        [chat_file(file_id="file_1"), chat_file(file_id="file_1"), input_file(file_id="file_1"),
         claude("document", {"type": "file", "file_id": "file_1"}), UNSUPPORTED],
    ),
    (
        "document that was uploaded to Google",
        parts.uploaded("https://x.org/files/abc"),
        [chat_file(file_id="https://x.org/files/abc"), chat_file(file_id="https://x.org/files/abc"),
         input_file(file_id="https://x.org/files/abc"),
         claude("document", {"type": "file", "file_id": "https://x.org/files/abc"}),
         file_data("https://x.org/files/abc")],
    ),
    (
        "text document",
        parts.document(NOTES.encode(), media_type="text/markdown", name="notes.md"),
        [[text("notes.md\n\n"), text(NOTES)]] * 2
        + [[{"type": "input_text", "text": "notes.md\n\n"}, {"type": "input_text", "text": NOTES}],
           claude("document", {"type": "text", "media_type": "text/plain", "data": NOTES}, title="notes.md"),
           [{"text": "notes.md\n\n"}, {"text": NOTES}]],
    ),
    (
        "page of text by its address",
        parts.document("https://x.org/a.html"),
        [UNSUPPORTED, chat_file(file_data="https://x.org/a.html"), input_file(file_url="https://x.org/a.html"),
         UNSUPPORTED, file_data("https://x.org/a.html", "text/html")],
    ),
    (
        "document of an office program",
        parts.document(DOCX, media_type=WORD, name="a.docx"),
        [chat_file(filename="a.docx", file_data=data_url(DOCX, WORD))] * 2
        + [input_file(filename="a.docx", file_data=data_url(DOCX, WORD)), UNSUPPORTED, UNSUPPORTED],
    ),
    (
        "sound as data",
        parts.audio(WAV),
        [SOUND, SOUND, SOUND, UNSUPPORTED, inline(WAV, "audio/wav")],
    ),
    (
        "sound in a data URL",
        parts.audio(data_url(WAV, "audio/wav")),
        [SOUND, SOUND, SOUND, UNSUPPORTED, inline(WAV, "audio/wav")],
    ),
    (
        "sound by its address",
        parts.audio(SONG),
        [UNSUPPORTED, UNSUPPORTED, UNSUPPORTED, UNSUPPORTED, file_data(SONG, "audio/mpeg")],
    ),
    (
        "video as data",
        parts.video(MP4),
        [UNSUPPORTED, {"type": "video_url", "video_url": {"url": data_url(MP4, "video/mp4")}}, UNSUPPORTED, UNSUPPORTED,
         inline(MP4, "video/mp4")],
    ),
    (
        "video by its address",
        parts.video(FILM),
        [UNSUPPORTED, {"type": "video_url", "video_url": {"url": FILM}}, UNSUPPORTED, UNSUPPORTED,
         file_data(FILM, "video/mp4")],
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[ProviderServer]:
    with ProviderServer() as running:
        yield running


async def asked(server: ProviderServer, provider_class: type[BaseProvider], question: Any) -> Any:
    """What a provider sends of a question: its content; UNSUPPORTED when it refuses, and then nothing was sent."""
    before = len(server.requests)
    async with provider_class("key", server.url(provider_class.name())) as provider:
        try:
            await provider.acomplete("m", [question])
        except UnsupportedError as error:
            assert str(error).startswith("messages[0]: ")  # noqa: PT017 - which of them refuse is in the table
            assert len(server.requests) == before
            return UNSUPPORTED
    body = server.requests[-1].json
    return parts_in((body.get("messages") or body.get("contents") or body["input"])[0])


def parts_in(message: dict[str, Any]) -> Any:
    return message.get("content", message.get("parts", message.get("output")))


@pytest.mark.parametrize(("part", "expected"), [cell[1:] for cell in CELLS], ids=[cell[0] for cell in CELLS])
def test_a_part_is_said_in_the_words_of_each_api_or_refused_before_anything_is_sent(
    server: ProviderServer, part: dict[str, Any], expected: list[Any]
) -> None:
    frame = parts.text("What is this?")
    question = {"role": "user", "content": json.loads(json.dumps([frame, part, frame]))}

    async def ask() -> list[Any]:
        return [await asked(server, provider_class, question) for provider_class in PROVIDERS]

    got = [sent if sent is UNSUPPORTED else sent[1:-1] for sent in asyncio.run(ask())]
    assert got == [cell if cell is UNSUPPORTED or isinstance(cell, list) else [cell] for cell in expected]


# The rows of the table in docs/conversations.md, and the cells that show what they say.
ROWS = {
    '`parts.text("…")`': ["text"],
    "`parts.image(…)`: an address, data": ["image by its address", "image as data", "image in a data URL"],
    "`parts.document(…)`: the address of a PDF": ["PDF by its address", "PDF at an address that tells no type"],
    "`parts.document(…)`: a PDF as data": ["PDF as data"],
    "`parts.document(…)`: a text": ["text document"],
    '`parts.uploaded("file-1")`: a document': ["document that was uploaded"],
    '`parts.uploaded("file-1", "image")`': ["image that was uploaded"],
    "`parts.audio(…)`: data": ["sound as data", "sound in a data URL"],
    "`parts.audio(…)`: an address": ["sound by its address"],
    "`parts.video(…)`": ["video as data", "video by its address"],
}
DOCUMENT = Path(__file__).parents[1] / "docs" / "conversations.md"


@pytest.mark.skipif(not DOCUMENT.exists(), reason="the documents are not part of what is installed")
def test_the_table_in_the_documents_says_what_these_cells_show() -> None:
    expected = {name: cells for name, _, cells in CELLS}
    lines = [line for line in DOCUMENT.read_text("utf-8").splitlines() if line.startswith("| `parts.")]
    rows = {row[0]: row[1:] for row in ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)}
    assert rows.keys() == ROWS.keys()
    for row, said in rows.items():
        for cells in (expected[name] for name in ROWS[row]):
            # What is Google's has an address there, not an id.
            assert [word in ("no", "its address") for word in said] == [cell is UNSUPPORTED for cell in cells], row


# ---- results of tools

CALL = ToolCall("call_1", "function", "look", function={"name": "look", "arguments": "{}"})
SEEN = parts.image(PNG)
READ = parts.document(PDF, name="a.pdf")
PNG_URL, PDF_URL = data_url(PNG, "image/png"), data_url(PDF, "application/pdf")


def result_of(provider_class: type[BaseProvider], content: Any) -> list[dict[str, Any]]:
    """What is sent behind a call whose result is ``content``."""
    provider = provider_class("key")
    call = {"role": "assistant", "content": None, "tool_calls": [vars(CALL)]}
    result = json.loads(json.dumps(provider.tool_result(CALL, content)))
    protocol = provider._protocol
    assert protocol is not None
    messages = provider._prepared([{"role": "user", "content": "look"}, call, result])
    body = protocol.request(Call("gemini-3-flash", messages)).body
    return (body.get("messages") or body.get("contents") or body["input"])[2:]  # type: ignore[no-any-return]


def test_images_and_files_in_a_tools_result_are_shown_to_the_model() -> None:
    content = [parts.text("seen"), SEEN, READ]
    shown = [image_url(PNG_URL), chat_file(filename="a.pdf", file_data=PDF_URL)]
    assert result_of(OpenAIProvider, content) == [
        {"role": "tool", "tool_call_id": "call_1", "content": "seen"},
        {"role": "user", "content": shown},
    ]
    assert result_of(OpenRouterProvider, content) == [
        {"role": "tool", "tool_call_id": "call_1", "content": [text("seen"), *shown]}
    ]
    assert result_of(OpenAIResponsesProvider, content)[0]["output"] == [
        {"type": "input_text", "text": "seen"}, input_image(PNG_URL), input_file(filename="a.pdf", file_data=PDF_URL),
    ]  # fmt: skip
    (turn,) = result_of(ClaudeProvider, content)
    assert turn["content"][0]["content"] == [
        text("seen"), claude("image", base64_source(PNG, "image/png")),
        claude("document", base64_source(PDF, "application/pdf"), title="a.pdf"),
    ]  # fmt: skip
    (turn,) = result_of(GoogleProvider, content)
    response = turn["parts"][0]["functionResponse"]
    assert response["response"] == {"result": "seen"}
    assert response["parts"] == [inline(PNG, "image/png"), inline(PDF, "application/pdf")]


@pytest.mark.parametrize("provider_class", PROVIDERS)
@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"sky": "rain"}, '{"sky": "rain"}'),
        ([{"type": "dog"}, {"type": "cat"}], '[{"type": "dog"}, {"type": "cat"}]'),
        (["a", "b"], '["a", "b"]'),
        ([], "[]"),
        (5, "5"),
        ([parts.text("as it is")], "as it is"),
        (parts.text("alone"), "alone"),
    ],
    ids=str,
)
def test_a_result_that_is_no_list_of_parts_is_json(provider_class: type[BaseProvider], content: Any, told: str) -> None:
    (turn,) = result_of(provider_class, content)
    found = parts_in(turn)
    while isinstance(found, list):
        first = found[0]
        response = first.get("functionResponse")
        found = response["response"]["result"] if response else first.get("text") or first.get("content")
    assert found == told


@pytest.mark.parametrize("provider_class", [OpenAIResponsesProvider, ClaudeProvider])
def test_sound_in_a_result_is_refused_where_results_have_no_place_for_it(provider_class: type[BaseProvider]) -> None:
    with pytest.raises(UnsupportedError, match=r"messages\[2\]"):
        result_of(provider_class, [parts.audio(WAV)])


def test_a_tool_may_give_an_image() -> None:
    def look() -> Any:
        return [parts.text("here"), SEEN]

    async def run() -> dict[str, Any]:
        return await ClaudeProvider("key").execute_tool(CALL, {"look": look})

    assert asyncio.run(run())["content"][0]["content"] == [text("here"), SEEN]


# ---- the helpers


def test_a_part_is_plain_json() -> None:
    for _, part, _ in CELLS:
        assert json.loads(json.dumps(part)) == part
        assert parts.is_part(part)


@pytest.mark.parametrize(
    "value", [{}, {"type": "image"}, {"type": "text"}, {"text": "a"}, "a", None, {"type": ["text"]}]
)
def test_a_json_object_is_no_part(value: Any) -> None:
    assert not parts.is_part(value)


@pytest.mark.parametrize(
    ("name", "data", "make", "expected"),
    [
        ("cat.txt", PNG, parts.image, image_url(PNG_URL)),  # its bytes count, not its name
        ("a.pdf", PDF, parts.document, chat_file(filename="a.pdf", file_data=PDF_URL)),
        ("a.mp3", b"....", parts.audio,
         {"type": "input_audio", "input_audio": {"data": b64(b"...."), "format": "mp3"}}),
        ("a.mov", b"....", parts.video, inline(b"....", "video/quicktime")),
        ("a.csv", b"\xef\xbb\xbfa;b", parts.document,
         claude("document", {"type": "text", "media_type": "text/plain", "data": "a;b"}, title="a.csv")),
    ],
)  # fmt: skip
def test_a_path_is_read_when_the_part_is_made(
    tmp_path: Path, name: str, data: bytes, make: Callable[[Path], Any], expected: dict[str, Any]
) -> None:
    (tmp_path / name).write_bytes(data)
    assert make(tmp_path / name) == expected


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: parts.image("cat.png"), "an address must begin with https:.*pathlib.Path"),
        (lambda: parts.image("/etc/passwd"), "an address must begin with"),
        (lambda: parts.image(PDF), "data of type application/pdf, and no image"),
        (lambda: parts.image(b"...."), "nothing tells the type of these bytes"),
        (lambda: parts.image(b"....", media_type="png"), "must be a media type such as"),
        (lambda: parts.image("https://x.org/a", media_type="text/html"), "no image"),
        (lambda: parts.image("data:text/plain,hi"), "no image"),
        (lambda: parts.image("gs://bucket/a"), "nothing tells the type of"),
        (lambda: parts.audio("https://x.org/a"), "nothing tells the type of"),
        (lambda: parts.audio("data:audio/wav,abc"), "must be in base64"),
        (lambda: parts.document(b"\xff\xfe", media_type="text/plain"), "must be UTF-8"),
        (lambda: parts.document("data:text/plain"), "a data URL without a comma"),
        (lambda: parts.document("data:text/csv;base64,a"), "data is not base64"),
        (lambda: parts.uploaded(""), "file_id must be"),
        (lambda: parts.uploaded("f", "video"), "kind must be"),  # type: ignore[arg-type]
    ],
)
def test_what_is_wrong_with_a_part_is_said_when_it_is_made(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("make", [parts.image, parts.document, parts.audio, parts.video, parts.text])
def test_a_source_of_another_type_is_a_type_error(make: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match="must be a str"):
        make(5)


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBP", "image/webp"),
        (b"\0\0\0\x18ftypheic", "image/heic"),
        (b"\0\0\0\x18ftypM4A ", "audio/mp4"),
        (MP4, "video/mp4"),
        (PDF, "application/pdf"),
        (WAV, "audio/wav"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90", "audio/mpeg"),
        (b"\xff\xf1\x50", "audio/aac"),
        (b"OggS", "audio/ogg"),
        (b"hello", None),
        ("hello".encode("utf-16"), None),
        (b"", None),
        (b"RIFF", None),
    ],
)
def test_the_first_bytes_tell_a_media_type(data: bytes, media_type: str | None) -> None:
    assert media_type_of_bytes(data) == media_type


@pytest.mark.parametrize("url", ["data:text/csv;base64,YSxi", "data:text/csv,a%2Cb", "DATA:text/csv;Base64,YSxi"])
def test_a_text_in_a_data_url_is_the_same_document_as_its_bytes(url: str) -> None:
    assert parts.document(url, name="n") == parts.document(b"a,b", media_type="text/csv", name="n")


@pytest.mark.parametrize(("media_type", "name"), [("application/pdf", "document.pdf"), (WORD, "document.docx")])
def test_a_file_without_a_name_is_named_by_its_type(media_type: str, name: str) -> None:
    assert parts.document(b"....", media_type=media_type)["file"]["filename"] == name


def test_a_file_of_a_type_that_nobody_knows_is_named_by_what_the_type_says() -> None:
    assert ending_of("application/x-new; v=1") == "x-new"


@pytest.mark.parametrize("provider_class", PROVIDERS)
def test_parts_may_stand_in_a_tuple(server: ProviderServer, provider_class: type[BaseProvider]) -> None:
    said = [parts.text("a"), parts.document(b"b", media_type="text/plain")]
    expected = asyncio.run(asked(server, provider_class, {"role": "user", "content": said}))
    for question in ({"role": "user", "content": tuple(said)}, Message("user", tuple(said))):  # type: ignore[arg-type]
        assert asyncio.run(asked(server, provider_class, question)) == expected


def test_the_end_of_a_name_tells_a_media_type() -> None:
    assert media_type_of_name("/a.b/C.PDF") == "application/pdf"
    assert media_type_of_name("/a.pdf/c") is None
    assert media_type_of_name("") is None
