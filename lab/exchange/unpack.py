"""Runs read from a zip file of `lab export`: checked to the last byte, then moved in at once."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from lab.errors import InputError
from lab.exchange import manifest
from lab.exchange.bomb import swells
from lab.exchange.contents import file_sha256, run_files, started_of
from lab.exchange.manifest import Entry, Manifest, refusal
from lab.exchange.result import Imported
from lab.exchange.staging import Claim, Staging, claim_exactly, claim_free
from lab.record.catalogue import ARCHIVE
from lab.record.files import read_json, write_json
from lab.record.outcome import STATUSES
from lab.workspace import Workspace

Files = Mapping[str, Entry]

_CHUNK = 1 << 20
_MANIFEST_LIMIT = 256 << 20  # bytes; a million files need about half of it
_ENCRYPTED = 0x1
# What reading a damaged archive raises, depending on where the damage is.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, NotImplementedError)


def unpack(file: Path, workspace: Workspace, *, new_ids: bool = False) -> Imported:
    """Bring the runs of the zip file in; either all of them are there afterwards, or none is new.

    A run whose id and content are here already is passed over. One whose id is here with other
    content is an InputError, unless `new_ids` lets it in under the next free id.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            listed = _listed(archive, file)
            fresh, here, taken = _sorted_out(listed, workspace)
            if taken and not new_ids:
                raise _conflict(taken)
            with Staging(workspace.runs) as staging:
                wanted = [*fresh, *taken]
                staged = {i: _extract(archive, i, listed.runs[i], staging) for i in wanted}
                claims = [(staged[i], _exactly(workspace, i)) for i in fresh]
                claims += [(staged[i], _next_to(workspace, i, staged[i], file)) for i in taken]
                placed = staging.publish(claims)
    except _DAMAGE as error:
        raise refusal(str(error) or type(error).__name__) from None
    except OSError as error:
        raise InputError(
            "The runs cannot be written",
            seen=f"{workspace.runs} ({error.strerror or error})",
            do="Nothing was imported. Free some space, or point LAB_RUNS at another folder.",
        ) from None
    ids = [folder.name for folder in placed]
    renamed = zip(taken, ids[len(fresh) :], strict=True)
    return Imported("zip", str(file), tuple(ids), tuple(here), tuple(renamed))


def _listed(archive: zipfile.ZipFile, file: Path) -> Manifest:
    """The manifest, once the zip file is known to hold what it lists and nothing else."""
    members = archive.infolist()
    names = [member.filename for member in members]
    if manifest.NAME not in names:
        raise refusal(f"it has no {manifest.NAME}")
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise refusal("it is encrypted")
    if swells(file):
        raise refusal("unpacked it would be far larger than runs are (a zip bomb?)")
    with archive.open(manifest.NAME) as packed:
        content = packed.read(_MANIFEST_LIMIT + 1)
    if len(content) > _MANIFEST_LIMIT:
        raise refusal(f"its {manifest.NAME} is too large")
    listed = Manifest.decode(content)
    expected = [*listed.members(), manifest.NAME]
    if sorted(names) != sorted(expected):
        odd = sorted(set(names) ^ set(expected)) or ["a name twice"]
        raise refusal(f"its files are not those of its {manifest.NAME}: {odd[0]!r:.120}")
    return listed


def _sorted_out(listed: Manifest, workspace: Workspace) -> tuple[list[str], list[str], list[str]]:
    """Ids that are new, those that are here with equal content, those that are here with other."""
    fresh, here, taken = [], [], []
    for run_id, files in listed.runs.items():
        places = (workspace.runs / run_id, workspace.runs / ARCHIVE / run_id)
        folder = next((place for place in places if place.exists()), None)
        if folder is None:
            fresh.append(run_id)
        elif _equal(folder, files) or _came_before(workspace, run_id, files):
            here.append(run_id)
        else:
            taken.append(run_id)
    return fresh, here, taken


def _equal(folder: Path, files: Files, *, without: str = "") -> bool:
    """Whether the files in `folder` are these; sizes are looked at first, since that is cheap."""
    found = {name: path for name, path in run_files(folder) if name != without}
    return found.keys() == files.keys() - {without} and all(
        path.stat().st_size == files[name].size and file_sha256(path) == files[name].sha256
        for name, path in found.items()
    )


def _came_before(workspace: Workspace, run_id: str, files: Files) -> bool:
    """Whether this run was let in earlier, under an id of its own."""
    for folder in workspace.runs.glob(f"{run_id[:15]}-*"):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            origin = read_json(folder / "run.json").get("imported") or {}
            if origin.get("id") == run_id and _equal(folder, files, without="run.json"):
                return True
    return False


def _conflict(taken: Iterable[str]) -> InputError:
    ids = list(taken)
    runs = "Runs of these ids are" if len(ids) > 1 else "A run of that id is"
    return InputError(
        f"{runs} here with other content",
        seen=", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else ""),
        do="Nothing was imported. With --new-ids they come in beside them, under the next free "
        "id; what cites the id goes on to mean the run that is here.",
    )


def _extract(archive: zipfile.ZipFile, run_id: str, files: Files, staging: Staging) -> Path:
    """One run, unpacked into the staging folder and checked."""
    folder = staging.folder()
    needed = sum(entry.size for entry in files.values())
    if needed > shutil.disk_usage(folder).free:
        raise InputError(
            "There is no room for the runs",
            seen=f"{needed} bytes of run {run_id}",
            do="Nothing was imported. Free some space, or point LAB_RUNS at another folder.",
        )
    for name, entry in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        _extract_file(archive, manifest.member(run_id, name), path, entry)
    # One time for all: a summary older than its metrics would be computed anew by every reader.
    now = datetime.now(UTC).timestamp()
    for name in files:
        os.utime(folder / name, (now, now))
    _check_record(folder, run_id)
    return folder


def _extract_file(archive: zipfile.ZipFile, member: str, path: Path, entry: Entry) -> None:
    digest, size = hashlib.sha256(), 0
    with archive.open(member) as packed, path.open("xb") as file:
        while chunk := packed.read(min(_CHUNK, entry.size - size + 1)):
            size += len(chunk)
            if size > entry.size:
                break
            digest.update(chunk)
            file.write(chunk)
    if size != entry.size or digest.hexdigest() != entry.sha256:
        raise refusal(f"{member} is not what its checksum says")


def _check_record(folder: Path, run_id: str) -> None:
    record, params = (read_json(folder / name) for name in ("run.json", "params.json"))
    if not isinstance(record, dict) or not isinstance(params, dict):
        raise refusal(f"run.json or params.json of run {run_id} is no JSON object")
    if record.get("id") != run_id or record.get("schema") != 1:
        raise refusal(f"run.json of run {run_id} is of another run, or of another schema")
    if record.get("status") not in STATUSES or record["status"] == "running":
        raise refusal(f"run {run_id} has not ended")


def _exactly(workspace: Workspace, run_id: str) -> Claim:
    return lambda: claim_exactly(workspace.runs, run_id)


def _next_to(workspace: Workspace, run_id: str, staged: Path, file: Path) -> Claim:
    """A claim of the next free id of that second, which it also writes into the staged run."""

    def claim() -> Path:
        folder = claim_free(workspace.runs, started_of(run_id), run_id.partition("_j")[2])
        origin = {"from": "zip", "source": file.name, "id": run_id}
        record = read_json(staged / "run.json") | {"id": folder.name, "imported": origin}
        write_json(staged / "run.json", record)
        return folder

    return claim
