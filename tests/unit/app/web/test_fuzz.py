"""Schemathesis asks every route of the API what its schema allows and what it does not: no answer may be our fault."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from unit.app.web.api_kit import heard, quiet_desk

from bearskin.app.web._api import api_of

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
EXAMPLES = int(os.environ.get("BEARSKIN_FUZZ_EXAMPLES", "5"))  # of every route and kind; more by hand


def fault_of(case: Any) -> str:
    """What is wrong with the answer to a case; empty where nothing is."""
    asked = f"{case.method} {case.formatted_path} {case.query} {str(case.body)[:200]}"
    try:
        answer = case.call()
    except Exception as error:  # noqa: BLE001 - whatever a route raises is what is looked for
        return f"{asked}: {type(error).__name__}: {error}"
    told = f"{asked}: {answer.status_code}"
    if answer.status_code >= 500:
        return f"{told} {answer.text[:200]}"
    if answer.status_code >= 400:
        said = answer.json()
        if not (said.get("error") or said.get("refused")) or "Traceback" in answer.text:
            return f"{told} is no error of ours: {answer.text[:200]}"
    return ""


@pytest.mark.parametrize("mode", ["POSITIVE", "NEGATIVE"])
def test_no_route_breaks(home: Path, mode: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "bearskin.app")
    desk = quiet_desk(home, venue=False)
    heard(desk, 1, 2)
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", api_of(desk))
    faults: list[str] = []
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        strategy = operation.as_strategy(generation_mode=schemathesis.GenerationMode[mode])

        @settings(
            max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=strategy)
        def ask(case: Any) -> None:
            nonlocal asked
            asked += 1
            fault = fault_of(case)
            if fault:
                faults.append(fault)

        try:
            ask()
        except Exception as error:  # a route that cannot be asked wrongly has no such cases
            if "Unsatisfiable" not in type(error).__name__:
                raise
    assert not faults, "\n".join(dict.fromkeys(faults))
    assert asked > 20
