"""Toy embeddings: texts that share words have vectors that point the same way, and the same text always has the same one.

What belongs here: the numbers. How an API hands them over is its dialect's.
"""

from __future__ import annotations

import math
import re
import sys
from array import array
from base64 import b64encode
from zlib import crc32

__all__ = ["DIMENSIONS", "in_base64", "vector_of"]

DIMENSIONS = 64  # of a vector, unless a request asks for another number

_WORD = re.compile(r"\w+")


def vector_of(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """The vector of a text, of length one; its numbers are exact as 32-bit floats."""
    counts = [0.0] * dimensions
    for word in _WORD.findall(text.lower()) or [text]:
        counts[crc32(word.encode("utf-8", "surrogatepass")) % dimensions] += 1.0
    length = math.sqrt(sum(each * each for each in counts))
    return array("f", (each / length for each in counts)).tolist()


def in_base64(vector: list[float]) -> str:
    """A vector as OpenAI sends it when it is asked for base64: little-endian 32-bit floats."""
    floats = array("f", vector)
    if sys.byteorder == "big":
        floats.byteswap()
    return b64encode(floats.tobytes()).decode()
