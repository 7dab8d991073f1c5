"""Running a tool that a model called: finding it, its arguments, its result."""

from __future__ import annotations

import asyncio
import contextvars
import datetime
import decimal
import enum
import functools
import gc
import inspect
import json
import pathlib
import threading
import uuid
import weakref
from collections import namedtuple
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict, Union
from unittest.mock import AsyncMock, Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_async import tool
from llm_async.errors import LLMError, ToolArgumentError, ToolError
from llm_async.models import ToolCall
from llm_async.tools import run_tool
from llm_async.tools.annotations import AnnotationReader
from llm_async.tools.shapes import Mismatch


def call_of(name: str, arguments: Any = None, **more: Any) -> ToolCall:
    return ToolCall("call_1", "function", function={"name": name, "arguments": arguments}, **more)


def run(call: ToolCall, *functions: Callable[..., Any], **options: Any) -> str:
    return asyncio.run(run_tool(call, {function.__name__: function for function in functions}, **options))


def received(annotation: Any, value: Any) -> Any:
    """What a tool with one parameter of this type is called with when the model gives ``value``."""
    seen = []

    def it(x):
        seen.append(x)

    it.__annotations__ = {"x": annotation}
    run(call_of("it", json.dumps({"x": value})), tool(it))
    return seen[0]


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Mood(str, enum.Enum):
    GOOD = "good"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@dataclass
class Point:
    x: int
    y: float = 0.5

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError("x must not be negative")


class Options(TypedDict, total=False):
    depth: int
    near: Point


# --- which function, with which arguments

CALLS = {
    "chat": ToolCall("call_1", "function", function={"name": "add", "arguments": '{"a": 1, "b": 2}'}),
    "responses": ToolCall.from_responses_api_function_call("fc_1", "call_1", "add", '{"a": 1, "b": 2}'),
    "claude": ToolCall("toolu_1", "tool_use", name="add", input={"a": 1, "b": 2}),
    "gemini": ToolCall("call_0", "function", function={"name": "add", "arguments": {"a": 1, "b": 2}}),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_call_of_any_provider_is_run(call: ToolCall) -> None:
    def add(a: int, b: int) -> int:
        return a + b

    assert run(call, add) == "3"
    assert run(call, tool(add)) == "3"


def test_an_unknown_tool_is_an_error_that_says_which_there_are() -> None:
    with pytest.raises(ToolArgumentError, match=r"^Tool add not found in tools_map \(known tools: sub\)$") as caught:
        asyncio.run(run_tool(CALLS["chat"], {"sub": print}))
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, LLMError)
    assert (caught.value.tool, caught.value.arguments) == ("add", {"a": 1, "b": 2})


def test_a_call_without_a_name_defines_no_tool() -> None:
    with pytest.raises(ToolArgumentError, match=r"^no tool defined$"):
        run(ToolCall("1", "function"), print)


def test_a_call_that_was_cut_off_is_not_run() -> None:
    def wipe(path: str = "/") -> None:
        raise AssertionError("was run")

    with pytest.raises(ToolArgumentError, match="cut off"):
        run(call_of("wipe", "", incomplete=True), wipe)


@pytest.mark.parametrize("arguments", ["", None, "null", "{}", {}])
def test_no_arguments_are_no_arguments(arguments: Any) -> None:
    def now() -> str:
        return "noon"

    assert run(call_of("now", arguments), now) == "noon"


def test_text_that_is_no_json_is_an_error() -> None:
    def find(query: str) -> str:
        return query

    with pytest.raises(ToolArgumentError, match=r"tool 'find': the arguments are not JSON: '\{\"query\": \"a'"):
        run(call_of("find", '{"query": "a'), find)


@pytest.mark.parametrize(("arguments", "result"), [("[1, 2]", "[1, 2]"), ("5", "5"), ('"5"', "5")])
def test_a_value_that_is_no_object_is_the_first_argument(arguments: str, result: str) -> None:
    def show(value: Any) -> Any:
        return value

    assert run(call_of("show", arguments), show) == result
    assert run(call_of("show", arguments), tool(show)) == result


def test_arguments_that_were_encoded_twice_are_understood() -> None:
    @tool
    def add(a: int, b: int) -> int:
        return a + b

    assert run(call_of("add", json.dumps('{"a": 1, "b": 2}')), add) == "3"


def test_the_free_text_of_a_custom_tool_is_its_argument_whatever_it_looks_like() -> None:
    def shell(command: str) -> str:
        return command

    call = ToolCall("1", "custom", function={"name": "shell", "arguments": '{"command": "ls"}'})
    assert run(call, shell) == '{"command": "ls"}'


