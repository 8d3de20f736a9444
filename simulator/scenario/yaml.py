"""
Text in a strict part of YAML becomes a tree of marked nodes.

Plain YAML reads ``on`` as true, ``12:30`` as 750 and ``0532`` as 346.  Here only
null, true, false and plain decimal integers (17, 50_000) mean more than their
letters; all else stays text.  The parser's events are turned into nodes without composing first:
it is faster, and PyYAML's C composer crashes the process on deep nesting.
"""

import re
from typing import NamedTuple, NoReturn

import yaml

from simulator.kernel.model.units import shown
from simulator.schema.node import DEPTH_MAX, Json, Node, Problems

__all__ = ["NODES_MAX", "SIZE_MAX_BYTES", "YamlError", "dump", "parse"]

SIZE_MAX_BYTES = 8_000_000
NODES_MAX = 200_000
"""So many values, each alias counted as all it stands for."""

_Loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader

_WIDTH = 110
_FOLDED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]")

# Longer integers stay text, for they are numbers of phones and cards.
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}|-?[1-9][0-9]{0,2}(?:_[0-9]{3}){1,5}")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# What the parser says of the commonest slips, and what we say.
_PLAINER = {
    "mapping values are not allowed in this context": (
        'a ":" is not expected here; check the indentation, or quote the text if it holds ": "'
    ),
    "mapping values are not allowed here": (
        'a ":" is not expected here; check the indentation, or quote the text if it holds ": "'
    ),
    "could not find expected ':'": 'expected ":" after a key',
    "did not find expected key": "expected a key; check the indentation and closing quotes",
    "did not find expected '-' indicator": 'expected "- "; check the indentation',
    "found unexpected end of stream": "the file ends inside a quoted text; close the quote",
    "did not find expected ',' or ']'": 'expected "," or "]" in the list',
    "did not find expected ',' or '}'": 'expected "," or "}" in the mapping',
    "block sequence entries are not allowed in this context": 'a "- " is not expected here',
    "did not find expected node content": "expected a value",
}


class YamlError(ValueError):
    """
    A text that is not the YAML we take, with every complaint and its place.
    """

    def __init__(self, problems: Problems, file: str, root: Node | None = None) -> None:
        super().__init__("\n".join(problems.render(file)))
        self.problems = problems
        self.file = file
        self.root = root
        """What could be read all the same; None where reading broke off."""


class _Refused(Exception):
    """
    Reading cannot go on; the complaint is noted.
    """


class _Built(NamedTuple):
    """
    A finished node, what it counts for and how deep it is when an alias repeats it.
    """

    node: Node
    size: int
    height: int
    key: str | None


class _Open:
    """
    A list or mapping whose end has not come yet.
    """

    __slots__ = ("anchor", "entries", "height", "items", "key", "node", "size_before")

    def __init__(self, node: Node, anchor: str | None, size_before: int) -> None:
        self.node = node
        self.items = node.value if isinstance(node.value, list) else None
        self.entries = node.value if isinstance(node.value, dict) else {}
        self.anchor = anchor
        self.size_before = size_before
        self.height = 1
        self.key: Node | None = None

    def awaits_key(self) -> bool:
        return self.items is None and self.key is None


def parse(
    text: str,
    file: str = "<text>",
    *,
    size_max_bytes: int = SIZE_MAX_BYTES,
    nodes_max: int = NODES_MAX,
    depth_max: int = DEPTH_MAX,
) -> Node:
    """
    Return the one document in *text*; an empty text is an empty value.

    Raises YamlError with every repeated key, tag and the like in the file, and
    with the first place where the syntax ends to make sense.
    """
    reader = _Reader(nodes_max, depth_max)
    root: Node | None = None
    try:
        _check_characters(text, size_max_bytes, reader.problems)
        reader.read(text.removeprefix("\ufeff"))
        root = reader.root
    except _Refused:
        pass
    except yaml.MarkedYAMLError as error:
        _note_syntax_error(error, text.removeprefix("\ufeff"), reader.problems, depth_max)
    except yaml.YAMLError as error:
        reader.problems.add(Node(None, 1, 1), "", f"cannot be read as YAML: {error}")
    if reader.problems:
        raise YamlError(reader.problems, file, root)
    return reader.root


def dump(value: Json) -> str:
    """Return a text that `parse` reads as *value* again, with small lists and mappings on one line."""
    return yaml.dump(
        value,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        width=_WIDTH,
    )


