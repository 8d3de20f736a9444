"""
Pages from templates: whatever comes from outside is escaped, made printable and free of secrets.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final, Protocol

from simulator.evidence.words import cut, printable

__all__ = ["Secrecy", "render", "style", "style_policy"]

_PACKAGE: Final = "simulator.evidence"
_TEXT_MAX: Final = 300


class Secrecy(Protocol):
    """
    Takes out of a text what the readers of a page are not to see.
    """

    def body(self, text: str) -> str:
        """Return *text* as they may see it."""
        ...


class _Page(Protocol):
    """A template, ready to be filled."""

    def render(self, **data: object) -> str: ...


class _Pages(Protocol):
    """Templates by name; the package that makes them takes long to import, and servers start without."""

    def get_template(self, name: str) -> _Page: ...


def render(template: str, secrecy: Secrecy, *, package: str = _PACKAGE, **data: object) -> str:
    """
    Return the page that *template* of *package* makes of *data*.

    No template can forget what its siblings do: every text that it prints loses
    its secrets, is cut, made printable and escaped, in this order, wherever it
    came from.  A name that is not in *data* is an error.
    """
    return _environment(package).get_template(template).render(secrecy=secrecy, **data)


@cache
def style() -> str:
    """Return the style sheet of all pages."""
    return files(_PACKAGE).joinpath("style.css").read_text(encoding="utf-8")


def style_policy() -> str:
    """Return the source of `style-src` under which a page may carry the style sheet within it."""
    return f"'sha256-{b64encode(sha256(style().encode()).digest()).decode()}'"


@cache
def _environment(package: str) -> _Pages:
    """Return what the pages of *package* are made with; fragments of evidence are there for all of them."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, pass_context
    from jinja2.runtime import Context
    from markupsafe import Markup, escape

    def shown(context: Context, text: str, limit: int) -> Markup:
        # Secrets go first: one that is cut in the middle is not recognised any more.
        return escape(printable(cut(context["secrecy"].body(text), limit)))

    @pass_context
    def finalize(context: Context, value: object) -> object:
        return shown(context, value, _TEXT_MAX) if type(value) is str else value

    @pass_context
    def upto(context: Context, text: str, limit: int) -> Markup:
        return shown(context, text, limit)

    @pass_context
    def lines(context: Context, text: str, limit: int) -> Markup:
        return Markup("\n").join(shown(context, line, limit) for line in cut(text, limit).split("\n"))

    @pass_context
    def breakable(context: Context, name: str, limit: int) -> Markup:
        return Markup(".<wbr>").join(shown(context, part, limit) for part in cut(name, limit).split("."))

    pages = Environment(
        loader=ChoiceLoader([PackageLoader(name) for name in dict.fromkeys((package, _PACKAGE))]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {
        "upto": upto,
        "lines": lines,
        "breakable": breakable,
        "number": lambda number: f"{number:,}",
    }
    return pages
