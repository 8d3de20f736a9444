"""
A secret that stands in any place where one can stand is in no output.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from functools import partial
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from aiohttp import web
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from harness import Receiver
from recording import Recording, recording
from simulator.cli import main
from simulator.commands.journal_file import JournalFile
from simulator.evidence.formats import FORMATS
from simulator.evidence.result import Check, RunResult
from simulator.evidence.scorecard import scorecard, without_verdict
from simulator.evidence.text import text
from simulator.explain.story import explain
from simulator.provider import discover
from simulator.run.checks import checks
from simulator.run.journal_reading import read_journal
from simulator.run.past_space import providers_of_the_past
from simulator.scenario.goals import Expectations, MessageGoals, WebhookGoals
from simulator.secrecy import WITHHELD, Renaming, Withholding, secrets_in

# Each tells by its name where it was planted.
SCENARIO = """
providers:
  infobip:
    webhook:
      url: "http://robot:SECRET-webhook-password@ADDRESS/infobip?access_token=SECRET-webhook-query&key=SECRET-webhook-key"
      hmac: {secret: SECRET-hmac}
      headers: {X-Anything: SECRET-webhook-header}
  rbm: {webhook: {url: "http://ADDRESS/rbm?sig=SECRET-signature", client_token: SECRET-client-token}}
  bip: {webhook: {url: "http://ADDRESS/bip", basic: "hook:SECRET-basic-password"}}
timeline:
  - {at: 1h, providers: {infobip: {webhook: {hmac: {secret: SECRET-later-hmac}}}}}
