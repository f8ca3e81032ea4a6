"""Zip files that are damaged or mean harm: refused in one message, and nothing is left behind."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import write_run

import lab
from lab.errors import InputError
from lab.exchange import staging, unpack
from lab.exchange.bomb import swells
from lab.workspace import Workspace

ID = "20260120_231502"
SECOND = "20260120_231503"


@pytest.fixture
def file(workspace: Workspace, tmp_path: Path) -> Path:
    """A zip file of two runs, which are gone from the workspace afterwards."""
    for number, run_id in enumerate((ID, SECOND)):
        folder = write_run(workspace.runs, run_id, curves={"val/loss": [float(number)] * 50})
        (folder / "artifacts").mkdir()
        (folder / "artifacts" / "noise").write_bytes(random.Random(number).randbytes(3000))
    lab.export(ID, SECOND, file=tmp_path / "a.zip", workspace=workspace)
    for run_id in (ID, SECOND):
        shutil.rmtree(workspace.runs / run_id)
    return tmp_path / "a.zip"


def rebuilt(file: Path, change: Callable[[dict[str, bytes]], object]) -> Path:
    """The zip file again, its members changed, without new checksums."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file


def with_manifest(members: dict[str, bytes], run_id: str, name: str, data: bytes) -> None:
    """Add a file to a run, listed as it has to be."""
    listed = json.loads(members["manifest.json"])
    entry = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    listed["runs"][run_id][name] = entry
    members["manifest.json"] = json.dumps(listed).encode()
    members[f"runs/{run_id}/{name}"] = data


def refused(file: Path, workspace: Workspace, match: str | None = None) -> None:
    with pytest.raises(InputError, match=match):
        lab.import_runs(file, kind="zip", workspace=workspace)
    assert list(workspace.runs.iterdir()) == []


def test_every_torn_or_flipped_file_is_refused(file: Path, workspace: Workspace) -> None:
    """Wherever it is cut, and for a bit flipped in any part that carries content."""
    whole = file.read_bytes()
    for length in range(0, len(whole), len(whole) // 25):
        file.write_bytes(whole[:length])
        refused(file, workspace)
    changed = 0
    for place in range(10, len(whole), len(whole) // 40):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x40]) + whole[place + 1 :])
        try:
            lab.import_runs(file, kind="zip", workspace=workspace)
        except InputError:
            assert list(workspace.runs.iterdir()) == []
            changed += 1
        else:  # a byte that says nothing (a date): the runs are whole then
            assert lab.check(workspace=workspace) == []
            for run_id in (ID, SECOND):
                noise = (workspace.runs / run_id / "artifacts" / "noise").read_bytes()
                assert noise == random.Random(int(run_id == SECOND)).randbytes(3000)
                shutil.rmtree(workspace.runs / run_id)
    assert changed > 20


def test_a_file_that_is_not_what_its_checksum_says(file: Path, workspace: Workspace) -> None:
    name = f"runs/{ID}/params.json"
    rebuilt(file, lambda members: members.update({name: b"{ }"[: len(members[name])]}))
    refused(file, workspace, "params.json is not what its checksum says")


@pytest.mark.parametrize(
    "name",
    ["../evil", "a/../../evil", "/etc/evil", "a\\..\\evil", "a//b", "./a", "a\nb", "", ".lock"],
)
def test_names_that_lead_out_of_the_run(file: Path, workspace: Workspace, name: str) -> None:
    rebuilt(file, lambda members: with_manifest(members, ID, name, b"evil"))
    refused(file, workspace, "has a file with the name|its files are not those")
    assert not list(workspace.root.parent.rglob("evil"))


@pytest.mark.parametrize("run_id", ["..", "archive", "20260120_231502/..", "99999999_999999"])
def test_ids_that_are_none(file: Path, workspace: Workspace, run_id: str) -> None:
    def change(members: dict[str, bytes]) -> None:
        listed = json.loads(members["manifest.json"])
        listed["runs"][run_id] = listed["runs"].pop(ID)
        members["manifest.json"] = json.dumps(listed).encode()

    refused(rebuilt(file, change), workspace, "is no id of a run")


def test_a_link_in_the_zip_is_a_plain_file_at_most(file: Path, workspace: Workspace) -> None:
    data = b"/etc/passwd"
    rebuilt(file, lambda members: with_manifest(members, ID, "artifacts/link", data))
    with zipfile.ZipFile(file) as archive:
        members = [(info, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(file, "w") as archive:
        for info, content in members:
            if info.filename.endswith("link"):
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, content)
    lab.import_runs(file, workspace=workspace)
    link = workspace.runs / ID / "artifacts" / "link"
    assert not link.is_symlink()
    assert link.read_bytes() == data


def test_what_the_manifest_does_not_list(file: Path, workspace: Workspace) -> None:
    rebuilt(file, lambda members: members.update({f"runs/{ID}/more": b"x"}))
    refused(file, workspace, "its files are not those of its manifest.json: .*more")


def test_a_file_that_is_missing(file: Path, workspace: Workspace) -> None:
    rebuilt(file, lambda members: members.pop(f"runs/{ID}/summary.json"))
    refused(file, workspace, "its files are not those of its manifest.json: .*summary.json")


def test_a_name_twice(file: Path, workspace: Workspace) -> None:
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(f"runs/{ID}/params.json", b"{}")
    refused(file, workspace, "a name twice")


def test_zips_of_something_else(tmp_path: Path, workspace: Workspace) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    refused(tmp_path / "b.zip", workspace, "it has no manifest.json")
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("manifest.json", '{"name": "an extension"}')
    refused(tmp_path / "c.zip", workspace, "not one of `lab export`")


def test_a_later_version(file: Path, workspace: Workspace) -> None:
    def change(members: dict[str, bytes]) -> None:
        listed = json.loads(members["manifest.json"]) | {"version": 2}
        members["manifest.json"] = json.dumps(listed).encode()

    refused(rebuilt(file, change), workspace, "a version that is not known here: 2")


def test_a_bomb_is_told_by_what_it_claims(
    file: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.exchange.bomb._HARMLESS", 1 << 20)
    data = bytes(8 << 20)
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with_manifest(members, ID, "artifacts/zeros", data)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    assert file.stat().st_size < 50_000
    refused(file, workspace, "a zip bomb")


def test_members_that_share_their_bytes_are_a_bomb(tmp_path: Path) -> None:
    file = tmp_path / "overlap.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", random.Random(0).randbytes(5000))
        shared = archive.getinfo("a")
        for number in range(5):
            copy = zipfile.ZipInfo(f"b{number}")
            for field in ("CRC", "compress_size", "file_size", "header_offset"):
                setattr(copy, field, getattr(shared, field))
            archive.filelist.append(copy)
            archive.NameToInfo[copy.filename] = copy
    assert swells(file)


def test_more_bytes_than_the_manifest_says(file: Path, workspace: Workspace) -> None:
    def change(members: dict[str, bytes]) -> None:
        with_manifest(members, ID, "artifacts/small", b"12345")
        members[f"runs/{ID}/artifacts/small"] = b"123456"

    refused(rebuilt(file, change), workspace, "is not what its checksum says")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "20260120_231509"}, "of another run"),
        ({"schema": 2}, "another schema"),
        ({"status": "running"}, "has not ended"),
        ({"status": "fine"}, "has not ended"),
    ],
)
def test_records_that_are_no_ended_run(
    file: Path, workspace: Workspace, change: dict[str, Any], said: str
) -> None:
    def alter(members: dict[str, bytes]) -> None:
        record = json.loads(members[f"runs/{ID}/run.json"]) | change
        with_manifest(members, ID, "run.json", json.dumps(record).encode())

    refused(rebuilt(file, alter), workspace, said)


