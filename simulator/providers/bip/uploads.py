"""
The FTS upload: a file comes in, its address goes out.  The file itself is not kept.

Source: the vendor's sample code; `fileType` D was seen in a client.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from email.message import Message
from email.parser import HeaderParser
from hashlib import blake2b
from typing import Final, NamedTuple
from urllib.parse import quote

import msgspec
from msgspec import Struct

from simulator.provider import Answer, Call, Refuse
from simulator.providers.bip.account import Account
from simulator.providers.bip.files import file_address
from simulator.providers.bip.render import answer_json

__all__ = ["BAD_UPLOAD", "UPLOAD_BYTES_MAX", "failed_upload", "is_upload", "upload", "upload_txnid"]

BAD_UPLOAD: Final = "upload"
"""The code of a refused upload, for ourselves alone."""
UPLOAD_BYTES_MAX: Final = 52 * 1_048_576
"""A video of 50 MB, the largest file that a message may have, and what is around it."""

_PIECES_MAX: Final = 16
_HEADER_BYTES_MAX: Final = 8_192
_DATA_BYTES_MAX: Final = 65_536
_NAME_LENGTH_MAX: Final = 200
_FILE_TYPES: Final = {"P": "jpg", "V": "mp4", "D": "bin", "A": "mp3"}


class Piece(NamedTuple):
    """
    One part of a multipart body.
    """

    name: str
    filename: str
    content_type: str
    content: memoryview


class Upload(Struct, frozen=True, gc=False):
    """
    What is remembered of an upload.
    """

    at_ms: int
    txnid: str
    filename: str
    content_type: str
    file_type: str
    size: int
    url: str


class _Data(Struct):
    txnid: str | int | float
    fileType: str = "P"


def pieces(body: bytes, content_type: str) -> Iterator[Piece]:
    """Yield the parts of a multipart body without copying them; raises ValueError with what was expected."""
    header = Message()
    header["Content-Type"] = content_type.replace("\r", "").replace("\n", "")
    boundary = header.get_boundary()
    if header.get_content_type() != "multipart/form-data" or not boundary:
        raise ValueError("expected multipart/form-data with a boundary")
    marker = b"--" + boundary.encode("latin-1", "replace")
    view = memoryview(body)
    at = body.find(marker)
    for _ in range(_PIECES_MAX):
        if at < 0:
            raise ValueError("expected the last boundary")
        start = at + len(marker)
        if body[start : start + 2] == b"--":
            return
        end = body.find(b"\r\n" + marker, start)
        head_end = body.find(b"\r\n\r\n", start, start + _HEADER_BYTES_MAX)
        if end < 0 or head_end < 0 or head_end > end:
            raise ValueError("expected each part to have headers, a blank line and an end")
        headers = HeaderParser().parsestr(body[start:head_end].decode("utf-8", "replace").strip())
        yield Piece(
            str(headers.get_param("name", "", "content-disposition")),
            headers.get_filename() or "",
            headers.get_content_type() if "content-type" in headers else "",
            view[head_end + 4 : end],
        )
        at = end + 2
    raise ValueError(f"expected at most {_PIECES_MAX} parts")


def upload(call: Call, account: Account) -> Answer | Awaitable[Answer]:
    """Answer an upload: status 0 and the address of the file, or status 1; with HTTP 200 either way."""
    return call.read_in_turns(lambda: _read(call), lambda read: _upload(call, account, *read))


def _read(call: Call) -> tuple[dict[str, Piece], str]:
    """Return the parts of an upload by name, and the digest of the file; raises Refuse."""
    parts = _named(call)
    file = parts.get("file")
    return parts, blake2b(file.content, digest_size=16).hexdigest() if file is not None else ""


def _upload(call: Call, account: Account, parts: dict[str, Piece], digest: str) -> Answer:
    data = _data(parts.get("data"))
    txnid = str(data.txnid)
    call.names = {"txnid": txnid}
    kept = _keep(call, account, txnid, data, parts.get("file"), digest)
    return answer_json({"txnid": txnid, "status": 0, "url": kept.url})


def _named(call: Call) -> dict[str, Piece]:
    try:
        return {piece.name: piece for piece in pieces(call.body, call.headers.get("Content-Type", ""))}
    except ValueError as bad:
        raise _bad(str(bad)) from None


def _bad(why: str) -> Refuse:
    """Return the refusal of an upload; BiP has no code for it, only a status."""
    return Refuse(BAD_UPLOAD, why)


def upload_txnid(call: Call) -> str | None:
    """Return the txnid of an upload, however bad the rest of it is, or None."""
    try:
        return str(_data(_named(call).get("data")).txnid)
    except Refuse:
        return None


def is_upload(call: Call) -> bool:
    """Return True for a call of the file service, whose answers are of another shape."""
    return call.path.startswith("/fts/")


def failed_upload(txnid: str | None, http: int = 200) -> Answer:
    """Return the answer to an upload that came to nothing."""
    return answer_json({"txnid": txnid, "status": 1, "url": None}, http)


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _data(piece: Piece | None) -> _Data:
    if piece is None:
        raise _bad("expected a part data with a JSON object")
    if len(piece.content) > _DATA_BYTES_MAX:
        raise _bad(f"expected a part data of at most {_DATA_BYTES_MAX} bytes")
    try:
        return msgspec.json.decode(bytes(piece.content), type=_Data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as trouble:
        raise _bad(f"expected a part data with a JSON object: {trouble}") from None


def _keep(call: Call, account: Account, txnid: str, data: _Data, piece: Piece | None, digest: str) -> Upload:
    if piece is None or not len(piece.content):
        raise _bad("expected a part file that is not empty")
    if data.fileType not in _FILE_TYPES:
        raise _bad(f"expected data.fileType as one of {', '.join(_FILE_TYPES)}")
    # What is kept is shown later, so half a character of an odd encoding must not stay in it.
    filename = _whole(piece.filename).replace("\\", "/").rpartition("/")[2][:_NAME_LENGTH_MAX]
    ending = filename.rpartition(".")[2].lower() if "." in filename else ""
    if not ending.isascii() or not ending.isalnum() or len(ending) > 8:
        ending = _FILE_TYPES[data.fileType]
    draws = call.gateway.draws("bip", "upload", txnid, digest)
    user = call.credential.user if call.credential is not None else ""
    service = user if account.settings.uploads == "v2p" else ""
    kept = Upload(
        at_ms=call.gateway.now_ms,
        txnid=txnid,
        filename=filename,
        content_type=_whole(piece.content_type),
        file_type=data.fileType,
        size=len(piece.content),
        url=file_address(
            account.settings.file_url, draws, call.gateway.unix_ms(), ending, quote(service, safe="")
        ),
    )
    account.note_upload(kept.url, kept)
    return kept
