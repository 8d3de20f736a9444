"""
Every operation of the control API, with what its documentation needs.
"""

from __future__ import annotations

from typing import Final

from simulator.evidence.formats import FORMATS
from simulator.schema.shapes import AnyJson
from simulator.server.operations.base import Operation
from simulator.server.operations.conversation import get_conversation
from simulator.server.operations.messages import (
    MOVE,
    explain_message,
    get_message,
    list_messages,
    list_refusals,
    move,
)
from simulator.server.operations.recipients import (
    ACT,
    TRAITS,
    get_recipient,
    inbound,
    list_recipients,
    patch_recipient,
)
from simulator.server.operations.recording import (
    FORK,
    SEEK,
    fork_recording,
    get_recording,
    seek_recording,
)
from simulator.server.operations.report import report, verdict
from simulator.server.operations.rules import add_rule, list_rules
from simulator.server.operations.spaces import (
    ADVANCE,
    CREATE,
    SET_CLOCK,
    advance,
    create_space,
    delete_space,
    do_action,
    get_clock,
    get_space,
    list_spaces,
    put_clock,
    put_scenario,
    put_settings,
)
from simulator.server.operations.webhooks import (
    HOLD,
    RELEASE,
    RESEND,
    get_webhook,
    hold,
    journal,
    list_requests,
    list_webhooks,
    release,
    resend,
    resend_many,
    wait,
)
from simulator.server.query import FIELDS

__all__ = ["OPERATIONS"]

