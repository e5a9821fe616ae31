"""What a question asks for, and which texts hold such a thing."""

from __future__ import annotations

import pytest

from assistant.evidence import kinds


@pytest.mark.parametrize(
    ("question", "text", "holds"),
    [
        ("How many days of leave are there?", "Every employee has 24 days.", True),
        ("How many days of leave are there?", "Leave is agreed with the team lead.", False),
        ("What is the fee for a lost card?", "A new card costs $5.", True),
        ("When are salaries paid?", "They are paid on the 25th of each month.", True),
        ("When is the office open?", "It opens on Monday.", True),
        ("When are salaries paid?", "They are paid by bank transfer.", False),
        ("Who leads an incident?", "The incident lead is Yusra Haddad.", True),
        ("Who leads an incident?", "An incident is reported at once.", False),
        ("Is the office open?", "It opens at 7:00.", None),
        ("每天补贴多少钱？", "每人每天补贴餐费 120 元。", True),
        ("每天补贴多少钱？", "补贴按自然日计算。", False),
        ("退款几个工作日到账？", "三个工作日内原路返回。", True),
        ("什么时候发工资？", "每月10日发放。", True),
        ("谁批准出差？", "出差由周延负责批准。", True),
        ("为什么要报销？", "共 3 条。", None),
    ],
)
def test_holds(question: str, text: str, holds: bool | None) -> None:
    assert kinds.holds(question, text) is holds
