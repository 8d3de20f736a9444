"""
`simulator init`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from simulator.commands.exits import INVALID
from simulator.commands.terminal import say
from simulator.files.outputs import write_whole

__all__ = ["STARTER", "init"]

STARTER = """\
# A starter: what goes wrong, for whom, and when.  `simulator check FILE` finds every
# mistake; `simulator schema > schema.json` and the next line give your editor
# completion and hover texts.  Files called *.simulator.yaml can have them by their name.
# yaml-language-server: $schema=schema.json
name: my first scenario
seed: 1                      # same seed, same story
clock: {mode: frozen}        # or live, or autojump

providers:
  infobip:
    webhook: {url: "http://127.0.0.1:9000/reports"}   # where delivery reports go

recipients:
  "+41793026727": {reachable: {from: 0s, until: 2h, is: false}}   # off, back after two hours
  "+4179999*": {reachable: false}                                  # never back

rules:                       # in each place the first rule that applies decides
  - name: one in twenty bounces
    when: {provider: infobip, share: 5%}
    then:
      fate: {fail: {status: UNDELIVERABLE_NOT_DELIVERED, error: EC_ABSENT_SUBSCRIBER, after: 1s..10s}}
  - name: reports come twice
    then: {webhooks: {duplicate: {share: 10%, within: 30s}}}
  # - name: overload between the tenth and the twelfth minute
  #   when: {operation: send, during: 10m..12m}
  #   then: {answer: {throttle: {rate: 50/s, burst: 100}}}

timeline:
  - {at: 30m, webhooks: hold}
  - {at: 50m, webhooks: {release: {rate: 200/s}}}
  # - {at: 1h, provider: infobip, storm: {messages: 10000, rate: 500/s}}

# reset: "POST http://127.0.0.1:9000/reset"   # your software forgets the last run, whose ids come again
# drive:                     # `simulator run` calls your software, so that it sends
#   - {call: "POST http://127.0.0.1:9000/send", count: 20, rate: 2/s, body: {to: "{recipient}"}}

expect:                      # `simulator run` judges
  messages: {final: 100%, within: 72h}
  webhooks: {acknowledged: 100%, latency: {p99: 1s}}
"""


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default="scenario.simulator.yaml")
@click.option("--force", is_flag=True, help="Overwrite FILE when it exists.")
def init(file: Path, force: bool) -> None:
    """
    Write a commented starter scenario to FILE.
    """
    if file.exists() and not force:
        say(f"simulator: {file} exists; --force overwrites it", err=True)
        sys.exit(INVALID)
    try:
        write_whole(file, STARTER.encode())
    except OSError as trouble:
        say(f"simulator: {file}: cannot be written ({trouble.strerror or trouble})", err=True)
        sys.exit(INVALID)
    say(f"{file} is written; try: simulator check {file}")
