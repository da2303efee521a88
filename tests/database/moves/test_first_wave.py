"""A few move first: who, and that it is never the administrator alone."""

from sqlmodel import Session

from contracts.directory import Wave
from database.people import sign_in
from tests.database.customers import Customer, move_wave, with_users


def first_wave(made: Customer) -> list[str]:
    return [
        row[0]
        for row in made.rows(
            "SELECT u.address FROM golive.user_move m JOIN pulse.app_user u ON u.id = m.user_id "
            "WHERE m.go_live_id = :g AND m.wave = 'first' ORDER BY 1"
        )
    ]


def test_five_existing_users_go_first_and_never_the_administrator(session: Session) -> None:
    names = [("boss", {})] + [(f"user{n}", {}) for n in range(7)]
    made = with_users(session, *names, ("new", {"status": "invited"}))
    assert made.plan().first_wave == 5
    assert all(address.startswith("user") for address in first_wave(made))


def test_new_users_go_first_where_too_few_exist(session: Session) -> None:
    invited = {"status": "invited"}
    made = with_users(session, ("anna", {}), *((f"new{n}", invited) for n in range(9)))
    assert made.plan().first_wave == 5
    assert "anna@acme.example" in first_wave(made)


def test_the_pilot_group_goes_first_alone(session: Session) -> None:
    pilot = {"group_name": "pilot"}
    made = with_users(session, ("anna", pilot), ("boss", pilot), ("ben", {}), ("cleo", {}))
    assert made.plan().first_wave == 1
    assert first_wave(made) == ["anna@acme.example"]


def test_a_pilot_group_of_exceptions_or_administrators_is_replaced(session: Session) -> None:
    pilot = {"group_name": "pilot"}
    made = with_users(session, ("boss", pilot), ("info", pilot), ("anna", {}), ("ben", {}))
    assert made.plan().first_wave == 2
    assert first_wave(made) == ["anna@acme.example", "ben@acme.example"]


def test_the_only_user_goes_first_and_the_only_administrator_does_not(session: Session) -> None:
    one = with_users(session, ("anna", {}))
    boss = with_users(session, ("boss", {}), domain="other.example")
    assert (one.plan().first_wave, boss.plan().first_wave) == (1, 0)
    assert boss.move() == 1


def test_a_new_plan_after_the_first_wave_names_no_second_one(session: Session) -> None:
    made = with_users(session, *((f"user{n}", {}) for n in range(9)))
    made.plan()
    assert move_wave(session, made, Wave.FIRST, 100) == 5
    again = made.plan()
    assert (again.first_wave, again.movable) == (5, 9)
    assert move_wave(session, made, Wave.FIRST, 100) == 0
    assert move_wave(session, made, Wave.REST, 100) == 4


# --- limits ---------------------------------------------------------------------------------------


def test_of_very_many_who_sign_in_first_the_run_hears_of_a_few(session: Session) -> None:
    made = with_users(session, ("anna", {}))
    heard = [sign_in.count_first_sign_in(session, made.go_live_id) for _ in range(120)]
    assert heard == [True] * sign_in.MOST_SIGN_INS_REPORTED + [False] * 20
