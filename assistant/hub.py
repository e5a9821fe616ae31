"""The Hugging Face Hub for whoever sends something there: the login, names, one commit of files, refusals.

The token comes from the usual login (``hf auth login`` or HF_TOKEN). It is given to the Hub's own client and
to nothing else: no message, file or log of ours holds it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from assistant import __version__
from assistant.errors import BadRequestError, HubError

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

AGAIN = "try again later: what is there already is kept, and the same command goes on"
Files = Mapping[str, bytes]
"""What goes to the Hub, by its name there."""
CARD = "README.md"
UNTOUCHED = frozenset({".gitattributes", CARD})
"""Of a repository that was only just made."""
Refusals = Mapping[int, tuple[str, str]]
"""Status -> what is wrong, and what mends it."""
REFUSALS: Refusals = {
    401: ("the token is not valid", "run `hf auth login` with a new one"),
    402: ("the plan of that account does not allow it", "see the account's billing page"),
    403: ("you have no right to write there", "use your own name, or a token with write rights"),
    409: ("that name is taken", "give another name"),
    413: ("it is too large for that account", "see the account's storage"),
    429: ("too many requests", AGAIN),
    507: ("the account's storage is full", "see the account's storage"),
}
QUOTA = ("quota", "storage limit", "maximum number")
"""Words of the Hub's own message where an account has used up what it may have."""
PAYMENT = ("payment method", "subscription", "subscribe", "prepaid")
"""Where its plan does not allow something: the status is 402 or 403."""


@dataclass(frozen=True, slots=True)
class Login:
    """The Hub's client for one repository, logged in."""

    repo: str
    api: HfApi
    token: str = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Values that are sent there and shown nowhere."""

    def keeping(self, secrets: Iterable[str]) -> Login:
        """The same, with values to keep out of sight."""
        return replace(self, secrets=tuple(filter(None, secrets)))

    @contextmanager
    def explained(self, unfit: str, refusals: Refusals | None = None) -> Iterator[None]:
        """Turn what the client raises into a sentence; the token never gets into it.

        Args:
            unfit: What the Hub looks into before it takes anything, and where it is mended.
            refusals: Of this very call, before the common ones.

        Raises:
            HubError: No rights, a name that is taken, a plan, a quota, the network.
        """
        with _explained(self, unfit, {**REFUSALS, **(refusals or {})}):
            yield

    def hide(self, text: str) -> str:
        """The text without the token and the secrets."""
        for value in (self.token, *self.secrets):
            text = text.replace(value, "…")
        return text


def log_in(repo: str) -> Login:
    """The client for a repository.

    Raises:
        HubError: Nobody is logged in.
    """
    from huggingface_hub import HfApi, get_token

    token = get_token()
    if not token:
        remedy = "run `hf auth login`, or put a token with write rights into HF_TOKEN"
        raise HubError(repo=repo, reason="nobody is logged in here", remedy=remedy)
    return Login(repo, HfApi(token=token, library_name="youju", library_version=__version__), token)


def check_name(repo: str, field: str = "OWNER/REPO") -> None:
    """See that a repository's name is one.

    Raises:
        BadRequestError: It is not.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(repo)
        owner, _, name = repo.partition("/")
    except HFValidationError:
        owner = name = ""
    if not (owner and name):
        remedy = f"write {field}: letters, digits, '-', '_' and '.', at most 96 of them"
        raise BadRequestError(field=field, value=repr(repo), remedy=remedy)


@dataclass(frozen=True, slots=True)
class Parcel:
    """Files that are published together, in one commit.

    Attributes:
        repo: ``owner/name``.
        kind: Of the repository.
        files: With the card among them.
        holds: A name that every repository of this sort has; one without it holds something else.
        sort: What that is, in words.
        private: Only its owner sees it.
    """

    repo: str
    kind: Literal["model", "dataset"]
    files: Files
    holds: str
    sort: str
    private: bool = False


