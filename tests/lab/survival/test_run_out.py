"""Memory and disk run out, the runs folder goes away: what was there before stays, and is told."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aftermath import HOLD, Scene, said_by, until

MB = 1_000_000

PIECE = 20 * MB
HOARD = (
    "kept = []\n"
    "while True:\n"
    f"    kept.append(bytearray({PIECE}))\n"
    "    with (run.path / 'pieces').open('a') as pieces:\n"
    "        pieces.write(f'{time.time()}\\n')\n"
    "    time.sleep(0.2)"
)
FILL = (
    "for step in range(4, 100_000):\n"
    "    run.log({f'val/m{i}': step / 7 for i in range(200)}, step=step)\n"
    "    os.write(witness, f'{step}\\n'.encode())"
)
PRINT = "import base64\nprint(base64.b64encode(os.urandom(150_000)).decode())"


@pytest.fixture
def memory_group() -> Iterator[Callable[[int], Callable[[], None]]]:
    """Makes memory groups of the system (cgroups) with a limit in bytes; what enters one."""
    made: list[Path] = []

    def make(limit: int) -> Callable[[], None]:
        name = f"lab-test-{os.getpid()}-{len(made)}"
        for parent, limit_file in (
            (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
            (Path("/sys/fs/cgroup"), "memory.max"),
        ):
            group = parent / name
            try:
                group.mkdir()
                made.append(group)
                (group / limit_file).write_text(str(limit))
            except OSError:
                continue

            def enter(group: Path = group) -> None:
                (group / "cgroup.procs").write_text(str(os.getpid()))

            return enter
        pytest.skip("memory groups take rights, or a system, that are not here")

    yield make
    for group in made:
        until(lambda group=group: not (group / "cgroup.procs").read_text(), "an empty group")
        group.rmdir()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mounts file systems of so many bytes."""
    made: list[Path] = []

    def make(size: int) -> Path:
        place = tmp_path / "small disk"
        place.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("mounting takes rights this process does not have")
        made.append(place)
        return place

    yield make
    for place in made:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("env", [{}, {"LAB_WARM": "off"}], ids=["warm", "cold"])
def test_the_system_runs_out_of_memory(
    scene: Scene, memory_group: Callable[[int], Callable[[], None]], env: dict[str, str]
) -> None:
    """Told is what the kernel had come to by its end, not what it had at some look long before.

    What it took in its last second may be missing: the system frees the memory of what it kills
    out of want at once, at times before it counts it.
    """
    lab = scene.run(trouble=HOARD, env=env, preexec_fn=memory_group(600 * MB))
    said = said_by(lab, code=1)
    (run,) = scene.aftermath()
    assert (run.status, run.reason) == ("crashed", "oom")
    assert run.error is not None
    message = run.error["message"]
    assert "out of memory" in message
    assert "Peak memory" in message
    assert "last logged epoch 3" in message
    taken_at = [float(line) for line in (run.path.root / "pieces").read_text().splitlines()]
    held = PIECE * sum(at < taken_at[-1] - 1 for at in taken_at)
    assert max(held, 400 * MB) < run.record["peak_memory"] < 700 * MB
    assert scene.errors(run) == ["KernelDied"]
    assert "oom" in said
    assert "It needs less memory" in scene.show(run)


LIMIT = (
    "import resource\n"
    "here = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
    "resource.setrlimit(resource.RLIMIT_AS, (here + 300_000_000,) * 2)\n"
    "kept, size = [], 20_000_000\n"
)
SOME_LEFT = (
    "try:\n"
    "    while True:\n"
    "        kept.append(bytearray(size))\n"
    "except MemoryError:\n"
    "    kept.pop()\n"
    "    raise\n"
)
LAST_BYTE = (
    "while True:\n"
    "    try:\n"
    "        while True:\n"
    "            kept.append(bytearray(size))\n"
    "    except MemoryError:\n"
    "        size //= 2\n"
    "        if size < 64:\n"
    "            raise\n"
)


