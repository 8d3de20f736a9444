"""
`simulator rbm-key`.
"""

from __future__ import annotations

import sys

import click

from simulator.commands.exits import INVALID
from simulator.commands.terminal import plain_json, say
from simulator.provider import space_credential
from simulator.providers.rbm import PROVIDER
from simulator.providers.rbm.tokens import mint_key

__all__ = ["rbm_key"]


@click.command("rbm-key")
@click.option(
    "--url",
    default="http://127.0.0.1:4010",
    show_default=True,
    envvar="SIMULATOR_URL",
    help="Where the server is, or will be.",
)
@click.option("--space", default="default", show_default=True, help="The space that the key leads to.")
def rbm_key(url: str, space: str) -> None:
    """
    Print a service-account file whose token_uri is the simulator.

    No server is asked.  The private key in it is public, made for tests, the same for everybody.
    """
    if not url.startswith(("http://", "https://")):
        say(f"simulator: --url: expected a URL such as http://127.0.0.1:4010, got {url!r}", err=True)
        sys.exit(INVALID)
    base = url.rstrip("/")
    base_url = f"{base}/rbm" if space == "default" else f"{base}/s/{space}/rbm"
    say(plain_json(mint_key(space_credential(PROVIDER, space), base_url), indent=2))
