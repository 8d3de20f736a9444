"""
Commands that need no server.
"""

from __future__ import annotations

import codecs
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from simulator import __version__
from simulator.cli import main
from simulator.commands.files import library

HEAVY = ("aiohttp", "jinja2", "faker", "prometheus_client", "sqlite3", "phonenumbers", "hypothesis")


def run(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """Run `simulator` in this process; return exit code, output and errors."""
    done = CliRunner().invoke(main, list(arguments), env=environment)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["check", "--help"], ["check", "healthy"], ["ready", "--help"]]
)
def test_quick_commands__import_nothing_heavy(arguments: list[str]) -> None:
    """
    Help, version and check do not wait for the HTTP server's libraries.
    """
    code = (
        f"import sys\nfrom simulator.cli import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )

    # A process of its own is to find this source, not an installed one.
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, env=environment
    )

    assert done.stderr.strip().splitlines()[-1] == "[]"


def test_module__is_the_command_line() -> None:
    """
    `python -m simulator` does what `simulator` does, also where the script is not on the path.
    """
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    version, unknown = (
        subprocess.run(
            [sys.executable, "-m", "simulator", argument],
            capture_output=True,
            text=True,
            timeout=30,
            env=environment,
        )
        for argument in ("--version", "fly")
    )

    assert (version.returncode, unknown.returncode) == (0, 2)
    assert version.stdout == f"simulator, version {__version__}\n"
    assert unknown.stderr.startswith("Usage: python -m simulator ")


@pytest.mark.parametrize("command", [[], ["serve"], ["check"], ["codes"], ["schema"], ["explain"], ["ready"]])
def test_help__is_there_for_every_command(command: list[str]) -> None:
    """
    Every command explains itself, and every flag of serve names its variable.
    """
    code, said, _ = run(*command, "--help")

    assert code == 0
    assert "Usage:" in said
    if command == ["serve"]:
        flags = {"PORT", "HOST", "SCENARIO", "SEED", "CLOCK", "WATCH", "LISTEN", "LOG_FORMAT", "PORT_FILE"}
        assert {flag for flag in flags if f"SIMULATOR_{flag}" in said} == flags


@pytest.mark.parametrize(
    ("begun", "expected"),
    [
        ("codes bi", ["plain,bip", "plain,bitel"]),
        ("webhooks --provider r", ["plain,rbm"]),
        ("run handset", ["plain,handset-off", "file,handset"]),
        ("serve --scenario handset", ["plain,handset-off", "file,handset"]),
        ("serve --clock l", ["plain,live"]),
    ],
)
def test_shell__completes_names(begun: str, expected: list[str]) -> None:
    """
    Providers, shipped scenarios and clocks need not be remembered.
    """
    words = f"simulator {begun}"
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    done = CliRunner().invoke(
        main, [], prog_name="simulator", env={"_SIMULATOR_COMPLETE": "bash_complete", **asked}
    )

    assert done.output.splitlines() == expected


def test_variables__of_other_commands_carry_the_command() -> None:
    """
    A port set for serve is not taken by `listen`.
    """
    _, said, _ = run("listen", "--help")

    assert "SIMULATOR_LISTEN_PORT" in said
    assert "SIMULATOR_PORT" not in said


