"""
Files in a message: the rules for those that were uploaded to the simulator, whose sizes and kinds it knows.

Of files by URL nothing is known, since they are never fetched.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from simulator.providers.rbm.content import cards_of, is_plain_text
from simulator.providers.rbm.errors import refuse
from simulator.providers.rbm.files import FILE_BYTES_MAX, File, Files
from simulator.providers.rbm.wire import Violation, bad_request

__all__ = ["check_attachments", "shows_pdf_in_card"]

_THUMBNAIL_BYTES_MAX: Final = 100_000
_PDF: Final = "application/pdf"


class _Attachment(NamedTuple):
    """A file that a message names."""

    path: str
    name: str
    thumbnail: bool
    in_card: bool


def _attachments(content: dict[str, Any]) -> Iterator[_Attachment]:
    yield from _of_holder(content, "", in_card=False)
    for path, card in cards_of(content):
        yield from _of_holder(card.get("media", {}), f"{path}.media.", in_card=True)


def _of_holder(holder: dict[str, Any], prefix: str, *, in_card: bool) -> Iterator[_Attachment]:
    uploaded = holder.get("uploadedRbmFile", {})
    names = (
        (f"{prefix}file_name", holder.get("fileName"), False),
        (f"{prefix}uploaded_rbm_file.file_name", uploaded.get("fileName"), False),
        (f"{prefix}uploaded_rbm_file.thumbnail_name", uploaded.get("thumbnailName"), True),
    )
    for path, name, thumbnail in names:
        if name:
            yield _Attachment(path, name, thumbnail, in_card)


def check_attachments(
    content: dict[str, Any], root: str, files: Files, now_ms: int, *, only_uploaded: bool
) -> None:
    """Raise Refuse when files of a message are too large together, or of kinds that do not go there."""
    if is_plain_text(content):
        return
    violations: list[Violation] = []
    sizes: dict[str, int] = {}
    for attachment in _attachments(content):
        file = files.find(attachment.name, now_ms)
        if file is None:
            if only_uploaded:
                raise refuse("INVALID_ARGUMENT", f"there is no file {attachment.name[:100]!r}, or no more")
        elif file.media_type:
            path = f"{root}.{attachment.path}"
            violations += [Violation(path, f"{path}: {wrong}") for wrong in _wrongs(attachment, file)]
            if not attachment.thumbnail:
                sizes[file.name] = file.size
    total = sum(sizes.values())
    if total > FILE_BYTES_MAX:
        wrong = f"files must have at most {FILE_BYTES_MAX} bytes together, got {total}"
        violations.append(Violation(root, f"{root}: {wrong}"))
    if violations:
        raise bad_request(violations)


def _wrongs(attachment: _Attachment, file: File) -> Iterator[str]:
    if attachment.thumbnail:
        if not file.media_type.startswith("image/"):
            yield f"must be an image, got {file.media_type}"
        if file.size > _THUMBNAIL_BYTES_MAX:
            yield f"must have at most {_THUMBNAIL_BYTES_MAX} bytes, got {file.size}"
    elif attachment.in_card and (
        file.media_type.startswith("audio/") or file.media_type == "application/ogg"
    ):
        yield f"must not be audio in a card, got {file.media_type}"


def shows_pdf_in_card(content: dict[str, Any], files: Files, now_ms: int) -> bool:
    """Return True when a card shows an uploaded PDF, which not every device can."""
    return any(
        attachment.in_card
        and not attachment.thumbnail
        and (file := files.find(attachment.name, now_ms)) is not None
        and file.media_type == _PDF
        for attachment in _attachments(content)
    )