class _Dumper(yaml.SafeDumper):
    """Writes nothing by reference: each place says what it says."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        # In other quotes the ends of lines are folded, whatever marks them.
        style = '"' if _FOLDED.search(data) else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.represent_str)


def _check_characters(text: str, size_max_bytes: int, problems: Problems) -> None:
    if len(text.encode("utf-8", "surrogatepass")) > size_max_bytes:
        problems.add(Node(None, 1, 1), "", f"expected at most {size_max_bytes} bytes, got a longer text")
        raise _Refused
    strange = _UNPRINTABLE.search(text)
    if strange:
        before = text[: strange.start()]
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        problems.add(
            Node(None, line, column), "", f"expected readable text, got the character U+{ord(strange[0]):04X}"
        )
        raise _Refused


def _too_deep(depth_max: int) -> str:
    return f"expected at most {depth_max} levels of lists and mappings"


def _note_syntax_error(error: yaml.MarkedYAMLError, text: str, problems: Problems, depth_max: int) -> None:
    opened = error.context_mark
    mark = error.problem_mark or opened
    problem = error.problem or str(error)
    if problem == "could not find expected ':'":
        # The parser only notices on the next line; the key is where to look.
        mark = opened or mark
    if mark is None:
        problems.add(Node(None, 1, 1), "", f"cannot be read as YAML: {problem}")
        return
    lines = text.splitlines()
    character = lines[mark.line][mark.column : mark.column + 1] if mark.line < len(lines) else ""
    if character == "\t":
        problem = "a tab is not expected here; indent with spaces"
    elif problem == "exceeded maximum nesting depth":
        # The newest libyaml counts, too: to 1,000, and before the events of those levels come.
        problem = _too_deep(depth_max)
    elif problem == "found character that cannot start any token":
        problem = f"the character {shown(character)} cannot start a value; quote the text"
    else:
        problem = _PLAINER.get(problem, f"cannot be read as YAML: {problem}")
    if opened is not None and opened.line != mark.line:
        problem += f" (see line {opened.line + 1}, column {opened.column + 1})"
    problems.add(Node(None, mark.line + 1, mark.column + 1), "", problem)


class _Reader:
    """
    Builds the tree, one event at a time; what is open stands on a stack.
    """

    def __init__(self, nodes_max: int, depth_max: int) -> None:
        self.root = Node(None, 1, 1)
        self.problems = Problems()
        self._nodes_max = nodes_max
        self._depth_max = depth_max
        self._size = 0
        self._stack: list[_Open] = []
        # None stands for an anchor whose value is still open.
        self._anchors: dict[str, _Built | None] = {}

    def read(self, text: str) -> None:
        documents = 0
        for event in yaml.parse(text, Loader=_Loader):
            mark = event.start_mark
            line, column = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
            # The commonest first: this loop is most of the cost of a file.
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(event, line, column)
            elif isinstance(event, yaml.MappingStartEvent):
                self._open(Node({}, line, column), event.anchor, event.tag)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._close()
            elif isinstance(event, yaml.SequenceStartEvent):
                self._open(Node([], line, column), event.anchor, event.tag)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event.anchor or "", Node(None, line, column))
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._refuse(Node(None, line, column), 'expected one document, got another after "---"')

    def _refuse(self, node: Node, text: str) -> NoReturn:
        self.problems.add(node, "", text)
        raise _Refused

    def _count(self, node: Node, size: int) -> None:
        self._size += size
        if self._size > self._nodes_max:
            self._refuse(
                node, f"expected at most {self._nodes_max} values (an alias counts as all it repeats)"
            )

    def _refuse_tag(self, node: Node, tag: str) -> None:
        self.problems.add(node, "", f"expected a value without a tag, got the tag {shown(tag)}")

    def _scalar(self, event: yaml.ScalarEvent, line: int, column: int) -> None:
        text: str = event.value
        value = _resolved(text) if event.implicit[0] else text
        written = text if value is not text and "_" in text else ""
        node = Node(value, line, column, written)
        if event.tag is not None:
            self._refuse_tag(node, event.tag)
        self._count(node, 1)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Built(node, 1, 0, text)
        if text == "<<" and event.implicit[0] and self._stack and self._stack[-1].awaits_key():
            self.problems.add(node, "", 'merging with "<<" is not supported; repeat the keys')
        self._put(node, 0, text)

    def _open(self, node: Node, anchor: str | None, tag: str | None) -> None:
        if tag is not None:
            self._refuse_tag(node, tag)
        if len(self._stack) >= self._depth_max:
            self._refuse(node, _too_deep(self._depth_max))
        self._count(node, 1)
        if anchor is not None:
            self._anchors[anchor] = None
        self._stack.append(_Open(node, anchor, self._size - 1))

    def _close(self) -> None:
        done = self._stack.pop()
        if done.anchor is not None:
            self._anchors[done.anchor] = _Built(done.node, self._size - done.size_before, done.height, None)
        self._put(done.node, done.height, None)

    def _alias(self, anchor: str, here: Node) -> None:
        if anchor not in self._anchors:
            self._refuse(here, f'expected an anchor "&{anchor}" before the alias "*{anchor}"')
        built = self._anchors[anchor]
        if built is None:
            self._refuse(here, f'the anchor "&{anchor}" contains itself')
        if len(self._stack) + built.height > self._depth_max:
            self._refuse(here, _too_deep(self._depth_max))
        self._count(here, built.size)
        self._put(built.node, built.height, built.key)

    def _put(self, node: Node, height: int, key: str | None) -> None:
        """
        Give a finished node to the list or mapping it stands in; *key* is its text.
        """
        if not self._stack:
            self.root = node
            return
        parent = self._stack[-1]
        if height >= parent.height:
            parent.height = height + 1
        if parent.items is not None:
            parent.items.append(node)
        elif parent.key is None:
            if key is None:
                self.problems.add(node, "", "expected a text as key, got a list or mapping")
            parent.key = node if node.value == key else Node(key or "", node.line, node.column)
        else:
            self._enter(parent.entries, parent.key, node)
            parent.key = None

    def _enter(self, entries: dict[str, tuple[Node, Node]], key: Node, value: Node) -> None:
        name = str(key.value)
        if name in entries:
            first = entries[name][0]
            place = f"line {first.line}, column {first.column}"
            self.problems.add(key, "", f"the key {shown(name)} is repeated; it first stands at {place}")
        else:
            entries[name] = (key, value)


def _resolved(text: str) -> bool | int | str | None:
    if text in _WORDS:
        return _WORDS[text]
    return int(text) if _INTEGER.fullmatch(text) else text