def test_check__good_and_bad_files(tmp_path: Path) -> None:
    """
    Good files are said to be good; every complaint about bad ones has its place, and the exit code is 2.
    """
    good = tmp_path / "good.yaml"
    good.write_text("rules: []\n")
    bad = tmp_path / "bad.yaml"
    bad.write_text("sed: 1\nname: []\n")

    code, said, complaints = run("check", str(good), str(bad), str(tmp_path / "none.yaml"))

    assert code == 2
    assert said == f"{good}: good (0 recipients, 0 rules, 0 on the timeline)\n"
    places = [line.partition(": ")[0] for line in complaints.splitlines()]
    assert places == [f"{bad}:1:1", f"{bad}:2:7", str(tmp_path / "none.yaml")]


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b"name: caf\xe9\n", "1:10: expected UTF-8, got the byte 0xE9"),
        ("name: é\nrules: []\n# ü".encode() + b"\xfc", "3:4: expected UTF-8, got the byte 0xFC"),
        ("\ufeffname: é".encode() + b"\xff", "1:8: expected UTF-8, got the byte 0xFF"),
        (b"# cut \xf0\x9f", "1:7: expected UTF-8, got the byte 0xF0"),
        ("name: x\n".encode("utf-16-le"), "1:2: expected readable text, got the character U+0000"),
        (codecs.BOM_UTF16_LE + "name: x\n".encode("utf-16-le"), "1:1: expected UTF-8, got the byte 0xFF"),
        (codecs.BOM_UTF16_BE + "name: x\n".encode("utf-16-be"), "1:1: expected UTF-8, got the byte 0xFE"),
    ],
)
def test_check__file_in_another_encoding_is_told_with_its_place(
    tmp_path: Path, raw: bytes, place: str
) -> None:
    """
    The first byte that is no UTF-8 has a line and a column, as any other mistake.
    """
    file = tmp_path / "scenario.yaml"
    file.write_bytes(raw)

    code, said, complaint = run("check", str(file))

    hint = "; save the file as UTF-8" if "UTF-8" in place else ""
    assert (code, said, complaint) == (2, "", f"{file}:{place}{hint}\n")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="has no device without an end")
def test_check__file_without_an_end_is_read_to_the_limit() -> None:
    """
    What has no end is refused as soon as it has shown more than a scenario may have.
    """
    code, said, complaint = run("check", "/dev/zero")

    expected = "/dev/zero:1:1: cannot be read (it is longer than 8,000,000 bytes)\n"
    assert (code, said, complaint) == (2, "", expected)


def test_check__windows_file_is_good(tmp_path: Path) -> None:
    """
    A byte-order mark of UTF-8 and carriage returns change nothing.
    """
    file = tmp_path / "scenario.yaml"
    file.write_bytes("\ufeffname: é\r\nrules:\r\n  - then: {fate: silence}\r\n".encode())

    code, said, complaint = run("check", str(file))

    assert (code, said, complaint) == (0, f"{file}: good (0 recipients, 1 rules, 0 on the timeline)\n", "")


def test_check__shipped_scenarios_are_good() -> None:
    """
    Every shipped scenario passes, by its name alone.
    """
    names = [path.stem for path in library()]

    code, said, complaints = run("check", *names)

    assert (code, complaints) == (0, "")
    assert len(said.splitlines()) == len(names) >= 5


def test_schema__accepts_every_shipped_scenario_and_refuses_a_wrong_one() -> None:
    """
    The printed schema is a valid JSON Schema that editors can trust.
    """
    code, said, _ = run("schema")
    schema = json.loads(said)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)

    complaints = {
        path.name: [error.message for error in validator.iter_errors(plain(path))] for path in library()
    }

    assert code == 0
    assert schema["$id"] == "urn:messaging-provider-simulator:scenario"
    assert {name: found for name, found in complaints.items() if found} == {}
    assert list(validator.iter_errors({"rules": 5}))
    assert list(validator.iter_errors({"nmae": "x"}))
    # An editor's YAML takes thousands that stand apart for a text.
    assert not list(validator.iter_errors({"seed": "50_000"}))
    assert list(validator.iter_errors({"seed": "50_00"}))
    assert list(validator.iter_errors({"seed": "fifty"}))


def test_schema__says_something_about_every_key() -> None:
    """
    An editor has a text to show wherever the cursor is: every key of every shape is described.
    """
    _, said, _ = run("schema")

    described, silent = keys(json.loads(said), "")

    assert silent == []
    assert described > 500


def keys(schema: object, path: str) -> tuple[int, list[str]]:
    """Return how many keys of a schema are described, and the paths of those that are not."""
    described, silent = 0, []
    items = list(enumerate(schema)) if isinstance(schema, list) else []
    for name, part in schema.items() if isinstance(schema, dict) else items:
        if path.endswith("/properties") and isinstance(part, dict):
            if part.get("description", "").strip():
                described += 1
            else:
                silent.append(f"{path}/{name}")
        more, missing = keys(part, f"{path}/{name}")
        described += more
        silent += missing
    return described, silent


def plain(path: Path) -> object:
    """Return a file's values with every scalar as it was written, numbers and booleans apart."""
    loader = yaml.SafeLoader
    text = path.read_text(encoding="utf-8")
    node = yaml.compose(text, Loader=loader)
    return values(node)