@pytest.mark.parametrize("hoard", [SOME_LEFT, LAST_BYTE], ids=["some left", "to the last byte"])
def test_the_process_runs_out_of_memory(scene: Scene, hoard: str) -> None:
    lab = scene.run(trouble=LIMIT + hoard)
    said_by(lab, code=1)
    (run,) = scene.aftermath()
    assert (run.status, run.reason) == ("failed", "oom")
    assert run.error is not None
    assert run.error["type"] == "MemoryError"
    assert "Peak memory" in run.error["message"]
    assert "last logged epoch 3" in run.error["message"]
    assert run.record["peak_memory"] > 200 * MB
    assert scene.errors(run) == ["MemoryError"]


@pytest.mark.parametrize("trouble", [FILL, PRINT + "\n" + FILL], ids=["metrics", "outputs too"])
def test_a_disk_that_fills_up(
    tmp_path: Path, small_disk: Callable[[int], Path], trouble: str
) -> None:
    scene = Scene(tmp_path / "workspace", runs=small_disk(600_000) / "runs")
    lab = scene.run(trouble=trouble)
    said = said_by(lab, code=1)
    (run,) = scene.aftermath(notebooks=False)  # there may be no room for the error
    assert (run.status, run.reason) == ("failed", "disk_full")
    assert len((scene.witness / run.id).read_text().split()) > 30
    assert "disk is full" in said
    assert scene.errors(run) in ([], ["WorkFailed"])
    assert "Free some space" in scene.show(run)


def test_a_disk_that_is_full_from_the_start(
    tmp_path: Path, small_disk: Callable[[int], Path]
) -> None:
    disk = small_disk(40_000)
    scene = Scene(tmp_path / "workspace", runs=disk / "runs")
    with contextlib.suppress(OSError):
        (disk / "full").write_bytes(b"x" * 100_000)
    said = said_by(scene.run(), code=2)
    assert "No space left on device" in said
    assert not scene.aftermath()


def test_a_limit_on_the_size_of_files(scene: Scene) -> None:
    """What quotas and `ulimit -f` do: nothing is mounted, so that it is tested everywhere."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    lab = scene.run(trouble=FILL, preexec_fn=limited)
    said_by(lab, code=1)
    (run,) = scene.aftermath()
    assert (run.status, run.reason) == ("failed", "disk_full")


def test_a_runs_folder_that_vanishes(scene: Scene) -> None:
    """Nothing is made again in its place, the run ends with a word, and its processes go."""
    lab = scene.run(trouble="while not os.path.exists(place + '.go'):\n    time.sleep(0.05)")
    scene.in_trouble()
    shutil.rmtree(scene.runs)
    (scene.witness / f"{scene.in_trouble()[0]}.go").touch()
    said = said_by(lab, code=1)
    assert "is gone" in said
    until(lambda: not scene.processes(), "end of every process")
    assert not list(scene.runs.glob("*/*"))


def test_a_suite_whose_folder_vanishes_goes_on(scene: Scene) -> None:
    file = scene.suite(seeds=3, workers=1, trouble=f"seed == 0 and {HOLD.replace('300', '3')}")
    night = scene.lab("suite", "run", file)
    (first,) = scene.in_trouble()
    shutil.rmtree(scene.runs)
    said = said_by(night, code=1)
    assert f"The folder of run {first} is gone" in said
    assert [(run.seed, run.status) for run in scene.aftermath()] == [(1, "done"), (2, "done")]
    said = said_by(scene.lab("suite", "run", file), code=0)
    assert "1 of 3 runs to do" in said


def test_metrics_go_to_no_folder_that_only_has_the_name(scene: Scene) -> None:
    """A script whose folder is taken away stops at the next line once that is noticed."""
    code = (
        "import shutil, time\nimport lab, lab.record.live as live\n"
        "live._HEARTBEAT = 0.1\nrun = lab.start()\nrun.log({'train/loss': 1.0})\n"
        "shutil.rmtree(run.path)\nrun.path.mkdir()\ntime.sleep(1)\nrun.log({'train/loss': 2.0})"
    )
    script = scene.root / "script.py"
    script.write_text(code, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, str(script)],
        cwd=scene.root, env=scene.environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "The folder of run" in ended.stderr.splitlines()[-1]
    assert not list(scene.runs.glob("*/metrics.jsonl"))
