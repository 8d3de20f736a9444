"""
Builds the sdist and the wheel, looks into them, and tries the wheel on every Python of this machine.

Run by `make release-check`.  `PYTHONS` (paths, apart by blanks) says which interpreters, instead of
those that are found.  Environments are made in a temporary folder: nothing of the checkout helps.
"""

from __future__ import annotations

import email
import email.message
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
import urllib.request
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = "Scripts" if os.name == "nt" else "bin"
MINORS = range(11, 15)
LOOKS_MAX = 400
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = ",".join(PROJECT["optional-dependencies"])
PLUGIN = "messaging_provider_simulator_pytest.py"

SCENARIO = "name: a\npeople: {locale: tr_TR}\nrules: [{then: {webhooks: {duplicate: true}}}]\n"
PLUGIN_TEST = """
import json
import urllib.request

def test_it(simulator):
    body = {"messages": [{"destinations": [{"to": "41793026727"}], "text": "hello"}]}
    headers = {"Authorization": "App key", "Content-Type": "application/json"}
    url = simulator.url("infobip") + "/sms/1/text/advanced"
    urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers))
    simulator.advance("1h")
    assert simulator.messages.one().state == "delivered"
"""


def run(*command: str | Path, cwd: Path, code: int = 0, **more: str) -> str:
    """Run a command outside the checkout; return what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**environment, **more},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=600,
        check=False,
    )
    assert done.returncode == code, f"{command} ended with {done.returncode}\n{done.stdout}"
    return done.stdout


def build(folder: Path) -> tuple[Path, Path]:
    """Return a fresh sdist, and the wheel that is built from it."""
    print("building", flush=True)
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    run(sys.executable, "-m", "twine", "check", "--strict", *folder.iterdir(), cwd=folder)
    return next(folder.glob("*.tar.gz")), next(folder.glob("*.whl"))


def check_sdist(sdist: Path) -> None:
    """It can be built and tested from, and holds nothing that a tool left behind."""
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"LICENSE", "README.md", "CHANGELOG.md", "Makefile", "pyproject.toml", "PKG-INFO"}
    assert wanted <= names, f"the sdist lacks {wanted - names}"
    for folder in ("simulator", "scenarios", "tests", "docs"):
        assert any(name.startswith(f"{folder}/") for name in names), f"the sdist lacks {folder}/"
    left = [name for name in names if re.search(r"__pycache__|\.pyc$|^\.venv|^dist/", name)]
    assert not left, f"the sdist holds {left[:5]}"


def check_wheel(wheel: Path) -> None:
    """It holds the package, the plugin, the scenarios and the documents of providers, and no more."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = email.message_from_bytes(archive.read(_dist_info(names, "METADATA")))
        entries = archive.read(_dist_info(names, "entry_points.txt")).decode()
        told = re.search(r'__version__ = "(.+)"', archive.read("simulator/__init__.py").decode())
    info = _dist_info(names, "METADATA").partition("/")[0]
    assert {name.partition("/")[0] for name in names} == {"simulator", PLUGIN, info}, (
        "strange things at the top"
    )
    library = {Path(name).name for name in names if name.startswith("simulator/library/")}
    assert library == {path.name for path in (ROOT / "scenarios").rglob("*.yaml")}, "other scenarios"
    assert "simulator/py.typed" in names
    shipped = {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "simulator").rglob("*") if path.is_file()
    }
    shipped = {name for name in shipped if "__pycache__" not in name and not name.endswith(PLUGIN)}
    assert shipped <= set(names), f"the wheel lacks {shipped - set(names)}"
    assert told is not None
    assert told[1] == metadata["Version"] == PROJECT["version"], "the versions differ"
    assert f"simulator = {PLUGIN.removesuffix('.py')}" in entries
    check_metadata(metadata)


def _dist_info(names: list[str], name: str) -> str:
    return next(one for one in names if one.endswith(f".dist-info/{name}"))


def check_metadata(metadata: email.message.Message) -> None:
    """Index pages can follow every link, and every extra is there."""
    text = str(metadata.get_payload())
    relative = re.findall(r"\]\((?!https?:|#)[^)]*\)", text)
    assert not relative, f"the long description has relative links: {relative[:5]}"
    assert sorted(metadata.get_all("Provides-Extra") or ()) == sorted(EXTRAS.split(","))
    urls = {str(line).partition(",")[0] for line in metadata.get_all("Project-URL") or ()}
    assert {"Homepage", "Documentation", "Changelog", "Issues"} <= urls
    readme = (ROOT / "README.md").read_text("utf-8")
    for page in re.findall(r"\]\((?!https?:|#)([^)#]+)", readme):
        assert (ROOT / page).exists(), f"README.md points to {page}, which is not there"


