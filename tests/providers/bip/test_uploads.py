"""
The FTS upload.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.kernel.model.rules import Act
from simulator.providers.bip.uploads import UPLOAD_BYTES_MAX, pieces

PATH = "/fts/rest/file/upload"
FORM = {"Content-Type": "multipart/form-data; boundary=b0"}
DATA = {
    "txnid": "u-1", "receiver": "", "avatarOwner": "", "isGroup": "false", "isAvatar": "false",
    "toUser": "", "fileType": "P",
}  # fmt: skip


def form(file: bytes | None, data: object) -> bytes:
    """Return a multipart body with a file and its data."""
    body = b""
    if file is not None:
        body += b'--b0\r\nContent-Disposition: form-data; name="file"; filename="a b.JPG"\r\n'
        body += b"Content-Type: image/jpeg\r\n\r\n" + file + b"\r\n"
    if data is not None:
        body += b'--b0\r\nContent-Disposition: form-data; name="data"\r\n\r\n'
        body += json.dumps(data).encode() + b"\r\n"
    return body + b"--b0--\r\n"


@pytest.mark.parametrize("name", ["filename*=utf-7''+2AA-.png", "filename*=unicode_escape''%5Cud800.png"])
async def test_odd_file_name_can_be_told_again(bip: Callable[..., Any], name: str) -> None:
    """
    Half a character in a name does not keep anybody from asking what was uploaded.
    """
    body = form(b"x", DATA).replace(b'filename="a b.JPG"', name.encode())
    async with bip() as bench:
        got = await bench.call(PATH, body, headers=FORM)
        kept = bench.account.actions["uploads"]({})

    assert got.body["status"] == 0
    assert json.dumps(kept, ensure_ascii=False).encode()


async def test_upload_that_is_refused_by_whomever_has_the_shape_of_uploads(bip: Callable[..., Any]) -> None:
    """
    Too large or refused by a rule: status 1, not a result code of sends, with the HTTP status of the rule.
    """
    scenario = "rules: [{{when: {{provider: bip, operation: upload}}, then: {{answer: {{refuse: {}}}}}}}]"
    async with bip() as bench:
        large = await bench.call(PATH, BytesIO(b"x" * (UPLOAD_BYTES_MAX + 1)), headers=FORM)
    refused = []
    for code, body in (("1004", form(b"x", DATA)), ("{http: 503}", form(b"x", DATA)), ("1004", b"x")):
        async with bip(scenario.format(code)) as bench:
            refused.append((await bench.call(PATH, body, headers=FORM))[:2])

    failure = {"txnid": None, "status": 1, "url": None}
    assert large == (200, failure, f"expected a body of at most {UPLOAD_BYTES_MAX} bytes")
    assert refused == [(200, {**failure, "txnid": "u-1"}), (503, {**failure, "txnid": "u-1"}), (200, failure)]


async def test_upload_answers_an_address_that_a_photo_may_have(bip: Callable[..., Any]) -> None:
    """
    The address passes as the message of a photo, checked or not; the file is forgotten.
    """
    async with bip(check_media=True) as bench:
        got = await bench.call(PATH, form(b"\xff\xd8\r\n--b", DATA), headers=FORM)
        photo = {"type": 2, "message": got.body["url"], "size": 6, "ratio": 1}
        sent = await bench.send("905000000000", photo)
        kept = bench.account.actions["uploads"]({})

    address = got.body["url"]
    assert got == (200, {"txnid": "u-1", "status": 0, "url": address}, "")
    assert re.fullmatch(r"https://timsac\.bip\.com/scontent/p2p/05012026/12/P[0-9a-f]{68}\.jpg", address)
    assert sent.body["resultcode"] == 0
    assert kept == {
        "items": [
            {
                "at_ms": 0,
                "txnid": "u-1",
                "filename": "a b.JPG",
                "content_type": "image/jpeg",
                "file_type": "P",
                "size": 7,
                "url": address,
            }
        ]
    }


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (b"", FORM, "expected the last boundary"),
        (form(b"x", DATA)[:-8], FORM, "expected each part to have headers, a blank line and an end"),
        (form(b"x", DATA), {"Content-Type": "text/plain"}, "expected multipart/form-data with a boundary"),
        (form(None, DATA), FORM, "expected a part file that is not empty"),
        (form(b"", DATA), FORM, "expected a part file that is not empty"),
        (form(b"x", None), FORM, "expected a part data with a JSON object"),
        (form(b"x", {**DATA, "fileType": "X"}), FORM, "expected data.fileType as one of P, V, D, A"),
    ],
)
async def test_bad_upload_has_status_1(
    bip: Callable[..., Any], body: bytes, headers: dict[str, str], reason: str
) -> None:
    """
    A failure is told in the body; its reason stands in a header.
    """
    async with bip() as bench:
        got = await bench.call(PATH, body, headers=headers)

    assert (got.status, got.body["status"], got.body["url"]) == (200, 1, None)
    assert got.reason == reason


@given(st.binary(max_size=200), st.binary(max_size=60))
def test_no_bytes_break_the_reader_of_parts(file: bytes, noise: bytes) -> None:
    """
    A file comes out as it went in, or the body is refused.
    """
    whole = form(file, {}) if b"\r\n--b0" not in b"\r\n" + file else b""
    found = [bytes(piece.content) for piece in pieces(whole, FORM["Content-Type"])] if whole else [file]

    assert found[0] == file
    for body in (noise, whole + noise, noise + whole):
        try:
            list(pieces(body, FORM["Content-Type"]))
        except ValueError as trouble:
            said = str(trouble)
            assert said.startswith("expected")


async def test_upload_may_go_by_the_name_of_the_service(bip: Callable[..., Any]) -> None:
    """
    Addresses of 2023 have the service's user in them; what addresses begin with is a setting.
    """
    async with bip(uploads="v2p", file_url="http://timsac.turkcell.com.tr/scontent/") as bench:
        got = await bench.call(PATH, form(b"x", DATA), headers=FORM)

    place = r"http://timsac\.turkcell\.com\.tr/scontent/v2p/service/05012026/12/P[0-9a-f]{68}\.jpg"
    assert re.fullmatch(place, got.body["url"])


async def test_users_files_have_addresses_of_the_same_form(bip: Callable[..., Any]) -> None:
    """
    A photo and a document that a user sends.
    """
    async with bip() as bench:
        for act in ("sends photo", "sends document"):
            bench.space.simulation.act("bip", "+905320000001", Act(act))
            await bench.settle()

    photo, document = (body for _, body in bench.hooks)
    place = r"https://timsac\.bip\.com/scontent/p2p/05012026/12/P[0-9a-f]{68}"
    assert re.fullmatch(rf"{place}\.jpg", photo["content"])
    assert re.fullmatch(rf"{place}\.pdf", document["document"]["filepath"])