_SPACE = "/_sim/v1/spaces/{space}"
_OF = (("provider", "of this provider; ids are a provider's own"),)
_PAGE = (("limit", "how many at most"), ("offset", "how many to pass over"))
_QUERY = ("q", f'a query such as `state:failed +4179 rule:"one in twenty"`; fields: {", ".join(FIELDS)}')

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("POST", "/_sim/v1/spaces", "Create a space", create_space, CREATE, (), (201, 409, 422)),
    Operation("GET", "/_sim/v1/spaces", "List the spaces", list_spaces),
    Operation("GET", _SPACE, "The state of a space in one look", get_space, None, (), (200, 404)),
    Operation(
        "DELETE", _SPACE, "Delete a space; it sends nothing more", delete_space, None, (), (204, 404, 409)
    ),
    Operation("GET", f"{_SPACE}/clock", "Mode and time of the clock", get_clock, None, (), (200, 404)),
    Operation(
        "PUT", f"{_SPACE}/clock", "Let time pass otherwise", put_clock, SET_CLOCK, (), (200, 404, 409, 422)
    ),
    Operation(
        "POST",
        f"{_SPACE}/clock/advance",
        "Move the clock and drain: every due instant with its webhooks, in order",
        advance,
        ADVANCE,
        (),
        (200, 404, 409, 410, 422, 503),
        body_more={"minProperties": 1, "maxProperties": 1},
    ),
    Operation(
        "PUT",
        f"{_SPACE}/scenario",
        "Replace the scenario (YAML, or JSON by its content type); messages on their way keep their fate",
        put_scenario,
        AnyJson(),
        (),
        (200, 404, 422),
    ),
    Operation(
        "PUT",
        f"{_SPACE}/providers/{{provider}}",
        "Change webhook target and account settings of a provider",
        put_settings,
        AnyJson(),
        (),
        (200, 404, 422),
    ),
    Operation(
        "POST",
        f"{_SPACE}/providers/{{provider}}/actions/{{action}}",
        "Do something of the provider's own, such as minting a key",
        do_action,
        AnyJson(),
        (),
        (200, 404, 409),
    ),
    Operation(
        "GET",
        f"{_SPACE}/recipients",
        "Recipients that something was said about",
        list_recipients,
        None,
        (("limit", "how many at most"),),
        (200, 404),
    ),
    Operation(
        "GET",
        f"{_SPACE}/recipients/{{address}}",
        "Circumstances of a recipient now",
        get_recipient,
        None,
        (),
        (200, 404),
    ),
    Operation(
        "GET",
        f"{_SPACE}/recipients/{{address}}/conversation",
        "What stands on a recipient's phone, what is on its way to it, and what the recipient may do",
        get_conversation,
        None,
        (("limit", "how many at most"),),
        (200, 400, 404),
    ),
    Operation(
        "PATCH",
        f"{_SPACE}/recipients/{{address}}",
        "Change circumstances of an address or a prefix (+4179*) from now on",
        patch_recipient,
        TRAITS,
        (),
        (200, 404, 422),
    ),
    Operation(
        "POST",
        f"{_SPACE}/recipients/{{address}}/inbound",
        "Let a recipient write or do something",
        inbound,
        ACT,
        (),
        (202, 404, 409, 422),
    ),
    Operation(
        "GET",
        f"{_SPACE}/messages",
        "Messages, oldest first",
        list_messages,
        None,
        (
            _QUERY,
            ("order", "oldest (the default) or newest first"),
            ("provider", "of this provider"),
            ("recipient", "to this recipient"),
            ("state", "in this state"),
            ("id", "with this id"),
            ("name", "with this id, or that of their call, such as a txnid"),
            ("sender", "from this sender"),
            ("signals", "1: signs such as typing, too"),
            *_PAGE,
        ),
        (200, 400, 404),
    ),
    Operation(
        "GET",
        f"{_SPACE}/refusals",
        "The last submissions that were refused, oldest first",
        list_refusals,
        None,
        (_QUERY, *_PAGE),
        (200, 400, 404),
    ),
    Operation(
        "GET",
        f"{_SPACE}/rules",
        "The rules in force, how often each was of use, and why one never was",
        list_rules,
        None,
        (),
        (200, 404),
    ),
    Operation(
        "POST",
        f"{_SPACE}/rules",
        "Put a rule in force, before those that are; it is written as in a scenario",
        add_rule,
        AnyJson(),
        (),
        (201, 404, 409, 422),
    ),
    Operation("GET", f"{_SPACE}/messages/{{id}}", "A message", get_message, None, _OF, (200, 404)),
    Operation(
        "GET",
        f"{_SPACE}/messages/{{id}}/explain",
        "The whole story of a message",
        explain_message,
        None,
        _OF,
        (200, 404),
    ),
    Operation(
        "POST",
        f"{_SPACE}/messages/{{id}}/move",
        "Deliver, fail, expire, read or revoke a message now",
        move,
        MOVE,
        _OF,
        (200, 404, 409, 422),
    ),
    Operation(
        "GET",
        f"{_SPACE}/webhooks",
        "Webhooks with their attempts, oldest first",
        list_webhooks,
        None,
        (
            ("provider", "of this provider"),
            ("recipient", "about this recipient"),
            ("state", "in this state"),
            *_PAGE,
        ),
        (200, 400, 404),
    ),
    Operation("GET", f"{_SPACE}/webhooks/{{id}}", "A webhook", get_webhook, None, (), (200, 404)),
    Operation(
        "POST", f"{_SPACE}/webhooks/{{id}}/resend", "Send a webhook once more", resend, None, (), (202, 404)
    ),
    Operation(
        "POST",
        f"{_SPACE}/webhooks/hold",
        "Hold webhooks back from now on",
        hold,
        HOLD,
        (),
        (200, 404, 422),
    ),
    Operation(
        "POST",
        f"{_SPACE}/webhooks/release",
        "Let held webhooks go, all at once or at a rate",
        release,
        RELEASE,
        (),
        (200, 404, 422),
    ),
    Operation(
        "POST",
        f"{_SPACE}/webhooks/resend",
        "Send several webhooks once more: those named, or all in one state",
        resend_many,
        RESEND,
        (),
        (202, 404, 422),
        # As `oneOf` would say; but generators of clients take that for bodies of several kinds.
        body_more={
            "if": {"required": ["ids"]},
            "then": {"not": {"required": ["state"]}},
            "else": {"required": ["state"]},
        },
    ),
    Operation(
        "GET",
        f"{_SPACE}/requests",
        "The last calls of the integrator with their answers",
        list_requests,
        None,
        (("limit", "how many at most"),),
        (200, 400, 404),
    ),
    Operation(
        "GET",
        f"{_SPACE}/journal",
        "The journal as NDJSON",
        journal,
        None,
        (
            ("after", "entries later than this number"),
            ("limit", "how many at most"),
            ("follow", "1: keep the answer open and go on"),
        ),
        (200, 400, 404),
    ),
    Operation(
        "GET",
        f"{_SPACE}/recording",
        "At which of its moments a recorded run stands",
        get_recording,
        None,
        (),
        (200, 404),
    ),
    Operation(
        "PUT",
        f"{_SPACE}/recording",
        "Let a recorded run stand at another moment",
        seek_recording,
        SEEK,
        (),
        (200, 404, 422),
    ),
    Operation(
        "POST",
        f"{_SPACE}/recording/fork",
        "Go on from this moment of a recorded run in a new space",
        fork_recording,
        FORK,
        (),
        (201, 404, 409, 422),
    ),
    Operation(
        "GET",
        f"{_SPACE}/verdict",
        "How a run stands, measured by what is expected of it",
        verdict,
        None,
        (),
        (200, 404),
    ),
    Operation(
        "GET",
        f"{_SPACE}/report",
        "Evidence of everything so far, as a document",
        report,
        None,
        (("format", "html (the default), junit, jsonl or har"),),
        (200, 400, 404),
        tuple(form.content_type.partition(";")[0] for form in FORMATS.values()),
    ),
    Operation(
        "GET",
        f"{_SPACE}/wait",
        "Wait for messages, webhooks or requests",
        wait,
        None,
        (
            ("for", "messages, webhooks or requests"),
            ("count", "how many; 1 if not given"),
            ("within", "real time to wait, such as 5s"),
            ("provider", "of this provider"),
            ("recipient", "to this recipient"),
            ("state", "in this state"),
            ("id", "with this id"),
            ("name", "with this id, or that of their call, such as a txnid"),
            ("sender", "from this sender"),
            ("signals", "1: signs such as typing, too"),
        ),
        (200, 400, 404, 408, 410, 503),
    ),
)
"""Every operation of the control API."""
