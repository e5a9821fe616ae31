"""The settings page: language, theme, model, how it answers, privacy, keys. All of it is the user's alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from markupsafe import Markup

from assistant.errors import BadRequestError
from assistant.web import files, i18n, turns
from assistant.web.pages import bridge
from assistant.web.pages.bridge import Action, Reader, shown

if TYPE_CHECKING:
    import gradio as gr

    from assistant.assistant import Assistant

SYSTEM_LIMIT = 4000
BOUNDS = {"temperature": (0.0, 2.0), "top_p": (0.01, 1.0), "max_new_tokens": (1.0, 8192.0)}
CHOICES = {"language": ("", "en", "zh"), "theme": ("", "light", "dark")}


def build(runtime: Assistant, blocks: gr.Blocks) -> None:
    """Lay the page out and wire it."""
    import gradio as gr

    with gr.Column(elem_id="page-settings", elem_classes="page"):
        body, told = bridge.view("settings"), bridge.view("settings-told")
        act = bridge.Channel("act-settings")

    def load(reader: Reader) -> dict[Any, Any]:
        return {body: shown(html(runtime, reader))}

    def do(reader: Reader, text: str) -> dict[Any, Any]:
        action = Action.parse(text)
        page, note = _act(runtime, reader, action)
        drawn = {} if page is None else {body: shown(page)}
        # The words of every page come from the server: a new language is a new page.
        again = Markup(" data-reload") if action.text("key") == "language" else ""
        return {**drawn, told: shown(Markup('<p class="saved" role="status"{}>{}</p>').format(again, note))}

    blocks.load(bridge.guarded(runtime, load), None, body, **bridge.EVENT)
    act.listen(bridge.guarded(runtime, do), [], [body, told])


def _act(runtime: Assistant, reader: Reader, action: Action) -> tuple[Markup | None, str]:
    """The page as it is now, and what the reader is told.

    A kept setting leaves the page alone: drawing it anew would take the focus and what is being typed.
    """
    user, users = reader.user, runtime.workspace.store.users
    match action.do:
        case "set":
            store(runtime, reader, action.text("key"), action.text("value"))
            return None, reader.say("saved")
        case "create-key":
            plain, _ = users.create_key(user, action.text("value"))
            return html(runtime, reader, secret=plain), ""
        case "revoke-key":
            users.revoke_key(user, action.text("id"))
            return html(runtime, reader), ""
        case "delete-data":
            runtime.workspace.library.delete_user_data(user)
            files.forget(runtime, user)
            return html(runtime, reader, wiped=True), reader.say("data_deleted")
        case _:
            return html(runtime, reader), ""


def store(runtime: Assistant, reader: Reader, key: str, value: str) -> None:
    """Keep one setting.

    Raises:
        BadRequestError: An unknown key, or a value out of its bounds.
        AdapterError: An adapter that is not there.
    """
    value = value.strip()
    if key in CHOICES:
        if value not in CHOICES[key]:
            raise BadRequestError(field=key, value=repr(value), remedy=f"use one of {CHOICES[key]}")
    elif key in BOUNDS:
        _check(key, value)
    elif key == "seed":
        if value and not (value.isdigit() and len(value) <= 9):
            raise BadRequestError(field=key, value=repr(value), remedy="use a whole number of up to 9 digits")
    elif key == "adapter":
        runtime.models.adapter_name(value or None)
    elif key == "system":
        if len(value) > SYSTEM_LIMIT:
            raise BadRequestError(
                field=key, value=f"{len(value)} characters", remedy=f"use {SYSTEM_LIMIT} or fewer"
            )
    else:
        raise BadRequestError(field="key", value=repr(key), remedy="reload the page")
    runtime.workspace.store.settings.set(reader.user, key, value)


def _check(key: str, value: str) -> None:
    low, high = BOUNDS[key]
    try:
        good = not value or low <= float(value) <= high
    except ValueError:
        good = False
    if not good:
        raise BadRequestError(field=key, value=repr(value), remedy=f"use {low:g} to {high:g}")


def html(runtime: Assistant, reader: Reader, *, secret: str = "", wiped: bool = False) -> Markup:
    """The whole page."""
    say = reader.say
    return Markup(
        '<header class="page-head"><h1>{}</h1><p>{}</p></header><div class="preferences"{wiped}>{}{}{}{}{}</div>'
    ).format(
        say("settings"), say("settings_lead"), _appearance(runtime, reader), _model(runtime, reader),
        _advanced(runtime, reader), *_kept(runtime, reader, secret),
        wiped=Markup(" data-wiped") if wiped else Markup(""),
    )  # fmt: skip


def _kept(runtime: Assistant, reader: Reader, secret: str) -> tuple[Markup, Markup]:
    """What stays here of a user, and the user's keys; of a guest nothing stays."""
    if reader.user.role == "guest":
        return Markup(""), Markup("")
    return _privacy(runtime, reader), _keys(runtime, reader, secret)


def _appearance(runtime: Assistant, reader: Reader) -> Markup:
    say, get = reader.say, runtime.workspace.store.settings.get
    languages = [("", say("language_auto")), *i18n.LANGUAGES.items()]
    themes = [("", say("theme_auto")), ("light", say("theme_light")), ("dark", say("theme_dark"))]
    return _section(
        say("appearance"),
        _choice("language", say("language"), languages, get(reader.user, "language", "")),
        _choice("theme", say("theme"), themes, get(reader.user, "theme", "")),
    )


