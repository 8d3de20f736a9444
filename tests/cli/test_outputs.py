"""
What is written where: files whole or not at all, everything else written through.
"""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.files.outputs import Output, check_apart, forget, write_whole

posix = pytest.mark.skipif(os.name != "posix", reason="pipes and devices are files on POSIX only")


def test_file_keeps_what_it_holds_until_the_new_one_is_whole(tmp_path: Path) -> None:
    """
    Work that breaks off leaves the earlier result, and nothing beside it.
    """
    path = tmp_path / "page.html"
    path.write_text("before")

    with Output(path) as output:
        output.file.write(b"half")

    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("page.html", "before")]


@posix
def test_link_goes_on_leading_to_the_file(tmp_path: Path) -> None:
    """
    A link is not replaced by a file; the file that it leads to gets the content, and keeps its permissions.
    """
    target, link = tmp_path / "kept.html", tmp_path / "latest.html"
    target.write_text("before")
    target.chmod(0o600)
    link.symlink_to("kept.html")

    write_whole(link, b"after")

    assert (link.is_symlink(), target.read_text()) == (True, "after")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@posix
def test_pipe_is_written_through(tmp_path: Path) -> None:
    """
    Who reads a pipe gets what is written, and the pipe stays one.
    """
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    write_whole(pipe, b"4010\n")

    assert (os.read(reader, 100), stat.S_ISFIFO(pipe.lstat().st_mode)) == (b"4010\n", True)
    os.close(reader)


@posix
def test_device_is_written_through_and_stays() -> None:
    """
    /dev/null swallows what is written; it is not replaced, whoever runs this, and not removed.
    """
    before = os.lstat("/dev/null")

    write_whole(Path("/dev/null"), b"gone")
    forget(Path("/dev/null"))

    assert os.path.samestat(before, os.lstat("/dev/null"))
    assert stat.S_ISCHR(os.lstat("/dev/null").st_mode)


@posix
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1"])
def test_standard_output_is_continued_though_it_is_a_file(tmp_path: Path, name: str) -> None:
    """
    What was printed before and is printed after stands beside what is written to /dev/stdout.
    """
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from simulator.files.outputs import write_whole\n"
        "print('before', flush=True)\n"
        "write_whole(Path(sys.argv[1]), b'between\\n')\n"
        "print('after')\n"
    )
    page = tmp_path / "out.txt"
    with page.open("wb") as file:
        subprocess.run([sys.executable, "-c", program, name], stdout=file, check=True)

    assert page.read_text() == "before\nbetween\nafter\n"


def test_file_of_an_earlier_run_is_forgotten_and_nothing_else(tmp_path: Path) -> None:
    """
    A port file is removed before a server starts; a folder of that name is not.
    """
    (tmp_path / "port").write_text("4010")
    (tmp_path / "folder").mkdir()

    forget(tmp_path / "port")
    forget(tmp_path / "folder")
    forget(tmp_path / "never")

    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


@posix
def test_links_in_a_circle__are_no_place_for_anything(tmp_path: Path) -> None:
    """
    Where links lead nowhere, that is told as of any path that cannot be had, and they stay.
    """
    circle = tmp_path / "circle"
    circle.symlink_to("circle")

    with pytest.raises(OSError) as trouble:
        write_whole(circle, b"x")
    forget(circle)

    assert (trouble.value.filename, trouble.value.strerror) == (str(circle), os.strerror(errno.ELOOP))
    assert circle.is_symlink()


@posix
def test_disk_that_is_full__is_told_with_the_name(tmp_path: Path) -> None:
    """
    Whoever names five files reads which of them it was.
    """
    with pytest.raises(OSError) as trouble:
        write_whole(Path("/dev/full"), b"x")

    assert trouble.value.filename == "/dev/full"


