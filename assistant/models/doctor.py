"""Can Youju work here? Each check says what it saw and, where it must, the one command that mends it."""

from __future__ import annotations

import os
import shutil
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from assistant import mounts
from assistant.config import Settings
from assistant.errors import YoujuError
from assistant.models import adapters, live, memory, pull
from assistant.models import machine as machines
from assistant.models.catalog import AUTO, DEFAULTS, GB, LAST_RESORT, MB, Kind, resolve
from assistant.models.machine import Machine

State = Literal["ok", "warn", "fail"]
DISK_LOW = GB
DISK_EMPTY = 100 * MB


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: State
    message: str
    remedy: str = ""
    """A command or a setting; empty when ``state`` is ok."""


@dataclass(frozen=True, slots=True)
class Report:
    """All checks, in the order in which they matter."""

    checks: tuple[Check, ...]

    @property
    def healthy(self) -> bool:
        """True unless a check failed."""
        return all(check.state != "fail" for check in self.checks)


def examine(settings: Settings) -> Report:
    """Look at everything that serving needs. Loads no model and changes nothing."""
    machine = machines.detect()
    checks = [_device(machine)]
    checks += [_remote(settings)] if settings.base_url else list(_decoder(settings, machine))
    checks += [_model(settings, settings.embedder, "embedder"), _hub(), *_disks(settings), *_home(settings)]
    return Report(tuple(checks))


def _device(machine: Machine) -> Check:
    text = f"{machine.device} ({machine.name}), {machine.cores} cores"
    if machine.device == "cpu" and machine.name == "DEFAULT":
        return Check(
            "device", "warn", f"{text}: no AVX2, answers will be slow", "use a newer machine or base_url"
        )
    return Check("device", "ok", text)


def _decoder(settings: Settings, machine: Machine) -> Iterator[Check]:
    held, why = machines.quantization(machine, settings.quantization)
    yield Check("quantization", "ok", f"{held}: {why}")
    yield from _default(settings)
    yield _model(settings, settings.model, "decoder")
    yield _adapter(settings)
    yield _memory(settings, machine)
    best = machines.best_fit(machine, settings.quantization)
    yield Check(
        "suggestion", "ok", f"{best.name} is the largest catalog model that runs well here: {best.note}"
    )


def _default(settings: Settings) -> Iterator[Check]:
    """Which reader was taken where nobody chose one, and why."""
    if settings.model != AUTO:
        return
    usable, entry = memory.usable(), resolve(AUTO)
    limits = ", ".join(f"{name} from {_gb(needed)} on" for name, needed in DEFAULTS)
    quotes = "" if entry.reads else ", which finds and quotes but does not write"
    text = f"{entry.name}{quotes}, for {_gb(usable)} of memory ({limits}, else {LAST_RESORT})"
    yield Check("default", "ok", text)


def _model(settings: Settings, name: str, kind: Kind) -> Check:
    part = "model" if kind == "decoder" else "embedder"
    try:
        entry = resolve(name, kind)
        folder = pull.installed(entry, settings.models_dir)
    except YoujuError as fault:
        return Check(part, "fail", str(fault), f"youju models pull {name}")
    if folder is None:
        return Check(part, "fail", f"{entry.name} is not here", f"youju models pull {entry.name}")
    return Check(part, "ok", f"{entry.name} in {folder}")


def _adapter(settings: Settings) -> Check:
    """The one that answers where a request names none."""
    try:
        base = resolve(settings.model).name
        if settings.adapter in ("", "none"):
            return Check("adapter", "ok", "none: the bare model answers, as the settings say")
        if settings.adapter == "live":
            ref = live.current(settings.home, base)
        else:
            ref = adapters.find(settings.home, settings.adapter)
        if ref is None:
            return Check("adapter", "ok", "none is live: the bare model answers")
        adapters.verify(ref, base)
    except YoujuError as fault:
        mend = "youju adapters rollback" if settings.adapter == "live" else "youju adapters list"
        return Check("adapter", "fail", str(fault), mend)
    return Check("adapter", "ok", f"{ref.name} answers")


def _memory(settings: Settings, machine: Machine) -> Check:
    try:
        entry = resolve(settings.model)
    except YoujuError:
        return Check(
            "memory", "warn", "unknown until the model is there", f"youju models pull {settings.model}"
        )
    need = machines.memory_needed(entry, machine, settings.quantization)
    have = f"{_gb(machine.free)} free of {_gb(machine.memory)}"
    if not need:
        return Check("memory", "ok", f"{have}; the needs of {entry.name} are not in the catalog")
    text = f"{entry.name} needs about {_gb(need)}; {have}"
    if need > machine.memory:
        best = machines.best_fit(machine, settings.quantization)
        return Check("memory", "fail", text, f"youju serve --model {best.name}")
    if need > machine.free:
        return Check("memory", "warn", text, "close other programs")
    return Check("memory", "ok", text)


def _remote(settings: Settings) -> Check:
    address = settings.base_url.rstrip("/") + "/models"
    headers = {"Authorization": f"Bearer {settings.api_key.get_secret_value()}"}
    try:
        if not address.startswith(("http://", "https://")):
            raise ValueError("it must begin with http:// or https://")
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=5) as reply:
            return Check(
                "model", "ok", f"{settings.base_url} answers ({reply.status}), model {settings.model}"
            )
    except (OSError, ValueError) as fault:
        message = f"{settings.base_url} does not answer: {fault}"
        return Check("model", "fail", message, "start that server, or unset base_url")


def _hub() -> Check:
    off = os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}
    return Check("hub", "ok", "switched off (HF_HUB_OFFLINE)" if off else "used only by `youju models pull`")


def _disks(settings: Settings) -> Iterator[Check]:
    for name, folder in (("disk of home", settings.home), ("disk of models", settings.models_dir)):
        free = shutil.disk_usage(_existing(folder)).free
        state: State = "fail" if free < DISK_EMPTY else "warn" if free < DISK_LOW else "ok"
        remedy = "" if state == "ok" else "free some space, or set YOUJU_HOME and YOUJU_MODELS_DIR"
        yield Check(name, state, f"{_gb(free)} free at {folder}", remedy)


def _home(settings: Settings) -> Iterator[Check]:
    home = settings.home
    if not os.access(_existing(home), os.W_OK):
        yield Check("home", "fail", f"{home} cannot be written", "set YOUJU_HOME to a folder of yours")
        return
    if kind := mounts.network(home):
        yield Check("home", "warn", f"{home} is on a network file system ({kind})", mounts.REMEDY)
        return
    yield Check(
        "home", "ok", f"{home} can be written" if home.is_dir() else f"{home} is made at the first start"
    )
    if (home / "youju.lock").exists():
        yield _lock(home)


def _lock(home: Path) -> Check:
    try:
        with FileLock(home / "youju.lock", timeout=0):
            return Check("lock", "ok", "no server is using the data folder")
    except Timeout:
        pid = home / "youju.pid"
        number = pid.read_text().strip() if pid.exists() else "?"
        return Check("lock", "ok", f"a server is using the data folder (process {number})")


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def _gb(size: int) -> str:
    return f"{size / GB:.1f} GB"
