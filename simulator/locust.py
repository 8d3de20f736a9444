"""
Storms and clients carried by Locust: several machines, its web page and its command line, our schedule.

Import what you need into a locustfile; `docs/load.md` shows some.  Each Locust worker fires the webhooks of
one shard, in a process of ours beside it; the master adds up their histograms, which come with Locust's own
messages, so no machine needs to reach another.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from simulator.evidence.result import Storm
from simulator.evidence.tally import ranks
from simulator.evidence.text import storm_lines
from simulator.files.inputs import read_bounded
from simulator.kernel.model.clock import EPOCH_MS_DEFAULT
from simulator.kernel.model.scenario import ClockMode, ClockSpec
from simulator.kernel.model.shard import Shard
from simulator.kernel.model.units import Rate, parse_rate
from simulator.load.extra import MissingExtra
from simulator.load.frames import framed, read_frame
from simulator.load.keeper import Limits
from simulator.load.live import view_of
from simulator.load.measures import Measures
from simulator.load.obstacles import obstacles
from simulator.load.parts import Failed, Job, Part, Progress, Ready, Start
from simulator.provider import ClientSide, discover, space_credential
from simulator.scenario.loader import load_run
from simulator.scenario.yaml import SIZE_MAX_BYTES

try:
    import gevent
    from gevent import subprocess
    from gevent.pool import Pool
    from locust import FastHttpUser, User, events, task
    from locust.exception import StopUser
    from locust.runners import LocalRunner, MasterRunner
except ImportError as missing:
    raise MissingExtra("simulator.locust") from missing

__all__ = ["Client", "StormUser"]

_LOG: Final = logging.getLogger("simulator.locust")
_SHARD: Final = "simulator_shard"
_READY: Final = "simulator_ready"
_START: Final = "simulator_start"
_BEGIN_REAL_S: Final = 1.0
"""So long after all are ready they begin together: their clocks should agree to milliseconds."""
_LOOK_REAL_S: Final = 0.5
_AT_ONCE_MAX: Final = 512


class StormUser(User):
    """
    The storm of a scenario file: start as many users as there are workers, one shard falls to each.

    Arrivals keep their schedule, however slow the receiver is.
    """

    abstract = True
    scenario = ""
    """The scenario's file, on the master's machine; workers are sent its text."""
    seed = 0
    allow_targets: tuple[str, ...] = ()

    @task
    def wait(self) -> None:
        """Stay while the shard is run."""
        gevent.sleep(_LOOK_REAL_S)


class Client(FastHttpUser):
    """
    A client of a provider: sends messages at a rate, keeps their ids, and asks what became of them.

    For whoever loads a gateway of their own that speaks a provider's API; `host` is its base URL.  One user
    of it in each worker sends that worker's share; calls keep their schedule, however slow answers are.
    """

    abstract = True
    concurrency = _AT_ONCE_MAX
    provider = "infobip"
    rate = "10/s"
    """Of all workers together."""
    messages = 100
    recipients = ""
    """Where their numbers begin; by default as the provider's do."""
    text = "Storm"
    credential = ""
    """By default one that any simulator takes."""
    ask_after_s = 1.0
    """How long after it was sent a message is asked about; below 0: never."""

    def on_start(self) -> None:
        """Read what the class says."""
        provider = discover()[self.provider]
        if provider.client is None:
            raise ValueError(f"provider: nobody knows what a client of {self.provider} says")
        self._side: ClientSide = provider.client
        self._spacing: Rate = parse_rate(self.rate)
        self._credential = self.credential or space_credential(provider, "default")
        self._begin = self.recipients or provider.numbers
        self.ids: list[str] = []
        """Of every message that was accepted."""
        self.states: dict[str, int] = {}
        """How many were in each state when they were asked about."""

    @task
    def play(self) -> None:
        """Send this worker's share on schedule, then wait for the answers."""
        carrier = _carrier(self.environment)
        shard, start_unix_s = carrier.share()
        pool = Pool(_AT_ONCE_MAX)
        for number in range(shard.number, self.messages, shard.of):
            due_s = start_unix_s + number * self._spacing.per_ms / self._spacing.count / 1_000
            gevent.sleep(max(0.0, due_s - time.time()))
            pool.spawn(self._send, carrier.own, number, due_s, start_unix_s)
        pool.join()
        carrier.played = True
        _LOG.info("%s ids kept, states when asked: %s", len(self.ids), self.states)
        raise StopUser

    def _send(self, measures: Measures, number: int, due_s: float, start_s: float) -> None:
        now_s = time.time()
        late_us = max(0, int((now_s - due_s) * 1_000_000))
        offset_s = due_s - start_s
        measures.begin(int(offset_s * 1_000), late_us, int((now_s - start_s) * 1_000_000), first=True)
        own_id = f"load-{number}"
        call = self._side.send(self._credential, f"{self._begin}{number:07d}", self.text, own_id)
        status, body = self._call(call.method, call.path, call.headers, call.body, f"{self.provider} send")
        measures.ended += 1
        measures.no_answer += not status
        if status:
            measures.answered.add(int((time.time() - due_s) * 1_000_000))
        if not 200 <= status <= 299:
            measures.non_2xx += bool(status)
            return
        measures.acknowledged += 1
        message_id = own_id if self._side.id_of is None else self._side.id_of(body)
        if message_id:
            self.ids.append(message_id)
            self._ask(message_id)

    def _ask(self, message_id: str) -> None:
        if self._side.ask is None or self.ask_after_s < 0:
            return
        gevent.sleep(self.ask_after_s)
        call = self._side.ask(self._credential, message_id)
        _, body = self._call(call.method, call.path, call.headers, call.body, f"{self.provider} status")
        state = self._side.state_of(body) or "unknown"
        self.states[state] = self.states.get(state, 0) + 1

    def _call(
        self, method: str, path: str, headers: tuple[tuple[str, str], ...], body: bytes, name: str
    ) -> tuple[int, bytes]:
        with self.client.request(
            method, path, data=body.decode(), headers=dict(headers), name=name, catch_response=True
        ) as response:
            status = int(response.status_code)
            if not 200 <= status <= 299:
                response.failure(f"{status or 'no answer'}")
            return status, bytes(response.content or b"")


