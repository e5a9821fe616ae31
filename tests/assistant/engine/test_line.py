import pytest

from assistant.engine.line import Line, Ticket
from assistant.errors import QueueFullError, TooManyRequestsError
from assistant.schema import Sampling


def ticket(user="", **options):
    return Ticket([1, 2, 3], Sampling(), 0, user=user, **options)


def fill(line, *users):
    tickets = [ticket(user) for user in users]
    for one in tickets:
        line.join(one)
    return tickets


@pytest.mark.parametrize(
    ("users", "order"),
    [
        ("aaab", [0, 3, 1, 2]),  # whoever holds fewer goes first
        ("aabbcc", [0, 2, 4, 1, 3, 5]),
        ("aaa", [0, 1, 2]),
    ],
)
def test_users_take_turns(users, order):
    line = Line(max_waiting=50, max_per_user=50)
    tickets = fill(line, *users)
    assert line.order() == [tickets[n] for n in order]


def test_a_running_request_counts_as_a_turn():
    line = Line(50, 50)
    first, second, other = fill(line, "a", "a", "b")
    line.start(first)
    assert line.order() == [other, second]
    assert [line.position(one) for one in (first, other, second)] == [0, 1, 2]


def test_suspects_of_a_breakdown_go_first():
    line = Line(50, 50)
    running, waiting = fill(line, "a", "b")
    line.start(running)
    assert line.suspend() == [running]
    running.suspect = True
    assert line.order() == [running, waiting]
    assert not line.running


def test_full_line_says_its_limit_and_when_to_come_back():
    line = Line(max_waiting=2, max_per_user=50)
    fill(line, "a", "b")
    with pytest.raises(QueueFullError, match="2 requests are waiting and the limit is 2: try again in 5"):
        line.join(ticket("c"))


def test_one_user_has_a_cap_and_the_process_itself_has_none():
    line = Line(max_waiting=50, max_per_user=2)
    first, _ = fill(line, "a", "a")
    line.start(first)  # running counts too
    with pytest.raises(TooManyRequestsError, match="limit 2"):
        line.join(ticket("a"))
    fill(line, "b", "", "", "")
    line.leave(first)
    line.join(ticket("a"))


def test_leaving_is_harmless_at_any_time():
    line = Line(50, 50)
    running, waiting = fill(line, "a", "b")
    line.start(running)
    assert line.leave(running)
    assert not line.leave(running)
    assert not line.leave(waiting)
    assert line.everyone() == []
