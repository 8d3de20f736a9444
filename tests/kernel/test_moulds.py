"""
What messages have in common is kept once, and each has what was asked for all the same.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulator.kernel.model.moulds import Moulds, cast
from simulator.kernel.model.submission import Submission

DETAILS = ({"colour": "grey"}, {"colour": "grey"}, None)

SUBMISSIONS = st.builds(
    Submission,
    provider=st.sampled_from(["pigeon", "owl"]),
    recipient=st.sampled_from(["+1", "+2"]),
    operation=st.sampled_from(["send", "coo"]),
    sender=st.sampled_from(["loft", "tree"]),
    text=st.sampled_from(["", "coo", "x" * 2_000]),
    credential=st.sampled_from(["", "ring"]),
    id=st.sampled_from(["", "mine"]),
    validity_ms=st.sampled_from([1_000, 172_800_000]),
    hold_until_ms=st.sampled_from([0, 5_000]),
    parts=st.integers(1, 2),
    ephemeral=st.booleans(),
    signal=st.booleans(),
    details=st.sampled_from(DETAILS),
)


@given(st.lists(SUBMISSIONS, max_size=30))
def test_submission_comes_out_as_it_went_in(submissions: list[Submission]) -> None:
    """
    Whatever else was submitted, a mould and what is a submission's own make that submission again.
    """
    moulds = Moulds()

    for submission in submissions:
        mould, text = moulds.of(submission)
        again = cast(mould, submission.recipient, text, submission.id, submission.hold_until_ms)

        assert again == submission
        assert again.details is submission.details


def test_alike_submissions_share_a_mould_and_a_text() -> None:
    """
    From the second one on, those that differ in recipient, id and time alone have one mould.
    """
    moulds = Moulds()
    submissions = [
        Submission(provider="pigeon", recipient=f"+{number}", id=f"{number}", text="".join(["c", "oo"]))
        for number in range(4)
    ]

    kept = [moulds.of(submission) for submission in submissions]

    assert len({id(mould) for mould, _ in kept[1:]}) == 1
    assert len({id(text) for _, text in kept}) == 1
