"""What a run used is sampled and summed up: memory, processor, GPU."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
from record_helpers import Script, only_run

from lab.record import gpu, resources
from lab.record.resources import Sampler, look, used_text
from lab.record.run import Run, end_run, update_run
from lab.workspace import Workspace

MB = 1_000_000
# In one write each, since both write to the same pipe.
WORKER = "import os, time; kept = bytearray(60_000_000); os.write(1, b'up\\n'); time.sleep(600)"


@pytest.fixture
def family() -> Iterator[subprocess.Popen[str]]:
    """A process with 60 MB, and a child of it with as much again."""
    code = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {WORKER!r}])\n{WORKER}"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    try:
        assert [process.stdout.readline() for _ in range(2)] == ["up\n"] * 2
        yield process
    finally:
        os.killpg(process.pid, 9)
        process.wait()
        process.stdout.close()


def test_a_process_and_its_children_as_psutil_counts_them(family: subprocess.Popen[str]) -> None:
    found = look(family.pid)
    leader = psutil.Process(family.pid)
    everybody = [leader, *leader.children(recursive=True)]
    assert len(everybody) == 2
    assert found is not None
    assert found.memory == pytest.approx(sum(p.memory_info().rss for p in everybody), rel=0.02)
    assert found.memory > 120 * MB
    assert found.peak >= found.memory
    times = [p.cpu_times() for p in everybody]
    assert found.cpu == pytest.approx(sum(t.user + t.system for t in times), abs=0.05)


def test_where_there_is_no_proc(
    family: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = look(family.pid)
    monkeypatch.setattr(sys, "platform", "darwin")
    found = look(family.pid)
    assert there is not None
    assert found is not None
    assert found.memory == pytest.approx(there.memory, rel=0.02)


def test_a_process_that_is_gone() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    assert look(process.pid) is None


def test_lines_are_few_and_a_new_peak_is_told_at_once(
    make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, clock, use = make_run(), [0.0], [resources.Use(50 * MB, 50 * MB, 1.0)]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(resources, "look", lambda _: use[0])
    sampler = Sampler(run.path)

    def lines_after(seconds: int) -> list[dict[str, Any]]:
        for _ in range(2 * seconds):
            clock[0] += 0.5
            sampler.sample(1)
        text = run.path.resources.read_text() if run.path.resources.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    assert lines_after(2) == []  # short runs have no file
    assert len(lines_after(58)) == 12
    use[0] = resources.Use(80 * MB, 90 * MB, 61.0)
    last = lines_after(2)[-1]
    assert {name: last[name] for name in ("memory", "peak_memory", "cpu_seconds")} == {
        "memory": 80 * MB, "peak_memory": 90 * MB, "cpu_seconds": 61.0,
    }  # fmt: skip
    assert 800 < len(lines_after(10 * 3600)) < 1000


def test_memory_that_grows_is_looked_at_closely(
    make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, looks, memory = [0.0], [0], [50 * MB]

    def look_at(_: int) -> resources.Use:
        looks[0] += 1
        return resources.Use(memory[0], memory[0], 1.0)

    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(resources, "look", look_at)
    sampler = Sampler(make_run().path)

    def looks_in(seconds: float, grown: int = 0) -> int:
        before, end = looks[0], clock[0] + seconds
        while clock[0] < end:
            clock[0] += sampler.sample(1)
            memory[0] += grown
        return looks[0] - before

    looks_in(5)
    assert looks_in(20) == pytest.approx(20, abs=1)
    looks_in(1, grown=10 * MB)
    assert looks_in(1, grown=10 * MB) == pytest.approx(10, abs=1)
    looks_in(1)
    assert looks_in(20) == pytest.approx(20, abs=1)


def test_the_end_of_a_run_says_what_it_used(
    make_run: Callable[..., Run], family: subprocess.Popen[str]
) -> None:
    run = make_run()
    update_run(run.path, **resources.liveness.identity(family.pid))
    ended = end_run(run.path, "done")
    assert ended.record["peak_memory"] > 120 * MB
    assert ended.record["cpu_seconds"] > 0
    assert used_text(ended.record).startswith("peak memory 1")


def test_a_crashed_run_keeps_its_last_sample(make_run: Callable[..., Run]) -> None:
    run = make_run()
    line = {"time": 1.0, "memory": 1, "peak_memory": 77, "cpu_seconds": 3.5, "peak_gpu_memory": 5}
    run.path.resources.write_text(json.dumps(line) + '\n{"time": 2.0, "mem')
    process = subprocess.Popen(["true"])
    process.wait()
    update_run(run.path, pid=process.pid)
    record = Run.read(run.path).record
    assert record["status"] == "crashed"
    assert (record["peak_memory"], record["cpu_seconds"]) == (77, 3.5)
    assert record["peak_gpu_memory"] == 5


def test_a_run_in_a_process_that_did_other_things_before(
    script: Script, workspace: Workspace
) -> None:
    process = script(
        """
        import lab, os, time
        while time.process_time() < 1.5:
            pass
        begun = sum(os.times()[:4])
        run = lab.start()
        end = time.process_time() + 0.2
        while time.process_time() < end:
            pass
        run.finish()
        print(sum(os.times()[:4]) - begun)
        """
    )
    used = float(process.communicate(timeout=240)[0])
    assert 0.15 < only_run(workspace).record["cpu_seconds"] <= used + 0.1


class Driver:
    """Answers as NVML does, for two devices: pids and bytes on each, and how busy they are."""

    def __init__(self, devices: list[dict[int, int]], busy: list[int]) -> None:
        self._devices, self._busy = devices, busy

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:
        count._obj.value = len(self._devices)
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index: int, device: Any) -> int:
        device._obj.value = index + 1
        return 0

    def nvmlDeviceGetComputeRunningProcesses_v3(self, device: Any, count: Any, found: Any) -> int:
        there = self._devices[device.value - 1]
        count._obj.value = len(there)
        for place, (pid, memory) in enumerate(there.items()):
            found[place].pid, found[place].memory = pid, memory
        return 0

    def nvmlDeviceGetUtilizationRates(self, device: Any, rates: Any) -> int:
        rates._obj.gpu = self._busy[device.value - 1]
        return 0


def test_the_gpus_that_a_run_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver([{10: 3000, 99: 5}, {11: 400}, {99: 7}], busy=[80, 40, 100])
    monkeypatch.setattr(gpu, "_library", lambda: driver)
    assert gpu.look({10, 11}) == gpu.GpuUse(memory=3400, busy=0.6)
    assert gpu.look({99}) == gpu.GpuUse(memory=12, busy=0.9)
    assert gpu.look({1}) is None
    assert ctypes.sizeof(gpu._Process) == 24  # nvmlProcessInfo_t on 64 bits


def test_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "LIBRARY", "libno-such-library.so.1")
    gpu._library.cache_clear()
    assert not gpu.there_is()
    assert gpu.look({1}) is None
    gpu._library.cache_clear()
