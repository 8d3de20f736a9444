"""
XML: requests, answers and reports; and what an untrusted document must not do.
"""

from __future__ import annotations

from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.infobip.bench import bench, one
from simulator.providers.infobip.xml import XmlError, parse_xml, render_xml

XML = {"Content-Type": "application/xml"}
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
STATUS = (
    "<status><groupId>1</groupId><groupName>PENDING</groupName><id>7</id><name>PENDING_ENROUTE</name>"
    "<description>Message sent to next instance</description></status>"
)

V1_2015 = """
<request>
  <bulkId>B</bulkId>
  <messages>
    <messages>
      <from>InfoSMS</from>
      <destinations>
        <destinations><to>41793026727</to><messageId>m-1</messageId></destinations>
        <destinations><to>41793026834</to></destinations>
      </destinations>
      <text>Ärger &amp; Freude</text>
      <flash>true</flash>
      <validityPeriod>720</validityPeriod>
      <deliveryTimeWindow>
        <days><days>MONDAY</days><days>TUESDAY</days></days>
      </deliveryTimeWindow>
    </messages>
  </messages>
</request>
""".encode()

V3 = b"""<?xml version="1.0"?>
<SmsRequestEnvelope>
  <messages>
    <message>
      <sender>InfoSMS</sender>
      <destinations><destination><to>41793026727</to><messageId>m-1</messageId></destination></destinations>
      <content><text>hi</text></content>
      <options><deliveryTimeWindow><days><days>MONDAY</days></days></deliveryTimeWindow></options>
    </message>
  </messages>
  <options><includeSmsCountInResponse>true</includeSmsCountInResponse></options>
</SmsRequestEnvelope>
"""


async def test_v1_request_and_answer():
    """
    A v1 request of 2015 is understood in every field; the answer mirrors its format.
    """
    async with bench() as run:
        answer = await run.call("POST", "/sms/1/text/advanced", V1_2015, headers=XML)
        first, _ = run.space.simulation.messages.values()

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/xml;charset=UTF-8"
    assert answer.body.decode() == (
        f"{HEAD}<smsResponse><bulkId>B</bulkId><messages>"
        f"<message><to>41793026727</to>{STATUS}<smsCount>1</smsCount><messageId>m-1</messageId></message>"
        f"<message><to>41793026834</to>{STATUS}<smsCount>1</smsCount>"
        "<messageId>2409619914051160772</messageId></message>"
        "</messages></smsResponse>"
    )
    item = first.submission.details.item
    assert (first.submission.text, item.flash, item.validity_ms) == ("Ärger & Freude", True, 720 * 60_000)
    assert item.window.days == (0, 1)


async def test_v1_answer_as_in_2015__is_a_setting():
    """
    The lists of v1 answers may repeat their own name, as they did in 2015.
    """
    async with bench(xml_v1="2015") as run:
        answer = await run.call("POST", "/sms/1/text/advanced", V1_2015, headers=XML)

    assert answer.body.decode().startswith(
        f"{HEAD}<SMSResponse><bulkId>B</bulkId><messages><messages><to>41793026727</to>"
    )


async def test_v3_request_and_answer():
    """
    v3 has its own envelopes.
    """
    async with bench() as run:
        answer = await run.call("POST", "/sms/3/messages", V3, headers=XML)

    root = ElementTree.fromstring(answer.body)
    assert (answer.status, root.tag) == (200, "SmsResponseEnvelope")
    assert [element.tag for element in root.findall("messages/message")[0]] == [
        "messageId",
        "status",
        "destination",
        "details",
    ]


@pytest.mark.parametrize(
    ("path", "accept", "content_type", "xml"),
    [
        ("/sms/1/text/advanced", "", "application/json", False),
        ("/sms/1/text/advanced", "*/*", "application/json", False),
        ("/sms/1/text/advanced", "*/*", "application/xml", True),
        ("/sms/1/text/advanced", "application/json", "application/xml", False),
        ("/sms/1/text/advanced", "application/xml", "application/json", True),
        ("/sms/1/text/advanced", "text/xml", "application/json", True),
        ("/sms/1/text/advanced", "application/json, text/plain, */*", "application/xml", False),
        ("/sms/1/text/advanced", "application/json;q=0.5, application/xml", "application/json", True),
        ("/sms/1/text/advanced", "application/json, application/xml", "application/json", False),
        ("/sms/1/text/advanced", "application/xml;q=x, application/json", "application/xml", False),
        ("/sms/1/text/advanced", "text/html", "application/xml", True),
        ("/sms/1/text/advanced.xml", "application/json", "application/json", True),
        ("/sms/1/text/advanced.json", "application/xml", "application/json", False),
        ("/sms/1/text/advanced.xml/", "", "application/json", False),
    ],
)
async def test_format_of_the_answer(path, accept, content_type, xml):
    """
    A suffix forces the format, else Accept decides, else the format of the request.
    """
    body = V1_2015 if content_type.endswith("xml") else msgspec.json.encode(one())
    headers = {"Content-Type": content_type, "Accept": accept}

    async with bench() as run:
        answer = await run.call("POST", path, body, headers=headers)

    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("application/xml" if xml else "application/json")


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/sms/1/reports.xml", "<reportResponse><results/></reportResponse>"),
        ("/sms/3/reports.xml", "<DeliveryReports><results/></DeliveryReports>"),
        ("/sms/1/logs.xml", "<smsLogsResponse><results/></smsLogsResponse>"),
        (
            "/sms/1/nothing.xml",
            "<ApiException><requestError><serviceException><messageId>NOT_FOUND</messageId>"
            "<text>Requested URL not found: /sms/1/nothing.xml</text></serviceException></requestError>"
            "</ApiException>",
        ),
    ],
)
async def test_documents(path, document):
    """
    Reports, logs and errors have their own documents.
    """
    async with bench() as run:
        answer = await run.call("GET", path)

    assert answer.body.decode() == HEAD + document


