"""
A script: Infobip's client 4.x sends and reads at a base URL, and prints what it understood.
"""

from __future__ import annotations

import json
import sys

from infobip_api_client.api.sms_api import SmsApi
from infobip_api_client.api_client import ApiClient
from infobip_api_client.configuration import Configuration
from infobip_api_client.exceptions import ApiException
from infobip_api_client.models.sms_advanced_textual_request import SmsAdvancedTextualRequest
from infobip_api_client.models.sms_destination import SmsDestination
from infobip_api_client.models.sms_textual_message import SmsTextualMessage


def main(url: str) -> None:
    """Send one message, pull its report, ask for a bulk that is not there."""
    configuration = Configuration(
        host=url, api_key={"APIKeyHeader": "key"}, api_key_prefix={"APIKeyHeader": "App"}
    )
    api = SmsApi(ApiClient(configuration))
    message = SmsTextualMessage(
        var_from="InfoSMS",
        text="hello",
        destinations=[SmsDestination(to="41793026727", message_id="m-1")],
        callback_data="data",
    )
    sent = api.send_sms_message(
        sms_advanced_textual_request=SmsAdvancedTextualRequest(
            messages=[message], include_sms_count_in_response=True
        )
    )
    sys.stdin.readline()
    reports = api.get_outbound_sms_message_delivery_reports()
    try:
        api.get_scheduled_sms_messages(bulk_id="nowhere")
        missing = 200
    except ApiException as refusal:
        missing = refusal.status
    entry, report = sent.messages[0], reports.results[0]
    print(
        json.dumps(
            {
                "sent": [entry.to, entry.message_id, entry.status.name, entry.sms_count],
                "report": [
                    report.message_id,
                    report.status.group_name,
                    report.error.name,
                    report.callback_data,
                ],
                "missing": missing,
            },
            default=str,
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
