"""
Builds the container image and tries it: health, read-only root, user, a send, a quick end.

Run by `make image-test`, not by `make test`: it needs podman.  `IMAGE_BASE=mmdebstrap` makes
the base from Debian's packages where no image registry can be reached; any other value is an image's name.
`IMAGE_BASE_FLAGS`, `IMAGE_BUILD_FLAGS` and `IMAGE_RUN_FLAGS` are handed to `mmdebstrap`, `podman build` and
`podman run` as they are.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMAGE = "localhost/messaging-provider-simulator:test"
BASE = "localhost/messaging-provider-simulator-base:test"
LOOKS_MAX = 200
STOPS_WITHIN_S = 1.0


def run(*command: str) -> str:
    """Run a command; return what it printed on standard output."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=1_800, check=False)
    assert done.returncode == 0, f"{shlex.join(command)} ended with {done.returncode}\n{done.stdout}"
    return done.stdout.strip()


def flags(name: str) -> list[str]:
    """Return flags from the environment."""
    return shlex.split(os.environ.get(name, ""))


def base() -> list[str]:
    """Return the build's flags for the base image, after it was made if that was asked for."""
    wanted = os.environ.get("IMAGE_BASE", "")
    if wanted != "mmdebstrap":
        return ["--build-arg", f"BASE={wanted}"] if wanted else []
    if subprocess.run(["podman", "image", "exists", BASE], check=False).returncode:
        with tempfile.TemporaryDirectory() as folder:
            print("making a base", flush=True)
            packages = "--include=python3,python3-venv,ca-certificates"
            command = ["mmdebstrap", "--variant=apt", packages, *flags("IMAGE_BASE_FLAGS")]
            run(*command, "stable", f"{folder}/base.tar")
            run("podman", "import", f"{folder}/base.tar", BASE)
    return ["--build-arg", f"BASE={BASE}", "--pull=never"]


def build() -> None:
    """Build the image in Docker's format: the other one has no health check."""
    print("building", flush=True)
    run(
        "podman", "build", "--format", "docker", "--network", "host", *base(), *flags("IMAGE_BUILD_FLAGS"),
        "-f", str(ROOT / "docs" / "container" / "Containerfile"), "-t", IMAGE, str(ROOT),
    )  # fmt: skip


def look() -> None:
    """The image says what it is: a user without rights, one port, a health check of its own."""
    settings = json.loads(run("podman", "image", "inspect", IMAGE))[0]
    config = settings["Config"]
    assert config["User"] == "10001:10001", config
    assert list(config["ExposedPorts"]) == ["4010/tcp"], config
    assert "SIMULATOR_HOST=0.0.0.0" in config["Env"], config
    assert settings["Healthcheck"]["Test"] == ["CMD", "simulator", "ready"], settings["Healthcheck"]
    print(f"size: {settings['Size'] // 1_000_000} MB", flush=True)


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def use() -> None:
    """Start it on a root that nobody can write to, with no rights; send; check health; end it."""
    port = free_port()
    began = time.monotonic()
    container = run(
        "podman", "run", "--detach", "--network", "host", "--read-only", "--read-only-tmpfs=false",
        "--cap-drop", "all", "--security-opt", "no-new-privileges", *flags("IMAGE_RUN_FLAGS"),
        # Of the host's network, loopback alone.
        "--env", "SIMULATOR_HOST=127.0.0.1", "--env", f"SIMULATOR_PORT={port}",
        "--env", f"SIMULATOR_URL=http://127.0.0.1:{port}", IMAGE,
    )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        wait(url, container)
        print(f"ready after {time.monotonic() - began:.1f} s", flush=True)
        run("podman", "healthcheck", "run", container)
        assert send(url)["messages"][0]["status"]["name"] == "PENDING_ENROUTE"
        user = run("podman", "exec", container, "python3", "-c", "import os; print(os.getuid())")
        assert user == "10001", user
        began = time.monotonic()
        run("podman", "stop", "--time", "5", container)
        took = time.monotonic() - began
        state = json.loads(run("podman", "inspect", container))[0]["State"]
        print(f"stopped after {took:.1f} s", flush=True)
        assert state["ExitCode"] == 0, state
        assert took < STOPS_WITHIN_S, f"it took {took:.1f} s to stop"
    finally:
        subprocess.run(["podman", "rm", "--force", container], check=False, stdout=subprocess.DEVNULL)


def wait(url: str, container: str) -> None:
    """Return when the server answers; give up after a bounded number of looks."""
    for _ in range(LOOKS_MAX):
        try:
            with urllib.request.urlopen(f"{url}/_sim/ready", timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"it is not ready:\n{run('podman', 'logs', container)}")


def send(url: str) -> dict[str, list[dict[str, dict[str, str]]]]:
    """Send a message; return the answer."""
    body = {"messages": [{"destinations": [{"to": "41793026727"}], "text": "hello"}]}
    headers = {"Authorization": "App key", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/sms/1/text/advanced", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)  # type: ignore[no-any-return]


def main() -> None:
    """Build, look, use; an assertion says what is wrong."""
    if not shutil.which("podman"):
        sys.exit("image-test needs podman")
    build()
    look()
    use()
    print("good")


if __name__ == "__main__":
    main()