def publish(parcel: Parcel, message: str) -> str:
    """Make the repository where it is not there, and put the files into it in one commit.

    Returns:
        The address of the repository.

    Raises:
        HubError: Not logged in, no rights, another thing has that name, or the Hub cannot be reached.
    """
    from huggingface_hub import CommitOperationAdd

    login = log_in(parcel.repo)
    api, repo, kind = login.api, parcel.repo, parcel.kind
    with login.explained(f"the card; mend the metadata of {CARD}"):
        if not _is_there(api, parcel):
            api.create_repo(repo, repo_type=kind, private=parcel.private)
        additions = [CommitOperationAdd(name, data) for name, data in parcel.files.items()]
        api.create_commit(repo, additions, commit_message=message, repo_type=kind)
    return f"{api.endpoint}/{'datasets/' if kind == 'dataset' else ''}{repo}"


def show(parcel: Parcel) -> str:
    """Every file that would go, with its size and hash, and the words of those that are text."""
    seen = "private" if parcel.private else "public"
    lines = [f"would go to {parcel.repo} ({seen}), in one commit:", ""]
    for name, data in parcel.files.items():
        lines.append(f"{name:<28}{len(data):>12,} bytes  sha256 {hashlib.sha256(data).hexdigest()}")
    for name, data in parcel.files.items():
        if not name.endswith((".safetensors", ".html", ".jsonl")):
            lines.append(f"\n--- {name}\n{data.decode()}")
    return "\n".join(lines)


def _is_there(api: HfApi, parcel: Parcel) -> bool:
    """Whether the repository is there and may be written over: one of the same sort, or an empty one.

    Raises:
        HubError: It holds something else, or everybody would see what is meant to be private.
    """
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        find = api.model_info if parcel.kind == "model" else api.dataset_info
        info = find(parcel.repo)
    except RepositoryNotFoundError:
        return False
    names = {file.rfilename for file in info.siblings or []}
    if parcel.holds not in names and names - UNTOUCHED:
        some = ", ".join(sorted(names - UNTOUCHED)[:3])
        reason = f"it is there already and holds no {parcel.sort} ({some})"
        raise HubError(repo=parcel.repo, reason=reason, remedy="give another name")
    refuse_public(parcel.repo, is_private=bool(info.private), private=parcel.private)
    return True


def refuse_public(repo: str, *, is_private: bool, private: bool) -> None:
    """See that what is meant to be private does not go where everybody sees it.

    Raises:
        HubError: It would.
    """
    if private and not is_private:
        remedy = "make it private in its settings there, or give another name"
        raise HubError(repo=repo, reason="it is there already and public", remedy=remedy)


@contextmanager
def _explained(login: Login, unfit: str, refusals: Refusals) -> Iterator[None]:
    from huggingface_hub.errors import (  # type: ignore[attr-defined]
        HfHubHTTPError,
        HTTPError,
        OfflineModeIsEnabled,
    )

    repo = login.repo
    try:
        yield
    except OfflineModeIsEnabled:
        remedy = "unset HF_HUB_OFFLINE"
        raise HubError(repo=repo, reason="the Hub is switched off here", remedy=remedy) from None
    except HfHubHTTPError as fault:
        reason, remedy = _reason(fault, refusals)
        raise HubError(repo=repo, reason=login.hide(reason), remedy=remedy) from None
    except (HTTPError, OSError, RuntimeError) as fault:  # the last: of large files
        reason = f"it cannot be reached ({type(fault).__name__})"
        raise HubError(repo=repo, reason=reason, remedy="check the network and try again") from None
    except ValueError as fault:  # the Hub's own check of the card's metadata
        what, _, remedy = unfit.partition("; ")
        reason = f"{what} is not taken ({login.hide(str(fault))[:300]})"
        raise HubError(repo=repo, reason=reason, remedy=remedy) from None


def _reason(fault: HfHubHTTPError, refusals: Refusals) -> tuple[str, str]:
    """What is wrong and what mends it, by the status; the Hub's own words where it said any."""
    words = " ".join((fault.server_message or "").split())[:200]
    status = 402 if any(word in words.lower() for word in PAYMENT) else fault.response.status_code
    reason, remedy = refusals.get(status, (f"it answered with status {status}", AGAIN))
    if any(word in words.lower() for word in QUOTA):
        reason, remedy = "the account's quota is used up", "delete what is not needed, or see its plan"
    return reason + (f" ({words})" if words else ""), remedy
