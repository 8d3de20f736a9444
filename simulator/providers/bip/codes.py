"""
BiP's result codes, verification codes and content types.

Source: "Error handling" and the pages under "Content types" of the Discover API
documentation, read in stored copies of mid-2026.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = [
    "ERROR_ORDER",
    "GENERAL_ERROR",
    "QUOTA_REACHED",
    "RESULTS",
    "STRUCTURAL_RULES",
    "SUCCESS",
    "TEMPLATES",
    "VERIFICATIONS",
    "VERIFICATION_ORDER",
    "Result",
]


class Result(NamedTuple):
    """
    One value of `resultcode`.
    """

    code: int
    name: str
    meaning: str
    reachable: bool = True
    """False for codes about uploaded user files, which no endpoint here leads to."""


SUCCESS: Final = 0
GENERAL_ERROR: Final = 1
QUOTA_REACHED: Final = 312

RESULTS: Final[dict[int, Result]] = {
    result.code: result
    for result in (
        Result(0, "success", "success"),
        Result(1, "general_error", "general error"),
        Result(300, "service_not_active", "service not active on TES"),
        Result(301, "user_not_defined", "BiP user not defined"),
        Result(302, "not_authorized_for_user", "service not authorized to send to the BiP user"),
        Result(303, "user_file_not_found", "user file not found", False),
        Result(304, "user_file_corrupted", "user file corrupted", False),
        Result(305, "user_file_invalid_record", "user file contains an invalid record", False),
        Result(306, "plain_number_not_authorized", "service not authorized to send with a plain number"),
        Result(307, "service_not_authorized", "service not authorized to use"),
        Result(308, "sending_limit_exceeded", "sending limit exceeded"),
        Result(309, "sync_sending_error", "synchronous sending error"),
        Result(310, "duplicate_txnid", "duplicate txnid"),
        Result(311, "method_not_authorized", "service not authorized to call the method"),
        Result(312, "quota_reached", "sending quota reached"),
    )
}
"""What the checks after verification answer with HTTP 200."""

VERIFICATIONS: Final[dict[int, Result]] = {
    result.code: result
    for result in (
        Result(1004, "invalid_content_message", "invalid content message"),
        Result(1005, "invalid_content_size", "invalid content size"),
        Result(1006, "invalid_content_ratio", "invalid content ratio"),
        Result(1007, "invalid_content_item_id", "invalid content item id"),
        Result(1012, "invalid_latitude_longitude", "invalid latitude or longitude"),
        Result(1027, "invalid_contact_name", "invalid contact name"),
        Result(1028, "invalid_contact_surname", "invalid contact surname"),
        Result(1029, "invalid_contact_phonenumber", "invalid contact phone number"),
        Result(1030, "invalid_contact_address", "invalid contact address"),
        Result(1053, "invalid_location_zoomlevel", "invalid location zoom level"),
        Result(1070, "invalid_document", "invalid document"),
    )
}
"""What verification answers for the whole call; the general "Validations" page is not known."""

ERROR_ORDER: Final = (312, 300, 307, 311, 310, 308, 306, 301, 302)
"""Which check comes first: quota, then the account's, then the recipient's (OC-10)."""

VERIFICATION_ORDER: Final = ("call", "receivers", "messages")
"""Which area of a body is verified first (OC-11)."""

STRUCTURAL_RULES: Final = (
    "body",
    "txnid",
    "receiver",
    "address",
    "composition",
    "type",
    "template",
    "expire",
    "ttl",
    "unknown",
)
"""Rules of verification whose code is not known; settings may give one to each (OC-3)."""


class TemplateKind(NamedTuple):
    """
    What a value of `tmmtype` stands for.
    """

    name: str
    key: str
    """Where its object stands; empty: that is not known."""


TEMPLATES: Final = {
    0: TemplateKind("single", "singletmm"),
    1: TemplateKind("multi", ""),
    2: TemplateKind("poll", "polltmm"),
    3: TemplateKind("quick reply", "quickreplytmm"),
    # The documentation calls it sequential; what it looks like is known from a client.
    4: TemplateKind("sequential", "carouseltmm"),
}
"""Template media by `tmmtype`."""
