from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import lz4.frame
import pytest
import zstandard

from analyzer.capture.inputs import Input, expand
from analyzer.errors import InputError, UsageError
from analyzer.verify.inputs import readable
from tests.verify.dialogues import Pcap, bye, hello

PLAIN = Pcap().add(hello() + bye()).bytes()


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def given(path: Path) -> Input:
    ((found,), failures) = expand([str(path)])
    assert not failures
    return found


@pytest.mark.parametrize("content", [PLAIN, gzip.compress(PLAIN)], ids=["plain", "gzip"])
def test_what_tshark_surely_reads_is_not_copied(tmp_path: Path, temporary: Path, content: bytes) -> None:
    path = tmp_path / "a b.pcap"
    path.write_bytes(content)
    with readable(given(path)) as paths:
        assert (paths.ours, paths.theirs) == (str(path), str(path))
    assert path.read_bytes() == content
    assert not list(temporary.iterdir())


@pytest.mark.parametrize(
    "compress",
    [zstandard.compress, lz4.frame.compress, lzma.compress, bz2.compress],
    ids=["zstd", "lz4", "xz", "bzip2"],
)
def test_other_compressions_are_undone_in_a_private_file_that_does_not_outlive_the_comparison(
    tmp_path: Path, temporary: Path, compress: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(compress(PLAIN))
    with readable(given(path)) as paths:
        copy = Path(paths.theirs)
        assert paths.ours == str(path)
        assert copy.read_bytes() == PLAIN
        assert copy.is_relative_to(temporary)
        assert copy.parent.stat().st_mode & 0o077 == 0
    assert not list(temporary.iterdir())


def test_a_stream_is_stored_so_that_both_can_read_it(temporary: Path) -> None:
    stream = Input("standard input", None, stream=io.BytesIO(zstandard.compress(PLAIN)))
    with readable(stream) as paths:
        assert Path(paths.ours).read_bytes() == zstandard.compress(PLAIN)
        assert Path(paths.theirs).read_bytes() == PLAIN
    assert not list(temporary.iterdir())


def test_a_pipe_with_a_name_is_read_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)  # a reader too, so that opening does not wait
    os.write(writer, PLAIN)
    reader = open(pipe, "rb", buffering=0)  # noqa: SIM115 - handed over
    os.close(writer)
    with readable(Input("pipe", str(pipe), stream=reader)) as paths:
        assert Path(paths.ours).read_bytes() == PLAIN


def test_broken_compression_leaves_what_could_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(bz2.compress(PLAIN)[:-4])
    with readable(given(path)) as paths:
        assert PLAIN.startswith(Path(paths.theirs).read_bytes())


def test_an_input_that_disappeared_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    with pytest.raises(InputError, match="no such file"), readable(Input("a.pcap", str(path), size=9)):
        pass


def test_no_room_for_a_copy_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(bz2.compress(PLAIN))
    item = given(path)

    def full(self: Path, mode: str) -> io.BytesIO:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(UsageError, match=r"no room to prepare the input for tshark in .*No space left"), readable(item):
        pass
