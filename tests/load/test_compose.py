"""
The compose file of a storm from several machines: what it starts is there, and does what its page says.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
import tomllib
from contextlib import AsyncExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from aiohttp import ClientError, ClientSession

from load.bench import begun
from simulator.load.obstacles import obstacles
from simulator.provider import discover
from simulator.scenario.loader import load_run

if find_spec("locust") is None or find_spec("hdrh") is None:
    pytest.skip("the extra `load` is not installed", allow_module_level=True)

_TOP: Final = Path(__file__).parents[2]
_FILE: Final = _TOP / "docs/container/load.yaml"
_LOOKS_MAX: Final = 600


def _composed(workers: int) -> Any:
    """Return the file as compose reads it, where so many workers are asked for."""
    text = _FILE.read_text(encoding="utf-8")
    return yaml.safe_load(re.sub(r"\$\{WORKERS:-\d+\}", str(workers), text))


def test_everything_that_the_file_names_is_there() -> None:
    """
    Containerfile and extras exist, configs are mounted where commands look for them, the storm can be shared.
    """
    composed = _composed(4)
    services, configs = composed["services"], composed["configs"]
    extras = tomllib.loads((_TOP / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    plan = load_run(configs["storm"]["content"], "storm.yaml", discover())

    for service in services.values():
        build = service["build"]
        context = (_FILE.parent / build["context"]).resolve()
        assert (context / build["dockerfile"]).is_file()
        assert set(build.get("args", {}).get("EXTRAS", "").split(",")) <= {*extras, ""}
    for name in ("master", "worker"):
        mounted = {config["target"]: config["source"] for config in services[name]["configs"]}
        assert mounted[services[name]["command"][1]] == "locustfile"
        (scenario,) = [target for target, source in mounted.items() if source == "storm"]
        assert f'scenario = "{scenario}"' in configs["locustfile"]["content"]
    assert "load" in services["worker"]["build"]["args"]["EXTRAS"].split(",")
    assert obstacles(plan, discover(), int(services["worker"]["deploy"]["replicas"])) == []
    assert "http://receiver:9000" in configs["storm"]["content"]
    assert services["worker"]["command"][-1] in services


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as wire:
        return str(wire.getsockname()[1])


async def _page(url: str) -> Any:
    """Return the figures of the master's page as soon as the storm is over."""
    async with ClientSession() as http:
        for _ in range(_LOOKS_MAX):
            try:
                async with http.get(url) as answer:
                    page = json.loads(await answer.read())
                    if page["over"]:
                        return page
            except ClientError:
                pass
            await asyncio.sleep(0.1)
    raise AssertionError("the storm did not end")


async def test_its_commands_carry_the_storm(tmp_path: Path) -> None:
    """
    The same commands as processes of this machine: everything is sent, received and told at the page.
    """
    composed = _composed(2)
    receiver, page, master = _free_port(), _free_port(), _free_port()
    places = {
        "/load/": f"{tmp_path}/",
        "http://receiver:9000": f"http://127.0.0.1:{receiver}",
        "port=9000": f"port={receiver}, host='127.0.0.1'",
        "messages: 20_000": "messages: 200",
    }

    def here(text: str) -> str:
        for there, place in places.items():
            text = text.replace(there, place)
        return "127.0.0.1" if text == "master" else text

    for name, file in (("locustfile", "locustfile.py"), ("storm", "storm.yaml")):
        (tmp_path / file).write_text(here(composed["configs"][name]["content"]), encoding="utf-8")
    services = {name: [here(part) for part in rest["command"]] for name, rest in composed["services"].items()}
    bound = ("--master-bind-host", "127.0.0.1", "--master-bind-port", master, "--web-port", page)
    commands = [
        ["-c", *services["receiver"]],
        ["-m", "locust", *services["master"], *bound, "--web-host", "127.0.0.1"],
        *([["-m", "locust", *services["worker"], "--master-port", master]] * 2),
    ]

    async with AsyncExitStack() as stack:
        for command in commands:
            await stack.enter_async_context(begun(sys.executable, *command))
        figures = await _page(f"http://127.0.0.1:{page}/simulator.json")

    assert figures["incomplete"] == []
    assert (figures["workers"], figures["messages"], figures["sent"], figures["answered"]) == (
        2,
        200,
        200,
        200,
    )
    assert figures["non_2xx"] == figures["no_answer"] == 0
