"""
Records: what is in them, what is not, and what is said about damaged ones.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from urllib.parse import quote

import pytest

from harness import serving
from recording import attempts, in_full, recording, replayed, rows
from simulator.provider import discover
from simulator.run.bundle import BundleError, read_bundle
from simulator.run.compare import first_divergence
from simulator.run.record import Recorder
from simulator.run.replay import Replayed
from simulator.runtime.space import Space

SECRETS = (
    "an-app-key-0001",
    "a-basic-password-0002",
    "a-query-password-0003",
    "a-google-token-0004",
    "a-bitel-token-0005",
    "a-listed-key-0006",
    "a-client-token-0007",
    "an-hmac-secret-0008",
    "a-webhook-header-0009",
    "a-url-token-0010",
    "a-url-password-0011",
    "a-hook-password-0012",
    "refused-key-0013",
    "key-in-a-scenario-0014",
)
IN_FILE = ("a-client-token-0007", "a-hook-password-0012")
SCENARIO = """
providers:
  infobip: {webhook: {url: RECEIVER/reports}}
  rbm: {webhook: {url: RECEIVER/rbm, client_token: a-client-token-0007}}
  bip: {webhook: {url: RECEIVER/bip, basic: "hook:a-hook-password-0012"}}
"""


def basic(text: str) -> dict[str, str]:
    """Return a Basic Authorization header."""
    return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


async def test_record_holds_no_credential(tmp_path: Path) -> None:
    """
    Whatever way a credential comes in, it is in no file of the bundle but the user's own scenario.
    """
    async with recording(tmp_path, SCENARIO) as run:
        receiver = run.receiver.url.removeprefix("http://")
        await run.send("41793020001", headers={"Authorization": "App an-app-key-0001"})
        await run.send("41793020002", headers=basic("user:a-basic-password-0002"))
        query = "username=user&password=a-query-password-0003&to=41793020003&text=Hi"
        async with run.http.get(f"{run.url}/infobip/sms/1/text/query?{query}") as answer:
            assert answer.status == 200
        text = {"contentMessage": {"text": "Hi"}}
        path = "/rbm/v1/phones/+41793020004/agentMessages?messageId=m-1&agentId=demo"
        await run.post(f"{path}&access_token=a-google-token-0004", text, headers={})
        await run.post("/bitel/nowhere", {}, headers={"Authorization": "Bearer a-bitel-token-0005"})
        await run.configure(
            credentials=["a-listed-key-0006", "user:a-basic-password-0002"],
            webhook={
                "url": f"http://robot:a-url-password-0011@{receiver}/hooks?token=a-url-token-0010",
                "hmac": {"secret": "an-hmac-secret-0008"},
                "headers": {"X-Anything": "a-webhook-header-0009"},
            },
        )
        await run.send("41793020005", headers={"Authorization": "App a-listed-key-0006"})
        await run.send("41793020006", headers={"Authorization": "App refused-key-0013"})
        yaml = (
            "rules: [{name: one, when: {credential: key-in-a-scenario-0014}, then: {fate: silence}}]\n"
            "providers: {infobip: {credentials: []}}"
        )
        async with run.http.put(f"{run.url}/_sim/v1/spaces/default/scenario", data=yaml) as answer:
            assert answer.status == 200
        await run.send("41793020007", headers={"Authorization": "App key-in-a-scenario-0014"})
        await run.settle()
        attempted = len(run.attempts())

    said = in_full(tmp_path)
    assert [secret for secret in SECRETS if secret in said or quote(secret) in said] == []
    mine = (tmp_path / "scenario.yaml").read_text()
    assert [secret for secret in SECRETS if secret in mine] == list(IN_FILE)
    assert await replayed(tmp_path) == Replayed(6, attempted)


async def test_listed_credentials_do_not_refuse_earlier_calls(tmp_path: Path) -> None:
    """
    A call counts as it was answered, even when the settings that followed would refuse it.
    """
    async with recording(tmp_path) as run:
        statuses = [(await run.send("41793020001"))[0]]
        await run.configure(credentials=["another-key"])
        statuses += [(await run.send("41793020001"))[0]]
        statuses += [(await run.send("41793020001", headers={"Authorization": "App another-key"}))[0]]
        await run.settle()

    assert statuses == [200, 401, 200]
    assert await replayed(tmp_path) == Replayed(2, 0)


async def test_large_bodies_are_recorded_whole(tmp_path: Path) -> None:
    """
    A body beyond what is kept for readers is in the record to its last byte.
    """
    destinations = [f"4179{number:07d}" for number in range(3_000)]

    async with recording(tmp_path) as run:
        status, _ = await run.send(destinations)
        await run.settle()

    [call] = [row for row in rows(tmp_path) if row["type"] == "call"]
    assert status == 200
    assert len(call["body"]["text"]) > 65_536
    assert json.loads(call["body"]["text"])["messages"][0]["destinations"][-1] == {"to": destinations[-1]}
    assert await replayed(tmp_path) == Replayed(1, 0)


async def test_calls_of_other_spaces_are_not_recorded(tmp_path: Path) -> None:
    """
    Paths, headers and credentials decide as ever; only what reaches the recorded space counts.
    """
    async with recording(tmp_path) as run:
        _, created = await run.control("POST", "/spaces", {"name": "other"})
        await run.send("41793020001", base="/s/other/infobip")
        await run.send("41793020001", headers={"Authorization": "App key", "X-Simulator-Space": "other"})
        own = created["providers"]["infobip"]["credential"]
        await run.send("41793020001", headers={"Authorization": f"App {own}"})
        await run.send("41793020001", base="/s/default/infobip")
        await run.send("41793020001", headers={"Authorization": "App key", "X-Simulator-Space": "default"})
        await run.settle()

    assert await replayed(tmp_path) == Replayed(2, 0)


async def test_body_that_is_no_text_is_recorded(tmp_path: Path) -> None:
    """
    Bytes that are not UTF-8 come back as they were.
    """
    async with recording(tmp_path) as run:
        url = f"{run.url}/infobip/sms/2/text/advanced"
        async with run.http.post(url, data=b"\xff\xfe{", headers={"Authorization": "App key"}) as answer:
            status = answer.status

    assert status == 400
    assert next(read_bundle(tmp_path).rows()).body.raw == b"\xff\xfe{"  # type: ignore[union-attr]
    assert await replayed(tmp_path) == Replayed(1, 0)


async def test_record_is_on_disk_while_it_grows(tmp_path: Path) -> None:
    """
    What happened is written as it goes: at any moment the folder is a record that breaks off there.
    """
    folder, so_far = tmp_path / "record", tmp_path / "so far"
    async with recording(folder, SCENARIO) as run:
        for number in range(30):
            await run.send(f"417930{number:05d}", text="x" * 500)
        await run.settle()
        copytree(folder, so_far)
        await run.send("41793020002")

    assert read_bundle(folder).incomplete == ""
    assert await replayed(folder) == Replayed(31, 30)
    assert "is incomplete: its run was ended before its end" in read_bundle(so_far).incomplete
    assert await replayed(so_far) == Replayed(30, 30)


async def test_half_a_row_at_the_end_is_left_out(tmp_path: Path) -> None:
    """
    Wherever a killed run was in writing, what is whole is replayed; what was whole once is told as damage.
    """
    folder, so_far = tmp_path / "record", tmp_path / "so far"
    async with recording(folder) as run:
        await run.send("41793020001")
        copytree(folder, so_far)
    for bundle in (folder, so_far):
        trace = bundle / "trace.ndjson"
        trace.write_bytes(trace.read_bytes()[:-9])

    assert await replayed(so_far) == Replayed(1, 0)
    with pytest.raises(BundleError, match="is no row of a trace"):
        read_bundle(folder)


async def test_record_of_nothing_is_told(tmp_path: Path) -> None:
    """
    A run that was killed before its first call left nothing to replay.
    """
    async with recording(tmp_path / "record"):
        copytree(tmp_path / "record", tmp_path / "so far")

    with pytest.raises(BundleError, match="expected a row: the run was ended before anything happened"):
        read_bundle(tmp_path / "so far")


async def test_record_that_breaks_off_is_compared_as_far_as_it_goes(tmp_path: Path) -> None:
    """
    What a good build does after the end of the record is no divergence, what it does otherwise before is one.
    """
    folder, so_far, other = (tmp_path / name for name in ("record", "so far", "other"))
    async with recording(folder) as run:
        for number in (1, 2):
            await run.send(f"4179302000{number}")
            await run.settle()
        copytree(folder, so_far)
        await run.send("41793020003")
    async with recording(other) as run:
        await run.send("41793020009")
        await run.settle()

    assert first_divergence(read_bundle(so_far), read_bundle(folder)) is None
    assert first_divergence(read_bundle(folder), read_bundle(so_far)) is not None
    assert first_divergence(read_bundle(so_far), read_bundle(other)) is not None


async def test_abandoned_record_leaves_nothing(tmp_path: Path) -> None:
    """
    When there was no run there is no folder, unless something else is in it.
    """
    folder = tmp_path / "new" / "record"
    async with serving() as bench:
        Recorder(bench.space, folder, "{}").abandon()

    assert not folder.exists()
    assert folder.parent.exists()


@pytest.mark.parametrize("names", [["scenario.yaml"], ["notes.txt"], ["notes.txt", "trace.ndjson"]])
async def test_folder_of_other_files_is_not_recorded_into(tmp_path: Path, names: list[str]) -> None:
    """
    Whatever somebody keeps there stays as it is, and the space is not recorded.
    """
    for name in names:
        (tmp_path / name).write_text("mine")

    async with serving() as bench:
        with pytest.raises(FileExistsError, match="it holds other files and is no bundle"):
            Recorder(bench.space, tmp_path, "{}")
        tap = bench.space.tap

    assert tap is None
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(names, "mine")


@pytest.mark.parametrize("leaves", [["bundle.json", "scenario.yaml", "trace.ndjson"], ["trace.ndjson"], []])
async def test_earlier_record_is_replaced(tmp_path: Path, leaves: list[str]) -> None:
    """
    A bundle makes room for the next one, and so does what a run left that was ended by force.
    """
    async with recording(tmp_path) as run:
        await run.send("41793020001")
    for path in tmp_path.iterdir():
        if path.name not in leaves:
            path.unlink()

    async with recording(tmp_path, "{name: next}"):
        pass

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "bundle.json",
        "scenario.yaml",
        "trace.ndjson",
    ]
    assert read_bundle(tmp_path).scenario_text == "{name: next}"
    assert attempts(read_bundle(tmp_path)) == 0


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no such folder": (lambda folder: (folder / "bundle.json").unlink(), "bundle.json: cannot be read"),
    "about is no JSON": (
        lambda folder: (folder / "bundle.json").write_text('{\n"seed": }'),
        "bundle.json:2: is no JSON",
    ),
    "about is a list": (
        lambda folder: (folder / "bundle.json").write_text("[]"),
        "bundle.json:1: is not what",
    ),
    "another format": (
        lambda folder: (folder / "bundle.json").write_text('{"format": 1}'),
        "bundle.json:2: expected a bundle of format 2, got 1",
    ),
    "no scenario": (lambda folder: (folder / "scenario.yaml").unlink(), "scenario.yaml: cannot be read"),
    "a scenario without an end": (
        lambda folder: endless(folder / "scenario.yaml"),
        "scenario.yaml: cannot be read (it is longer than 8,000,000 bytes)",
    ),
    "about without an end": (
        lambda folder: endless(folder / "bundle.json"),
        "bundle.json: cannot be read (it is longer than 1,000,000 bytes)",
    ),
    "a trace without lines": (
        lambda folder: endless(folder / "trace.ndjson"),
        "trace.ndjson: cannot be read (a line is longer than 256,000,000 bytes)",
    ),
    "no trace": (lambda folder: (folder / "trace.ndjson").unlink(), "trace.ndjson: cannot be read"),
    "a row cut": (
        lambda folder: edit(folder, 1, lambda line: line[:40]),
        "trace.ndjson:2: is no row of a trace",
    ),
    "a row of another kind": (
        lambda folder: edit(folder, 0, lambda _: '{"type":"party"}'),
        "trace.ndjson:1: is no row of a trace: Invalid value 'party' - at `$.type`",
    ),
    "a field missing": (
        lambda folder: edit(folder, 0, lambda _: '{"type":"answer","at_ms":0}'),
        "trace.ndjson:1: is no row of a trace: Object missing required field `steps`",
    ),
    "the end cut off": (lambda folder: edit(folder, -1, lambda _: ""), "trace.ndjson:5: expected more"),
    "nothing at all": (
        lambda folder: (folder / "trace.ndjson").write_text(""),
        "trace.ndjson:1: expected more",
    ),
}


def endless(path: Path) -> None:
    """Put a device that has no end in the place of a file."""
    path.unlink()
    path.symlink_to("/dev/zero")


def edit(folder: Path, place: int, change: Callable[[str], str]) -> None:
    """Change one line of a trace."""
    lines = (folder / "trace.ndjson").read_text().splitlines()
    lines[place] = change(lines[place])
    (folder / "trace.ndjson").write_text("\n".join(line for line in lines if line))


@pytest.mark.parametrize("damage", DAMAGES)
async def test_damaged_bundle_is_told_with_its_place(tmp_path: Path, damage: str) -> None:
    """
    What is wrong with a bundle is said in one line, with file and line.
    """
    async with recording(tmp_path, "providers: {infobip: {webhook: {url: RECEIVER}}}") as run:
        await run.send()
        await run.settle()
    break_it, complaint = DAMAGES[damage]
    break_it(tmp_path)

    with pytest.raises(BundleError) as caught:
        read_bundle(tmp_path)

    assert str(caught.value).startswith(f"{tmp_path}/{complaint}")
    assert "\n" not in str(caught.value)


async def test_changed_record_is_named_as_a_divergence(tmp_path: Path) -> None:
    """
    A webhook that is not the recorded one is named with both versions.
    """
    async with recording(tmp_path, "providers: {infobip: {webhook: {url: RECEIVER}}}") as run:
        await run.send()
        await run.settle()
    edit(tmp_path, 2, lambda line: line.replace("DELIVERED_TO_HANDSET", "DELIVERED_TO_HEAVEN"))

    again = await replayed(tmp_path)

    assert again.divergence is not None
    assert again.divergence.where == "webhook 1"
    assert "DELIVERED_TO_HEAVEN" in again.divergence.recorded
    assert "DELIVERED_TO_HANDSET" in again.divergence.replayed


async def test_missing_message_is_named_as_a_divergence(tmp_path: Path) -> None:
    """
    A record whose call is gone cannot be followed; where is said.
    """
    async with recording(tmp_path, "providers: {infobip: {webhook: {url: RECEIVER}}}") as run:
        await run.send()
        await run.settle()
    edit(tmp_path, 0, lambda _: "")

    again = await replayed(tmp_path)

    assert again.divergence is not None
    assert again.divergence.where == "step 3"


def test_secrets_are_kept_by_no_other_name() -> None:
    """
    What the simulator minted is nobody's secret, and leads to the same place again.
    """
    from simulator.secrecy import Renaming

    space = Space("default", discover(), lambda: None)  # type: ignore[arg-type, return-value]
    minted = space.gateways["rbm"].credential
    renaming = Renaming(["given-secret"], [minted])

    names = [renaming.secret(one) for one in (minted, "given-secret", "secret-one", "user:two", "secret-one")]

    assert names == [minted, "withheld-in-scenario-1", "withheld-1", "withheld-2:withheld-2", "withheld-1"]
    assert renaming.restored("a withheld-in-scenario-1 b") == "a given-secret b"
