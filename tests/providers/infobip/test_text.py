import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.providers.infobip.text import DOCUMENTED, Transliteration, transliterate
from simulator.telecom.sms import Encoding, segment

GREEK = (
    "Αγαπητέ πελάτη, η παραγγελία σας έχει φύγει από την αποθήκη μας και θα παραδοθεί αύριο! "
    "Παρακαλούμε να είστε στη διεύθυνση που δώσατε. Ευχαριστούμε πολύ :)"
)

tables = st.sampled_from(Transliteration)
# Letters of the scripts the tables know, their accents, and anything else.
texts = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x52F)
    | st.characters(min_codepoint=0x1E00, max_codepoint=0x1FFF)
    | st.characters(categories=None)
)
# A deadline would measure the machine, not the promise.
unhurried = settings(deadline=None)


def test_greek_text_becomes_one_part():
    """
    A Greek text of 155 characters takes three parts with 46 left, and one with 5 left as GREEK.
    """
    before = segment(GREEK)
    after = segment(transliterate(GREEK, Transliteration.GREEK))

    assert (len(GREEK), before.parts, before.remaining) == (155, 3, 46)
    assert (after.encoding, after.parts, after.remaining) == (Encoding.GSM7, 1, 5)


@pytest.mark.parametrize(
    ("table", "text", "expected"),
    [
        (Transliteration.NONE, "Çağrı, Ωραία ё", "Çağrı, Ωραία ё"),
        (Transliteration.GREEK, "αβγδεζηθικλμνξοπρσςτυφχψω", "ABΓΔEZHΘIKΛMNΞOΠPΣΣTYΦXΨΩ"),
        (Transliteration.GREEK, "Ωραία! Ϊΐ Αύριο", "ΩPAIA! II AYPIO"),
        (Transliteration.GREEK, "link: http://a.example/é", "link: http://a.example/é"),
        (Transliteration.TURKISH, "Çağrı İŞÖÜ çığ", "Cagri ISOU cig"),
        (Transliteration.CENTRAL_EUROPEAN, "Zażółć gęślą jaźń, Đž ő", "Zazolc gesla jazn, Dz o"),
        (Transliteration.BALTIC, "Ąžuolas, ķēde, õhtu", "Azuolas, kede, ohtu"),
        (Transliteration.PORTUGUESE, "Amanhã não há ação", "Amanha nao ha acao"),
        (Transliteration.COLOMBIAN, "¿Mañana, Bogotá?", "¿Manana, Bogota?"),
        (Transliteration.CYRILLIC, "Съешь ещё этих булок", "Sesh eshchyo etih bulok"),
        (Transliteration.CYRILLIC, "Їжак і ґанок", "Yizhak i ganok"),
        (Transliteration.SERBIAN_CYRILLIC, "Чежња, Ђак, Џеп, Љубав", "Ceznja, Dak, Dzep, Ljubav"),
        (Transliteration.BULGARIAN_CYRILLIC, "България, Щъркел", "Balgariya, Shtarkel"),
        (Transliteration.NON_UNICODE, "Ω Ж ğ 你 😀 `€", "Ω Zh g   €"),
        (Transliteration.ALL, "Ω Ж ğ 你 😀 `€", "Ω Zh g   €"),
    ],
)
def test_table_writes_what_its_description_says(table, text, expected):
    """
    Each table changes the letters of its script, leaves all others, and only two drop anything.
    """
    assert transliterate(text, table) == expected


def test_separate_accents_count_as_part_of_their_letter():
    """
    A letter followed by a combining accent is treated like the letter that carries it.
    """
    assert transliterate("e\u0301 \u03b1\u0301", Transliteration.GREEK) == "é A"
    assert transliterate("s\u0327", Transliteration.TURKISH) == "s"


def test_only_greek_and_none_are_documented():
    """
    Every other table is our choice, and says so.
    """
    assert frozenset({Transliteration.GREEK, Transliteration.NONE}) == DOCUMENTED


@unhurried
@given(texts)
def test_none_changes_nothing(text):
    """
    NONE returns the text as it came, down to its combining accents.
    """
    assert transliterate(text, Transliteration.NONE) == text


@unhurried
@given(texts, st.sampled_from((Transliteration.NON_UNICODE, Transliteration.ALL)))
def test_dropping_tables_always_give_seven_bits(text, table):
    """
    Whatever the text, after NON_UNICODE or ALL it needs no UCS-2.
    """
    assert segment(transliterate(text, table)).encoding is Encoding.GSM7


@unhurried
@given(texts, tables)
def test_transliterating_twice_changes_nothing_more(text, table):
    """
    The result of a table is a text that table leaves alone.
    """
    once = transliterate(text, table)

    assert transliterate(once, table) == once


@unhurried
@given(st.text(st.characters(max_codepoint=0x7F)), tables)
def test_ascii_survives_every_table(text, table):
    """
    Characters of the default alphabet that are ASCII pass through every table.
    """
    text = "".join(character for character in text if segment(character).encoding is Encoding.GSM7)

    assert transliterate(text, table) == text
