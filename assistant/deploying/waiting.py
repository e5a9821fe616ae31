"""From the upload to the first answer: the build, its log where it failed, ``/health``, one question."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from assistant.errors import HubError
from assistant.hub import Login

if TYPE_CHECKING:
    from huggingface_hub import SpaceRuntime

BUILD_S, START_S = 3600.0, 900.0
"""Longest wait for a build, and for the models of what was built."""
POLL_S = 3.0
GRACE_S = 20.0
"""The Hub takes some seconds to notice a new commit, and tells of the one before until then. What does not
name the commit it tells of is not taken for so long."""
REQUEST_S = 60.0
ANSWER = "what it answered; try again later"
LOG_LINES = 60
Say = Callable[[str], None]
FAILED = {
    "BUILD_ERROR": ("the build failed", "build"),
    "CONFIG_ERROR": ("its configuration is refused", "build"),
    "RUNTIME_ERROR": ("the app stopped with an error", "run"),
    "NO_APP_FILE": ("it has no app file", ""),
}
"""Stage -> what happened, and the log that tells more."""
MEND = "mend what the log names and deploy again, or `youju deploy rollback {repo}`"


def built(login: Login, commit: str, say: Say) -> None:
    """Wait until the Space runs.

    Args:
        login: Of the Space.
        commit: The one that shall run.
        say: Takes lines for the reader; the end of the log, where it failed.

    Raises:
        HubError: It failed, is paused, or takes longer than ``BUILD_S``.
    """
    runtime = _settled(login, commit)
    stage = str(getattr(runtime.stage, "value", runtime.stage))
    if stage in ("RUNNING", "SLEEPING"):  # a request wakes the second
        return
    if stage not in FAILED:
        remedy = "start it again in its settings on the Hub, and deploy once more"
        raise HubError(repo=login.repo, reason=f"its stage is {stage}", remedy=remedy)
    reason, log = FAILED[stage]
    _show_log(login, log, say)
    said = login.hide(str(runtime.raw.get("errorMessage") or ""))[:300]
    reason = f"{reason} ({said})" if said else reason
    raise HubError(repo=login.repo, reason=reason, remedy=MEND.format(repo=login.repo))


def answers(login: Login, say: Say) -> str:
    """Wait until ``/health`` is well, and have it ask itself one question.

    Returns:
        The address of the Space's page.

    Raises:
        HubError: It does not come up within ``START_S``, or cannot answer.
    """
    with login.explained(ANSWER):
        info = login.api.space_info(login.repo)
    host = info.host or f"https://{info.subdomain}.hf.space"
    headers = _headers(login, host, is_private=bool(info.private))
    health = _until(login, f"{host}/health", headers, lambda found: found.get("status") == "ok")
    say(f"/health: {health.get('status')}, model {health.get('engine')}, version {health.get('version')}")
    asked = _until(login, f"{host}/health?ask=true", headers, lambda found: _trial(found) != "running")
    trial = asked.get("question") or {}
    if _trial(asked) != "answered":
        reason = f"it runs, and one question was not answered ({trial.get('reason') or 'no reason given'})"
        raise HubError(repo=login.repo, reason=reason, remedy=f"see its log: {_page(login)}?logs=container")
    say(f"one question: answered in {trial.get('seconds')} s, {trial.get('citations')} citations")
    return _page(login)


def _settled(login: Login, commit: str) -> SpaceRuntime:
    """The runtime once it is neither building nor starting, and tells of this commit."""
    begun = time.monotonic()
    while True:
        left = max(0.0, begun + BUILD_S - time.monotonic())
        with login.explained(ANSWER):
            try:
                runtime = login.api.wait_for_space(login.repo, timeout=left, poll_interval=POLL_S)
            except TimeoutError:
                reason = f"it is still being built after {BUILD_S / 60:.0f} minutes"
                remedy = f"look at {_page(login)}?logs=build"
                raise HubError(repo=login.repo, reason=reason, remedy=remedy) from None
        if runtime.raw.get("sha") == commit or time.monotonic() > begun + GRACE_S:
            return runtime
        time.sleep(POLL_S)


def _show_log(login: Login, log: str, say: Say) -> None:
    if not log:
        return
    try:
        with login.explained(ANSWER):
            found = "".join(login.api.fetch_space_logs(login.repo, build=log == "build"))
    except HubError as fault:
        say(f"its log could not be read: {fault}")
        return
    lines = login.hide(found).splitlines()[-LOG_LINES:]
    say("\n".join([f"--- the end of its {log} log", *lines, "---"]))


def _headers(login: Login, host: str, *, is_private: bool) -> dict[str, str]:
    """A private Space is opened by the token, which goes to Hugging Face's own proxy and nowhere else."""
    place = urlsplit(host)
    theirs = (place.hostname or "").endswith(".hf.space") and place.scheme == "https"
    if is_private and (theirs or place.netloc == urlsplit(login.api.endpoint).netloc):
        return {"X-HF-Authorization": f"Bearer {login.token}"}
    return {}


def _until(
    login: Login, url: str, headers: dict[str, str], done: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Ask until the answer is there; a Space that starts answers with errors first."""
    from huggingface_hub import get_session
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]

    deadline, last = time.monotonic() + START_S, "no answer"
    while time.monotonic() < deadline:
        try:
            response = get_session().get(url, headers=headers, timeout=REQUEST_S, follow_redirects=False)
            found = response.json()
            if isinstance(found, dict) and done(found):
                return found
            last = f"status {response.status_code}"
        except (HTTPError, OSError, ValueError) as fault:
            last = type(fault).__name__
        time.sleep(POLL_S)
    reason = f"it runs but did not answer within {START_S / 60:.0f} minutes ({last})"
    raise HubError(repo=login.repo, reason=reason, remedy=f"see its log: {_page(login)}?logs=container")


def _trial(found: dict[str, Any]) -> str:
    return str((found.get("question") or {}).get("state", ""))


def _page(login: Login) -> str:
    return f"{login.api.endpoint}/spaces/{login.repo}"
