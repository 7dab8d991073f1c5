"""The coverage-guided run: libFuzzer, by way of atheris, looks for input that makes ``streams.check`` fail. ::

    pip install atheris
    python -m tests.fuzz.run -max_total_time=300
    python -m tests.fuzz.run crash-…

Arguments are libFuzzer's; a file is an input to be tried once more. It needs no compiled extensions, and takes none: what it follows is Python code. The first byte of an
input says which API's reader gets it, the second in what pieces, the rest is the body of the answer. Half of the mutations
are libFuzzer's own, half change the JSON of one event.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("LLM_ASYNC_NO_EXTENSIONS", "1")

import atheris

with atheris.instrument_imports(include=["llm_async._speedups", "llm_async.protocols"]):
    from tests.fuzz.streams import PROTOCOLS, SEEDS, check, check_body, spoiled

_SIZES = (0, 0, 0, 5, 64)
_WORDS = [
    b"data: ",
    b"event: error\n",
    b"\r\n\r\n",
    b"[DONE]",
    b'"index":',
    b'"error":',
    b'"type":',
    b"null",
    b"\\ud800",
    b"\xef\xbb\xbf",
]


def one_input(data: bytes) -> None:
    """Read the input as a stream, and as an answer that was not streamed."""
    if len(data) < 2:
        return
    protocol = PROTOCOLS[data[0] % len(PROTOCOLS)]
    check(protocol, data[2:], _SIZES[data[1] % len(_SIZES)])
    check_body(protocol, data[2:])


def mutated(data: bytes, most: int, seed: int) -> bytes:
    """Another input made of one."""
    whim = random.Random(seed)
    if len(data) < 2 or whim.random() < 0.5:
        return bytes(atheris.Mutate(data, most))
    blocks = data[2:].replace(b"\r\n", b"\n").split(b"\n\n")
    return (data[:2] + spoiled([block + b"\n\n" for block in blocks if block], whim))[:most]


def main() -> None:
    """Write the streams to begin with into a folder, and fuzz."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        for number, (place, blocks) in enumerate(SEEDS):
            Path(corpus, f"seed-{number}").write_bytes(bytes([place, number % len(_SIZES)]) + b"".join(blocks))
        words = Path(folder, "words")
        words.write_text("".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in _WORDS))
        options = [argument for argument in sys.argv[1:] if argument.startswith("-")]
        found = [argument for argument in sys.argv[1:] if not argument.startswith("-")]  # inputs to be tried once more
        arguments = [sys.argv[0], *(found or [str(corpus)]), f"-dict={words}", "-max_len=3000", *options]
        atheris.Setup(arguments, one_input, custom_mutator=mutated)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
