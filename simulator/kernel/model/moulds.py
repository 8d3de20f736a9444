"""
What many submissions have in common, kept once for all of them.
"""

from __future__ import annotations

from typing import Final

from msgspec import structs

from simulator.kernel.model.submission import Submission

__all__ = ["Moulds", "cast"]

_KEPT_MAX: Final = 4_096
_TEXT_LENGTH_MAX: Final = 1_000


class Moulds:
    """
    The moulds of a space: submissions without what differs from one to the next.

    Those of late are found again.  What comes a second time has a mould; of a submission
    unlike all others, such as one whose details are its own, it is the submission itself.
    """

    __slots__ = ("_kept", "_texts")

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], Submission] = {}
        self._texts: dict[str, str] = {}

    def of(self, submission: Submission) -> tuple[Submission, str]:
        """Return the mould of *submission*, and its text, which is one object for all that say the same."""
        text = submission.text
        if len(text) <= _TEXT_LENGTH_MAX:
            if len(self._texts) >= _KEPT_MAX:
                self._texts.clear()
            text = self._texts.setdefault(text, text)
        # Details are compared by identity: an object is shared or it is not.
        key = (
            id(submission.details),
            submission.sender,
            submission.credential,
            submission.validity_ms,
            submission.parts,
            submission.provider,
            submission.operation,
            submission.ephemeral,
            submission.signal,
        )
        mould = self._kept.get(key)
        if mould is None:
            if len(self._kept) >= _KEPT_MAX:
                self._kept.clear()
            self._kept[key] = submission
            return submission, text
        if mould.recipient:
            mould = self._kept[key] = structs.replace(mould, recipient="", text="", id="", hold_until_ms=0)
        return mould, text


def cast(mould: Submission, recipient: str, text: str, id: str, hold_until_ms: int) -> Submission:
    """Return the submission that *mould* and what is its own make."""
    if mould.recipient:
        return mould
    return structs.replace(mould, recipient=recipient, text=text, id=id, hold_until_ms=hold_until_ms)
