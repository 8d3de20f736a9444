"""
Google's own Python libraries against the simulator: they know nothing of it.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2 import service_account
from googleapiclient.discovery import build, build_from_document
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaIoBaseUpload
from requests import Session

from providers.rbm.rig import PHONE, Bench, bench

SCOPE = "https://www.googleapis.com/auth/rcsbusinessmessaging"
AGENT = "welcome-bot"
PICTURE = b"\x89PNG\r\n\x1a\n--not really a picture--\r\n"

pytestmark = pytest.mark.filterwarnings("ignore:.*:DeprecationWarning", "ignore::ResourceWarning")


async def _key(made: Bench) -> dict[str, Any]:
    status, key = await made.action("mint_key")
    assert status == 200
    return dict(key)


def _credentials(key: dict[str, Any], *scopes: str) -> Any:
    return service_account.Credentials.from_service_account_info(key, scopes=list(scopes or (SCOPE,)))


async def _in_thread(work: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(work)


def _refresh(credentials: Any) -> None:
    with Session() as session:
        credentials.refresh(Request(session))


async def test_key_is_granted_a_token_that_leads_to_its_space() -> None:
    """
    google-auth signs with a minted key, gets a token from us, and reaches the key's space by any URL.
    """
    async with bench() as made:
        credentials = _credentials(await _key(made))

        def work() -> int:
            url = f"{made.server.url}/rbm/v1/phones/{PHONE}/agentMessages"
            with AuthorizedSession(credentials) as session:
                query = {"messageId": "m1", "agentId": AGENT}
                answer = session.post(url, params=query, json={"contentMessage": {"text": "hi"}})
                return int(answer.status_code)

        status = await _in_thread(work)

        assert status == 200
        assert made.states() == ["accepted"]


async def test_expired_token_is_refreshed_and_the_call_repeated() -> None:
    """
    A 401 makes google-auth ask for a new token and send the call again.
    """
    async with bench() as made:
        credentials = _credentials(await _key(made))
        await _in_thread(lambda: _refresh(credentials))
        first = credentials.token
        await made.action("expire_tokens")

        def work() -> int:
            with AuthorizedSession(credentials) as session:
                url = f"{made.url}/v1/phones/{PHONE}/capabilities?requestId=r1&agentId={AGENT}"
                return int(session.get(url).status_code)

        status = await _in_thread(work)

        assert status == 200
        assert credentials.token != first
        assert [one.status for one in made.space.exchanges if "capabilities" in one.path] == [401, 200]


async def test_self_signed_token_is_accepted() -> None:
    """
    With always_use_jwt_access no token is asked for: the bearer is a JWT signed by the key.
    """
    async with bench() as made:
        credentials = _credentials(await _key(made)).with_always_use_jwt_access(True)

        def work() -> int:
            with AuthorizedSession(credentials) as session:
                url = f"{made.url}/v1/phones/{PHONE}/capabilities?requestId=r1&agentId={AGENT}"
                return int(session.get(url).status_code)

        status = await _in_thread(work)

        assert status == 200
        assert [one.path for one in made.space.exchanges] == [f"/v1/phones/{PHONE}/capabilities"]


async def test_wrong_scope_is_refused() -> None:
    """
    A token for another API is answered 403, with the challenge that names the scope.
    """
    async with bench() as made:
        credentials = _credentials(await _key(made), "https://www.googleapis.com/auth/businesscommunications")

        def work() -> tuple[int, str, str]:
            with AuthorizedSession(credentials) as session:
                url = f"{made.url}/v1/phones/{PHONE}/capabilities?requestId=r1&agentId={AGENT}"
                answer = session.get(url)
                said = answer.json()["error"]
                return answer.status_code, said["message"], answer.headers["WWW-Authenticate"]

        refusal = await _in_thread(work)

        assert refusal == (
            403,
            "Request had insufficient authentication scopes.",
            'Bearer realm="https://accounts.google.com/", error="insufficient_scope", '
            'scope="https://www.googleapis.com/auth/rcsbusinessmessaging"',
        )


async def test_signature_of_another_key_is_refused() -> None:
    """
    A key of ours that signs with another private key is answered invalid_grant.
    """
    async with bench() as made:
        key = await _key(made)
        header = base64.urlsafe_b64encode(b'{"alg":"RS256","typ":"JWT"}').decode().rstrip("=")
        claims = {"iss": key["client_email"], "scope": SCOPE, "iat": 1, "exp": 3601}
        body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        forged = base64.urlsafe_b64encode(b"x" * 256).decode().rstrip("=")
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": f"{header}.{body}.{forged}",
        }

        async with made.session.post(key["token_uri"], data=form) as answer:
            status, said = answer.status, await answer.json()

        assert status == 400
        assert said == {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}


Service = Callable[[Bench, Any], Awaitable[Any]]


async def _from_document(made: Bench, credentials: Any) -> Any:
    async with made.session.get(f"{made.url}/$discovery/rest?version=v1") as answer:
        document = await answer.text()
    return await _in_thread(lambda: build_from_document(document, credentials=credentials))


async def _discovered(made: Bench, credentials: Any) -> Any:
    return await _in_thread(
        lambda: build(
            "rcsbusinessmessaging",
            "v1",
            credentials=credentials,
            discoveryServiceUrl=f"{made.url}/$discovery/rest?version={{apiVersion}}",
            static_discovery=False,
        )
    )


async def _at_the_bare_host(made: Bench, credentials: Any) -> Any:
    async with made.session.get(f"{made.url.removesuffix('/rbm')}/$discovery/rest?version=v1") as answer:
        document = await answer.json()
    # As Google's clients have it that keep nothing but the host of their root URL.
    assert document["rootUrl"] == made.url.removesuffix("rbm")
    return await _in_thread(lambda: build_from_document(document, credentials=credentials))


@pytest.mark.parametrize(
    "service_of", [_from_document, _discovered, _at_the_bare_host], ids=["document", "discovery", "bare"]
)
async def test_generated_client_goes_through_the_whole_api(service_of: Service) -> None:
    """
    Google's client, built from our discovery document, sends, revokes, types, asks and uploads.
    """
    async with bench() as made:
        service = await service_of(made, _credentials(await _key(made)))
        parent = f"phones/{PHONE}"

        def send(message_id: str) -> Any:
            messages = service.phones().agentMessages()
            body = {"contentMessage": {"text": "hi"}, "ttl": "600s"}
            return messages.create(parent=parent, messageId=message_id, agentId=AGENT, body=body).execute()

        def revoke(message_id: str) -> Any:
            name = f"{parent}/agentMessages/{message_id}"
            return service.phones().agentMessages().delete(name=name, agentId=AGENT).execute()

        sent = await _in_thread(lambda: send("m1"))
        revoked = await _in_thread(lambda: revoke("m1"))
        event = await _in_thread(
            lambda: (
                service.phones()
                .agentEvents()
                .create(parent=parent, eventId="e1", agentId=AGENT, body={"eventType": "IS_TYPING"})
                .execute()
            )
        )
        capabilities = await _in_thread(
            lambda: service.phones().getCapabilities(name=parent, requestId="r1", agentId=AGENT).execute()
        )
        users = await _in_thread(
            lambda: service.users().batchGet(body={"users": [PHONE], "agentId": AGENT}).execute()
        )
        tester = await _in_thread(
            lambda: service.phones().testers().create(parent=parent, agentId=AGENT, body={}).execute()
        )
        with pytest.raises(HttpError) as too_late:
            await _in_thread(lambda: revoke("m1"))

        service.close()

        assert sent == {
            "name": f"{parent}/agentMessages/m1",
            "sendTime": "2026-01-05T09:00:00Z",
            "contentMessage": {"text": "hi"},
            "expireTime": "2026-01-05T09:10:00Z",
        }
        assert revoked == {}
        assert event == {
            "name": f"{parent}/agentEvents/e1",
            "eventType": "IS_TYPING",
            "sendTime": "2026-01-05T09:00:00Z",
        }
        assert capabilities["features"][:2] == ["RICHCARD_STANDALONE", "RICHCARD_CAROUSEL"]
        assert users == {
            "reachableUsers": [PHONE],
            "totalRandomSampleUserCount": 0,
            "reachableRandomSampleUserCount": 0,
        }
        assert tester == {"name": f"{parent}/testers", "inviteStatus": "PENDING"}
        assert too_late.value.status_code == 404
        assert made.states() == ["revoked"]


async def test_generated_client_uploads_in_every_form() -> None:
    """
    Bytes alone, bytes with metadata, and bytes in pieces all end in a file name.
    """
    async with bench(files="uploaded") as made:
        service = await _from_document(made, _credentials(await _key(made)))

        def upload(body: Any, **how: Any) -> str:
            media = MediaIoBaseUpload(io.BytesIO(PICTURE * how.pop("times", 1)), mimetype="image/png", **how)
            request = service.files().create(agentId=AGENT, body=body, media_body=media)
            return str(request.execute()["name"])

        def by_url() -> str:
            body = {"fileUrl": "https://example.com/a.png", "agentId": AGENT}
            return str(service.files().create(body=body).execute()["name"])

        names = [
            await _in_thread(lambda: upload(None)),
            await _in_thread(lambda: upload({"agentId": AGENT})),
            await _in_thread(lambda: upload(None, resumable=True)),
            await _in_thread(lambda: upload({}, resumable=True, chunksize=262_144, times=20_000)),
            await _in_thread(by_url),
        ]
        used = [
            (await made.send(f"m{n}", contentMessage={"uploadedRbmFile": {"fileName": name}}))[0]
            for n, name in enumerate(names)
        ]
        unknown, _ = await made.send("m9", contentMessage={"uploadedRbmFile": {"fileName": "files/other"}})

        service.close()

        assert len(set(names)) == 5
        assert used == [200] * 5
        assert unknown == 400
        sizes = {file.size for file in made.space.gateways["rbm"].account.files._files.values()}  # type: ignore[attr-defined]
        assert sizes == {len(PICTURE), len(PICTURE) * 20_000, 0}


logging.getLogger("googleapiclient.discovery_cache").setLevel(logging.ERROR)