class _Carrier:
    """What the simulator does in one process of Locust: the master's part, a worker's, or both."""

    def __init__(self, environment: Any) -> None:
        self._environment = environment
        self._shard: Shard | None = None
        self._at_unix_s = 0.0
        """When it begins; 0: that is not known yet."""
        self._ready: set[str] = set()
        self._process: Any = None
        self._progress: Progress | None = None
        self._logged: dict[int, int] = {}
        self._errors = 0
        self._trouble = ""
        self._storm_over = True
        self.own = Measures()
        """Of the clients in this process."""
        self.played = True
        self._heard: dict[str, Mapping[str, Any]] = {}
        self._expected: list[str] = []
        self._began_s = 0.0
        self.over = False

    # -- a worker -------------------------------------------------------------------------------

    def share(self) -> tuple[Shard, float]:
        """Return which shard is this process's and when it begins; waits until the master has said so."""
        while self._shard is None or not self._at_unix_s:
            gevent.sleep(0.05)
        return self._shard, self._at_unix_s

    def take(self, environment: Any, msg: Any, **_: object) -> None:
        """Take the shard that the master gives, and run it if there is a storm."""
        given = msg.data
        shard = Shard(given["number"], given["of"])
        self.own, self._trouble, self._progress = Measures(), "", None
        self.played = not given["clients"]
        self._storm_over = not given["text"]
        self._shard, self._at_unix_s = shard, 0.0
        if not given["text"]:
            self._environment.runner.send_message(_READY)
        else:
            clock = ClockSpec(
                mode=ClockMode(given["mode"]), rate=given["rate"], start_unix_ms=given["start_unix_ms"]
            )
            job = Job(
                text=given["text"],
                source=given["source"],
                shard=shard,
                seed=given["seed"],
                clock=clock,
                allow_targets=tuple(given["allow_targets"]),
                limits=Limits(),
            )
            gevent.spawn(self._run, job)

    def start(self, environment: Any, msg: Any, **_: object) -> None:
        """Begin at the instant that the master gives."""
        self._at_unix_s = msg.data["at_unix_s"]
        if not self._storm_over:
            self._process.stdin.write(framed(Start(self._at_unix_s)))
            self._process.stdin.flush()

    def _run(self, job: Job) -> None:
        """Run a shard in a process of its own: this one belongs to Locust's event loop."""
        process = self._process = subprocess.Popen(
            [sys.executable, "-m", "simulator.load.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        process.stdin.write(framed(job))
        process.stdin.flush()
        part = False
        while (frame := read_frame(process.stdout)) is not None:
            match frame:
                case Ready():
                    self._environment.runner.send_message(_READY)
                case Progress():
                    self._progress = frame
                    self._log(frame.measures)
                case Part():
                    part = True
                    self._progress = Progress(
                        frame.now_ms, frame.judged.messages.total, 0, 0, 0, frame.measures
                    )
                    self._log(frame.measures)
                case Failed(why):
                    self._trouble = why
        if not part:
            self._trouble = self._trouble or f"the process of shard {job.shard.number + 1} died"
        self._storm_over = True

    def _log(self, measures: Measures) -> None:
        """Tell Locust's own statistics of what has come in since the last time."""
        stats = self._environment.stats
        for us, count in measures.answered.counts():
            for _ in range(count - self._logged.get(us, 0)):
                stats.log_request("POST", "webhooks", us / 1_000, 0)
            self._logged[us] = count
        errors = measures.non_2xx + measures.no_answer
        for _ in range(errors - self._errors):
            stats.log_error("POST", "webhooks", "not acknowledged")
        self._errors = errors

    def end(self, **_: object) -> None:
        """End this process's part when the test is stopped: without its pipe, the process ends."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
        self._shard = None

    def report(self, client_id: str = "", data: dict[str, Any] | None = None, **_: object) -> None:
        """Put this worker's figures into the message that Locust sends anyway."""
        if data is not None and self._shard is not None:
            data["simulator"] = self._plain()

    def _plain(self) -> dict[str, Any]:
        progress = self._progress or Progress(0, 0, 0, 0, 0, Measures())
        measures = Measures()
        measures.join(progress.measures)
        measures.join(self.own)
        return {
            "measures": measures.as_plain(),
            "messages": progress.messages,
            "backlog": progress.backlog,
            "in_flight": progress.in_flight,
            "behind_ms": progress.behind_ms,
            "over": self._storm_over and self.played,
            "trouble": self._trouble,
        }

    # -- the master -----------------------------------------------------------------------------

    def begin(self, **_: object) -> None:
        """Give every worker its shard."""
        runner = self._environment.runner
        local = isinstance(runner, LocalRunner)
        names = ["local"] if local else sorted(client.id for client in runner.clients.all)
        storms = [user for user in self._environment.user_classes if issubclass(user, StormUser)]
        clients = any(issubclass(user, Client) for user in self._environment.user_classes)
        if not storms and not clients:
            return
        given = _given(storms[0], len(names)) if storms else {"text": ""}
        self._heard, self._expected, self._ready, self.over = {}, names, set(), False
        self._began_s = 0.0
        for number, name in enumerate(names):
            share = {"number": number, "of": len(names), "clients": clients}
            runner.send_message(_SHARD, {**given, **share}, client_id=name)
        gevent.spawn(self._watch, local)

    def hear(self, client_id: str, data: dict[str, Any], **_: object) -> None:
        """Take the figures of one worker."""
        if "simulator" in data:
            self._heard[client_id] = data["simulator"]

    def hear_ready(self, environment: Any, msg: Any, **_: object) -> None:
        """Take note of a worker that could begin."""
        self._ready.add(msg.node_id)

    def _watch(self, local: bool) -> None:
        """Start when every worker is ready; end the test when each is through with its shard, or gone."""
        runner = self._environment.runner
        while not self.over:
            gevent.sleep(_LOOK_REAL_S)
            if local:
                self._heard["local"] = self._plain()
            gone = [] if local else [name for name in self._expected if _gone(runner, name)]
            if not self._began_s and self._ready.issuperset(set(self._expected).difference(gone)):
                self._began_s = time.time() + _BEGIN_REAL_S
                runner.send_message(_START, {"at_unix_s": self._began_s})
            self.over = all(name in gone or self._heard.get(name, {}).get("over") for name in self._expected)
        for line in self.lines():
            _LOG.info("%s", line)
        if self._environment.web_ui is None:
            runner.quit()
        else:
            runner.stop()

    def troubles(self) -> list[str]:
        """Return what is missing: workers that are gone, shards that died."""
        runner = self._environment.runner
        heard = self._heard.items()
        troubles = [f"worker {name}: {row['trouble']}" for name, row in heard if row["trouble"]]
        if not isinstance(runner, LocalRunner):
            troubles += [
                f"worker {name} is gone, and its shard with it"
                for name in self._expected
                if _gone(runner, name) and not self._heard.get(name, {}).get("over")
            ]
        return troubles

    def progress(self) -> list[Progress]:
        """Return how far every worker is."""
        return [
            Progress(
                0,
                row["messages"],
                row["backlog"],
                row["in_flight"],
                row["behind_ms"],
                Measures.of_plain(row["measures"]),
            )
            for row in self._heard.values()
        ]

    def storm(self) -> Storm:
        """Return what all workers did together."""
        measures = Measures()
        for progress in self.progress():
            measures.join(progress.measures)
        return Storm(
            workers=len(self._expected),
            messages=sum(progress.messages for progress in self.progress()),
            sent=measures.sent,
            ended=measures.ended,
            journalled=measures.ended,
            asked_per_s=measures.asked_per_s(1),
            reached_per_s=measures.reached_per_s(),
            late=ranks(measures.late),
            answered=ranks(measures.answered),
            digest=f"{measures.digest:032x}" if measures.digest else "",
            incomplete=tuple(self.troubles()),
        )

    def lines(self) -> list[str]:
        """Return that as lines for people."""
        return storm_lines(self.storm())

    def page(self) -> Mapping[str, object]:
        """Return it for Locust's web page and for programs."""
        elapsed_s = max(0.0, time.time() - self._began_s) if self._began_s else 0.0
        view = view_of(self.progress(), elapsed_s, 1)
        return {**view._asdict(), "over": self.over, "incomplete": self.troubles(), "lines": self.lines()}


def _gone(runner: Any, name: str) -> bool:
    return name not in runner.clients or runner.clients[name].state == "missing"


def _given(storm: type[StormUser], workers: int) -> dict[str, Any]:
    """Return what each worker needs of a storm; raises ValueError where it cannot be shared."""
    text = read_bounded(Path(storm.scenario), SIZE_MAX_BYTES).decode("utf-8")
    providers = discover()
    plan = load_run(text, storm.scenario, providers)
    if standing := obstacles(plan, providers, workers):
        raise ValueError(f"{storm.scenario} cannot be shared among {workers} workers: {'; '.join(standing)}")
    clock = plan.scenario.clock or ClockSpec()
    live = clock.mode is ClockMode.LIVE
    start_unix_ms = clock.start_unix_ms
    if start_unix_ms is None or start_unix_ms < 0:
        start_unix_ms = time.time_ns() // 1_000_000 if live else EPOCH_MS_DEFAULT
    return {
        "text": text,
        "source": storm.scenario,
        "seed": plan.scenario.seed if plan.scenario.seed is not None else storm.seed,
        # Load is sent in real time, whatever else the file is used for.
        "mode": ClockMode.LIVE.value,
        "rate": clock.rate if live else 1,
        "start_unix_ms": start_unix_ms,
        "allow_targets": list(storm.allow_targets),
    }


def _carrier(environment: Any) -> _Carrier:
    carrier = getattr(environment, "simulator", None)
    if not isinstance(carrier, _Carrier):
        raise RuntimeError("simulator.locust has to be imported by the locustfile, before Locust starts")
    return carrier


def _begin(environment: Any, **_: object) -> None:
    """Join a process of Locust as it starts."""
    carrier = environment.simulator = _Carrier(environment)
    runner = environment.runner
    master = isinstance(runner, MasterRunner)
    if not master:
        runner.register_message(_SHARD, carrier.take)
        runner.register_message(_START, carrier.start)
        environment.events.report_to_master.add_listener(carrier.report)
        environment.events.test_stop.add_listener(carrier.end)
    if master or isinstance(runner, LocalRunner):
        runner.register_message(_READY, carrier.hear_ready)
        environment.events.test_start.add_listener(carrier.begin)
        environment.events.worker_report.add_listener(carrier.hear)
        environment.events.quitting.add_listener(_leave)
    if environment.web_ui is not None:
        _show(environment, carrier)


def _leave(environment: Any, **_: object) -> None:
    """Let the exit code say that a storm is not whole; what else failed Locust says itself."""
    carrier = _carrier(environment)
    if carrier.troubles() or not carrier.over:
        environment.process_exit_code = 1


def _show(environment: Any, carrier: _Carrier) -> None:
    """Add a page for people and one for programs to Locust's own."""

    def figures() -> Mapping[str, object]:
        return carrier.page()

    def page() -> tuple[str, int, dict[str, str]]:
        lines = "\n".join(carrier.lines())
        return lines + "\n", 200, {"Content-Type": "text/plain; charset=utf-8", "Refresh": "2"}

    app = environment.web_ui.app
    app.add_url_rule("/simulator.json", "simulator.json", figures)
    app.add_url_rule("/simulator", "simulator", page)


_EVENTS: Final[Any] = events
_EVENTS.init.add_listener(_begin)
