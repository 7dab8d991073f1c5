"""Which refusals of a request are about the account, the model or its size, so that another provider may take it.

What belongs here: how providers say so where the status does not. Sources: OpenAI's and Anthropic's pages of errors,
google.rpc.ErrorInfo, xAI's answers to a wrong key (all dated November 2026).
"""

from __future__ import annotations

import re

from ..errors import APIStatusError
from .error_bodies import ErrorBody

__all__ = ["is_refused_everywhere"]

# "Your request is wrong": it would be so at the next provider, too.
_ABOUT_THE_REQUEST = (400, 422)

# The Responses API says 400 for a model that does not exist; Gemini and xAI for a wrong key; Anthropic for an account without
# credit; everybody for a conversation that is too long for the model.
_WORDS = frozenset(
    {
        "api_key_expired",
        "api_key_invalid",
        "api_key_service_blocked",
        "context_length_exceeded",
        "invalid_api_key",
        "max_tokens_exceeded",
        "model_not_found",
        "token_limit_exceeded",
    }
)
_SENTENCES = re.compile(
    r"\b(?:api key (?:not valid|expired)|(?:incorrect|invalid) api key|credit balance|usage limits?|spend(?:ing)? limit|billing"
    r"|user location is not supported"
    r"|prompt is too long|context (?:length|window)|maximum context|token count\b.*\bexceeds|exceeds? the (?:maximum|context))\b",
    re.IGNORECASE | re.DOTALL,
)


def is_refused_everywhere(error: APIStatusError) -> bool:
    """Whether a refusal is about the request itself, and not about the account, the model or what it can hold."""
    if error.status_code not in _ABOUT_THE_REQUEST:
        return False
    words = {word.lower() for word in (error.code, error.type, *ErrorBody.of(error.body).words()) if word}
    return not words & _WORDS and _SENTENCES.search(str(error)) is None
