"""The retrieval inspector: what each stage found, what they give together, and the text as the model gets it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from assistant.errors import EmptyInputError
from assistant.schema import Hit
from assistant.web.pages.bridge import Reader
from assistant.web.pages.conversation import place
from assistant.web.pages.icons import icon
from assistant.web.pages.why import score

if TYPE_CHECKING:
    from assistant.assistant import Assistant

FOUND = 8


def html(runtime: Assistant, reader: Reader, collection_id: str, query: str) -> Markup:
    """Three columns side by side, then the context."""
    if not query.strip():
        raise EmptyInputError(field="query", remedy=reader.say("ask"))
    say = reader.say
    found = runtime.workspace.library.search(reader.user, query, collection_ids=[collection_id], k=FOUND)
    hits = list(found.hits)
    dense, lexical = found.dense[:FOUND], found.lexical[:FOUND]
    context = Markup("").join(
        Markup("<li><b>[{}] {}</b><pre>{}</pre></li>").format(n, hit.title, hit.passage)
        for n, hit in enumerate(hits, 1)
    )
    return Markup(
        '<section class="preview"><header><button type="button" class="tool" data-docs="show" aria-label="{back}" '
        'title="{back}">{arrow}</button><h2>{query}</h2></header><p class="hint">{searched}</p>'
        '<div class="stages">{dense}{lexical}{fused}</div><h3>{sent}</h3><ol class="context">{context}</ol></section>'
    ).format(
        back=say("back"), arrow=icon("left"), query=query, searched=say("searched_n", count=found.searched),
        dense=_stage(reader, "stage_dense", [(h, score(h.dense, h.dense_rank)) for h in dense]),
        lexical=_stage(reader, "stage_lexical", [(h, score(h.lexical, h.lexical_rank)) for h in lexical]),
        fused=_stage(reader, "stage_fused", [(h, Markup(f"{h.score:.4f}")) for h in found.fused[:FOUND]]),
        sent=say("context_sent"), context=context,
    )  # fmt: skip


def _stage(reader: Reader, key: str, rows: Sequence[tuple[Hit, Markup]]) -> Markup:
    items = Markup("").join(
        Markup('<li><b>{}</b>{}<span class="number">{}</span><p>{}</p></li>').format(
            hit.title,
            place(reader, hit.chunk.page, hit.chunk.heading, hit.title),
            number,
            hit.chunk.text[:220],
        )
        for hit, number in rows
    )
    nothing = Markup('<p class="hint">{}</p>').format(reader.say("stage_none"))
    body = Markup("<ol>{}</ol>").format(items) if rows else nothing
    return Markup("<div><h3>{}</h3>{}</div>").format(reader.say(key), body)