def test_a_full_disk_leaves_nothing(
    file: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second run finds no room when the first is in its place already."""
    claim, claimed = staging.claim_exactly, []

    def claim_one(runs: Path, run_id: str) -> Path:
        if claimed:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        claimed.append(run_id)
        return claim(runs, run_id)

    monkeypatch.setattr("lab.exchange.unpack.claim_exactly", claim_one)
    refused(file, workspace, "No space left on device")
    assert len(claimed) == 1


def test_an_interruption_leaves_nothing(
    file: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lab.exchange.unpack._check_record", interrupt)
    with pytest.raises(KeyboardInterrupt):
        lab.import_runs(file, workspace=workspace)
    assert list(workspace.runs.iterdir()) == []


_KILLED = """
import os, signal, sys
import lab
from lab.exchange import unpack

checked = []
def check(folder, run_id, check=unpack._check_record):
    checked.append(check(folder, run_id))
    if len(checked) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

unpack._check_record = check
lab.import_runs(sys.argv[1], workspace=lab.Workspace.find(sys.argv[2]))
"""


def test_a_killed_import_shows_no_run_and_the_next_one_brings_all(
    file: Path, workspace: Workspace
) -> None:
    words = [sys.executable, "-c", _KILLED, str(file), str(workspace.root)]
    assert subprocess.run(words, timeout=300).returncode == -signal.SIGKILL
    (left,) = workspace.runs.iterdir()
    assert left.name.startswith(".import-")
    assert lab.runs(workspace=workspace).empty
    assert lab.check(workspace=workspace) == []
    os.utime(left, (0, 0))
    assert lab.import_runs(file, workspace=workspace).runs == (ID, SECOND)
    assert not left.exists()


def test_a_run_that_appears_meanwhile(
    file: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = unpack._check_record

    def slow(folder: Path, run_id: str) -> None:
        check(folder, run_id)
        (workspace.runs / SECOND).mkdir(exist_ok=True)  # as another import would

    monkeypatch.setattr(unpack, "_check_record", slow)
    with pytest.raises(InputError, match=f"has appeared meanwhile: {SECOND}"):
        lab.import_runs(file, workspace=workspace)
    assert [path.name for path in workspace.runs.iterdir()] == [SECOND]


def test_what_a_killed_import_left_goes_with_the_next(file: Path, workspace: Workspace) -> None:
    for name in (".import-1-dead", ".import-2-young"):
        (workspace.runs / name / "half").mkdir(parents=True)
    os.utime(workspace.runs / ".import-1-dead", (0, 0))
    lab.import_runs(file, workspace=workspace)
    assert sorted(path.name for path in workspace.runs.iterdir()) == [
        ".import-2-young", ID, SECOND,
    ]  # fmt: skip
