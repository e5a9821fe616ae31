"""Checksums by their laws, and personal data told from ordinary numbers."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.checks.numbers import is_card, is_identity, luhn, mod11
from finetune.checks.personal import find
from finetune.checks.values import masked

digits = st.text("0123456789", min_size=1, max_size=18)
births = st.dates(date(1900, 1, 1), date(2020, 12, 31))
identities = st.builds(
    lambda area, born, order: f"{area}0105{born:%Y%m%d}{order:03}",
    st.sampled_from(["11", "31", "44", "51", "65", "82"]), births, st.integers(0, 999),
)  # fmt: skip


def with_luhn(first: str) -> str:
    return next(first + last for last in "0123456789" if luhn(first + last))


@given(digits)
def test_luhn_has_one_check_digit(first: str) -> None:
    assert sum(luhn(first + last) for last in "0123456789") == 1


@given(digits, st.data())
def test_luhn_sees_every_wrong_digit(first: str, data: st.DataObject) -> None:
    right = with_luhn(first)
    place = data.draw(st.integers(0, len(right) - 1))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != right[place]]))
    assert not luhn(right[:place] + other + right[place + 1 :])


@given(digits, st.data())
def test_luhn_sees_neighbours_that_changed_places(first: str, data: st.DataObject) -> None:
    right = with_luhn(first)
    place = data.draw(st.integers(0, len(right) - 2))
    one, two = right[place : place + 2]
    turned = right[:place] + two + one + right[place + 2 :]
    assert luhn(turned) == (one == two or {one, two} == {"0", "9"})


@given(identities)
def test_an_identity_number_has_one_check_character(first: str) -> None:
    assert [last for last in "0123456789X" if is_identity(first + last)] == [mod11(first)]
    assert is_identity((first + mod11(first)).lower())


@given(identities, st.data())
def test_mod_11_sees_every_wrong_digit_and_neighbours_that_changed_places(
    first: str, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, 16))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != first[place]]))
    assert mod11(first[:place] + other + first[place + 1 :]) != mod11(first)
    start = data.draw(st.integers(0, 15))
    one, two = first[start : start + 2]
    turned = first[:start] + two + one + first[start + 2 :]
    assert (mod11(turned) == mod11(first)) == (one == two)


@pytest.mark.parametrize(
    ("number", "right"),
    [
        ("11010519491231002X", True),
        ("110105194912310021", False),  # check character
        ("11010519491331002" + mod11("11010519491331002"), False),  # month 13
        ("11010519500230002" + mod11("11010519500230002"), False),  # 30 February
        ("99010519491231002" + mod11("99010519491231002"), False),  # no such province
        ("11010529491231002" + mod11("11010529491231002"), False),  # not born yet
    ],
)
def test_identity_numbers(number: str, right: bool) -> None:
    assert is_identity(number) is right


@pytest.mark.parametrize(
    "number",
    ["4111111111111111", "5555555555554444", "378282246310005", "6222021234567890128", "3530111333300000"],
)
def test_cards(number: str) -> None:
    assert is_card(with_luhn(number[:-1]))
    assert not is_card(number[:-1] + str((int(with_luhn(number[:-1])[-1]) + 1) % 10))


@given(st.integers(10**15, 10**16 - 1))
def test_a_number_without_the_checksum_is_no_card(number: int) -> None:
    assert luhn(str(number)) or not is_card(str(number))


PERSONAL = [
    ("Mail anna.meier@uni-bonn.de today.", "email", "anna.meier@uni-bonn.de"),
    ("邮箱：wang_lei88@163.com。", "email", "wang_lei88@163.com"),
    ("手机13812345678", "phone", "13812345678"),
    ("请拨打+86 138-1234-5678联系", "phone", "+86 138-1234-5678"),
    ("电话：１３８１２３４５６７８", "phone", "13812345678"),
    ("Call 415-867-4321.", "phone", "415-867-4321"),
    ("Ring +44 20 7123 9876 after six.", "phone", "+44 20 7123 9876"),
    ("身份证：11010519491231002x", "identity", "11010519491231002x"),
    ("卡号 4532 0151 1283 0366", "card", "4532015112830366"),
    ("My phone no. 13812345678", "phone", "13812345678"),
    ("Order was late, call 13812345678", "phone", "13812345678"),
    ("card no. 4532015112830366", "card", "4532015112830366"),
    ("card 4532-0151-1283-0366, please", "card", "4532015112830366"),
]
ORDINARY = [
    "Order 13812345678 was paid.",
    "Order number: 13812345678",
    "Tracking no. 4532015112830366, no. 13912345678, ID #13912345678",
    "订单号：13812345678，运单号 13912345678",
    "The build 20240312153045 of 2024-03-12 15:30:45",
    "at 1700000000 and 1700000000123 milliseconds",
    "It cost $1,299.00, or 12.345.678,90 in all; 6,222,021,234,567,890 of them",
    "pi is 3.14159265358979323846",
    "0.4532015112830366 is a fraction",
    "ISBN 978-0-306-40615-7 and EAN 4006381333931",
    "192.168.100.254:8080, 2001:db8::1, 10.0.19041.1288",
    "sha 4532015112830366ab, id a4532015112830366",
    "uuid 13812345-6781-4234-8567-813812345678",
    "4532 0151 1283 0367 has no checksum",
    "110105194912310021 has a wrong check character",
    "Write to support@firm.com or hr@firm.cn, or to jane@example.com.",
    "git clone git@github.com:a/b, user@localhost, @decorator, 5@3",
    "Call 1-800-867-4321 free of charge, or 555-0123.",
    "客服热线400-820-8820，总机 010-12345",
    "1939-1945, 1914-1918; rows 100 200 3000; 2 000 000",
    "从1991到2023年共有14亿人，增长13.8%",
]


@pytest.mark.parametrize(("text", "kind", "value"), PERSONAL)
def test_personal_data_is_found(text: str, kind: str, value: str) -> None:
    assert [(found[1], found[3]) for found in find(text)] == [(kind, value)]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_numbers_are_left_alone(text: str) -> None:
    assert find(text) == ()


@given(st.text("0123456789-+() @.a", min_size=6, max_size=40))
def test_what_is_masked_cannot_be_read(value: str) -> None:
    shown = masked(value)
    assert (
        sum(a == b and a != "*" for a, b in zip(value, shown, strict=False)) <= len(value) - 2 or "@" in value
    )
