"""
`serve --tls`: where the certificates come from, and how clients come to trust them.
"""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from shlex import quote
from typing import Any, Final, NamedTuple

import click

from simulator.files.outputs import write_whole
from simulator.server.tls import TlsUnavailable, make_authority, names_of, own_context

__all__ = ["Tls", "TlsOptions", "tls_options"]

_PORT_MAX: Final = 65_535


class TlsOptions(NamedTuple):
    """
    What the command line says about https.
    """

    requested: bool
    port: int | None
    ca_file: Path | None
    certificate: Path | None
    key: Path | None


def tls_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give *command* the options of https; it takes them as one argument, `tls`."""
    file = click.Path(path_type=Path)

    @click.option("--tls", "requested", is_flag=True, help="Serve https, too, by an authority for tests.")
    @click.option(
        "--tls-port",
        type=click.IntRange(0, _PORT_MAX),
        help="Port of https; 0: any free one.  [default: the one after --port]",
    )
    @click.option(
        "--tls-ca-file",
        type=file,
        help="Write what clients have to trust to this file.  [default: a temporary one]",
    )
    @click.option("--tls-cert", type=file, help="Serve https, too, with this certificate chain (PEM).")
    @click.option("--tls-key", type=file, help="Its key, unless it is in the same file.")
    @wraps(command)
    def with_tls(
        requested: bool,
        tls_port: int | None,
        tls_ca_file: Path | None,
        tls_cert: Path | None,
        tls_key: Path | None,
        **others: Any,
    ) -> None:
        command(tls=TlsOptions(requested, tls_port, tls_ca_file, tls_cert, tls_key), **others)

    return with_tls


class Tls(NamedTuple):
    """
    The https side of one `serve`.
    """

    context: ssl.SSLContext
    port: int
    ca_file: Path | None
    """What clients have to trust; None: the certificate is the user's own, and so is the trust in it."""

    @classmethod
    def of(cls, options: TlsOptions, *, host: str, port: int, names: Iterable[str]) -> Tls | None:
        """
        Return what *options* ask for; None: plain http alone.

        Raises TlsUnavailable.  The port is the one after *port* unless the options name one.
        """
        if options.key is not None and options.certificate is None:
            raise TlsUnavailable("--tls-key needs --tls-cert")
        if not options.requested and options.certificate is None:
            return None
        bound = options.port
        if bound is None:
            bound = min(port + 1, _PORT_MAX) if port else 0
        if options.certificate is not None:
            return cls(own_context(options.certificate, options.key), bound, None)
        authority = make_authority(names_of(host, names))
        ca_file = options.ca_file
        if ca_file is None:
            folder = tempfile.TemporaryDirectory(prefix="simulator-", ignore_cleanup_errors=True)
            click.get_current_context().call_on_close(folder.cleanup)
            ca_file = Path(folder.name, "ca.pem")
        _write(ca_file, authority.ca_pem)
        return cls(authority.context, bound, ca_file.absolute())

    def lines(self, url: str) -> list[str]:
        """Return what clients need to know: the URL, and a line for each kind of them."""
        lines = [f"  {'https':14} {url}"]
        ca = self.ca_file
        if ca is not None:
            truststore = ca.with_name(f"{ca.stem}-truststore.p12")
            shown, store = quote(str(ca)), quote(str(truststore))
            # Java splits the variable at blanks, unless there are quotes inside.
            options = f'"-Djavax.net.ssl.trustStore={truststore}" -Djavax.net.ssl.trustStorePassword=changeit'
            # The store is made anew: it has the authority of an earlier start in it.
            java = (
                f"rm -f {store}; keytool -importcert -noprompt -alias simulator -storepass changeit "
                f"-file {shown} -keystore {store}; "
                f"export JAVA_TOOL_OPTIONS={quote(options)}"
            )
            trust = (
                ("requests", f"export REQUESTS_CA_BUNDLE={shown}"),
                ("Node", f"export NODE_EXTRA_CA_CERTS={shown}"),
                ("Java", java),
                ("curl", f"curl --cacert {shown} {url}/_sim/ready"),
            )
            lines.append(f"  {'to trust':14} {ca}")
            lines += [f"    {client:12} {line}" for client, line in trust]
        return lines


def _write(path: Path, content: bytes) -> None:
    try:
        # Whole or not at all, for others wait for it.
        write_whole(path, content)
    except OSError as trouble:
        raise TlsUnavailable(f"--tls-ca-file {path}: {trouble.strerror or trouble}") from None
