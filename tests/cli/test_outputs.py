"""
What is written where: files whole or not at all, everything else written through.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.commands.outputs import Output, forget, write_whole

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
        "from simulator.commands.outputs import write_whole\n"
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