def _model(runtime: Assistant, reader: Reader) -> Markup:
    say, kept = reader.say, turns.Preferences.of(runtime, reader.user)
    adapters = [
        ("", say("adapter_default")),
        ("none", say("adapter_none")),
        *((ref.name, ref.name) for ref in runtime.models.adapters()),
    ]
    state = runtime.models.state()
    model = Markup(
        '<div class="field"><span>{}</span><p><b>{}</b> <small>{}</small></p><small>{}</small></div>'
    ).format(say("model"), runtime.settings.model, say(f"engine_{state.state}"), say("model_hint"))
    system = Markup(
        '<label class="field"><span>{}</span><textarea rows="3" maxlength="{}" data-set="system" placeholder="{}">'
        "{}</textarea></label>"
    ).format(say("system_prompt"), SYSTEM_LIMIT, say("system_prompt_hint"), kept.system)
    return _section(
        say("model"), model, _choice("adapter", say("adapter"), adapters, kept.adapter or ""), system
    )


def _advanced(runtime: Assistant, reader: Reader) -> Markup:
    say, kept = reader.say, turns.Preferences.of(runtime, reader.user)
    longest = kept.max_new_tokens or runtime.settings.max_new_tokens
    fields = Markup("").join(
        [
            _number(
                "temperature", say("temperature"), f"{kept.temperature:g}", 0.05, say("temperature_hint")
            ),
            _number("top_p", say("top_p"), f"{kept.top_p:g}", 0.05),
            _number("max_new_tokens", say("max_new_tokens"), str(longest), 1),
            Markup(
                '<label class="field"><span>{}</span><input inputmode="numeric" maxlength="9" data-set="seed" value="{}">'
                "<small>{}</small></label>"
            ).format(say("seed"), "" if kept.seed is None else kept.seed, say("seed_hint")),
        ]
    )
    return Markup('<details class="section"><summary>{}</summary>{}</details>').format(
        say("advanced"), fields
    )


def _privacy(runtime: Assistant, reader: Reader) -> Markup:
    say, settings = reader.say, runtime.settings
    remote = urlsplit(settings.base_url).netloc
    lead = say("privacy_remote", host=remote) if remote else say("privacy_lead")
    places = [
        (
            "stored_chats",
            urlsplit(settings.database).path if settings.database_url else settings.home / "youju.db",
        ),
        ("stored_files", settings.home / "files"),
        ("stored_index", settings.home / "index"),
        ("stored_models", settings.models_dir),
    ]
    rows = Markup("").join(
        Markup("<tr><td>{}</td><td><code>{}</code></td></tr>").format(say(k), v) for k, v in places
    )
    table = Markup(
        '<p>{}</p><div class="scroll"><table><thead><tr><th>{}</th><th>{}</th></tr></thead><tbody>{}</tbody></table></div>'
    ).format(lead, say("stored_what"), say("stored_where"), rows)
    wipe = Markup(
        '<button type="button" class="plain danger" data-settings="delete-data" data-confirm="{}">{}</button>'
    ).format(say("delete_data_confirm"), say("delete_data"))
    leave = Markup('<form method="post" action="/logout"><button class="plain">{}</button></form>').format(
        say("sign_out")
    )
    return _section(say("privacy"), table, wipe, leave if settings.auth != "local" else Markup(""))


def _keys(runtime: Assistant, reader: Reader, secret: str) -> Markup:
    say = reader.say
    rows = Markup("").join(
        Markup(
            '<tr><td>{label}</td><td><code>{hint}…</code></td><td>{made}</td><td><button type="button" class="text danger" '
            'data-settings="revoke-key" data-id="{id}" data-confirm="{sure}">{revoke}</button></td></tr>'
        ).format(
            label=key.label, hint=key.hint, made=f"{key.created:%Y-%m-%d}", id=key.id,
            sure=say("key_revoke_confirm", label=key.label), revoke=say("key_revoke"),
        )
        for key in runtime.workspace.store.users.keys(reader.user)
    )  # fmt: skip
    listed = Markup('<div class="scroll"><table><tbody>{}</tbody></table></div>').format(rows)
    shown_once = Markup('<p class="secret">{}<code>{}</code></p>').format(say("key_once"), secret)
    create = Markup(
        '<button type="button" class="plain" data-settings="create-key" data-prompt="{}">{}</button>'
    ).format(say("key_label"), say("key_create"))
    return _section(
        say("keys"),
        Markup('<p class="hint">{}</p>').format(say("keys_lead", url="/v1")),
        listed if rows else Markup('<p class="hint">{}</p>').format(say("no_keys")),
        shown_once if secret else Markup(""),
        create,
    )


def _section(title: str, *parts: Markup) -> Markup:
    return Markup('<section class="section"><h2>{}</h2>{}</section>').format(title, Markup("").join(parts))


def _choice(key: str, name: str, options: list[tuple[str, str]] | list[Any], chosen: str) -> Markup:
    items = Markup("").join(
        Markup('<option value="{}"{}>{}</option>').format(
            value, Markup(" selected") if value == chosen else "", words
        )
        for value, words in options
    )
    return Markup('<label class="field"><span>{}</span><select data-set="{}">{}</select></label>').format(
        name, key, items
    )


def _number(key: str, name: str, value: str, step: float, hint: str = "") -> Markup:
    low, high = BOUNDS[key]
    return Markup(
        '<label class="field"><span>{}</span><input type="number" min="{}" max="{}" step="{}" value="{}" data-set="{}">'
        "<small>{}</small></label>"
    ).format(name, f"{low:g}", f"{high:g}", step, value, key, hint)