def test_everything_wrong_with_the_arguments_is_said_at_once() -> None:
    @tool
    def book(where: Point, when: str, seats: int = 1) -> None: ...

    with pytest.raises(ToolArgumentError) as caught:
        run(call_of("book", {"where": {"x": 1.5}, "seats": "two", "smoking": True}), book)
    assert str(caught.value) == (
        "tool 'book': unexpected argument 'smoking'; argument 'where'.x: expected an integer, got 1.5; "
        "missing argument 'when'; argument 'seats': expected an integer, got 'two' (its parameters: where, when, seats)"
    )
    assert caught.value.tool == "book"


def test_an_optional_argument_may_be_left_out_or_null() -> None:
    @tool
    def find(query: str, since: int | None, limit: int = 10, fuzzy: bool | None = True) -> list[Any]:
        return [query, since, limit, fuzzy]

    assert run(call_of("find", {"query": "a"}), find) == '["a", null, 10, true]'
    assert (
        run(call_of("find", {"query": "a", "since": None, "limit": None, "fuzzy": None}), find)
        == '["a", null, 10, null]'
    )


def test_positional_keyword_and_collecting_parameters_get_their_arguments() -> None:
    @tool
    def mix(a: int, b: int = 2, /, c: int = 3, *rest: int, d: int, **more: int) -> list[Any]:
        return [a, b, c, rest, d, more]

    assert run(call_of("mix", {"a": 1, "d": 4, "e": 5}), mix) == '[1, 2, 3, [], 4, {"e": 5}]'
    assert run(call_of("mix", {"a": 1, "b": 9, "c": 8, "d": 4}), mix) == "[1, 9, 8, [], 4, {}]"


def test_methods_bound_and_decorated_are_run_on_their_object() -> None:
    class Box:
        def __init__(self) -> None:
            self.items: list[int] = []

        @tool
        def put(self, item: int) -> int:
            self.items.append(item)
            return len(self.items)

        def take(self, count: int) -> list[int]:
            return self.items[:count]

    box = Box()
    tools = {"put": box.put, "take": box.take}
    assert asyncio.run(run_tool(call_of("put", '{"item": "7"}'), tools)) == "1"
    assert asyncio.run(run_tool(call_of("take", '{"count": "1"}'), tools)) == "[7]"


def test_a_plain_function_with_an_unsupported_annotation_gets_the_value_as_it_comes() -> None:
    class Custom: ...

    def old(a: Custom, b: Nowhere, c: int) -> list[Any]:  # noqa: F821
        return [a, b, c]

    assert run(call_of("old", '{"a": 1, "b": 2, "c": "3"}'), old) == "[1, 2, 3]"


def test_a_builtin_without_a_signature_is_called_as_it_is() -> None:
    assert asyncio.run(run_tool(call_of("dict", '{"a": 1}'), {"dict": dict})) == '{"a": 1}'
    assert asyncio.run(run_tool(call_of("max", "[3, 5]"), {"max": max})) == "5"


def test_mocks_can_be_tools() -> None:
    tools = {"sync": Mock(return_value="a"), "async": AsyncMock(return_value="b")}
    assert asyncio.run(run_tool(call_of("sync", '{"x": 1}'), tools)) == "a"
    assert asyncio.run(run_tool(call_of("async", '{"x": 1}'), tools)) == "b"
    tools["sync"].assert_called_once_with(x=1)