"""


OVERVIEWS = ("webhooks", "run", "spaces")
"""Pages of the inspector; those of messages and of one webhook show what was sent as it was, to its owner."""


def plain(document: str) -> str:
    """
    Return all that a document says, with Base64 and percent encoding undone.
    """
    undone = [
        base64.b64decode(found + "=" * (-len(found) % 4), altchars=b"-_").decode("latin-1")
        for found in re.findall(r"[A-Za-z0-9_-]{16,}", document.replace("+", "-").replace("/", "_"))
        if len(found) % 4 != 1
    ]
    return "\n".join([document, unquote(document), *undone])


def leaks(document: str) -> list[str]:
    """
    Return the secrets that a document tells.
    """
    return sorted(set(re.findall(r"SECRET-[a-z-]+", plain(document))))


async def plant(run: Recording, address: str) -> None:
    """
    Send one message for each way in which a secret can come in with a call.
    """
    at = f"{address}/own"
    await run.send("41793020001", headers={"Authorization": "App SECRET-app-key"})
    basic = base64.b64encode(b"user:SECRET-call-password").decode()
    await run.send("41793020002", headers={"Authorization": f"Basic {basic}"}, text="my SECRET-app-key")
    notify = f"http://me:SECRET-notify-password@{at}?access_token=SECRET-notify-token"
    await run.send("41793020003", notifyUrl=notify)
    # As PHP writes JSON, and an address within an address.
    escaped = json.dumps({"messages": [{"destinations": [{"to": "41793020004"}], "text": "Hi"}]})
    slashes = f"http://me:SECRET-escaped-password@{at}?next=" + quote(
        "http://a:SECRET-inner@b.test/", safe=""
    )
    escaped = escaped.replace('"text"', f'"notifyUrl": {json.dumps(slashes)}, "text"').replace("/", "\\/")
    headers = {"Authorization": "App SECRET-app-key", "Content-Type": "application/json"}
    async with run.http.post(
        f"{run.url}/infobip/sms/2/text/advanced", data=escaped, headers=headers
    ) as answer:
        assert answer.status == 200
    query = "username=user&password=SECRET-query-password&to=41793020005&text=Hi&notifyUrl=" + quote(
        f"http://me:SECRET-encoded-password@{at}?token=SECRET-encoded-token", safe=""
    )
    url = URL(f"{run.url}/infobip/sms/1/text/query?{query}", encoded=True)
    async with run.http.get(url) as answer:
        assert answer.status == 200
    body = {"contentMessage": {"text": "Hi"}}
    path = "/rbm/v1/phones/+41793020006/agentMessages?messageId=m-1&agentId=demo"
    await run.post(f"{path}&access_token=SECRET-google-token", body, headers={})


def verdict(run: Recording) -> RunResult:
    """
    Return a verdict with stories of messages whose webhooks were lost, and an audit that failed.
    """
    goals = Expectations(
        messages=MessageGoals(final_bp=10_000, within_ms=1),
        webhooks=WebhookGoals(acknowledged_bp=10_000, lost_max=0),
    )
    space = run.space
    card = scorecard(space)
    asked = Check(
        name="integrator: state",
        passed=False,
        detail="it fails",
        lines=("GET http://me:SECRET-audit-password@127.0.0.1:9/m?token=SECRET-audit-token answers 500",),
    )
    return RunResult(
        scenario="secrets",
        source="test.yaml",
        seed=7,
        version="1",
        checks=(*checks(goals, space.simulation, card), asked),
        scorecard=card,
        space=space,
    )


async def test_no_output_tells_a_secret_wherever_it_was_planted(tmp_path: Path) -> None:
    """
    Page, JUnit, journal, HAR, terminal, explanation, journal, list of calls and bundle: none has any of them.
    """
    receiver = Receiver()
    await receiver.start()
    receiver.answer = _refuse
    address = receiver.url.removeprefix("http://")
    try:
        async with recording(tmp_path / "record", SCENARIO.replace("ADDRESS", address)) as run:
            file = JournalFile(tmp_path / "journal", 10_000_000, discover())
            run.space.simulation.journal.tell = partial(file.tell, run.space)
            await plant(run, address)
            await run.settle()
            file.close()
            result = verdict(run)
            outputs = {name: form.render(result).decode() for name, form in FORMATS.items()}
            outputs["terminal"] = "\n".join(text(result))
            messages = list(run.space.simulation.messages.values())
            for message in messages:
                path = f"/spaces/default/messages/{quote(message.id)}/explain"
                _, story = await run.control("GET", path)
                outputs[f"explain {message.key}"] = "\n".join(story["story"])
            _, journal = await run.control("GET", "/spaces/default/journal")
            outputs["journal"] = json.dumps(journal)
            _, calls = await run.control("GET", "/spaces/default/requests")
            for page in OVERVIEWS:
                outputs[f"page {page}"] = await text_of(run, f"/_ui/default/{page}")
            outputs["webhooks in a terminal"] = await printed_by("webhooks", run)
            outputs["queries"] = "\n".join(call["query"] for call in calls["items"])
            outputs |= await past_outputs(run, tmp_path / "journal")
    finally:
        await receiver.stop()
    for name in ("trace.ndjson", "bundle.json"):
        outputs[name] = (tmp_path / "record" / name).read_text()

    assert len(messages) == 6
    assert WITHHELD in outputs["terminal"]
    assert WITHHELD in outputs["html"]
    assert WITHHELD in outputs["har"]
    assert {name: leaks(output) for name, output in outputs.items() if leaks(output)} == {}


async def past_outputs(run: Recording, path: Path) -> dict[str, str]:
    """Return the journal's file, and everything that can be made of it: evidence, stories, pages."""
    registry = run.server.registry
    (past,), remarks = read_journal(path, registry.providers)
    assert remarks == []
    simulation = past.space.simulation
    outputs = {"the journal's file": path.read_text()}
    for name, form in FORMATS.items():
        outputs[f"{name} of the journal's file"] = form.render(without_verdict(past.space)).decode()
    for message in simulation.messages.values():
        outputs[f"explain {message.key} from the file"] = "\n".join(explain(simulation, message).lines())
    registry.providers = providers_of_the_past(registry.providers)
    registry.recordings["past"] = past
    details = ["messages", "phones", "scenario"]
    details += [f"message/{quote(':'.join(map(str, key)), safe='')}" for key in simulation.messages]
    details += [f"phone/{quote(key.recipient)}" for key in simulation.messages]
    details += [f"webhook/{name}" for name in simulation.outbox.webhooks]
    for page in (*OVERVIEWS, *details):
        outputs[f"page {page} from the file"] = await text_of(run, f"/_ui/past/{page}")
    return outputs


async def printed_by(command: str, run: Recording) -> str:
    """Return what a command that looks at a running server prints."""
    arguments = [command, "--url", run.url]
    done = await asyncio.to_thread(CliRunner().invoke, main, arguments)
    assert done.exit_code == 0, done.output
    return done.output


