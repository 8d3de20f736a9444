"""
Prometheus metrics, counted in plain integers and put together when scraped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from simulator.runtime.space import Space
from simulator.server.losses import Losses

__all__ = ["CONTENT_TYPE", "scrape"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def scrape(spaces: Sequence[Space], calls: int, losses: Losses) -> bytes:
    """Return the metrics of a server with these spaces in Prometheus' text format; may run in any thread."""
    # Imported here, for start-up pays for nothing that nobody asked for.
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

    class Collector:
        def collect(self) -> Iterable[Metric]:
            yield GaugeMetricFamily("simulator_spaces", "Spaces on this server.", value=len(spaces))
            yield CounterMetricFamily("simulator_calls", "Calls of integrators.", value=calls)
            yield CounterMetricFamily(
                "simulator_connections_refused",
                "Connections beyond the limit, closed at once.",
                value=losses.refused,
            )
            yield CounterMetricFamily(
                "simulator_connections_timed_out",
                "Connections closed since the rest of a request did not come.",
                value=losses.timed_out,
            )
            yield CounterMetricFamily(
                "simulator_unreadable_requests", "Requests that are no HTTP.", value=losses.unreadable
            )
            messages = GaugeMetricFamily(
                "simulator_messages", "Messages by state.", labels=("space", "provider", "state")
            )
            webhooks = GaugeMetricFamily(
                "simulator_webhooks", "Webhooks by state.", labels=("space", "provider", "state")
            )
            in_flight = GaugeMetricFamily(
                "simulator_webhooks_in_flight", "Webhooks being sent.", labels=("space",)
            )
            entries = CounterMetricFamily("simulator_journal_entries", "Journal entries.", labels=("space",))
            for space in spaces:
                simulation = space.simulation
                # A list is made in one step, however the dictionary grows meanwhile.
                states = Counter((m.key.provider, m.state.value) for m in list(simulation.messages.values()))
                for (provider, state), count in sorted(states.items()):
                    messages.add_metric((space.name, provider, state), count)
                owed = list(simulation.outbox.webhooks.values())
                sent = Counter((webhook.provider, webhook.state.value) for webhook in owed)
                for (provider, state), count in sorted(sent.items()):
                    webhooks.add_metric((space.name, provider, state), count)
                in_flight.add_metric((space.name,), simulation.outbox.in_flight)
                entries.add_metric((space.name,), simulation.journal.seq)
            yield from (messages, webhooks, in_flight, entries)

    collected = CollectorRegistry()
    collected.register(Collector())
    return generate_latest(collected)
