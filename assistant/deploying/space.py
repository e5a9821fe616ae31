"""The calls that put a Space on the Hub, as a list: a dry run prints it, a deploy goes through it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from assistant import __version__, hub
from assistant.errors import HubError
from assistant.hub import Login, Refusals

if TYPE_CHECKING:
    from huggingface_hub import SpaceInfo

_WHEEL = re.compile(r"youju-[^/]*\.whl")
MOUNT = "/data"
"""Where the bucket is mounted; the Space keeps its copies there."""
TITLE = f"Deploy with Youju {__version__}"
UNFIT = "the README of the Space; mend its front matter"
PLANS = {
    "cpu-basic": (
        "it needs PRO, or Team or Enterprise for an organization",
        "a free personal account may have two Spaces with --variant zerogpu",
    ),
    "zero-a10g": (
        "it needs a personal account older than 30 days with a verified address (for two Spaces), or PRO",
        "see https://huggingface.co/pricing",
    ),
}
"""Hardware without a price: which plan allows it, and the way out."""
PAID = (
    "it needs a payment method and prepaid credit, on any plan",
    "add them at https://huggingface.co/settings/billing, or take other hardware (--hardware)",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A Space as it shall be.

    Attributes:
        repo: ``owner/name``.
        folder: Its files.
        sdk: Of its front matter.
        hardware: Asked for; empty leaves what there is, or what the variant suggests for a new Space.
        suggested: By the variant.
        variables: Public settings by name.
        secrets: By name.
        bucket: ``owner/name`` of a storage bucket for copies of all state.
        private: Only its owner sees it.
    """

    repo: str
    folder: Path
    sdk: str
    suggested: str
    hardware: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    bucket: str = ""
    private: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One step: what it says of itself, and what it does. It returns what came of it, if anything."""

    line: str
    act: Callable[[Login], str | None]


def calls(plan: Plan) -> Iterator[Call]:
    """The steps, in order. What is as it shall be is not sent again: a changed setting restarts a Space.

    Args:
        plan: The Space. For a dry run its secrets need no values.
    """
    seen = "private" if plan.private else "public"
    new = plan.hardware or plan.suggested
    line = f"create_repo: {plan.repo}, a {seen} {plan.sdk} Space on {new}, where it is not there yet"
    yield Call(line, lambda login: _create(login, plan))
    if plan.bucket:
        yield Call(
            f"create_bucket: {plan.bucket}, private, where it is not there yet",
            lambda login: _bucket(login, plan),
        )
        yield Call(
            f"set_space_volumes: {plan.bucket} at {MOUNT}, to write", lambda login: _volumes(login, plan)
        )
    for key, value in plan.variables.items():
        yield Call(
            f"add_space_variable: {key} = {value}",
            lambda login, key=key, value=value: _variable(login, plan, key, value),  # type: ignore[misc]
        )
    for key, value in plan.secrets.items():
        yield Call(
            f"add_space_secret: {key} (its value is not shown)",
            lambda login, key=key, value=value: _secret(login, plan, key, value),  # type: ignore[misc]
        )
    if plan.hardware:
        yield Call(
            f"request_space_hardware: {plan.hardware}",
            lambda login: _hardware(login, plan.repo, plan.hardware),
        )
    line = "upload_folder: the files above, what is there and not among them is deleted, in one commit"
    yield Call(line, lambda login: _upload(login, plan))


def is_wheel(name: str) -> bool:
    """It is our wheel, which every Space of ours holds."""
    return _WHEEL.fullmatch(name) is not None


def find(login: Login) -> SpaceInfo | None:
    """The Space; ``None`` where there is none of that name.

    Raises:
        HubError: It is there and none of ours: a deploy would delete what it holds.
    """
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        info = login.api.space_info(login.repo)
    except RepositoryNotFoundError:
        return None
    names = {file.rfilename for file in info.siblings or []}
    if names - hub.UNTOUCHED and not any(map(is_wheel, names)):
        some = ", ".join(sorted(names - hub.UNTOUCHED)[:3])
        reason = f"that name is taken by a {info.sdk or 'Space'} Space that is none of Youju's ({some})"
        raise HubError(repo=login.repo, reason=reason, remedy="give another name")
    return info


def _create(login: Login, plan: Plan) -> str:
    with login.explained(UNFIT):
        info = find(login)
    if info is None:
        _make(login, plan, plan.hardware or plan.suggested)
        return "made"
    hub.refuse_public(plan.repo, is_private=bool(info.private), private=plan.private)
    return "there already"


def _make(login: Login, plan: Plan, hardware: str) -> None:
    """Its hardware is looked at again: the Hub was seen to take no notice of it when a Space is made."""
    with login.explained(UNFIT, _refusals(hardware)):
        login.api.create_repo(
            plan.repo,
            repo_type="space",
            space_sdk=plan.sdk,
            space_hardware=hardware,  # type: ignore[arg-type]
            private=plan.private,
        )
    _hardware(login, plan.repo, hardware)


def _refusals(hardware: str) -> Refusals:
    """A plan that does not allow the hardware, and which does."""
    needed, remedy = PLANS.get(hardware, PAID)
    return {402: (f"the plan of that account does not allow {hardware}: {needed}", remedy)}


def _bucket(login: Login, plan: Plan) -> None:
    with login.explained(UNFIT):
        login.api.create_bucket(plan.bucket, private=True, exist_ok=True)


def _volumes(login: Login, plan: Plan) -> str | None:
    from huggingface_hub import Volume

    with login.explained(UNFIT):
        mounted = login.api.get_space_runtime(plan.repo).volumes or []
        if any(each.source == plan.bucket and each.mount_path == MOUNT for each in mounted):
            return "there already"
        others = [each for each in mounted if each.mount_path != MOUNT]
        volume = Volume(type="bucket", source=plan.bucket, mount_path=MOUNT, read_only=False)
        login.api.set_space_volumes(plan.repo, [*others, volume])
    return None


def _variable(login: Login, plan: Plan, key: str, value: str) -> str | None:
    with login.explained(UNFIT):
        found = login.api.get_space_variables(plan.repo).get(key)
        if found is not None and found.value == value:
            return "there already"
        login.api.add_space_variable(plan.repo, key, value)
    return None


def _secret(login: Login, plan: Plan, key: str, value: str) -> None:
    """What is there cannot be read back, so it is written each time."""
    with login.explained(UNFIT):
        login.api.add_space_secret(plan.repo, key, value)


def _hardware(login: Login, repo: str, hardware: str) -> str | None:
    with login.explained(UNFIT, _refusals(hardware)):
        runtime = login.api.get_space_runtime(repo)
        if hardware in (runtime.requested_hardware, runtime.hardware):
            return "there already"
        login.api.request_space_hardware(repo, hardware)  # type: ignore[arg-type]
    return None


def _upload(login: Login, plan: Plan) -> str:
    with login.explained(UNFIT):
        before = login.api.space_info(plan.repo).sha
        commit = login.api.upload_folder(
            repo_id=plan.repo, folder_path=plan.folder, repo_type="space", delete_patterns="*",
            commit_message=TITLE,
        )  # fmt: skip
    return "nothing has changed: nothing was uploaded" if commit.oid == before else f"commit {commit.oid[:8]}"