async def text_of(run: Recording, path: str) -> str:
    """Return a page."""
    async with run.http.get(f"{run.url}{path}") as answer:
        assert answer.status == 200, path
        return await answer.text()


async def _refuse(request: web.Request) -> web.Response:
    return web.Response(status=500, text='{"token": "SECRET-answer", "echo": "SECRET-app-key"}')


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ('{"clientToken": "a\\"b", "n": 1}', '{"clientToken": "(withheld)", "n": 1}'),
        ('{"url": "http:\\/\\/u:p@h\\/x"}', '{"url": "http:\\/\\/(withheld)@h\\/x"}'),
        ('{"url": "http://u:p@ss@h/x?a=1&key=2"}', '{"url": "http://(withheld)@h/x?a=1&key=(withheld)"}'),
        ('{"a": "http://h", "b": "me@h"}', '{"a": "http://h", "b": "me@h"}'),
        ("<r><password>x</password></r>", "<r><password>(withheld)</password></r>"),
        (
            "to=1&password=x&u=http%3A%2F%2Fu%3Ap%40h%2F",
            "to=1&password=(withheld)&u=http%3A%2F%2F(withheld)%40h%2F",
        ),
        (
            "the token is a word, and key=5 at https://h/?a=b",
            "the token is a word, and key=5 at https://h/?a=b",
        ),
    ],
)
def test_withheld_is_the_secret_and_nothing_else(body: str, shown: str) -> None:
    """
    What stands around a secret stays as it was sent.
    """
    assert Withholding().body(body) == shown


def test_known_secrets_are_found_in_every_spelling() -> None:
    """
    As they are, percent-encoded, escaped for JSON, in Base64; short ones are left alone.
    """
    secrecy = Withholding(['user:pass"word/1', "short"])
    spelled = [
        'pass"word/1',
        "pass%22word%2F1",
        'pass\\"word/1',
        base64.b64encode(b'user:pass"word/1').decode(),
    ]

    shown = [secrecy.plain(f"<{spelling}> in short") for spelling in spelled]

    assert shown == [f"<{WITHHELD}> in short"] * 4


def test_credential_that_is_a_word_does_not_take_words_out_of_sentences() -> None:
    """
    Who calls with the key `integrator` reads of it all the same; a field of that name is withheld.
    """
    secrecy = Withholding(["integrator", "user:delivered", "integrator-7"])

    assert secrecy.text("the integrator was delivered") == "the integrator was delivered"
    assert secrecy.body('{"token": "integrator"}') == f'{{"token": "{WITHHELD}"}}'
    assert secrecy.text("integrator-7") == WITHHELD


def test_settings_tell_their_secrets_in_order() -> None:
    """
    Whatever sounds like a secret, and every header; how tokens are dealt with is none.
    """
    settings = {
        "webhook": {
            "hmac": {"secret": "one"},
            "headers": {"X-Any": "two"},
            "basic": "user:three",
            "url": "u",
        },
        "credentials": ["four", "five"],
        "access_tokens": "strict",
    }

    assert list(secrets_in(settings)) == ["one", "two", "user:three", "three", "four", "five"]


@given(
    words=st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    name=st.sampled_from(["token", "to"]),
)
@example(words='x?token=abc\\" b', name="c")
def test_withheld_json_stays_json(words: str, name: str) -> None:
    """
    Whatever is withheld from it, a line of the journal or a body can still be read.
    """
    line = json.dumps({"a": words, name: words, "b": f"http://h/?token={words}"})

    assert set(json.loads(Withholding().body(line))) == {"a", name, "b"}


def test_same_secret_has_the_same_name_in_every_place() -> None:
    """
    A record stays one story: header, query, body and address call a secret alike.
    """
    renaming = Renaming([], [])

    header = renaming.headers([("Authorization", "App a-key-of-mine"), ("Host", "h")])
    query = renaming.query([("password", "a-key-of-mine"), ("to", "1")])
    body = renaming.body(b'{"token": "a-key-of-mine", "expires_in_token": 3600}')

    assert header == [("Authorization", "App withheld-1")]
    assert query == [("password", "withheld-1"), ("to", "1")]
    assert body == b'{"token": "withheld-1", "expires_in_token": 3600}'
