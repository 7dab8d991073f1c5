"""The command ``llm-async``: as a process where it is about exit codes and terminals, in this one where it is about looks."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import llm_async
from llm_async import OpenAIProvider, RetryConfig
from llm_async.cli import MissingError, main
from llm_async.cli.demo import perform
from llm_async.cli.local import running
from llm_async.cli.places import PROVIDERS, Place
from llm_async.cli.screen import Screen, width_of
from llm_async.cli.steps import Participant, departure
from llm_async.testing import ProviderServer, Text, ToolCalls

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_DEADLINE = 50  # seconds


def environment(**more: str) -> dict[str, str]:
    """This process' environment without what a user may have set for the command, and with ``more``."""
    left_out = ("_API_KEY", "_BASE_URL", "NO_COLOR", "COLUMNS", "LLM_ASYNC_REQUIRE_EXTENSIONS")
    kept = {name: value for name, value in os.environ.items() if not name.endswith(left_out)}
    return {**kept, "PYTHONPATH": str(Path(llm_async.__file__).parents[1]), "PYTHONIOENCODING": "utf-8", **more}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-W", "error", "-m", "llm_async", *arguments]


def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), capture_output=True, encoding="utf-8", timeout=_DEADLINE, env=environment(**more)
    )


# The command line.


def test_help_names_the_commands_and_the_exit_codes() -> None:
    ended = run("--help")
    assert ended.returncode == 0
    assert all(word in ended.stdout for word in ("info", "demo", "exit codes"))


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nonsense",),
        ("demo", "--nonsense"),
        ("demo", "--pause", "-1"),
        ("demo", "--pause", "nan"),
        ("demo", "--pause", "soon"),
        ("demo", "--provider", "nobody"),
        ("demo", "--local", "--provider", "google"),
        ("demo", "--local", "--live"),
        ("demo", "--model", "gpt-6"),
        ("demo", "--live", "--model", "gpt-6"),
        ("demo", "--local", "--model", "one", "--model", "two"),
    ],
    ids=" ".join,
)
def test_arguments_that_make_no_sense_are_answered_with_the_help_and_2(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    out, complaints = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert "usage:" in complaints
    assert "exit codes" in complaints


# info


def test_info_says_what_is_installed_and_whether_it_is_compiled() -> None:
    ended = run("info")
    assert ended.returncode == 0
    facts = dict(line.split("  ", 1) for line in ended.stdout.splitlines())
    assert {name.strip() for name in facts} == {"llm-async", "hot paths", "aiosonic", "orjson", "python", "platform"}
    assert len({len(line) - len(line.split("  ", 1)[1].lstrip()) for line in ended.stdout.splitlines()}) == 1


def test_info_as_json_can_be_read_by_a_program() -> None:
    facts = json.loads(run("info", "--json", LLM_ASYNC_NO_EXTENSIONS="1").stdout)
    assert facts["version"] == llm_async.__version__
    assert facts["compiled"] is False
    assert "LLM_ASYNC_NO_EXTENSIONS" in facts["reason"]


def test_info_fails_when_the_extensions_are_demanded_and_refused_at_once() -> None:
    ended = run("info", LLM_ASYNC_NO_EXTENSIONS="1", LLM_ASYNC_REQUIRE_EXTENSIONS="1")
    assert ended.returncode == 1
    assert "unusable" in ended.stdout


# demo, as a process


def table(output: str) -> list[list[str]]:
    """The rows of the table."""
    lines = output.splitlines()
    header = next(number for number, line in enumerate(lines) if line.startswith("provider "))
    rows = lines[header + 2 : lines.index("", header)]
    return [re.split(r"  +", row) for row in rows]


def test_the_demo_shows_all_five_providers_and_ends_with_a_table() -> None:
    ended = run("demo", "--pause", "0")
    assert (ended.returncode, ended.stderr) == (0, "")
    rows = table(ended.stdout)
    assert [row[0] for row in rows] == list(PROVIDERS)
    for _, first_token, tokens, tool, schema, code in rows:
        assert re.fullmatch(r"[\d,]+ ms", first_token)
        assert re.fullmatch(r"\d+/\d+", tokens)
        assert (tool, schema) == ("rain, 9 °C", "yes")
        assert code in ("compiled", "plain")


def test_the_demo_in_a_pipe_has_a_line_for_each_step_and_no_control_codes() -> None:
    ended = run("demo", "--pause", "0", "--provider", "claude", "--provider", "openai")
    assert not CONTROL.search(ended.stdout)
    assert [row[0] for row in table(ended.stdout)] == ["openai", "claude"]
    steps = [line.split()[0] for line in ended.stdout.splitlines() if line.startswith("  ")]
    assert steps == ["stream", "tool", "schema"] * 2


def test_the_demo_goes_on_where_the_output_knows_ascii_alone() -> None:
    ended = run("demo", "--pause", "0", "--provider", "google", PYTHONIOENCODING="ascii")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "rain, 9 ?C" in ended.stdout


def test_a_reader_that_has_seen_enough_ends_the_demo_without_a_traceback() -> None:
    process = subprocess.Popen(
        command("demo", "--pause", "0"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == ""
    assert process.wait(_DEADLINE) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals of a terminal")
def test_ctrl_c_ends_the_demo_with_130_and_without_a_traceback() -> None:
    # Where a script runs the suite in its background, SIGINT is ignored, and a child would inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            command("demo", "--pause", "30"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=environment(),
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        assert process.stdout is not None
        while "gpt-6" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=_DEADLINE)
    assert process.returncode == 130
    assert complaints.strip() == "stopped"


def rendered(output: str) -> list[str]:
    """What a terminal shows: colours gone, characters that were taken back gone."""
    lines = []
    for line in re.sub(r"\x1b\[\d+m", "", output).replace("\r\n", "\n").split("\n"):
        shown: list[str] = []
        at = 0
        for character in line:
            if character == "\b":
                at -= 1
            else:
                shown[at : at + 1] = character
                at += 1
        lines.append("".join(shown).rstrip())
    return lines


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals")
@pytest.mark.parametrize("colour", [True, False], ids=["colour", "NO_COLOR"])
def test_the_demo_in_a_terminal_of_80_columns_breaks_no_line_by_itself(colour: bool) -> None:
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    more = {"TERM": "xterm", **({} if colour else {"NO_COLOR": "1"})}
    process = subprocess.Popen(
        command("demo", "--pause", "0"), stdin=theirs, stdout=theirs, stderr=theirs, env=environment(**more)
    )
    os.close(theirs)
    output = b"".join(iter(lambda: _read(ours), b"")).decode()
    os.close(ours)
    assert process.wait(_DEADLINE) == 0
    assert ("\x1b[" in output) is colour
    shown = rendered(output)
    assert max(map(width_of, shown)) <= 80
    assert len(table("\n".join(shown))) == 5
    assert not any("…" in line for line in shown)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux's way to say that nobody is at the other end any more
        return b""


# demo --live


@pytest.fixture
def server() -> Iterator[ProviderServer]:
    with ProviderServer() as running_server:
        yield running_server


def test_live_without_any_key_says_which_variables_to_set() -> None:
    ended = run("demo", "--live")
    assert (ended.returncode, ended.stdout) == (2, "")
    keys = {key for provider in PROVIDERS.values() for key in provider.ENV_KEYS}
    assert not [key for key in keys if key not in ended.stderr]


def test_live_asks_those_providers_that_have_a_key_for_the_models_that_are_named(server: ProviderServer) -> None:
    keys = {
        "ANTHROPIC_API_KEY": "key of a",
        "ANTHROPIC_BASE_URL": server.url("claude"),
        "OPENROUTER_API_KEY": "key of o",
        "OPENROUTER_BASE_URL": server.url("openrouter"),
    }
    ended = run("demo", "--live", "--model", "claude=claude-next", **keys)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert [row[0] for row in table(ended.stdout)] == ["claude", "openrouter"]
    assert {request.json["model"] for request in server.requests if request.provider == "claude"} == {"claude-next"}
    assert "key of" not in ended.stdout


# demo, its steps


def performed(server: ProviderServer, *, dependable: bool = True, constrained: bool = True) -> tuple[int, str]:
    """The exit code and the output of a demonstration by one provider."""
    out = io.StringIO()
    provider = OpenAIProvider("key", server.url("openai"), retry_config=RetryConfig(max_attempts=1))
    participant = Participant(provider, "gpt-6", dependable=dependable, constrained=constrained)
    return asyncio.run(perform(Place("a test", [participant]), Screen(out))), out.getvalue()


def test_a_failed_step_says_what_failed_and_the_next_one_follows(server: ProviderServer) -> None:
    server.fail(500, "Out of order")
    code, output = performed(server)
    assert code == 1
    assert "stream   failed: InternalServerError: HTTP 500: Out of order" in output
    assert "1 of 3 steps failed" in output
    [[_, first_token, _, tool, schema, _]] = table(output)
    assert (first_token, tool, schema) == ("failed", "rain, 9 °C", "yes")


def test_a_stream_that_breaks_off_is_a_failure_behind_what_had_arrived(server: ProviderServer) -> None:
    server.script(Text("one two three"))
    server.cut(after=3)
    code, output = performed(server)
    assert code == 1
    assert re.search(r"stream   one two failed: \w+", output)


@pytest.mark.parametrize(
    ("answers", "cell", "note"),
    [
        ([Text("Rain, I guess.")], "no call", "the model called no tool"),
        ([ToolCalls(("weather", {"city": "Atlantis"}))], "bad call", "Atlantis"),
        ([ToolCalls(("weather", {"city": "Rome"})), Text("")], "sun, 21 °C", "nothing to say"),
    ],
)
@pytest.mark.parametrize("dependable", [True, False])
def test_a_model_that_does_not_manage_fails_only_where_it_must(
    server: ProviderServer, answers: list[Text | ToolCalls], cell: str, note: str, dependable: bool
) -> None:
    server.script(Text("first"), *answers)
    code, output = performed(server, dependable=dependable)
    assert code == dependable
    assert note in output
    assert table(output)[0][3] == cell


def test_an_answer_without_text_is_a_failure(server: ProviderServer) -> None:
    server.script(Text(""))
    code, output = performed(server)
    assert code == 1
    assert "the answer has no text" in output


def test_a_schema_that_the_server_does_not_enforce_is_not_offered(server: ProviderServer) -> None:
    server.script(Text("first"), ToolCalls(("weather", {"city": "Rome"})), Text("Sun."), Text("It is Bergen."))
    code, output = performed(server, dependable=False, constrained=False)
    assert code == 0
    assert table(output)[0][4] == "not offered"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"city": "Bergen", "umbrella": true}', ""),
        ("It is Bergen.", "no JSON"),
        ("[]", "no object"),
        ('{"city": "Bergen"}', "properties"),
        ('{"city": "Bergen", "umbrella": true, "more": 1}', "properties"),
        ('{"city": "Atlantis", "umbrella": true}', "city"),
        ('{"city": ["Bergen"], "umbrella": true}', "city"),
        ('{"city": "Bergen", "umbrella": 1}', "umbrella"),
    ],
)
def test_a_structured_answer_is_held_against_the_schema(text: str, complaint: str) -> None:
    assert complaint in departure(text)
    assert bool(departure(text)) is bool(complaint)


