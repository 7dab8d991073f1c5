"""Structured answers: a JSON Schema put into each API's dialect, and the value taken out of the answer.

What belongs here: what happens to a schema on its way out (``openai_dialect``, ``claude_dialect``, ``gemini_dialect``, with
``roots`` and ``limits`` for what they share), and to an answer on its way in (``answers``, ``restoring``, ``types``). The value that
callers hold is :class:`~llm_async.models.ResponseSchema`; nothing here is imported before one is used.
"""