# --- conversion


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        # acceptable as it stands
        (int, 5, 5),
        (float, 5, 5),
        (str, "5", "5"),
        (bool, True, True),
        (Any, [1], [1]),
        (object, "x", "x"),
        (list, [1, "a"], [1, "a"]),
        (list[int], [1], [1]),
        (Sequence[str], ["a"], ["a"]),
        (dict[str, int], {"a": 1}, {"a": 1}),
        (int | str, "5", "5"),
        (str | None, "null", "null"),
        (Literal["a", 1], 1, 1),
        # converted, nothing is lost
        (int, 5.0, 5),
        (int, "5", 5),
        (int, "-12345678901234567890123", -12345678901234567890123),
        (float, "0.5", 0.5),
        (str, 5, "5"),
        (bool, "true", True),
        (bool, "False", False),
        (bool, 1, True),
        (int | None, "null", None),
        (int | str, 5.0, 5),
        (list[int], ["1", 2.0], [1, 2]),
        (list[str], '["a", "b"]', ["a", "b"]),
        (dict[int, float], {"1": "2"}, {1: 2.0}),
        (dict, '{"a": 1}', {"a": 1}),
        (tuple[int, str], [1, 2], (1, "2")),
        (tuple[int, ...], [1, 2], (1, 2)),
        (tuple, [1, "a"], (1, "a")),
        (set[int], [1, "2"], {1, 2}),
        (frozenset[str], ["a"], frozenset("a")),
        (Colour, "red", Colour.RED),
        (Level, "2", Level.HIGH),
        (list[Colour], ["blue"], [Colour.BLUE]),
        (Literal[1, 2], "2", 2),
        (Literal["1", "2"], 2, "2"),
        (Literal[Colour.RED], "red", Colour.RED),
        (Annotated[int, "n"], "5", 5),
        (Point, {"x": "1"}, Point(1)),
        (Point, '{"x": 1, "y": 2}', Point(1, 2)),
        (Point | None, None, None),
        (dict[str, Point], {"a": {"x": 1}}, {"a": Point(1)}),
        (int | Point, {"x": 1}, Point(1)),
        (Options, {"depth": "1", "near": {"x": 2}}, {"depth": 1, "near": Point(2)}),
    ],
)
def test_an_argument_becomes_the_annotated_type(annotation: Any, value: Any, expected: Any) -> None:
    result = received(annotation, value)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("annotation", "value", "reason"),
    [
        (int, 5.5, "expected an integer, got 5.5"),
        (int, True, "expected an integer, got True"),
        (int, "007", "expected an integer, got '007'"),
        (int, "five", "expected an integer, got 'five'"),
        (int, 1e300, "expected an integer"),
        (int, None, "expected an integer, got None"),
        (float, "nan", "expected a number, got 'nan'"),
        (float, False, "expected a number"),
        (str, 1.10, "expected a string, got 1.1"),
        (str, True, "expected a string"),
        (str, ["a"], "expected a string"),
        (bool, 2, "expected true or false, got 2"),
        (bool, "yes", "expected true or false"),
        (list[int], "1, 2", "expected a list, got '1, 2'"),
        (list[int], [1, "x"], "argument 'x'[1]: expected an integer, got 'x'"),
        (dict[str, int], {"a": "x"}, "argument 'x'['a']: expected an integer"),
        (tuple[int, str], [1], "expected a list of 2"),
        (set[Any], [[1]], "an element of a set"),
        (Colour, "green", "expected one of 'red', 'blue', got 'green'"),
        (Literal[1], True, "expected one of 1, got True"),
        (int | None, "x", "expected an integer or null, got 'x'"),
        (Point, {"y": 1}, "missing 'x'"),
        (list[Point] | Point | None, {"y": 1}, "argument 'x': missing 'x' ("),
        (list[Point] | None, [{"x": 1}, {"x": "a"}], "argument 'x'[1].x: expected an integer, got 'a' ("),
        (Point, {"x": 1, "z": 2}, "unexpected 'z'"),
        (Point, {"x": -1}, "x must not be negative"),
        (Point, [1], "expected an object, got [1]"),
        (list[Point], [{"x": 1}, {"x": "a"}], "argument 'x'[1].x: expected an integer, got 'a'"),
        (Options, {"near": {"x": "a"}}, "argument 'x'.near.x: expected an integer"),
    ],
)
def test_an_argument_that_would_lose_something_is_refused(annotation: Any, value: Any, reason: str) -> None:
    with pytest.raises(ToolArgumentError) as caught:
        received(annotation, value)
    assert reason in str(caught.value)
    assert "argument 'x'" in str(caught.value)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(["red", "5", "{}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyab"), inner, max_size=3),
    max_leaves=8,
)
ANNOTATIONS = st.recursive(
    st.sampled_from([str, int, float, bool, None, Any, Colour, Level, Literal["a", 1], Point, Options, list, dict]),
    lambda inner: st.one_of(
        st.builds(lambda a: list[a], inner),
        st.builds(lambda a: set[a], inner),
        st.builds(lambda a: tuple[a, ...], inner),
        st.builds(lambda a, b: tuple[a, b], inner, inner),
        st.builds(lambda a: dict[str, a], inner),
        st.builds(lambda a, b: Union[a, b], inner, inner),
        st.builds(lambda a: Annotated[a, "note"], inner),
    ),
    max_leaves=4,
)


