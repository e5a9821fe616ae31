"""Both adapters on one set of weights: opened, tried and measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from assistant.assistant import Assistant
from assistant.commands.options import note
from assistant.config import Settings
from assistant.errors import ConflictError
from assistant.schema import AdapterRef, Message
from eval import launching
from eval.gate import measuring
from eval.gate.deciding import Decision
from eval.gate.measuring import Plan, Side
from eval.gate.record import Record
from eval.subjects.hosted import HostedSubject
from eval.subjects.protocol import Subject

GATES = "gates"
"""Below the data folder."""
TEMPERATURE = 0.7
"""Of the answers where there are several seeds: greedy ones do not differ by seed."""


def measured(settings: Settings, ref: AdapterRef, against: AdapterRef | None, plan: Plan) -> Record:
    """Measure an adapter beside another one, or beside the bare model.

    Raises:
        ConflictError: It is the other one.
        AdapterError: It does not fit the model.
        KeyboardInterrupt: What is done is kept; the same call goes on.
    """
    if against == ref:
        detail = "would be measured beside itself: it is live"
        raise ConflictError(kind="adapter", value=ref.name, detail=detail)
    names: dict[Side, str] = {"before": against.name if against else "none", "after": ref.name}
    with tried(settings, ref) as host:

        def subject(side: Side, retrieval: bool, seed: int) -> Subject:
            heat = TEMPERATURE if plan.seeds > 1 else 0.0
            return HostedSubject(host, adapter=names[side], retrieval=retrieval, seed=seed, temperature=heat)

        note(f"measuring {ref.name} beside {names['before']}; stopped, the same command goes on")
        decision = measuring.measure(plan, subject, settings.home / GATES / "runs", launching.bar)
    return _record(plan, ref, against, decision)


@contextmanager
def tried(settings: Settings, ref: AdapterRef) -> Iterator[Assistant]:
    """The assistant, once it has said a word with the adapter.

    Raises:
        AdapterError: Its weights do not fit the model: told now, not case by case.
    """
    host = Assistant.open(settings.model_copy(update={"adapter": "none"}))
    try:
        name = host.models.adapter_name(ref.name)
        for _ in host.models.generator().stream(
            [Message("user", "Hello")], host.models.sampling(max_new_tokens=1), adapter=name
        ):
            pass
        yield host
    finally:
        host.close()


def _record(plan: Plan, ref: AdapterRef, against: AdapterRef | None, decision: Decision) -> Record:
    return Record(
        candidate=ref.name,
        candidate_sha256=ref.sha256,
        against=against.name if against else "none",
        against_sha256=against.sha256 if against else "",
        base=ref.base,
        at=datetime.now().astimezone().isoformat(timespec="seconds"),
        decision=decision,
        suites={suite.name: suite.sha256 for suite in (*plan.tasks, *plan.guards)},
        limit=plan.limit,
        seeds=plan.seeds,
    )