def pythons() -> list[Path]:
    """Return an interpreter of every minor release that this machine has."""
    if named := os.environ.get("PYTHONS"):
        return [Path(name) for name in named.split()]
    found = {}
    roots = os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv"))
    for minor in MINORS:
        candidates = [
            *sorted(glob.glob(f"{roots}/versions/3.{minor}.*/bin/python")),
            shutil.which(f"python3.{minor}"),
            sys.executable,
        ]
        for candidate in candidates:
            if candidate and _minor_of(candidate) == minor:
                found[minor] = Path(candidate)
                break
    return list(found.values())


def _minor_of(python: str) -> int:
    code = "import sys; print(sys.version_info[1] if sys.version_info[0] == 3 else 0)"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return int(done.stdout) if done.returncode == 0 else 0


def try_wheel(python: Path, wheel: Path, folder: Path, extras: str) -> None:
    """Install the wheel into an empty environment, and use what was installed."""
    print(f"3.{_minor_of(str(python))}, extras: {extras or 'none'}", flush=True)
    run(python, "-m", "venv", folder / "venv", cwd=folder)
    programs = folder / "venv" / SCRIPTS
    inside, simulator = programs / "python", programs / "simulator"
    wanted = f"{wheel}[{extras}]" if extras else str(wheel)
    run(inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wanted, cwd=folder)
    (folder / "people.yaml").write_text(SCENARIO, encoding="utf-8")
    run(inside, "-W", "error", "-c", _IMPORT_ALL, *(() if extras else _OF_EXTRAS), cwd=folder)
    assert run(simulator, "check", "handset-off", "people.yaml", cwd=folder).count(": good") == 2
    serve(simulator, folder)
    if not extras:
        told = run(simulator, "serve", "--port", "0", "--scenario", "people.yaml", cwd=folder, code=2)
        assert "[people]" in told, told
        assert "[tls]" in run(simulator, "serve", "--port", "0", "--tls", cwd=folder, code=2)
        assert "[speed]" in run(simulator, "serve", "--port", "0", "--loop", "uvloop", cwd=folder, code=2)
        assert "[load]" in run(inside, "-c", "import simulator.locust", cwd=folder, code=1)
        return
    serve(simulator, folder, "--tls", "--loop", "uvloop", "--scenario", "people.yaml")
    (folder / "test_plugin.py").write_text(PLUGIN_TEST, encoding="utf-8")
    assert "1 passed" in run(inside, "-m", "pytest", "-q", cwd=folder)


_OF_EXTRAS = ("hdrh", "hypothesis")

_IMPORT_ALL = """
import importlib, pkgutil, simulator, sys
for module in pkgutil.walk_packages(simulator.__path__, "simulator."):
    if not module.name.endswith(("__main__", ".locust")):
        try:
            importlib.import_module(module.name)
        except ImportError as missing:
            # What an extra brings may be missing where there is none; some modules say which one.
            if not sys.argv[1:] or missing.name not in sys.argv[1:] and "simulator[" not in str(missing):
                raise
"""


def serve(simulator: Path, folder: Path, *flags: str) -> None:
    """Start the server, ask it, end it; its exit code must be 0."""
    port_file = folder / "port"
    port_file.unlink(missing_ok=True)
    running = subprocess.Popen(
        [str(simulator), "serve", "--port", "0", "--port-file", str(port_file), *flags],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(LOOKS_MAX):
            if port_file.exists() or running.poll() is not None:
                break
            time.sleep(0.05)
        url = f"http://127.0.0.1:{port_file.read_text().strip()}"
        with urllib.request.urlopen(f"{url}/_sim/ready", timeout=10) as answer:
            assert json.load(answer)["status"] == "ok"
        running.terminate()
        ended = running.wait(20)
        assert ended == 0 or os.name == "nt", f"serve {flags} ended with {ended}"
    finally:
        if running.poll() is None:
            running.kill()


def main() -> None:
    """Check everything; an assertion says what is wrong."""
    with tempfile.TemporaryDirectory(prefix="release-") as name:
        folder = Path(name)
        (folder / "dist").mkdir()
        sdist, wheel = build(folder / "dist")
        check_sdist(sdist)
        check_wheel(wheel)
        for number, python in enumerate(pythons()):
            for extras in ("", EXTRAS):
                place = folder / f"{number}-{bool(extras)}"
                place.mkdir()
                try_wheel(python, wheel, place, extras)
        target = ROOT / "dist"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(folder / "dist", target)
    print(f"good; built into {target}")


if __name__ == "__main__":
    main()
