"""What a model is shown of a function: names, types, descriptions, defaults."""

from __future__ import annotations

import enum
import functools
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import InitVar, dataclass, field
from typing import Annotated, Any, ClassVar, Literal, NewType, Optional, TypedDict, Union

import pytest

from llm_async import tool
from llm_async.models import Tool


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Odd(enum.Enum):
    PAIR = (1, 2)


@dataclass
class Point:
    x: int
    y: float = 0.5
    tags: list[str] = field(default_factory=list)
    made_here: int = field(default=0, init=False)
    dimensions: ClassVar[int] = 2


@dataclass
class Tree:
    """A tree."""

    value: int
    children: list[Tree] = field(default_factory=list)


@dataclass
class Scaled:
    size: int
    factor: InitVar[int]

    def __post_init__(self, factor: int) -> None:
        self.size *= factor


@dataclass
class Holder:
    when: object
    what: Unknown  # noqa: F821


class Options(TypedDict, total=False):
    depth: int
    name: str


if sys.version_info >= (3, 11):
    from typing import NotRequired, Required

    class Request(TypedDict, total=False):
        url: Required[str]
        body: str

    class Reply(TypedDict):
        status: int
        text: NotRequired[str]


Celsius = NewType("Celsius", float)

POINT = {
    "type": "object",
    "properties": {
        "x": {"type": "integer"},
        "y": {"type": "number", "default": 0.5},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "additionalProperties": False,
    "required": ["x"],
}


def schema_of(annotation: Any, **more: Any) -> dict[str, Any]:
    """The whole schema of a function that has one parameter ``it``."""

    def function(it, **_): ...

    function.__annotations__ = {"it": annotation}
    function.__kwdefaults__ = None
    decorated = tool(function)
    schema = decorated.tool.parameters
    assert schema is not None
    return schema


def property_of(annotation: Any) -> Any:
    return schema_of(annotation)["properties"]["it"]


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (str, {"type": "string"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (None, {"type": "null"}),
        (Any, {}),
        (object, {}),
        (list, {"type": "array"}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (list[list[str]], {"type": "array", "items": {"type": "array", "items": {"type": "string"}}}),
        (list[int | None], {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}),
        (Sequence[str], {"type": "array", "items": {"type": "string"}}),
        (Iterable[str], {"type": "array", "items": {"type": "string"}}),
        (dict, {"type": "object"}),
        (dict[str, int], {"type": "object"}),
        (Mapping[str, Any], {"type": "object"}),
        (
            dict[str, list[int]],
            {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "integer"}}},
        ),
        (tuple, {"type": "array"}),
        (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
        (
            tuple[int, str],
            {"type": "array", "minItems": 2, "maxItems": 2, "prefixItems": [{"type": "integer"}, {"type": "string"}]},
        ),
        (set[int], {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}),
        (frozenset[str], {"type": "array", "items": {"type": "string"}, "uniqueItems": True}),
        (Set[str], {"type": "array", "items": {"type": "string"}, "uniqueItems": True}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (Literal["a", 1, None], {"enum": ["a", 1, None]}),
        (Colour, {"type": "string", "enum": ["red", "blue"]}),
        (Level, {"type": "integer", "enum": [1, 2]}),
        (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        (Union[int, str], {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        (Celsius, {"type": "number"}),
        (Annotated[int, "how many"], {"type": "integer", "description": "how many"}),
        (Annotated[int, object()], {"type": "integer"}),
        (Point, POINT),
        (list[Point], {"type": "array", "items": POINT}),
        (
            Options,
            {
                "type": "object",
                "properties": {"depth": {"type": "integer"}, "name": {"type": "string"}},
                "additionalProperties": False,
            },
        ),
        ("list[int]", {"type": "array", "items": {"type": "integer"}}),
        (list["int"], {"type": "array", "items": {"type": "integer"}}),
    ],
)
def test_a_type_has_a_schema(annotation: Any, expected: dict[str, Any]) -> None:
    assert schema_of(annotation) == {
        "type": "object",
        "properties": {"it": expected},
        "additionalProperties": False,
        "required": ["it"],
    }


@pytest.mark.parametrize(
    "annotation",
    [Optional[int], int | None, "int | None", Union[None, int], Annotated[int | None, "n"]],  # noqa: UP045
)
def test_an_optional_parameter_has_the_schema_of_its_type_and_is_not_required(annotation: Any) -> None:
    schema = schema_of(annotation)
    assert schema["properties"]["it"]["type"] == "integer"
    assert "required" not in schema


def test_an_optional_union_offers_the_rest() -> None:
    assert property_of(int | str | None) == {"anyOf": [{"type": "integer"}, {"type": "string"}]}


@pytest.mark.skipif(sys.version_info < (3, 11), reason="typing has NotRequired since Python 3.11")
def test_required_and_not_required_keys_are_told_apart_under_postponed_annotations() -> None:
    assert property_of(Request)["required"] == ["url"]
    assert property_of(Reply)["required"] == ["status"]


def test_a_type_that_holds_itself_is_defined_once() -> None:
    schema = schema_of(Tree)
    assert schema["properties"]["it"] == {"$ref": "#/$defs/Tree"}
    assert schema["$defs"]["Tree"]["properties"]["children"]["items"] == {"$ref": "#/$defs/Tree"}
    assert schema["$defs"]["Tree"]["description"] == "A tree."


def test_an_alias_stands_for_its_value() -> None:
    extensions = pytest.importorskip("typing_extensions")
    assert property_of(extensions.TypeAliasType("Flat", list[int])) == {"type": "array", "items": {"type": "integer"}}


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python has type statements since 3.12")
def test_an_alias_that_holds_itself_is_defined_once() -> None:
    names: dict[str, Any] = {}
    exec("type Nested = list[Nested]", names)
    schema = schema_of(names["Nested"])
    assert schema["properties"]["it"] == {"$ref": "#/$defs/Nested"}
    assert schema["$defs"] == {"Nested": {"type": "array", "items": {"$ref": "#/$defs/Nested"}}}


def test_a_type_that_is_used_twice_is_defined_once() -> None:
    @tool
    def line(start: Point, end: Point) -> None: ...

    assert line.tool.schema["properties"] == {"start": {"$ref": "#/$defs/Point"}, "end": {"$ref": "#/$defs/Point"}}
    assert line.tool.schema["$defs"] == {"Point": POINT}


def test_two_types_of_the_same_name_stay_two() -> None:
    def other() -> type:
        @dataclass
        class Point:
            longitude: float

        return Point

    schema = schema_of(tuple[Point, Point, other(), Tree, Tree])
    assert {len(part["properties"]) for part in schema["$defs"].values()} == {3, 2}
    assert schema["properties"]["it"]["prefixItems"][2]["properties"].keys() == {"longitude"}


@pytest.mark.skipif(sys.version_info < (3, 11), reason="typing resolves a postponed InitVar since Python 3.11")
def test_an_initvar_is_an_argument_too() -> None:
    assert property_of(Scaled)["required"] == ["size", "factor"]


def test_defaults_are_shown_where_json_can_say_them() -> None:
    @tool
    def search(
        query: str,
        limit: int = 10,
        colour: Colour = Colour.RED,
        where: Point = Point(1),  # noqa: B008
        since: str | None = None,
        until: str | None = "now",
        key: object = object(),
        ratio: float = float("nan"),
        names: tuple[str, ...] = ("a",),
    ) -> None: ...

    properties = search.tool.schema["properties"]
    shown = {name: value["default"] for name, value in properties.items() if "default" in value}
    assert shown == {
        "limit": 10,
        "colour": "red",
        "where": {"x": 1, "y": 0.5, "tags": [], "made_here": 0},
        "until": "now",
        "names": ["a"],
    }
    assert search.tool.schema["required"] == ["query"]


def test_a_parameter_without_an_annotation_is_not_shown_and_any_takes_anything() -> None:
    @tool
    def old(a: Any, b=3, c: Any = 4): ...

    assert old.tool.schema == {
        "type": "object",
        "properties": {"a": {}, "c": {"default": 4}},
        "additionalProperties": False,
        "required": ["a"],
    }


def test_self_cls_and_collecting_parameters_are_left_out() -> None:
    class Box:
        @tool
        def put(self, item: str, *more: int, **named: int) -> None: ...

        @classmethod
        @tool
        def make(cls, size: int) -> None: ...

        @staticmethod
        @tool
        def open(key: str) -> None: ...

    assert Box.put.tool.schema["properties"].keys() == {"item"}
    assert Box().put.tool.schema["properties"].keys() == {"item"}
    assert Box.make.tool.schema["properties"].keys() == {"size"}
    assert Box.open.tool.schema["properties"].keys() == {"key"}


def test_a_bound_method_and_a_partial_can_be_decorated_too() -> None:
    class Box:
        def put(this, item: str) -> None: ...

    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    assert tool(Box().put).tool.schema["properties"].keys() == {"item"}
    partial = tool(functools.partial(add, 1))
    assert (partial.tool.name, partial.tool.description, partial.tool.schema["required"]) == ("add", "Add.", ["b"])


def test_types_of_the_function_around_are_found() -> None:
    @dataclass
    class Local:
        size: int

    class Box:
        class Inner(enum.Enum):
            A = "a"

        @tool
        def put(self, local: Local, inner: Inner) -> None: ...

    properties = Box.put.tool.schema["properties"]
    assert properties["local"]["required"] == ["size"]
    assert properties["inner"]["enum"] == ["a"]


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        ("Nowhere", "cannot be resolved"),
        ("list[", "cannot be resolved"),
        (list["Nowhere"], "cannot be resolved"),  # noqa: F821
        (type("Custom", (), {}), "Custom is not supported"),
        ([int], "is no type"),
        (Odd, "no choice that JSON can name"),
        (Literal[b"x"], "no choice that JSON can name"),
        (Holder, "Holder"),
        (dict[str, list[Odd]], "no choice that JSON can name"),
    ],
)
def test_an_annotation_that_cannot_be_read_is_an_error_that_names_the_parameter(annotation: Any, reason: str) -> None:
    with pytest.raises(TypeError, match=r"tool 'function': parameter 'it': ") as caught:
        schema_of(annotation)
    assert reason in str(caught.value)


def test_a_tool_carries_one_schema_under_both_names() -> None:
    @tool
    def add(a: int, b: int) -> int:
        """Add two numbers.

        They may be negative.
        """
        return a + b

    assert isinstance(add.tool, Tool)
    assert add.tool.parameters is add.tool.input_schema
    assert (add.tool.name, add.tool.description) == ("add", "Add two numbers.\n\nThey may be negative.")
    assert add(2, 3) == 5
    assert add.__name__ == "add"


def test_name_description_and_schema_can_be_given() -> None:
    own = {"type": "object", "properties": {"x": {"type": "integer", "minimum": 1}}}

    @tool(name="times_two", description="Double it.", parameters=own)
    def double(x: type("Custom", (), {})) -> Any:
        """Not this."""

    assert double.tool == Tool("times_two", "Double it.", own, own)


def test_options_may_be_left_out_of_the_parentheses() -> None:
    @tool()
    def add(a: int) -> int:
        return a

    assert add.tool.name == "add"


def test_a_function_without_a_name_needs_one() -> None:
    with pytest.raises(TypeError, match="name"):
        tool(lambda x: x)
    assert tool(name="same")(lambda x: x).tool.name == "same"


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(TypeError, match="expected a function"):
        tool(classmethod(lambda cls: None))


GOOGLE = """Find.

Args:
    query (str): What to look for,
        in words.
    limit: How many.
"""
NUMPY = """Find.

Parameters
----------
query : str
    What to look for,
    in words.
limit : int
    How many.
"""
SPHINX = """Find.

:param query: What to look for,
    in words.
:param int limit: How many.
"""


@pytest.mark.parametrize("docstring", [GOOGLE, NUMPY, SPHINX], ids=["google", "numpy", "sphinx"])
def test_parameters_are_described_by_the_docstring(docstring: str) -> None:
    pytest.importorskip("docstring_parser")

    def find(query: str, limit: Annotated[int, "At most."] = 3) -> None: ...

    find.__doc__ = docstring
    decorated = tool(find)
    assert decorated.tool.description == docstring.strip()
    assert decorated.tool.schema["properties"] == {
        "query": {"type": "string", "description": "What to look for, in words."},
        "limit": {"type": "integer", "description": "At most.", "default": 3},
    }


def test_a_docstring_that_nobody_can_read_describes_nothing() -> None:
    def find(query: str) -> None: ...

    find.__doc__ = ": :"
    assert tool(find).tool.schema["properties"] == {"query": {"type": "string"}}


def test_fields_are_described_by_the_docstring_of_their_class() -> None:
    pytest.importorskip("docstring_parser")

    @dataclass
    class Place:
        """A place.

        Attributes:
            city: Its name.
        """

        city: str

    assert property_of(Place)["properties"]["city"] == {"type": "string", "description": "Its name."}


def test_pydantic_models_and_constraints_are_read_by_pydantic() -> None:
    pydantic = pytest.importorskip("pydantic")

    class Address(pydantic.BaseModel):
        street: str

    class User(pydantic.BaseModel):
        """Somebody."""

        name: str
        home: Address

    class Node(pydantic.BaseModel):
        next: Node | None = None

    user = property_of(User)
    assert user["required"] == ["name", "home"]
    assert user["properties"]["home"]["properties"]["street"]["type"] == "string"
    assert property_of(list[User])["items"]["properties"].keys() == {"name", "home"}
    assert schema_of(Node)["$defs"]["Node"]["properties"]["next"]["anyOf"][0] == {"$ref": "#/$defs/Node"}
    positive = Annotated[int, pydantic.Field(gt=0, description="how many")]
    assert property_of(positive) == {"type": "integer", "exclusiveMinimum": 0, "description": "how many"}
    schema = schema_of(Annotated[int | None, pydantic.Field(gt=0)])
    assert (schema["properties"]["it"], "required" in schema) == ({"type": "integer", "exclusiveMinimum": 0}, False)


def test_a_type_beyond_the_simple_ones_is_read_by_pydantic_or_msgspec() -> None:
    pytest.importorskip("pydantic")
    import datetime
    import uuid

    assert property_of(datetime.date) == {"type": "string", "format": "date"}
    assert property_of(list[uuid.UUID]) == {"type": "array", "items": {"type": "string", "format": "uuid"}}


def test_msgspec_structs_and_constraints_are_read_by_msgspec() -> None:
    msgspec = pytest.importorskip("msgspec")

    part = msgspec.defstruct("Part", [("price", int)])
    item = msgspec.defstruct("Item", [("parts", list[part])])
    inner = property_of(item)["properties"]["parts"]["items"]
    assert (inner["properties"], inner["required"]) == ({"price": {"type": "integer"}}, ["price"])
    positive = Annotated[int, msgspec.Meta(gt=0, description="how many")]
    assert property_of(positive) == {"type": "integer", "exclusiveMinimum": 0, "description": "how many"}


def test_equal_names_of_different_libraries_stay_apart() -> None:
    pydantic = pytest.importorskip("pydantic")

    class Tree(pydantic.BaseModel):
        leaf: Tree | None = None

    schema = schema_of(tuple[globals()["Tree"], Tree])
    first, second = schema["properties"]["it"]["prefixItems"]
    assert first != second
    by_reference = {"#/$defs/" + name: part for name, part in schema["$defs"].items()}
    assert by_reference[first["$ref"]]["properties"].keys() == {"value", "children"}
    assert by_reference[second["$ref"]]["properties"]["leaf"]["anyOf"][0] == second


def run_without(libraries: Iterable[str], program: str) -> str:
    """What a program prints in a Python where some libraries are not installed."""
    blocked = "".join(f"sys.modules[{library!r}] = None\n" for library in libraries)
    source = "import sys\n" + blocked + textwrap.dedent(program)
    return subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True).stdout


def test_without_the_extras_the_simple_types_work_and_others_name_the_extra() -> None:
    printed = run_without(
        ["pydantic", "msgspec", "docstring_parser"],
        '''
        from datetime import date
        from llm_async import tool

        @tool
        def f(x: int, y: list[str] = []):
            """Do.

            Args:
                x: not read
            """

        print(f.tool.parameters["properties"]["x"])
        try:
            @tool
            def g(when: date): ...
        except TypeError as error:
            print(error)
        ''',
    )
    assert printed.splitlines()[0] == "{'type': 'integer'}"
    assert "'when'" in printed
    assert "llm-async[pydantic]" in printed
    assert "llm-async[msgspec]" in printed


def test_importing_the_decorator_imports_none_of_the_libraries() -> None:
    printed = run_without(
        [],
        """
        from llm_async import tool

        @tool
        def f(x: int, y: list[str]): ...

        print({"pydantic", "msgspec"} & set(sys.modules))
        """,
    )
    assert printed == "set()\n"