# The screen.


def flowing(*pieces: str, width: int | None, live: bool = False) -> str:
    out = io.StringIO()
    screen = Screen(out, width=width, live=live)
    screen.begin("step")
    for piece in pieces:
        screen.say(piece)
    screen.end("(a note)")
    return out.getvalue()


def test_text_is_broken_between_words() -> None:
    shown = flowing("The quick", " brown fox", " jumps over", " the lazy dog", width=40)
    assert shown == "  step     The quick brown fox jumps\n           over the lazy dog (a note)\n"


def test_a_word_that_arrives_in_pieces_is_taken_to_the_next_line_whole() -> None:
    shown = rendered(flowing("The quick brown fox jumps um", "brel", "las", width=40, live=True))
    assert shown[:2] == ["  step     The quick brown fox jumps", "           umbrellas (a note)"]


def test_text_without_blanks_is_broken_at_the_margin() -> None:
    shown = flowing(*["雨"] * 20, width=40)
    assert [width_of(line) for line in shown.splitlines()] == [39, 32]


def test_what_a_model_says_cannot_steer_the_terminal() -> None:
    assert flowing("a\x1b[2Jb\x07\r\n\u2028c\u202ed", width=None) == "  step     a[2Jb cd (a note)\n"


def test_a_table_that_is_too_wide_loses_from_its_elastic_column() -> None:
    out = io.StringIO()
    Screen(out, width=40).table(["who", "what", "end"], [[("x", ""), ("y" * 60, ""), ("z", "")]], elastic=1)
    header, rule, row = out.getvalue().splitlines()
    assert width_of(rule) == 40
    assert row == "x    " + "y" * 29 + "…  z"
    assert header == "who  what" + " " * 28 + "end"


