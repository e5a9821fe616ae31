"""Back to what a Space was before its last deploy: the files of then, as a new commit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from assistant.deploying import space
from assistant.errors import HubError
from assistant.hub import Login

if TYPE_CHECKING:
    from huggingface_hub import GitCommitInfo

_PART = re.compile(r" \(part \d+\)$")
"""The client cuts a large upload into several commits, and names all but the first so."""


def roll_back(login: Login) -> tuple[str, str]:
    """Make the files of the commit before the last deploy the newest again, in one commit.

    Settings, secrets and hardware are no files and stay. A second rollback undoes the first.

    Returns:
        The commit that was gone back to, and the new one.

    Raises:
        HubError: There is no such Space of ours, or nothing before its last deploy.
    """
    from huggingface_hub import CommitOperationCopy, CommitOperationDelete

    with login.explained(space.UNFIT):
        if space.find(login) is None:
            remedy = "`youju deploy` makes it"
            raise HubError(repo=login.repo, reason="there is no such Space", remedy=remedy)
        commits = login.api.list_repo_commits(login.repo, repo_type="space")
        target = _before(login, commits)
        then, now = (_files(login, commit) for commit in (target, commits[0].commit_id))
        if not any(map(space.is_wheel, then)):
            raise _nothing(login)
        copies = [CommitOperationCopy(path, path, src_revision=target) for path in sorted(then)]
        gone = [CommitOperationDelete(path) for path in sorted(now - then)]
        made = login.api.create_commit(
            login.repo, [*copies, *gone], repo_type="space", parent_commit=commits[0].commit_id,
            commit_message=f"Back to {target[:8]}",
        )  # fmt: skip
    return target, made.oid


def _before(login: Login, commits: Sequence[GitCommitInfo]) -> str:
    first = next(n for n, commit in enumerate(commits) if not _PART.search(commit.title))
    if first + 1 >= len(commits):
        raise _nothing(login)
    return commits[first + 1].commit_id


def _nothing(login: Login) -> HubError:
    reason = "there is nothing to go back to, it was deployed once only"
    return HubError(repo=login.repo, reason=reason, remedy="deploy what it shall be")


def _files(login: Login, commit: str) -> set[str]:
    from huggingface_hub.hf_api import RepoFile

    found = login.api.list_repo_tree(login.repo, recursive=True, repo_type="space", revision=commit)
    return {each.path for each in found if isinstance(each, RepoFile)}
