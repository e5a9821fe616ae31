"""The sign-in page: plain HTML of our own, in two languages, working without any script."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from assistant.config import Settings
from assistant.errors import TooManyRequestsError
from assistant.store import Store
from assistant.web.auth import COOKIE, SESSION_S, Sessions, client_address, cookie_rules
from assistant.web.limits import Throttle

_WORDS = {
    "en": {
        "title": "Sign in",
        "name": "Name",
        "password": "Password",
        "submit": "Sign in",
        "wrong": "Name and password do not match.",
        "wait": "Too many attempts. Try again in {s} seconds.",
        "help": "Accounts are made on the server with youju users add NAME.",
        "huggingface": "Sign in with Hugging Face",
        "tab": "It opens in a tab of its own: browsers keep no sign-in inside a frame. Stay in that tab.",
        "failed": "Hugging Face did not confirm the sign-in. Please try again.",
        "stranger": "This account may not sign in here: ask the owner of this Space to add it.",
    },
    "zh": {
        "title": "登录",
        "name": "用户名",
        "password": "密码",
        "submit": "登录",
        "wrong": "用户名或密码不正确。",
        "wait": "尝试次数过多，请在 {s} 秒后再试。",
        "help": "账号在服务器上用 youju users add NAME 创建。",
        "huggingface": "用 Hugging Face 账号登录",
        "tab": "登录会在新标签页打开，因为浏览器不在嵌入的框架里保存登录状态。请在新标签页里继续使用。",
        "failed": "Hugging Face 没有确认这次登录，请再试一次。",
        "stranger": "这个账号不能在这里登录：请让这个 Space 的所有者把它加进来。",
    },
}
_PAGE = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title} · Youju 有据</title><style>
:root{{color-scheme:light dark;--ink:light-dark(#1b1d22,#e8e9ec);--accent:light-dark(#2447a8,#8fa8f5);
--line:light-dark(#c9ccd3,#474b55);--back:light-dark(#fff,#17181c)}}
body{{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--back);color:var(--ink);
font:16px/1.6 Inter,"PingFang SC","Noto Sans SC","Microsoft YaHei",system-ui,sans-serif}}
form,main{{width:min(320px,88vw);display:grid;gap:16px}} h1{{font-size:24px;margin:0}}
label{{display:grid;gap:4px}}
input,button,a{{font:inherit;padding:8px 12px;border-radius:8px;border:1px solid var(--line);
background:none;color:inherit}}
button,a{{background:var(--accent);border-color:var(--accent);color:var(--back);cursor:pointer;
text-align:center;text-decoration:none}}
:focus-visible{{outline:2px solid var(--accent);outline-offset:2px}}
[role=alert]{{margin:0;color:light-dark(#a11,#f99)}} small{{opacity:.75}}
</style></head><body>{body}</body></html>"""
_PASSWORD = """<form method="post" action="/login"><h1>有据 Youju</h1>{alert}
<label>{name}<input name="name" autocomplete="username" required autofocus maxlength="200"></label>
<label>{password}
<input name="password" type="password" autocomplete="current-password" required maxlength="200"></label>
<button>{submit}</button><small>{help}</small></form>"""
_HUGGINGFACE = """<main><h1>有据 Youju</h1>{alert}
<a href="/login/huggingface" target="_blank" rel="noopener">{huggingface}</a><small>{tab}</small></main>"""


def router(settings: Settings, store: Store, sessions: Sessions) -> APIRouter:
    """``/login`` and ``/logout``."""
    routes = APIRouter(include_in_schema=False)
    throttle = Throttle("sign-in attempts", per_minute=10, minutes=10)
    throttle_address = Throttle("sign-in attempts", per_minute=100, minutes=10)

    @routes.get("/login")
    def page(request: Request) -> Response:
        if settings.auth in ("local", "visitors"):
            return RedirectResponse("/", 303)
        return page_of(settings, request)

    @routes.post("/login")
    async def sign_in(request: Request) -> Response:
        form = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=10)
        name, password = (form.get(field, [""])[0] for field in ("name", "password"))
        address = client_address(request.scope)
        try:
            throttle.check(address, name[:200])
            throttle_address.check(address)
        except TooManyRequestsError as error:
            return page_of(settings, request, 429, "wait", int(error.fields["retry_s"]))
        user = await run_in_threadpool(store.users.verify, name, password)
        if user is None:
            throttle.count(address, name[:200])
            throttle_address.count(address)
            return page_of(settings, request, 401, "wrong")
        response = RedirectResponse("/", 303)
        value = sessions.issue(user)
        response.set_cookie(COOKIE, value, SESSION_S, **cookie_rules(settings))
        return response

    @routes.post("/logout")
    def sign_out() -> Response:
        response = RedirectResponse("/login", 303)
        response.delete_cookie(COOKIE, **cookie_rules(settings))
        return response

    return routes


def page_of(
    settings: Settings, request: Request, status: int = 200, problem: str = "", seconds: int = 0
) -> Response:
    """The page to sign in on.

    Args:
        settings: Say in which way.
        request: Its language is the page's.
        status: Of the answer.
        problem: Key of what is wrong: ``wrong``, ``wait``, ``failed``, ``stranger``.
        seconds: Until it may be tried again.
    """
    language = "zh" if request.headers.get("accept-language", "").lower().startswith("zh") else "en"
    words = _WORDS[language]
    alert = f'<p role="alert">{escape(words[problem].format(s=seconds))}</p>' if problem else ""
    form = _HUGGINGFACE if settings.auth == "huggingface" else _PASSWORD
    lang = "zh-CN" if language == "zh" else "en"
    headers = {"Retry-After": str(seconds)} if seconds else None
    body = form.format(alert=alert, **words)
    return HTMLResponse(_PAGE.format(lang=lang, body=body, **words), status, headers)
