"""The command as a program: its help, its flags, its exit codes."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import typer

from assistant import __version__
from assistant.commands import app
from assistant.config import Settings

HEAVY = (
    "torch",
    "transformers",
    "gradio",
    "lancedb",
    "sqlmodel",
    "sentence_transformers",
    "fastapi",
    "numpy",
    "pydantic",
)


def test_help_imports_nothing_heavy() -> None:
    code = f"""
import sys
from assistant.commands.app import run
assert run(["--help"]) == 0
print("LOADED", [name for name in {HEAVY!r} if name in sys.modules])
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "LOADED []"
    assert all(name in said for name in app.BUILT_IN)


def test_the_module_runs_as_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "assistant", "version"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"youju {__version__}\n", "")


@pytest.mark.parametrize("name", app.BUILT_IN)
def test_each_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run([name, "--help"]) == 0
    assert "Usage" in capsys.readouterr().out


def test_serve_lists_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    app.run(["serve", "--help"])
    shown = capsys.readouterr().out
    for name in Settings.model_fields:
        assert f"--{name.replace('_', '-')}" in shown


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["serv"], 2, "Did you mean"),
        (["ask"], 2, "Missing argument"),
        (["ask", "x", "--nonsense"], 2, "No such option"),
        (["ask", "x", "--port", "99999"], 2, "setting port: '99999'"),
        (["serve", "--host", "0.0.0.0"], 2, "youju users add"),
        (["--config", "/no/such.toml", "doctor"], 2, "there is no such file"),
        (["ask", " "], 2, "question is empty"),
        (["search", ""], 2, "query is empty"),
        (["sentiment"], 2, "either TEXT or --csv"),
        (["sentiment", "x", "--csv", "y.csv"], 2, "either TEXT or --csv"),
        (["sentiment", "  "], 2, "text is empty"),
        (["sentiment", "--csv", "/no/such.csv"], 2, "no such file"),
        (["summarize", "/no/such.pdf"], 2, "no such file"),
        (["summarize", "x", "--length", "novel"], 2, "Invalid value"),
        (["ingest", "/no/such.pdf"], 2, "no such file or folder"),
        (["models", "pull", "smollm2"], 2, "did you mean smollm2-135m"),
        (["models", "show", "zzz"], 2, "youju models list"),
    ],
)
def test_bad_input_is_one_clear_line(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.run(arguments) == code
    said = capsys.readouterr()
    assert words in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


def test_a_flag_beats_the_file_and_the_file_beats_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assistant.commands.options import with_settings

    seen: list[Settings] = []
    probe = typer.Typer(add_completion=False)
    probe.command()(with_settings(lambda settings: seen.append(settings)))
    monkeypatch.setattr(app, "load", lambda name: typer.main.get_command(probe))
    monkeypatch.setenv("YOUJU_PORT", "1001")
    monkeypatch.setenv("YOUJU_HITS", "11")
    monkeypatch.setenv("YOUJU_MAX_QUEUE", "7")
    (tmp_path / "youju.toml").write_text("port = 1002\nhits = 12\n")
    assert (
        app.run(["--home", str(tmp_path), "ask", "--port", "1003", "--allowed-hosts", "a.example, b.example"])
        == 0
    )
    (settings,) = seen
    assert (settings.port, settings.hits, settings.max_queue) == (1003, 12, 7)
    assert settings.allowed_hosts == ("a.example", "b.example")
    assert settings.home == tmp_path


def test_home_works_on_both_sides_of_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--home", str(tmp_path), "users", "list"], ["users", "list", "--home", str(tmp_path)]):
        assert app.run(arguments) == 0
        assert (tmp_path / "youju.db").is_file()
        (tmp_path / "youju.db").unlink()


@pytest.mark.parametrize(
    ("fault", "code"),
    [(KeyboardInterrupt(), 130), (SystemExit(3), 3), (SystemExit("x"), 1)],
)
def test_how_it_ends(fault: BaseException, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def command() -> None:
        raise fault

    probe = typer.Typer(add_completion=False)
    probe.command()(command)
    monkeypatch.setattr(app, "load", lambda name: typer.main.get_command(probe))
    assert app.run(["ask"]) == code


def test_commands_of_other_packages_join_and_load_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plugin_of_test.py").write_text(
        "import typer\napp = typer.Typer(add_completion=False)\n"
        "@app.command()\ndef tune(steps: int) -> None:\n    typer.echo(f'tuned {steps}')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("tune", "plugin_of_test:app", app.ENTRY_POINTS)
    monkeypatch.setattr(app, "_points", lambda: [point])
    fresh = typer.Typer(cls=app.Commands, add_completion=False, pretty_exceptions_enable=False)
    fresh.callback()(app._root)
    monkeypatch.setattr(app, "app", fresh)
    assert app.run(["--help"]) == 0
    assert "tune" in capsys.readouterr().out
    assert "plugin_of_test" not in sys.modules
    assert app.run(["tune", "7"]) == 0
    assert capsys.readouterr().out == "tuned 7\n"


def test_a_dotted_name_adds_a_command_to_a_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """To one of ours and to one of another package; a plain function will do; both load late."""
    (tmp_path / "plugin_with_group.py").write_text(
        "import typer\napp = typer.Typer(add_completion=False)\n"
        "@app.command()\ndef plain() -> None:\n    typer.echo('plain')\n"
        "@app.callback()\ndef root() -> None:\n    pass\n"
        "def push(name: str) -> None:\n    typer.echo(f'pushed {name}')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    points = [
        EntryPoint("crew", "plugin_with_group:app", app.ENTRY_POINTS),
        EntryPoint("crew.push", "plugin_with_group:push", app.ENTRY_POINTS),
        EntryPoint("models.push", "plugin_with_group:push", app.ENTRY_POINTS),
        EntryPoint("models.list", "plugin_with_group:push", app.ENTRY_POINTS),  # ours stays ours
    ]
    monkeypatch.setattr(app, "_points", lambda: points)
    fresh = typer.Typer(cls=app.Commands, add_completion=False, pretty_exceptions_enable=False)
    fresh.callback()(app._root)
    monkeypatch.setattr(app, "app", fresh)
    assert app.run(["--help"]) == 0
    assert "crew.push" not in capsys.readouterr().out
    assert app.run(["models", "--help"]) == 0
    assert "From the package plugin_with_group" in capsys.readouterr().out
    assert "plugin_with_group" not in sys.modules
    for group in ("models", "crew"):
        assert app.run([group, "push", "polite"]) == 0
        assert capsys.readouterr().out == "pushed polite\n"
    assert app.run(["crew", "plain"]) == 0
    assert capsys.readouterr().out == "plain\n"
    assert app.run(["models", "push"]) == 2
    assert "Missing argument" in capsys.readouterr().err
