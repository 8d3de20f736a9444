"""
Files: by URL, as bytes, as bytes with metadata, or in resumable pieces.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable
from typing import Final

from simulator.provider import Answer, Call
from simulator.providers.rbm.calls import account_of, agent_of, body_of
from simulator.providers.rbm.errors import json_answer, refuse
from simulator.providers.rbm.files import FILE_BYTES_MAX, MEDIA_TYPES, File, Upload
from simulator.providers.rbm.reporting import uuid_of
from simulator.providers.rbm.wire import Violation, bad_request

__all__ = ["UPLOAD_BYTES_MAX", "create_file", "resume_upload", "upload_file"]

UPLOAD_BYTES_MAX: Final = FILE_BYTES_MAX + 65_536
"""Room for a file and the metadata around it."""

_RANGE: Final = re.compile(r"bytes (?:([0-9]{1,12})-([0-9]{1,12})|\*)/([0-9]{1,12}|\*)", re.ASCII)
_HEAD: Final = re.compile(rb"[ \t]*\r?\n((?:[^\r\n]{1,10000}\r?\n){0,100})\r?\n")
_KIND: Final = re.compile(r"^content-type:[ \t]*([^;\r\n]+)", re.IGNORECASE | re.MULTILINE)
_PARTS_MAX: Final = 10
_METADATA_BYTES_MAX: Final = 65_536
_BOUNDARY: Final = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)


def create_file(call: Call) -> Answer:
    """Take a file by URL.  The URL is checked but not fetched: the simulator stays off the network."""
    body = body_of(call, "CreateFileRequest", "")
    agent_of(call, body.get("agentId", ""))
    for key, snake in (("fileUrl", "file_url"), ("thumbnailUrl", "thumbnail_url")):
        url = body.get(key, "")
        if (key == "fileUrl" or url) and re.fullmatch(r"https?://[^\s/]+\S*", url) is None:
            raise bad_request([Violation(snake, f"{snake}: must be the URL of a file")])
    return _kept(call, "", 0)


def upload_file(call: Call) -> Answer | Awaitable[Answer]:
    """Take the bytes of a file, in one of four forms."""
    match call.query_value("uploadType"):
        case "resumable":
            return _begin(call)
        case "multipart":
            return _multipart(call)
        case None | "media":
            agent_of(call)
            return _take(call, _media_type(call.headers.get("Content-Type", "")), call.body)
        case other:
            raise refuse(
                "INVALID_ARGUMENT", f"uploadType: must be media, multipart or resumable, got {other[:40]!r}"
            )


def _media_type(header: str) -> str:
    return header.partition(";")[0].strip().lower()


def _check_type(media_type: str) -> None:
    if media_type not in MEDIA_TYPES:
        types = ", ".join(sorted(MEDIA_TYPES))
        raise refuse("INVALID_ARGUMENT", f"the type {media_type[:60]!r} is not supported; supported: {types}")


def _take(call: Call, media_type: str, content: bytes | memoryview) -> Answer:
    _check_type(media_type)
    if not len(content):
        raise refuse("INVALID_ARGUMENT", "the file is empty")
    _check_size(len(content))
    return _kept(call, media_type, len(content))


def _check_size(size: int) -> None:
    if size > FILE_BYTES_MAX:
        raise refuse("INVALID_ARGUMENT", f"a file must have at most {FILE_BYTES_MAX} bytes, got {size}")


def _kept(call: Call, media_type: str, size: int) -> Answer:
    files = account_of(call).files
    files.count += 1
    digits = call.gateway.draws("rbm", "file", files.count).hex("name")
    name = f"files/{uuid_of(digits)}"
    files.keep(File(name, media_type, size, call.gateway.now_ms))
    return json_answer(call, {"name": name})


def _multipart(call: Call) -> Answer | Awaitable[Answer]:
    boundary = _BOUNDARY.search(call.headers.get("Content-Type", ""))
    marker = b"--" + boundary[1].encode() if boundary is not None else b""
    return call.read_in_turns(
        lambda: _parts(call.body, marker) if marker else [], lambda parts: _take_parts(call, parts)
    )


def _take_parts(call: Call, parts: list[tuple[str, memoryview]]) -> Answer:
    if len(parts) != 2:
        raise refuse("INVALID_ARGUMENT", "expected multipart/related with two parts: JSON, then the file")
    (_, metadata), (media_type, content) = parts
    if len(metadata) > _METADATA_BYTES_MAX:
        raise refuse("INVALID_ARGUMENT", f"the metadata must have at most {_METADATA_BYTES_MAX} bytes")
    body = body_of(call, "CreateFileRequest", "", bytes(metadata))
    agent_of(call, body.get("agentId", ""))
    return _take(call, media_type, content)


def _parts(body: bytes, marker: bytes) -> list[tuple[str, memoryview]]:
    """Return type and content of each part; Google's Python client ends its lines with a bare LF."""
    parts: list[tuple[str, memoryview]] = []
    view = memoryview(body)
    start = body.find(marker)
    while start >= 0 and len(parts) < _PARTS_MAX:
        start += len(marker)
        if body.startswith(b"--", start):
            break
        following = body.find(marker, start)
        end = following if following >= 0 else len(body)
        head = _HEAD.match(body, start, end)
        if head is None:
            return []
        kind = _KIND.search(head[1].decode("latin-1"))
        last = end - (2 if body.endswith(b"\r\n", start, end) else body.endswith(b"\n", start, end))
        content = view[head.end() : max(last, head.end())]
        parts.append((kind[1].strip().lower() if kind else "", content))
        start = following
    return parts


