"""Tool calls that are streamed in fragments, told apart and put together.

Chat Completions gives each fragment an ``index``; the first fragment of a call has its ``id`` and name, the others more of
its arguments. Servers that imitate the API repeat ids and names, leave the index or the ids out, count every call as 0, or
send the whole arguments once more at the end. What belongs together is decided here, by these rules:

- Fragments of one index are one call, until one has another id: then the index stands for another call. Fragments without
  an id belong to the call that the index stood for last.
- Without an index, the id decides; without an id too, the fragment belongs to the last call.
- A fragment without an id is yet another call when it has a name and what precedes it is whole: it names another tool than
  the call, whose arguments have begun; or begins an object where the call's arguments are a whole object already. (With an
  index it may also be the same object once more, see below; servers that have no indices send calls whole.)
- The first id and the first name that are not empty stay. They are never joined.
- Arguments are joined, except that a fragment which is all of the call's arguments once more, these being a whole object,
  is left out, also when it is written with other blanks.
"""

from __future__ import annotations

from .._json import loads
from .surrogates import repair

__all__ = ["ToolCallAccumulator"]


# So many pieces become one: a str of a few characters takes fifty bytes more than they do.
_MANY = 1024


class _Call:
    __slots__ = ("id", "loose", "name", "pieces", "size")

    def __init__(self) -> None:
        self.id: str | None = None
        self.name: str | None = None
        self.pieces: list[str] = []  # of the arguments, none of them empty
        self.loose = 0  # how many pieces at the end have not been joined yet
        self.size = 0  # characters in all pieces

    def add(self, fragment: str) -> None:
        self.pieces.append(fragment)
        self.size += len(fragment)
        self.loose += 1
        if self.loose == _MANY:
            self.pieces[-_MANY:] = ["".join(self.pieces[-_MANY:])]
            self.loose = 0

    def arguments(self) -> str:
        if len(self.pieces) > 1:
            self.pieces = ["".join(self.pieces)]
            self.loose = 0
        return self.pieces[0] if self.pieces else ""

    def is_whole(self) -> bool:
        """Whether the arguments are a whole JSON object, which nothing can continue."""
        if not self.pieces or not self.pieces[-1].endswith("}"):
            return False
        try:
            return isinstance(loads(self.arguments()), dict)
        except ValueError:
            return False

    def has_again(self, arguments: str) -> bool:
        """Whether ``arguments`` are all that there is, once more. Only pieces of half the size and more cost a look."""
        if not arguments.startswith("{") or 2 * len(arguments) < self.size or not self.is_whole():
            return False
        if arguments == self.arguments():
            return True
        try:
            return bool(loads(arguments) == loads(self.arguments()))
        except ValueError:
            return False

    def is_over_before(self, name: str, arguments: str, *, indexed: bool) -> bool:
        """Whether a fragment that has a name and no id begins another call."""
        if not self.pieces or not self.name:
            return False
        if name != self.name:
            return True
        return arguments.startswith("{") and self.is_whole() and not (indexed and self.has_again(arguments))


class ToolCallAccumulator:
    """Puts together the tool calls of one answer.

    Attributes:
        repeated: the arguments of the last fragment were left out, being the whole arguments once more.
    """

    __slots__ = ("_by_id", "_by_index", "_by_index_and_id", "_calls", "_last", "repeated")

    def __init__(self) -> None:
        self.repeated = False
        self._calls: list[_Call] = []  # in order of first appearance
        self._last = -1  # the place of the call that had the last fragment
        self._by_id: dict[str, int] = {}  # the place of the last call with an id
        self._by_index: dict[int, int] = {}  # the place of the call that an index stands for
        self._by_index_and_id: dict[tuple[int | None, str], int] = {}

    def __len__(self) -> int:
        """How many calls there are."""
        return len(self._calls)

    def feed(self, index: int | None, id: str | None, name: str | None, arguments: str) -> int:
        """Take a fragment; the place of its call among the calls.

        Args:
            index: the index that the server gave, or None.
            id: the id that the server gave; None and ``""`` mean none.
            name: the name that the server gave; None and ``""`` mean none.
            arguments: a piece of the arguments, which may be empty.
        """
        position = self._find(index, id)
        if position >= 0 and name and not id:
            call = self._calls[position]
            if call.is_over_before(name, arguments, indexed=index is not None):
                position = -1
        if position < 0:
            position = len(self._calls)
            self._calls.append(_Call())
        call = self._calls[position]
        if id and not call.id:
            call.id = id
            self._by_id[id] = self._by_index_and_id[index, id] = position
        if name and not call.name:
            call.name = name
        if index is not None:
            self._by_index[index] = position
        self.extend(position, arguments)
        return position

    def extend(self, position: int, fragment: str) -> None:
        """Take a piece of the arguments of the call at ``position``; the quick way where the call is known.

        Raises:
            IndexError: there is no such call.
        """
        if not 0 <= position < len(self._calls):
            raise IndexError(f"there is no tool call {position}")
        call = self._calls[position]
        self._last = position
        self.repeated = call.has_again(fragment)
        if fragment and not self.repeated:
            call.add(fragment)

    def calls(self) -> list[tuple[str | None, str | None, str]]:
        """Id, name and joined arguments of each call; None where the server gave no id or no name."""
        return [(call.id, call.name, repair(call.arguments())) for call in self._calls]

    def _find(self, index: int | None, id: str | None) -> int:
        """The place of the call that a fragment belongs to, or -1."""
        if index is None:
            return self._by_id.get(id, -1) if id else self._last
        position = self._by_index.get(index, -1)
        if position >= 0 and id and self._calls[position].id not in (None, id):
            return self._by_index_and_id.get((index, id), -1)
        return position
