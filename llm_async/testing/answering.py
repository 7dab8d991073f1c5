"""From a request to its reply: the script, the model, the lists of models, and what an API refuses.

What belongs here: which answer it is. How the APIs word it is in ``dialects/``, how it goes wrong in ``faults.py``.
"""

from __future__ import annotations

from . import model
from .answers import Answer, Raw
from .dialects import DIALECTS, Dialect, ProviderError
from .faults import Break
from .http1 import Reply, Request, laid_over
from .script import Queue

__all__ = ["reply_to", "unaddressed"]


def reply_to(
    request: Request, dialect: Dialect, answers: Queue[Answer | Raw], *, api_key: str | None, pause: float
) -> Reply:
    """The reply to a request, nothing going wrong on its way."""
    try:
        scripted = answers.peek(dialect.name)
        if isinstance(scripted, Raw):
            answers.take(dialect.name)
            return _raw(scripted)
        if api_key is not None and dialect.key(request) != api_key:
            raise dialect.unauthorized(request)
        if not dialect.generates(request):
            return _listing(request, dialect)
        if request.method != "POST":
            raise ProviderError(405, f"Method {request.method} is not allowed here.")
        return _generated(request, dialect, answers, pause)
    except ProviderError as error:
        headers = [*dialect.headers(request), *dialect.error_headers(error)]
        return _whole(dialect.error_body(error, request), headers, error.status)


def unaddressed(request: Request) -> Reply:
    """The reply to a request whose path belongs to no API."""
    bases = ", ".join(sorted({dialect.base for dialect in DIALECTS.values()}))
    message = f"no provider lives at {request.path}; known bases are {bases}\n"
    return Reply(404, [("content-type", "text/plain; charset=utf-8")], [message.encode()])


def _listing(request: Request, dialect: Dialect) -> Reply:
    path = dialect.local_path(request)
    if request.method == "GET" and (path == "/models" or path.startswith("/models/")):
        return _whole(dialect.models(request), dialect.headers(request))
    if request.method == "POST" and (body := dialect.beside(request)) is not None:
        return _whole(body, dialect.headers(request))
    raise ProviderError(404, f"Invalid URL ({request.method} {request.path})")


def _generated(request: Request, dialect: Dialect, answers: Queue[Answer | Raw], pause: float) -> Reply:
    question = dialect.question(request)
    answer = answers.take(dialect.name)
    assert not isinstance(answer, Raw)
    try:
        if answer is None:
            answer = model.reply(question)
        if not question.stream:
            return _whole(dialect.body(question, answer), dialect.headers(request))
        events = dialect.events(question, answer)
    except ValueError as error:
        # A schema that nothing satisfies, or a scripted answer that this API has no words for.
        raise ProviderError(400, str(error)) from error
    headers = [("content-type", dialect.stream_type(request)), *dialect.headers(request)]
    return Reply(200, headers, events, framing="chunked", pause=pause)


def _whole(body: bytes, headers: list[tuple[str, str]], status: int = 200) -> Reply:
    return Reply(status, [("content-type", "application/json"), *headers], [body])


def _raw(raw: Raw) -> Reply:
    headers = laid_over([("content-type", raw.content_type())], raw.headers)
    reply = Reply(raw.status, headers, raw.pieces(), framing=raw.framing, close=raw.close, pause=raw.pause)
    if raw.cut_at is not None:
        Break("eof", after_bytes=raw.cut_at).apply(reply)
    return reply
