"""Tables as people's programs write them: read, or refused in one sentence that says where."""

import pytest

from commands.imports import USER_COLUMNS, USER_OPTIONS
from commands.sheets import Sheet, TooManyFaultsError, rows_of
from contracts import rules

HEADER = "organisation,email,display_name,status,group"
ROW = "acme,anna@acme.example,Anna,active,"


def read(text: str) -> tuple[list[tuple[int, str, str, str]], list[str]]:
    """Return line, address, name and group of each row, and the faults."""
    sheet = Sheet("users.csv")
    rows = [
        (row.line, row.text("email"), row.text("display_name"), row.seen("group", default=""))
        for row in rows_of(sheet, text, USER_COLUMNS, USER_OPTIONS)
    ]
    return rows, sheet.faults


READ = {
    "a bar between cells": (f"{HEADER}\n{ROW}\n".replace(",", "|"), 2),
    "Excel's sep=| above": ("sep=|\n" + f"{HEADER}\n{ROW}\n".replace(",", "|"), 3),
    "an old Macintosh's line ends": (f"{HEADER}\r{ROW}\r", 2),
    "line ends of both kinds": (f"{HEADER}\r\n{ROW}\n", 2),
    "no last line end": (f"{HEADER}\n{ROW}", 2),
    "empty rows above": (f"\r\n,,,,\r\n{HEADER}\r\n{ROW}\r\n", 4),
    "a mark of its order below sep=": (f"sep=,\n\ufeff{HEADER}\n{ROW}\n", 3),
    "a second mark": (f"\ufeff{HEADER}\n{ROW}\n", 2),
    "no-break spaces around cells": (f"{HEADER}\n{ROW}\n".replace(",", "\u00a0,\u00a0"), 2),
    "an empty row of no-break spaces": (f"{HEADER}\n\u00a0,,\u00a0\n{ROW}\n", 3),
    "empty columns at the end": (f"{HEADER},,\n{ROW},,\n", 2),
}


@pytest.mark.parametrize("habit", READ)
def test_what_programs_write_is_read(habit: str) -> None:
    text, line = READ[habit]
    assert read(text) == ([(line, "anna@acme.example", "Anna", "")], [])


AT_FAULT = {
    "#N/A": ("Anna", "#N/A", "line 2, display_name: has Excel's #N/A instead of a value"),
    "#REF!": ("Anna", "#REF!", "line 2, display_name: has Excel's #REF! instead of a value"),
    "#BEZUG! (German)": ("Anna", "#BEZUG!", "line 2, display_name: has Excel's #BEZUG! instead"),
    "#NV (German)": ("Anna", "#NV", "line 2, display_name: has Excel's #NV instead of a value"),
    "#DIV/0! (all)": ("Anna", "#DIV/0!", "line 2, display_name: has Excel's #DIV/0! instead of"),
    "#¿NOMBRE? (Spanish)": ("Anna", "#¿NOMBRE?", "line 2, display_name: has Excel's #¿NOMBRE? in"),
    "a narrow column": ("Anna", "#####", "line 2, display_name: has Excel's ##### instead of"),
    "only unseen letters": ("Anna", "\u200b\u2800", "line 2, display_name: is empty"),
    "a tag letter alone": ("Anna", "\U000e0061", "line 2, display_name: is empty"),
    "a long name": ("Anna", "x" * 255, "line 2, display_name: has more than 254 letters"),
    "a control character": ("Anna", "An\x07na", "line 2, display_name: has a line break or"),
    "a line break": ("Anna", '"An\nna"', "line 3, display_name: has a line break or"),
    "an open quotation mark": ("Anna", '"Anna', "line 2, (whole line): is not CSV, mostly for a"),
    "a quotation mark too many": ("Anna", '"An"na', "line 2, (whole line): is not CSV, mostly"),
    "a cell without an end": ("Anna", "x" * 200_000, "line 2, (whole line): is not CSV, mostly"),
    "an unseen letter in a group": (
        "active,",
        "active,pil\u200bot",
        "line 2, group: 'pil\\u200bot' has a letter that cannot be seen (U+200B ZERO WIDTH SPACE)",
    ),
}


@pytest.mark.parametrize("habit", AT_FAULT)
def test_what_is_at_fault_is_one_fault_where_it_stands(habit: str) -> None:
    instead_of, written, said = AT_FAULT[habit]
    _, faults = read(f"{HEADER}\n{ROW.replace(instead_of, written)}\n{ROW}\n")
    assert len(faults) == 1
    assert faults[0].startswith(f"users.csv {said}")


@pytest.mark.parametrize(
    "header",
    [
        "userPrincipalName,displayName,mail",
        '"User principal name","Display name","Object ID"',
        "DisplayName,Id,Mail,UserPrincipalName",
        "Name;PrimarySmtpAddress;RecipientTypeDetails",
        '#TYPE Microsoft.Open.AzureAD.Model.User\n"UserPrincipalName","DisplayName"',
    ],
)
def test_a_list_that_microsoft_exports_is_recognised(header: str) -> None:
    _, (fault,) = read(f"{header}\nx,y,z\n")
    assert "is a list of users as Microsoft exports it" in fault


def test_of_a_file_with_very_many_faults_only_the_first_are_kept() -> None:
    sheet = Sheet("users.csv")
    text = f"{HEADER}\n" + "x\n" * (rules.MOST_FAULTS + 5)
    rows = rows_of(sheet, text, USER_COLUMNS, USER_OPTIONS)
    with pytest.raises(TooManyFaultsError):
        [row.text("email") for row in rows]
    assert len(sheet.faults) == rules.MOST_FAULTS
