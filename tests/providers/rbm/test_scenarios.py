"""
The shipped RBM scenarios, with a small integrator that does what Google recommends.
"""

from __future__ import annotations

from providers.rbm.rig import Bench, Told, bench
from simulator.commands.files import find_scenario, load_file
from simulator.provider import discover


class FallingBack:
    """Sends by RCS, and by SMS where RCS did not get through."""

    def __init__(self, made: Bench) -> None:
        self.made = made
        self.delivered: set[str] = set()
        self.sms: list[str] = []
        made.integrator.on_told = self.hear

    async def send(self, phone: str, ttl: str = "600s") -> None:
        body = {"contentMessage": {"text": "Your code is 1234"}, "ttl": ttl}
        path = f"/v1/phones/{phone}/agentMessages?messageId=id-{phone[1:]}&agentId=welcome-bot"
        status, _ = await self.made.call("POST", path, body)
        if status == 404:
            await self.fall_back(phone)

    async def give_up(self, phone: str) -> int:
        status, _ = await self.made.revoke(f"id-{phone[1:]}", phone)
        if status == 200:
            await self.fall_back(phone)
        return status

    async def fall_back(self, phone: str) -> None:
        self.sms.append(phone)
        url = self.made.url.replace("/rbm", "/infobip") + "/sms/1/text/advanced"
        body = {"messages": [{"from": "Bank", "destinations": [{"to": phone}], "text": "Your code is 1234"}]}
        async with self.made.session.post(url, json=body, headers={"Authorization": "App x"}) as answer:
            assert answer.status == 200

    async def hear(self, told: Told) -> None:
        kind = told.data["eventType"]
        if kind == "DELIVERED":
            self.delivered.add(told.data["senderPhoneNumber"])
        elif told.data["phoneNumber"] not in self.delivered:
            await self.fall_back(told.data["phoneNumber"])


def _load(made: Bench, name: str) -> None:
    made.space.load(load_file(find_scenario(name), discover()))


async def test_expiry_leads_to_one_sms_where_rcs_did_not_arrive() -> None:
    """
    Expired messages and numbers without RCS get exactly one SMS; delivered ones get none.
    """
    async with bench(seed=21) as made:
        _load(made, "rbm-expiry-with-sms-fallback")
        app = FallingBack(made)
        phones = [f"+4179302{part}1" for part in ("120", "130", "140", "404", "555")]

        for phone in phones:
            await app.send(phone)
        refused_at_once = list(app.sms)
        await made.advance(None)

        assert refused_at_once == ["+41793024041"]
        assert sorted(app.sms) == ["+41793021201", "+41793021301", "+41793024041"]
        assert sorted(made.integrator.events) == [
            "DELIVERED",
            "DELIVERED",
            "TTL_EXPIRATION_REVOKED",
            "TTL_EXPIRATION_REVOKED",
            "TTL_EXPIRATION_REVOKE_FAILED",
        ]
        sms = {m.key.recipient: m.state.value for m in made.space.simulation.messages.values()
               if m.key.provider == "infobip"}  # fmt: skip
        assert sms == dict.fromkeys(app.sms, "delivered")


async def test_revoke_races_delivery_in_all_four_ways() -> None:
    """
    Revoking late is answered 404 when it arrived, 200 when not, and once 200 although it arrives.
    """
    async with bench(seed=22) as made:
        _load(made, "rbm-revoke-races-delivery")
        app = FallingBack(made)
        phones = [f"+4179302{part}1" for part in ("210", "220", "230", "240")]

        for phone in phones:
            await app.send(phone, ttl="7200s")
        await made.advance(30_000)
        answers = [await app.give_up(phone) for phone in phones]
        await made.advance(None)

        assert answers == [404, 200, 200, 404]
        assert app.sms == ["+41793022201", "+41793022301"]
        assert sorted(app.delivered) == ["+41793022101", "+41793022201", "+41793022401"]
        assert set(made.integrator.events) == {"DELIVERED"}
        states = [m.state.value for m in made.space.simulation.messages.values() if m.key.provider == "rbm"]
        assert states == ["delivered", "delivered", "revoked", "delivered"]
