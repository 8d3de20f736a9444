"""
Row 19: how long `simulator explore` takes for 10,000 seeds, against a receiver on aiohttp.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure, Plan, spread
from benchmarks.processes import ENVIRONMENT

__all__ = ["explored"]

_RECEIVER: Final = Path(__file__).resolve().parent.parent / "explore" / "plain_receiver.py"
_SEEDS: Final = 10_000
_LONGEST_REAL_S: Final = 300


def _seconds(url: str, seeds: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        card = Path(folder) / "card.json"
        body = "{to: '{recipient}', text: '{text}', simulator: '{simulator}'}"
        means = "{delivered: DELIVERED, failed: UNDELIVERABLE, expired: EXPIRED}"
        options = {
            "--drive": f"{{call: POST {url}/send, body: {body}}}",
            "--ask": f"{{ask: 'GET {url}/messages/{{id}}', field: state, means: {means}}}",
            "--webhook": f"{url}/reports",
            "--seeds": str(seeds),
            "--runs": str(seeds),
            "--seconds": str(_LONGEST_REAL_S),
            "--seed": "1",
            "--port": "0",
            "--reach": "0",
            "--found": folder,
            "--json": str(card),
        }
        words = [word for option in options.items() for word in option]
        subprocess.run(
            [sys.executable, "-m", "simulator", "explore", *words],
            env=ENVIRONMENT,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        outcome = json.loads(card.read_text("utf-8"))
    assert outcome["judged"] == outcome["runs"]
    return float(outcome["elapsed_real_s"]) * _SEEDS / int(outcome["runs"])


def explored(plan: Plan) -> Figure:
    """Measure the seconds for 10,000 seeds, from as many as the plan has time for."""
    seeds = plan.count(_SEEDS, 100)
    receiver = subprocess.Popen(
        [sys.executable, str(_RECEIVER)], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    try:
        assert receiver.stdout is not None
        url = receiver.stdout.readline().strip()
        values = [_seconds(url, seeds) for _ in range(plan.rounds)]
    finally:
        receiver.terminate()
        receiver.communicate()
    return Figure(spread(values), "s", note=f"from {seeds:,} seeds")
