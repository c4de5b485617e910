"""``scripts/set_up.py`` on machines that lack things; nothing is downloaded here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scripts import set_up

SOURCE = Path(set_up.__file__)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Debian's Python as it comes, with nothing that could help."""
    monkeypatch.setattr(set_up, "can_make_venvs", lambda: False)
    monkeypatch.setattr("shutil.which", lambda name: None)
    return monkeypatch


def with_programs(patch: pytest.MonkeyPatch, *names: str) -> list[list[str]]:
    """Make programs appear on the PATH; returns the commands that will have been run."""
    commands: list[list[str]] = []

    def record(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(
            command, 100 if command[1:2] == ["install"] and len(commands) == 1 else 0, ""
        )

    patch.setattr("shutil.which", lambda name: f"/usr/bin/{name}" if name in names else None)
    patch.setattr("subprocess.run", record)
    return commands


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("sudo", "sudo apt-get update && sudo apt-get install -y python3.{}-venv"),
        ("su", "su -c 'apt-get update && apt-get install -y python3.{}-venv'"),
    ],
)
def test_a_user_without_rights_is_told_the_one_command(
    bare: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], program: str, expected: str
) -> None:
    with_programs(bare, "apt-get", program)
    bare.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(SystemExit, match="2"):
        set_up.create(tmp_path / "venv")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(f"run: {expected.format(sys.version_info.minor)}")


def test_uv_makes_the_environment_where_python_cannot(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    commands = with_programs(bare, "uv", "apt-get")
    set_up.create(tmp_path / "venv")
    assert [command[:2] for command in commands] == [["/usr/bin/uv", "venv"]]


def test_root_installs_what_debian_left_out_with_fresh_lists_if_need_be(
    bare: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commands = with_programs(bare, "apt-get")
    bare.setattr("os.geteuid", lambda: 0)
    set_up.create(tmp_path / "venv")
    assert [command[:2] for command in commands[:3]] == [["apt-get", each] for each in ("install", "update", "install")]
    assert commands[3][-3:] == ["-m", "venv", str(tmp_path / "venv")]


def test_a_machine_with_no_way_out_is_told_so(
    bare: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        set_up.create(tmp_path / "venv")
    assert "install uv" in capsys.readouterr().err


def test_what_a_failing_installer_said_last_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = [sys.executable, "-c", "import sys; print('Retrying', 'name resolution', sep='\\n'); sys.exit(1)"]
    monkeypatch.setattr(set_up, "installer", lambda venv: program)
    lock = tmp_path / "requirements.lock"
    lock.write_text("")
    with pytest.raises(SystemExit, match="2"):
        set_up.install(tmp_path, lock)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-2].strip() == "name resolution"
    assert lines[-1].endswith("is the package index reachable?")


@pytest.mark.parametrize("there", ["nothing", ".venv"])
def test_a_checkout_that_cannot_be_written_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], there: str
) -> None:
    (tmp_path / there).mkdir()
    monkeypatch.setattr(set_up, "ROOT", tmp_path)
    monkeypatch.setattr(set_up, "VENV", tmp_path / ".venv")
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(SystemExit, match="2"):
        set_up.main(["requirements.lock"])
    folder = tmp_path / ".venv" if there == ".venv" else tmp_path
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"smtpauth: {folder} is read-only for you")


def test_what_the_system_refuses_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/set_up.py").write_text(SOURCE.read_text())
    (tmp_path / ".venv").write_text("a file, which is no folder")
    program = [sys.executable, "-I", str(tmp_path / "scripts/set_up.py"), "requirements.lock"]
    result = subprocess.run(program, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1].startswith("smtpauth: ")


def test_two_first_calls_at_once_set_up_once(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "requirements.lock").write_text("numpy==1\n")
    (tmp_path / "scripts/set_up.py").write_text(SOURCE.read_text())
    program = f"""
import sys, time
sys.path.insert(0, {str(tmp_path / "scripts")!r})
import set_up
def create(venv):
    print("create", flush=True)
    time.sleep(0.2)
    (venv / "lib/python3/site-packages").mkdir(parents=True)
def install(venv, lock):
    (venv / lock.name).write_text(lock.read_text())
set_up.create, set_up.install = create, install
set_up.is_usable = lambda venv: venv.is_dir()
set_up.installer = lambda venv: []
set_up.main(["requirements.lock"])
"""
    calls = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in "12"
    ]
    outputs = [call.communicate() for call in calls]
    assert [call.returncode for call in calls] == [0, 0]
    assert b"".join(stdout for stdout, _ in outputs) == b"create\n"
    assert (tmp_path / ".venv/lib/python3/site-packages/smtp-auth-analyzer.pth").read_text() == "../../../..\n"


def test_an_unchanged_lock_is_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_up, "is_usable", lambda venv: True)
    venv, lock = tmp_path / ".venv", tmp_path / "requirements.lock"
    venv.mkdir()
    lock.write_text("numpy==1\n")
    assert not set_up.is_installed(venv, lock)
    (venv / lock.name).write_text("numpy==1\n")
    assert set_up.is_installed(venv, lock)
    lock.write_text("numpy==2\n")
    assert not set_up.is_installed(venv, lock)


def test_a_folder_that_is_no_environment_is_not_used(tmp_path: Path) -> None:
    assert not set_up.is_usable(tmp_path)