@given(ANNOTATIONS, JSON_VALUES)
def test_a_value_becomes_acceptable_or_a_mismatch_and_nothing_else(annotation: Any, value: Any) -> None:
    shape = AnnotationReader().read(annotation)
    try:
        result = shape.fit(value)
    except Mismatch:
        return
    assert shape.accepts(result)
    if shape.accepts(value):
        assert result is value


def test_pydantic_converts_what_it_knows() -> None:
    pydantic = pytest.importorskip("pydantic")

    class User(pydantic.BaseModel):
        name: str
        born: datetime.date

    ann = {"name": "Ann", "born": "1990-05-17"}
    assert received(User, ann) == User(**ann)
    assert received(list[User], [ann]) == [User(**ann)]
    assert received(User, json.dumps(ann)) == User(**ann)
    assert received(datetime.date, "1990-05-17") == datetime.date(1990, 5, 17)
    assert received(Annotated[int, pydantic.Field(gt=0)] | None, None) is None
    with pytest.raises(ToolArgumentError, match=r"argument 'x': name: Field required; born: .*date"):
        received(User, {"born": "soon"})
    with pytest.raises(ToolArgumentError, match="greater than 0"):
        received(Annotated[int, pydantic.Field(gt=0)], 0)


def test_msgspec_converts_what_it_knows() -> None:
    msgspec = pytest.importorskip("msgspec")
    user = msgspec.defstruct("User", [("name", str), ("born", datetime.date)])
    assert received(user, {"name": "Ann", "born": "1990-05-17"}) == user("Ann", datetime.date(1990, 5, 17))
    with pytest.raises(ToolArgumentError, match="missing required field `name`"):
        received(user, {"born": "1990-05-17"})
    with pytest.raises(ToolArgumentError, match=">= 1"):
        received(Annotated[int, msgspec.Meta(ge=1)], 0)


# --- running


def test_an_async_function_stays_one_and_is_awaited() -> None:
    @tool
    async def double(x: int) -> int:
        await asyncio.sleep(0)
        return 2 * x

    assert inspect.iscoroutinefunction(double)
    assert run(call_of("double", {"x": 4}), double) == "8"


def test_whatever_gives_a_coroutine_is_awaited() -> None:
    async def double(x: int) -> int:
        return 2 * x

    class Doubler:
        async def __call__(self, x: int) -> int:
            return 2 * x

    for function in (double, Doubler(), functools.partial(double), lambda x: double(x), tool(name="d")(Doubler())):
        assert asyncio.run(run_tool(call_of("double", {"x": 4}), {"double": function})) == "8"


def test_sync_tools_run_side_by_side_while_the_loop_goes_on() -> None:
    everyone = threading.Barrier(3, timeout=20)

    def meet() -> str:
        everyone.wait()
        return threading.current_thread().name

    async def main() -> list[str]:
        return await asyncio.gather(*(run_tool(call_of("meet"), {"meet": meet}) for _ in range(3)))

    assert threading.current_thread().name not in asyncio.run(main())


@pytest.mark.parametrize("where", ["call", "tool"])
def test_a_tool_that_is_bound_to_its_thread_runs_in_it(where: str) -> None:
    @tool(run_sync_in_thread=where != "tool")
    def thread() -> str:
        return threading.current_thread().name

    assert run(call_of("thread"), thread, run_sync_in_thread=where != "call") == threading.current_thread().name


def test_context_variables_go_along() -> None:
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user")

    def whoami() -> str:
        return user.get()

    async def main() -> str:
        user.set("ann")
        return await run_tool(call_of("whoami"), {"whoami": whoami})

    assert asyncio.run(main()) == "ann"


@pytest.mark.parametrize("kind", ["thread", "loop", "async"])
def test_the_tools_own_exception_comes_out_unchanged(kind: str) -> None:
    mine = KeyError("mine")

    def sync() -> None:
        raise mine

    async def asynchronous() -> None:
        raise mine

    function = asynchronous if kind == "async" else sync
    with pytest.raises(KeyError) as caught:
        asyncio.run(run_tool(call_of("f"), {"f": function}, run_sync_in_thread=kind == "thread"))
    assert caught.value is mine


def test_a_type_error_inside_the_tool_is_the_tools_own() -> None:
    def broken(x: int) -> int:
        return x + "1"

    with pytest.raises(TypeError, match="unsupported operand"):
        run(call_of("broken", {"x": 1}), broken)


def test_a_cancelled_call_does_not_wait_for_its_thread() -> None:
    released = threading.Event()

    async def main() -> None:
        loop, started = asyncio.get_running_loop(), asyncio.Event()

        def wait() -> None:
            loop.call_soon_threadsafe(started.set)
            released.wait(20)

        task = asyncio.create_task(run_tool(call_of("wait"), {"wait": wait}))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())  # ends although the thread does not
    released.set()


