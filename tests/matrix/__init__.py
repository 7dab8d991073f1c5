"""What every provider can do: each capability that the documents promise, tried with each provider over real sockets.

Rows are capabilities, small coroutine functions in ``answers.py``, ``tools.py``, ``structured.py``, ``messages.py``,
``options.py``, ``beside.py`` and ``around.py``; columns are providers, data in ``columns.py``. ``cell.py`` plays one with the
other, ``page.py`` puts what came of it into docs/providers.md: ``python -m tests.matrix --write docs``.
"""
