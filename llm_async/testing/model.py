"""The model behind the testing server: it repeats what it is told, uses the tools it is given, and obeys schemas.

What belongs here: questions in, answers out, always the same answer to the same question.
"""

from __future__ import annotations

from .._json import dumps_text
from .answers import Answer, Text, ToolCalls
from .dialects.base import Question
from .schema_instance import instance

__all__ = ["reply"]


def reply(question: Question) -> Answer:
    """What the model says.

    - Tools are on offer and none has returned anything since the user spoke: a call of the tool that the request
      forces, else of the first, with the smallest arguments that its schema accepts.
    - A schema is given: the smallest JSON that it accepts.
    - Tools have returned something: a text that quotes it.
    - Otherwise: ``You said: `` and what the user said last.

    A text longer than the request allows is cut, and ends with ``length``.

    Raises:
        ValueError: nothing that satisfies a schema can be found.
    """
    results = question.tool_results
    if question.tools and question.tool_choice != "none" and not results:
        named = [tool for tool in question.tools if tool.name == question.tool_choice]
        tool = (named or question.tools)[0]
        return ToolCalls((tool.name, dumps_text(instance(tool.schema))))
    if question.schema is not None:
        return Text(dumps_text(instance(question.schema)))
    if results:
        return _shortened(Text(f"The tool said: {'; '.join(results)}"), question.max_tokens)
    return _shortened(Text(f"You said: {question.user_text}"), question.max_tokens)


def _shortened(answer: Answer, most: int | None) -> Answer:
    if most is None or answer.visible_tokens <= most:
        return answer
    return Answer(text=answer.text[:most], finish="length")