def values(node: yaml.Node) -> object:
    """Return the values in a YAML node; dates and times stay text."""
    if isinstance(node, yaml.MappingNode):
        return {str(values(key)): values(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [values(one) for one in node.value]
    if node.tag == "tag:yaml.org,2002:bool":
        return node.value == "true"
    if node.tag == "tag:yaml.org,2002:int" and node.value.lstrip("-").isdigit():
        return int(node.value)
    return node.value


@pytest.mark.parametrize("form", ["text", "json"])
def test_codes__prints_the_catalogue_with_its_numbers(form: str) -> None:
    """
    Every code is listed with the recipient that triggers it; without a provider, the providers are.
    """
    code, said, _ = run("codes", "infobip", "--format", form)
    listed, providers, _ = run("codes")
    covered, coverage, _ = run("codes", "infobip", "--coverage")
    unknown, _, complaint = run("codes", "nobody")

    assert (code, listed, covered, unknown) == (0, 0, 0, 2)
    assert "EC_ABSENT_SUBSCRIBER" in said
    assert providers.startswith(("bip", "bitel", "infobip"))
    assert "/sms/2/text/advanced" in coverage
    assert "there is no provider 'nobody'" in complaint


@pytest.mark.parametrize("command", ["run", "serve"])
def test_server_that_is_down__needs_a_port_of_its_own(tmp_path: Path, command: str) -> None:
    """
    A timeline that closes a port which is not there is refused before anything begins, with the flag for it.
    """
    file = tmp_path / "down.yaml"
    file.write_text("timeline: [{at: 1s, provider: rbm, server: down}]\n")
    arguments = [str(file)] if command == "run" else ["--scenario", str(file)]

    code, _, said = run(command, *arguments, "--listen", "infobip=0", "--port", "0")

    assert code == 2
    assert said == (
        "simulator: timeline: server down: rbm has no port of its own here that could close: "
        "--listen rbm=8081\n"
    )


@pytest.mark.parametrize("provider", ["infobip", "rbm", "bip", "bitel"])
def test_codes__cut_no_meaning_short(provider: str) -> None:
    """
    A long sentence goes on in the next line, under its own column, and no word of it is lost.
    """
    _, text, _ = run("codes", provider)
    _, rows, _ = run("codes", provider, "--format", "json")

    head, *lines = text.splitlines()
    begin, end = head.index("MEANING"), head.index("RECIPIENT")
    meanings = " ".join(line[begin:end].strip() for line in lines).split()
    assert "…" not in text
    assert meanings == " ".join(row["meaning"] for row in json.loads(rows)).split()


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://127.0.0.1:99999", "http://[::1"])
@pytest.mark.parametrize("command", [["ready"], ["explain", "id"]])
def test_bad_url__is_told_in_words(command: list[str], url: str) -> None:
    """
    An address that is none gives exit code 2 and one line.
    """
    code, _, said = run(*command, "--url", url)

    assert code == 2
    assert said.startswith("simulator: --url: ")
    assert len(said.splitlines()) == 1


def test_nobody_there__has_its_own_exit_codes() -> None:
    """
    With no server at the address, `ready` ends with 3 and `explain` with 4.
    """
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        ready, _, said = run("ready", "--wait", "0.1", "--url", url)
        explain, _, also = run("explain", "id", SIMULATOR_URL=url)

    assert (ready, explain) == (3, 4)
    assert said.startswith(f"simulator: no simulator answers at {url}: ")
    assert also.startswith(f"simulator: no simulator answers at {url}: ")


def test_unknown_command__is_a_usage_error() -> None:
    """
    A command that does not exist ends with 2 and says so.
    """
    code, _, said = run("fly")

    assert code == 2
    assert "No such command 'fly'" in said


def test_init__says_where_it_cannot_write(tmp_path: Path) -> None:
    """
    A folder that does not exist gives exit code 2 and one line.
    """
    file = tmp_path / "none" / "scenario.yaml"

    code, said, complaint = run("init", str(file))

    assert (code, said) == (2, "")
    assert complaint == f"simulator: {file}: cannot be written (No such file or directory)\n"
