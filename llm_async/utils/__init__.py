"""Old import paths. The real homes are named in the modules here; nothing new belongs in this folder."""

from .http import parse_stream_chunk, post_json, stream_json

__all__ = ["parse_stream_chunk", "post_json", "stream_json"]
