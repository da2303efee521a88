import socket
import subprocess
import sys

import pytest

from local.errors import PortsTakenError, WrongSettingError
from local.ports import Ports, free_port


def test_the_usual_ports_hold_where_nothing_is_set():
    assert Ports.from_environment({}) == Ports()


def test_each_port_moves_by_its_own_variable():
    for number, service in enumerate(Ports().by_service(), start=30_001):
        name = f"GOLIVE_LOCAL_{service.upper()}_PORT"
        assert Ports.from_environment({name: str(number)}).by_service()[service] == number


@pytest.mark.parametrize("value", ["0", "65536", "-1", "eighty", "80.0", "٨٠"])
def test_a_value_that_is_no_port_is_refused_with_an_example(value):
    with pytest.raises(WrongSettingError, match=r"GOLIVE_LOCAL_WEB_PORT must .*WEB_PORT=8080"):
        Ports.from_environment({"GOLIVE_LOCAL_WEB_PORT": value})


def test_every_fault_of_the_settings_is_told_at_once():
    with pytest.raises(WrongSettingError) as refusal:
        Ports.from_environment(
            {
                "GOLIVE_LOCAL_WEB_PORT": "x",
                "GOLIVE_LOCAL_SMTP_PORT": "y",
                "GOLIVE_LOCAL_MAILBOX_PORT": "7233",
            }
        )
    lines = str(refusal.value).splitlines()
    assert len(lines) == 3
    assert lines[2].startswith("Port 7233 is given to Temporal and the mailbox page")
    assert refusal.value.exit_status == 2


def test_free_ports_are_all_different_and_free():
    ports = Ports.free()
    ports.check_free()
    assert len(set(ports.by_service().values())) == len(ports.by_service())
    assert not set(ports.by_service().values()) & set(Ports.free().by_service().values())


def test_a_free_port_is_given_to_one_process_until_it_ends():
    def ask_another_process(choice: range) -> str:
        asking = f"import local.ports as p; p._CHOICE = {choice}; print(p.free_port())"
        asked = subprocess.run(
            [sys.executable, "-c", asking], capture_output=True, text=True, check=False
        )
        return asked.stdout.strip() or asked.stderr.splitlines()[-1]

    ours = free_port()
    assert "No free port" in ask_another_process(range(ours, ours + 1))
    theirs = int(ask_another_process(range(20_000, 32_000)))
    assert ask_another_process(range(theirs, theirs + 1)) == str(theirs)


def test_all_taken_ports_are_told_with_their_service_and_setting():
    ports = Ports.free()
    with (
        socket.create_server(("127.0.0.1", ports.postgresql)),
        socket.create_server(("", ports.web)),
        pytest.raises(PortsTakenError) as refusal,
    ):
        ports.check_free()
    database, web = str(refusal.value).splitlines()
    assert f"Port {ports.postgresql} is taken" in database
    assert "PostgreSQL needs it" in database
    assert "GOLIVE_LOCAL_POSTGRESQL_PORT=" in database
    assert f"Port {ports.web} is taken" in web
    assert "GOLIVE_LOCAL_WEB_PORT=" in web
    assert refusal.value.exit_status == 1


def test_a_port_of_a_part_left_out_may_be_taken():
    ports = Ports.free()
    with socket.create_server(("127.0.0.1", ports.web)):
        ports.check_free(frozenset({"web"}))
