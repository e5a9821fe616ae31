from pathlib import Path

import pytest

from assistant import config
from assistant.errors import ConfigError


def test_a_flag_beats_the_file_and_the_file_beats_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YOUJU_PORT", "8001")
    assert config.load(home=tmp_path).port == 8001
    (tmp_path / "youju.toml").write_text("port = 8002\n")
    assert config.load(home=tmp_path).port == 8002
    assert config.load(home=tmp_path, port=8003).port == 8003


def test_a_flag_that_is_not_given_changes_nothing(tmp_path: Path) -> None:
    assert config.load(home=tmp_path, port=None).port == 7860


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("prot = 1\n", "prot"),
        ("port = 70000\n", "65535"),
        ('port = "many"\n', "port"),
        ("port = \n", "youju.toml"),
        ('home = "/tmp"\n', "home"),
        ('host = "0.0.0.0"\n', "users add"),
    ],
)
def test_a_bad_line_is_named_with_the_way_out(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "youju.toml").write_text(line)
    with pytest.raises(ConfigError, match=said):
        config.load(home=tmp_path)


def test_lists_come_comma_separated_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YOUJU_ALLOWED_HOSTS", "a.example, b.example")
    assert config.load(home=tmp_path).allowed_hosts == ("a.example", "b.example")


def test_beyond_loopback_needs_users(tmp_path: Path) -> None:
    assert config.load(home=tmp_path, host="0.0.0.0", auth="users").host == "0.0.0.0"


def test_the_key_is_never_shown(tmp_path: Path) -> None:
    assert "sk-secret" not in repr(config.load(home=tmp_path, api_key="sk-secret"))
