"""
Certificates for https: an authority for tests, or one's own files.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["Authority", "TlsUnavailable", "make_authority", "names_of", "own_context"]

_NAME: Final = re.compile(r"(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?", re.ASCII)
_ALWAYS: Final = (
    "localhost",
    "127.0.0.1",
    "::1",
    # What containers and their neighbours call it.
    "simulator",
    "host.docker.internal",
)
_EVERYWHERE: Final = ("", "0.0.0.0", "::")


class TlsUnavailable(ValueError):
    """
    There can be no https; the text says why, and what to do.
    """


class Authority(NamedTuple):
    """
    A certificate authority that nobody else has, and a certificate of its own making.
    """

    context: ssl.SSLContext
    """For a server."""
    ca_pem: bytes
    """What clients have to trust.  Its key is kept nowhere: no second certificate can be made."""


def names_of(host: str, further: Iterable[str]) -> list[str]:
    """Return what a server bound to *host* may be called: by its clients, and by *further* names."""
    bound = () if host in _EVERYWHERE else (host,)
    names = dict.fromkeys((*_ALWAYS, *bound, *(name.lower() for name in further)))
    return [name for name in names if _NAME.fullmatch(name) or ":" in name]


def make_authority(names: Iterable[str]) -> Authority:
    """Return a fresh authority with a certificate for *names*; raises TlsUnavailable."""
    try:
        import trustme
    except ImportError:
        raise TlsUnavailable(
            "an authority for tests needs trustme: "
            'pip install "messaging-provider-simulator[tls]"; or give --tls-cert and --tls-key'
        ) from None
    ca = trustme.CA(organization_name="Messaging-provider simulator, for tests only")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(*names).configure_cert(context)
    return Authority(context, ca.cert_pem.bytes())


def own_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """Return a server's context from PEM files, or from one that has the key, too; raises TlsUnavailable."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for path in (certificate, key):
        try:
            if path is not None:
                path.open("rb").close()
        except OSError as trouble:
            raise TlsUnavailable(f"{path}: {trouble.strerror or trouble}") from None
    try:
        # An empty pass phrase: an encrypted key must be refused, not be asked about on a terminal.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as trouble:
        where = certificate if key is None else f"{certificate}, {key}"
        reason = getattr(trouble, "reason", None) or trouble
        raise TlsUnavailable(
            f"{where}: expected a certificate chain and its key, not encrypted, in PEM ({reason})"
        ) from None
    return context
