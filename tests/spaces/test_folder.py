"""Names that break Gradio on Hugging Face only, and the builtin `eval` everywhere."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("folder", ["spaces", "tests"])
def test_no_package_where_none_may_be(folder: str) -> None:
    assert not list((ROOT / folder).rglob("__init__.py"))


def test_nobody_hides_the_builtin_eval() -> None:
    sources = [
        path for name in ("assistant", "eval", "finetune", "tests") for path in (ROOT / name).rglob("*.py")
    ]
    assert len(sources) > 100
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                named = [alias.name for alias in node.names if alias.asname is None]
                assert not any(name.split(".")[0] == "eval" for name in named), path


def test_nothing_loads_code_with_a_model() -> None:
    banned = {"torch.load", "pickle.load", "pickle.loads"}
    for path in [*(ROOT / "assistant").rglob("*.py"), *(ROOT / "finetune").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                assert ast.unparse(node.func) not in banned, path
                for keyword in node.keywords:
                    trusts = keyword.arg == "trust_remote_code" and ast.unparse(keyword.value) != "False"
                    assert not trusts, path
