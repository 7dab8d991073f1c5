"""Every example runs against the embedded server, and says what is missing where there is no key."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import llm_async

EXAMPLES = Path(__file__).parents[1] / "examples"
HELPER = "setting.py"
_DEADLINE = 50  # seconds

# What each of them has to show.
SHOWN = {
    "agent.py": ["calls weather({'city': 'Bergen'})", "The tool said: rain, 9 °C", "2 turns"],
    "cache.py": ["claude, from the cache, in", "google, from the server, in", "ms: You said: Name a town"],
    "embeddings.py": [
        "1 models, the first one is echo-1",
        "nearest: 'Bergen has rain on most days'",
        "ClaudeProvider has no embeddings",
        "the question has 6 tokens",
    ],
    "fallback.py": [
        "openai has answered",
        "openai had failed with APIConnectionError",
        "The tool said: 290000",
        "2 turns",
    ],
    "hooks.py": [
        "masked: ['Authorization']",
        "masked: ['x-api-key']",
        "status 200, 8 tokens in",
        "openai: 9999 requests are left",
        "failed: NotFoundError",
    ],
    "images_and_documents.py": [
        "claude was not asked about a video",
        "google watches videos",
        "one conversation: openai → openairesponses → claude → google → openrouter",
    ],
    "compatible_servers.py": ["groq: You said: Say good morning.", "mistral: You said:", "example: You said:"],
    "openai_responses_tool_call_with_previous_id.py": ["calls multiply", "says: The tool said:"],
    "options_and_cost.py": ["claude: ", "openrouter: ", "as told by the provider", "together: "],
    "partial_answers.py": ["openai wrote 1 days in", "day 1: text in text", "google is done"],
    "provider_request.py": ["openai has 1 models", "claude has 1 models", "NotFoundError, status 404"],
    "stream_all_providers.py": ["google: You said:", "openrouter: You said:", "ended with stop"],
    "structured_outputs_all_providers.py": ["claude: text in 0 minutes", "openairesponses: text in 0 minutes"],
    "structured_types.py": ["claude: text in 0 minutes, remark: ", "google: 0 ingredients"],
    "tool_call_all_providers.py": [
        "google calls weather({'city': 'Bergen'})",
        'claude says: The tool said: {"sky": "rain"',
    ],
}


def run(example: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_BASE_URL"))}
    environment |= {"PYTHONPATH": str(Path(llm_async.__file__).parents[1]), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-X", "dev", "-W", "error", str(EXAMPLES / example), *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=_DEADLINE, env=environment)


def test_every_example_is_tested() -> None:
    assert {file.name for file in EXAMPLES.glob("*.py")} - {HELPER} == set(SHOWN)


@pytest.mark.parametrize("example", SHOWN)
def test_an_example_runs_against_the_embedded_server(example: str) -> None:
    ended = run(example, "--demo")
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    assert not [text for text in SHOWN[example] if text not in ended.stdout], ended.stdout
    assert "Traceback" not in ended.stderr
    assert "Warning" not in ended.stderr


@pytest.mark.parametrize("example", SHOWN)
def test_an_example_without_a_key_says_what_to_set(example: str) -> None:
    ended = run(example)
    assert ended.returncode == 2
    assert "OPENAI_API_KEY" in ended.stderr
    assert "--demo" in ended.stderr