def test_outputs__have_each_a_place_of_their_own(tmp_path: Path) -> None:
    """
    Neither does one take the place of another, under whatever name, nor that of what is read.
    """
    page, scenario = tmp_path / "page.html", tmp_path / "run.yaml"
    scenario.write_text("{}")
    (tmp_path / "folder").mkdir()
    again = tmp_path / "folder" / ".." / "page.html"

    with pytest.raises(OSError, match="it is named twice"):
        check_apart([page, again])
    with pytest.raises(OSError, match="it is read, and would be overwritten"):
        check_apart([page, scenario], [scenario])
    check_apart([Path(os.devnull), Path(os.devnull)], [Path(os.devnull)])


JOURNAL = (
    '{"space":"default","kind":"space","opened":{"seed":1,"start_unix_ms":0,"scenario":"x","version":"0"}}\n'
    '{"space":"default","seq":1,"at_ms":0,"kind":"note","data":{"fact":"note","text":"kept"},"wall_unix_ms":0}\n'
)
SEND = ["--drive", "POST http://127.0.0.1:9/", "--webhook", "http://127.0.0.1:9/", "--port", "0"]


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (["run", "run.yaml", "--port", "0", "--json", "run.yaml"], "run.yaml"),
        (["run", "run.yaml", "--port", "0", "--port-file", "run.yaml"], "run.yaml"),
        (["run", "run.yaml", "--port", "0", "--html", "x", "--junit", "./x"], "x"),
        (["exam", "infobip", "--software", "run.yaml", "--html", "run.yaml", *SEND], "run.yaml"),
        (["exam", "infobip", "--html", "x", "--badge", "x", *SEND], "x"),
        (["explore", "run.yaml", "--json", "run.yaml", *SEND], "run.yaml"),
        (["evidence", "journal.ndjson", "--jsonl", "journal.ndjson"], "journal.ndjson"),
    ],
)
def test_command__does_not_write_over_what_it_reads(arguments: list[str], path: str, tmp_path: Path) -> None:
    """
    A mistyped path costs nobody a scenario, a journal or the other half of the evidence.
    """
    (tmp_path / "run.yaml").write_text("{}" if "--software" in arguments else "name: kept\n")
    (tmp_path / "journal.ndjson").write_text(JOURNAL)
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}

    done = subprocess.run(
        [sys.executable, "-m", "simulator.cli", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode in (2, 3), done.stderr
    assert f"{path}: " in done.stderr
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before


@posix
@pytest.mark.parametrize(
    "arguments",
    [
        ["serve", "--port", "0", "--tls", "--tls-ca-file"],
        ["init", "--force"],
    ],
)
def test_other_outputs__lead_where_a_link_leads(arguments: list[str], tmp_path: Path) -> None:
    """
    What a certificate or a starter is written to stays what it is: a link to a file that gets the content.
    """
    kept, link = tmp_path / "kept", tmp_path / "link"
    kept.write_text("before")
    link.symlink_to("kept")
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator.cli", *arguments, str(link)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
    finally:
        process.terminate()
        process.communicate(timeout=20)

    assert ("is ready at" in said) or ("is written" in said), said
    assert link.is_symlink()
    assert kept.read_text() != "before"


@posix
@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "{}"],
        ["run", "{}", "--port", "0"],
        ["serve", "--port", "0", "--scenario", "{}"],
        ["exam", "infobip", "--software", "{}", "--port", "0"],
        ["exam", "infobip", "--baseline", "{}", *SEND],
        ["explore", "{}", *SEND],
        ["explore", "--replay", "{}", *SEND],
        ["evidence", "{}", "--html", os.devnull],
        ["explain", "x", "--journal", "{}"],
        ["open", "{}", "--port", "0"],
        ["messages", "--port-file", "{}"],
    ],
)
def test_input_without_an_end__is_refused(arguments: list[str], tmp_path: Path) -> None:
    """
    A link to an endless device is read to the limit, and no further, by whichever command.
    """
    endless = tmp_path / "endless.yaml"
    endless.symlink_to("/dev/zero")

    done = subprocess.run(
        [sys.executable, "-m", "simulator.cli", *(word.format(endless) for word in arguments)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode in (2, 3, 4), done.stderr
    assert "endless.yaml" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") < 10
