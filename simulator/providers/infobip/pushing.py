"""
The bodies of webhooks: delivery reports, inbound messages, clicks.
"""

from __future__ import annotations

from typing import Final

from simulator.provider import Webhook
from simulator.providers.infobip.clicks import Click, render_click
from simulator.providers.infobip.details import details_of, to_of
from simulator.providers.infobip.inbound import Inbound, render_inbound
from simulator.providers.infobip.render import Facts, render_reports
from simulator.providers.infobip.style import Style
from simulator.providers.infobip.xml import render_xml

__all__ = ["REPORT_ROOTS", "body_of"]

REPORT_ROOTS: Final = {1: "reportResponse", 2: "reportResponse", 3: "DeliveryReports"}
"""What documents of reports are called, by generation."""


def body_of(webhook: Webhook, style: Style) -> tuple[bytes, str]:
    """Return the body of a webhook and its content type; all reports of one are of one kind."""
    payloads = [report.payload for report in webhook.reports]
    first = payloads[0]
    if isinstance(first, Facts):
        facts = [payload for payload in payloads if isinstance(payload, Facts)]
        body = render_reports(facts, first.generation, style)
        if first.item.content_type != "application/xml":
            return body, "application/json"
        return render_xml(body, REPORT_ROOTS[first.generation]), "application/xml"
    if isinstance(first, Click):
        return _click_body(first, style.epoch_ms), "application/json"
    messages = [payload for payload in payloads if isinstance(payload, Inbound)]
    return render_inbound(messages, 0, style), "application/json"


def _click_body(click: Click, epoch_ms: int) -> bytes:
    details = details_of(click.message.mould)
    item = details.item
    more = {
        "callbackData": item.callback_data,
        "applicationId": item.application_id,
        "entityId": item.entity_id,
    }
    return render_click(click, to_of(click.message.key.recipient), details.bulk_id, more, epoch_ms)