# The process of a local engine, with a stand-in that answers as llama.cpp's server does while it starts.

ENGINE = """
import http.server, os, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    asked = 0
    def do_GET(self):
        Handler.asked += 1
        self.send_response(503 if Handler.asked < 3 else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
"""


def test_an_engine_is_ready_within_the_block_and_gone_behind_it() -> None:
    async def use() -> tuple[str, int]:
        async with running([sys.executable, "-c", ENGINE]) as address:
            port = int(address.rpartition(":")[2])
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return address, port

    _, port = asyncio.run(use())
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


@pytest.mark.parametrize(
    ("program", "timeout", "complaint"),
    [
        ("import sys; sys.exit('no such model')", 30.0, "did not start: no such model"),
        ("", 30.0, "did not start: it says nothing"),
        ("import time; time.sleep(60)", 0.3, "not ready within 0.3 s"),
    ],
)
def test_an_engine_that_does_not_start_is_an_error_that_says_why(program: str, timeout: float, complaint: str) -> None:
    async def use() -> None:
        async with running([sys.executable, "-c", program], start_timeout=timeout):
            pass

    with pytest.raises(MissingError, match=complaint):
        asyncio.run(use())


def test_a_model_file_that_is_not_there_is_said_before_anything_is_started() -> None:
    ended = run("demo", "--local", "--model", "/nowhere.gguf")
    assert ended.returncode == 2
    assert "/nowhere.gguf" in ended.stderr or "make demo-local" in ended.stderr
