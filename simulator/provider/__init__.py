"""
The seam: everything that a provider imports, and all that it may.

A provider, in `simulator.providers` or in a package of its own (entry point
group `simulator.providers`), is one `Provider` record: a name, routes, settings,
and `open`, which makes an account for each space.  It imports names from here
and from no other module of ours.  What is promised: a provider that works with
these names under one value of `SEAM` works with every release that has the same
value.  Whatever this page does not name may change from one release to the next.

What is here, by purpose:

* a provider and its parts: `Provider`, `Route`, `Code`, `Coverage`, `Command`;
* calls: `Call`, `Answer`, `Credential`, and `Refuse` to say no;
* its account in a space: `ProviderAccount`, and the `Gateway` to that space;
* words of the kernel: `Submission`, `Message`, `Refused`, `Fate`, `Move`, `Report`, …;
* bodies: `form_of`, `decode_json` for JSON as lenient servers take it, `violations`;
* settings and codes: shapes of the schema, such as `Record`, `Text`, `Duration`;
* what a recipient sees: `Bubble` with its `Card`, `Picture` and `Suggestion`;
* arithmetic of texts and numbers: `segment`, `operator_of`.

An account answers questions and takes commands.  Questions (`reports_of`,
`default_fate`, `by_circumstances`, `magic`, `render`, the optional `names_of`) change
nothing, so they may be asked about what never happened.  Commands say so: `configure`, `act`, and the
optional `noted`, `told`, `reserve` and `heard`.
"""

from __future__ import annotations

from simulator.kernel.engine.account import ImpossibleAct, Plan
from simulator.kernel.engine.call_result import CallRefusal
from simulator.kernel.engine.simulation import IllegalMove
from simulator.kernel.model.chance import Draws
from simulator.kernel.model.fates import Ending, Fate, Progress, Reply, drawn, plan
from simulator.kernel.model.lifecycle import TERMINAL, Move, State, next_state
from simulator.kernel.model.message import Message, Refused, Rung
from simulator.kernel.model.recipient import Circumstances, normal_address
from simulator.kernel.model.rules import Act, AnswerFault, Behaviour
from simulator.kernel.model.submission import MessageKey, Reason, Submission
from simulator.kernel.model.turns import SLICE, InTurns, gathered, in_order, whole
from simulator.kernel.model.units import ConstantDelay, Delay, UniformDelay, format_duration
from simulator.kernel.webhooks.webhook import (
    Attempt,
    Report,
    RetrySchedule,
    Webhook,
    WebhookPolicy,
    WebhookRequest,
)
from simulator.provider.account import Action, ProviderAccount, actions_of
from simulator.provider.calls import Answer, Call, Credential
from simulator.provider.client_side import ClientCall, ClientSide, json_at
from simulator.provider.definition import (
    SEAM,
    Code,
    Command,
    Coverage,
    Provider,
    SampleCall,
    SampleRefusal,
    open_gateway,
    space_credential,
)
from simulator.provider.discovery import built_in, discover
from simulator.provider.gateway import Fetch, Fetched, Gateway, Watch
from simulator.provider.helpers import (
    basic_credential,
    basic_header,
    bearer_credential,
    form_of,
    json_answer,
    scheme_of,
)
from simulator.provider.lenient_json import NotJson, decode_json
from simulator.provider.refusing import CallCut, Refuse, header_text
from simulator.provider.routing import BODY_BYTES_MAX, Handler, Route, Router
from simulator.provider.settings import (
    TARGET,
    Batch,
    WebhookSettings,
    changed,
    described,
    group,
    setting,
    setting_without_default,
    settings_shape,
)
from simulator.provider.showing import Bubble, Card, Picture, Suggestion, plain_bubble
from simulator.provider.violations import VIOLATIONS_MAX, Violation, violations, violations_in
from simulator.schema.long_json import TooManyValues, decode_long
from simulator.schema.node import Json, Node, Problems, describe, node_of
from simulator.schema.shapes import (
    Boolean,
    Choice,
    DelayShape,
    Duration,
    Either,
    Field,
    Integer,
    Invalid,
    ListOf,
    MapOf,
    Mapped,
    Number,
    Record,
    Scalar,
    Shape,
    Share,
    Text,
    Word,
)
from simulator.telecom.operators import operator_of
from simulator.telecom.sms import Language, Segmentation, autodetect, characters_outside, segment

__all__ = [
    "BODY_BYTES_MAX",
    "SEAM",
    "SLICE",
    "TARGET",
    "TERMINAL",
    "VIOLATIONS_MAX",
    "Act",
    "Action",
    "Answer",
    "AnswerFault",
    "Attempt",
    "Batch",
    "Behaviour",
    "Boolean",
    "Bubble",
    "Call",
    "CallCut",
    "CallRefusal",
    "Card",
    "Choice",
    "Circumstances",
    "ClientCall",
    "ClientSide",
    "Code",
    "Command",
    "ConstantDelay",
    "Coverage",
    "Credential",
    "Delay",
    "DelayShape",
    "Draws",
    "Duration",
    "Either",
    "Ending",
    "Fate",
    "Fetch",
    "Fetched",
    "Field",
    "Gateway",
    "Handler",
    "IllegalMove",
    "ImpossibleAct",
    "InTurns",
    "Integer",
    "Invalid",
    "Json",
    "Language",
    "ListOf",
    "MapOf",
    "Mapped",
    "Message",
    "MessageKey",
    "Move",
    "Node",
    "NotJson",
    "Number",
    "Picture",
    "Plan",
    "Problems",
    "Progress",
    "Provider",
    "ProviderAccount",
    "Reason",
    "Record",
    "Refuse",
    "Refused",
    "Reply",
    "Report",
    "RetrySchedule",
    "Route",
    "Router",
    "Rung",
    "SampleCall",
    "SampleRefusal",
    "Scalar",
    "Segmentation",
    "Shape",
    "Share",
    "State",
    "Submission",
    "Suggestion",
    "Text",
    "TooManyValues",
    "UniformDelay",
    "Violation",
    "Watch",
    "Webhook",
    "WebhookPolicy",
    "WebhookRequest",
    "WebhookSettings",
    "Word",
    "actions_of",
    "autodetect",
    "basic_credential",
    "basic_header",
    "bearer_credential",
    "built_in",
    "changed",
    "characters_outside",
    "decode_json",
    "decode_long",
    "describe",
    "described",
    "discover",
    "drawn",
    "form_of",
    "format_duration",
    "gathered",
    "group",
    "header_text",
    "in_order",
    "json_answer",
    "json_at",
    "next_state",
    "node_of",
    "normal_address",
    "open_gateway",
    "operator_of",
    "plain_bubble",
    "plan",
    "scheme_of",
    "segment",
    "setting",
    "setting_without_default",
    "settings_shape",
    "space_credential",
    "violations",
    "violations_in",
    "whole",
]