def test_an_exception_is_freed_when_it_has_been_handled() -> None:
    class Failure(Exception):
        pass

    def fail() -> None:
        raise Failure

    async def main() -> None:
        try:
            await run_tool(call_of("fail"), {"fail": fail})
        except Failure as error:
            seen = weakref.ref(error)
        assert seen() is None

    gc.disable()
    try:
        asyncio.run(main())
    finally:
        gc.enable()


# --- results

Pair = namedtuple("Pair", "left right")


class Numbers:
    """Looks like numpy's arrays."""

    def tolist(self) -> list[int]:
        return [1, 2]


class Word(str):
    pass


class Money:
    """No dataclass, but it says what it is."""

    def __init__(self, euros: int) -> None:
        self.euros = euros

    def __str__(self) -> str:
        return f"{self.euros} euros"


class Table:
    """Looks like pandas' tables."""

    def __repr__(self) -> str:
        return "a | b"


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("as it is: é", "as it is: é"),
        (Word("word"), "word"),
        ("", ""),
        (None, "null"),
        (True, "true"),
        (3, "3"),
        (0.5, "0.5"),
        ({"v": 1, "ok": True, "é": None}, '{"v": 1, "ok": true, "é": null}'),
        ([1, "a", (2,)], '[1, "a", [2]]'),
        ({3, 1, 2}, "[1, 2, 3]"),
        ({1: "a", datetime.date(2026, 1, 2): "b", Colour.RED: "c"}, '{"1": "a", "2026-01-02": "b", "red": "c"}'),
        (Colour.RED, '"red"'),
        (Mood.GOOD, "good"),
        (Level.LOW, "1"),
        (Point(1), '{"x": 1, "y": 0.5}'),
        ([Point(1)], '[{"x": 1, "y": 0.5}]'),
        (Pair(1, "b"), '{"left": 1, "right": "b"}'),
        (datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.timezone.utc), '"2026-01-02T03:04:00+00:00"'),
        (datetime.timedelta(hours=1), '"1:00:00"'),
        (decimal.Decimal("1.10"), '"1.10"'),
        (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (pathlib.PurePosixPath("/a/b"), '"/a/b"'),
        ("bytes: é".encode(), '"bytes: é"'),
        (Numbers(), "[1, 2]"),
        (2**70, str(2**70)),
        (Money(3), "3 euros"),
        (Table(), "a | b"),
        (ValueError("no such city"), "no such city"),
    ],
)
def test_a_result_is_text_or_json(result: Any, text: str) -> None:
    assert run(call_of("give"), named("give", lambda: result)) == text


def named(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    function.__name__ = name
    return function


def circle() -> list[Any]:
    ring: list[Any] = []
    ring.append(ring)
    return ring


@pytest.mark.parametrize(
    "result", [object(), float("nan"), [float("inf")], b"\xff", circle(), {"a": open}, iter([1]), {"a": Money(3)}]
)
def test_a_result_without_a_json_form_is_an_error_that_names_the_tool(result: Any) -> None:
    with pytest.raises(ToolError, match="tool 'give': its result cannot be given to a model") as caught:
        run(call_of("give"), named("give", lambda: result))
    assert not isinstance(caught.value, ToolArgumentError)
    assert caught.value.tool == "give"


def test_models_and_structs_are_results() -> None:
    pydantic = pytest.importorskip("pydantic")
    msgspec = pytest.importorskip("msgspec")

    class User(pydantic.BaseModel):
        name: str
        born: datetime.date

    struct = msgspec.defstruct("Item", [("price", int)])
    result = {"user": User(name="Ann", born="1990-05-17"), "item": struct(3)}
    assert run(call_of("give"), named("give", lambda: result)) == (
        '{"user": {"name": "Ann", "born": "1990-05-17"}, "item": {"price": 3}}'
    )


@pytest.mark.parametrize("call", [None, "add", {"name": "add"}])
def test_what_is_no_call_is_named(call: Any) -> None:
    with pytest.raises(TypeError, match="tool_call must be a ToolCall"):
        run(call)


@pytest.mark.parametrize("tools_map", [None, [len]])
def test_tools_that_are_not_given_by_name_are_refused(tools_map: Any) -> None:
    with pytest.raises(TypeError, match="tools_map must be a mapping"):
        asyncio.run(run_tool(call_of("len", "{}"), tools_map))
