"""The frame around every page."""

from __future__ import annotations

import runpy
from types import SimpleNamespace

import pytest
from streamlit.commands import execution_control
from streamlit.runtime.scriptrunner import RerunData, StopException
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests, ScriptRequestType

from albumjudge.ui import shell


def test_what_is_clicked_while_a_new_server_draws_its_first_page_is_not_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    requests = ScriptRequests()
    run = SimpleNamespace(script_requests=requests)

    def draw(*_: object, **__: object) -> None:
        requests.request_rerun(RerunData(fragment_id="ballot"))

    monkeypatch.setattr(execution_control, "get_script_run_ctx", lambda: run)
    monkeypatch.setattr(runpy, "run_path", draw)
    with pytest.raises(StopException):
        shell.need_frame()
    assert requests.on_scriptrunner_ready().type is ScriptRequestType.RERUN
