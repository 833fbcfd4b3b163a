"""Backtests of the dashboard as processes: what becomes of one when the dashboard ends."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bearskin.app._home import Home
from bearskin.app.web._backtests_jobs import RUNNING, Job, Jobs, _part


def test_a_dashboard_that_ends_while_a_job_runs_ends_its_process_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Any] = []
    begin = asyncio.create_subprocess_exec

    async def child(*_: object, **pipes: Any) -> Any:
        begun.append(await begin(sys.executable, "-c", "import time; time.sleep(60)", **pipes))
        return begun[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", child)
    home = Home(root=tmp_path, origin="test")
    (tmp_path / "logs").mkdir()
    house: Any = SimpleNamespace(home=home, store_folder=tmp_path / "store", writable_part=home.part)
    desk: Any = SimpleNamespace(house=house, hub=SimpleNamespace(say=lambda *_: None))
    job = Job(id="ab", state=RUNNING, words={}, market="synthetic", command="", started="")

    async def served() -> asyncio.Task[None]:
        jobs = Jobs(desk)
        jobs._jobs[job.id] = job
        task = asyncio.ensure_future(jobs._run(job))
        while not begun:
            await asyncio.sleep(0.01)
        _part(house, job.id).mkdir(parents=True)
        (_part(house, job.id) / "trades.parquet").write_bytes(b"half")
        await asyncio.get_running_loop().shutdown_default_executor()  # as the end of a server does
        return task

    async def ended() -> tuple[BaseException | None, int]:
        task = await served()
        task.cancel()
        (how,) = await asyncio.gather(task, return_exceptions=True)
        return how, await asyncio.wait_for(begun[0].wait(), 10)

    how, code = asyncio.run(ended())
    assert isinstance(how, asyncio.CancelledError)
    assert code == -9
    assert list(home.part("reports").iterdir()) == []


def test_what_was_said_of_one_step_is_not_told_of_the_next() -> None:
    desk: Any = SimpleNamespace(hub=SimpleNamespace(say=lambda *_: None))
    jobs = Jobs(desk)
    jobs._jobs["ab"] = Job(id="ab", state=RUNNING, words={}, market="synthetic", command="", started="")
    step = {"done": 0, "total": None}
    seen = []
    for said in (
        {"what": "reading", **step}, {"note": "compiling kernels"}, {"what": "reading", **step},
        {"what": "writing the results", **step},
    ):  # fmt: skip
        jobs._heard("ab", said, 0.0)
        seen.append(jobs._jobs["ab"].note)
    assert seen == ["", "compiling kernels", "compiling kernels", ""]
    assert jobs._jobs["ab"].notes == ("compiling kernels",)