def _begin(call: Call) -> Answer:
    """Start a resumable upload: the answer says where to put the bytes."""
    account = account_of(call)
    body = body_of(call, "CreateFileRequest", "")
    agent = agent_of(call, body.get("agentId", ""))
    media_type = _media_type(call.headers.get("X-Upload-Content-Type", ""))
    _check_type(media_type)
    announced = call.headers.get("X-Upload-Content-Length", "")
    if announced.isascii() and announced.isdigit():
        _check_size(int(announced[:12]))
    account.files.count += 1
    upload_id = call.gateway.draws("rbm", "upload", account.files.count).hex("id")
    account.files.begin(Upload(upload_id, media_type))
    place = f"{call.url}/upload/v1/files?uploadType=resumable&agentId={agent.id}&upload_id={upload_id}"
    return Answer(200, b"", "", (("Location", place),))


def resume_upload(call: Call) -> Answer:
    """Take the next piece of a resumable upload, or say how much there is."""
    files = account_of(call).files
    upload = files.upload(call.query_value("upload_id") or "")
    if upload is None:
        raise refuse("ENTITY_NOT_FOUND", hint="upload_id names no upload under way")
    header = call.headers.get("Content-Range")
    if header is None:
        files.end(upload)
        return _take(call, upload.media_type, call.body)
    span = _RANGE.fullmatch(header.strip())
    if span is None:
        raise refuse("INVALID_ARGUMENT", f"Content-Range: expected bytes 0-99/100, got {header[:60]!r}")
    if span[1] is not None:
        if int(span[1]) != upload.received or int(span[2]) - int(span[1]) + 1 != len(call.body):
            raise refuse(
                "INVALID_ARGUMENT",
                f"Content-Range: expected to go on from byte {upload.received} with {len(call.body)} bytes",
            )
        upload = files.grow(upload, len(call.body))
        _check_size(upload.received)
    if span[3] != "*" and upload.received == int(span[3]):
        files.end(upload)
        return _kept(call, upload.media_type, upload.received)
    so_far = (("Range", f"bytes=0-{upload.received - 1}"),) if upload.received else ()
    return Answer(308, b"", "", so_far)