async def test_pushed_reports():
    """
    With notifyContentType application/xml a report is pushed as XML, beside others as JSON.
    """
    async with bench(deliver_after="1s") as run:
        await run.send(one(notifyUrl=run.integrator.url, notifyContentType="application/xml"))
        await run.settle()

    (push,) = run.integrator.pushes
    root = ElementTree.fromstring(push.body)
    assert push.headers["Content-Type"] == "application/xml"
    assert root.tag == "reportResponse"
    (result,) = root.findall("results/result")
    assert [element.tag for element in result] == [
        "messageId",
        "to",
        "from",
        "sentAt",
        "doneAt",
        "smsCount",
        "mccMnc",
        "price",
        "status",
        "error",
    ]
    assert result.findtext("error/permanent") == "false"
    assert result.findtext("status/name") == "DELIVERED_TO_HANDSET"


async def test_errors_of_xml_requests():
    """
    A mistake in a document is answered with a document, the place inside.
    """
    async with bench() as run:
        empty = await run.call("POST", "/sms/1/text/advanced", b"<request><messages/></request>", headers=XML)
        wrong = await run.call(
            "POST",
            "/sms/1/text/advanced",
            b"<request><messages><message><destinations><destination><to>1</to></destination></destinations>"
            b"<validityPeriod>soon</validityPeriod></message></messages></request>",
            headers=XML,
        )
        third = await run.call("POST", "/sms/3/messages", b"<x><messages/></x>", headers=XML)

    assert (empty.status, wrong.status, third.status) == (400, 400, 400)
    assert empty.body.decode() == (
        f"{HEAD}<ApiException><requestError><serviceException><messageId>BAD_REQUEST</messageId>"
        "<text>Bad Request</text><validationErrors><messages><message>must not be empty</message></messages>"
        "</validationErrors></serviceException></requestError></ApiException>"
    )
    assert "<key>messages[0].validityPeriod</key>" in wrong.body.decode()
    assert ElementTree.fromstring(third.body).findtext("violations/violation/property") == "messages"


BILLION_LAUGHS = b"""<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]>
<request><text>&lol2;</text></request>"""


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (BILLION_LAUGHS, "a document type is not accepted"),
        (
            b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>',
            "a document type is not accepted",
        ),
        (b'<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd"><r/>', "a document type is not accepted"),
        (b"<r>&undefined;</r>", "line 1: undefined entity"),
        (b"<a>" * 33 + b"</a>" * 33, "expected at most 32 levels of elements"),
        (b"<r>" + b"<a/>" * 200_000 + b"</r>", "expected at most 200000 elements"),
        (b"<r>", "line 1: no element found"),
        (b"", "line 1: no element found"),
        (b"<r/><r/>", "line 1: junk after document element"),
        (b"plain", "line 1: syntax error"),
        (b"<r>\xff</r>", "line 1: not well-formed (invalid token)"),
        (b'<?xml version="1.0" encoding="klingon"?><r/>', "unknown encoding: klingon"),
    ],
)
def test_hostile_document(body, complaint):
    """
    Entities, document types, depth, masses and broken documents are refused in one line.
    """
    with pytest.raises(XmlError) as refusal:
        parse_xml(body)

    assert str(refusal.value) == complaint


@given(body=st.binary(max_size=300))
def test_any_bytes__are_read_or_refused(body):
    """
    Whatever bytes come, there is a value or an XmlError.
    """
    try:
        said = str(parse_xml(body)) or "nothing"
    except XmlError as refusal:
        said = str(refusal)

    assert said


texts = st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs", "Cc"]), min_size=1).filter(
    str.strip
)
values = st.recursive(
    texts,
    lambda inner: st.dictionaries(st.sampled_from(["to", "text", "from", "status"]), inner, min_size=1),
    max_leaves=8,
)


@given(value=st.dictionaries(st.sampled_from(["one", "two", "three"]), values, min_size=1))
def test_what_is_rendered_reads_the_same(value):
    """
    Texts and mappings survive the way into a document and back.
    """
    document = render_xml(msgspec.json.encode(value), "root")
    plain = value if all(ord(c) < 0xFFFE or ord(c) > 0xFFFF for c in str(value)) else None

    read = parse_xml(document)

    assert plain is None or read == _once(plain)


def _once(value: object) -> object:
    """Return the value as reading sees it: a mapping whose only key is its own name is a list."""
    return _named("root", value)


def _named(name: str, value: object) -> object:
    if not isinstance(value, dict):
        return value
    if list(value) in ([name], [name.removesuffix("s")]):
        return [_named(key, inner) for key, inner in value.items()]
    return {key: _named(key, inner) for key, inner in value.items()}


@given(text=st.text())
def test_any_text__makes_a_well_formed_document(text):
    """
    No text, however odd, breaks the document it stands in.
    """
    try:
        encoded = msgspec.json.encode({"text": text})
    except UnicodeEncodeError:
        return

    ElementTree.fromstring(render_xml(encoded, "root"))
