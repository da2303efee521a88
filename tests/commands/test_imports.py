"""The two CSV files: everything or nothing, and every fault by line and column."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import QueuePool, text

from commands import imports
from commands.errors import (
    CommandError,
    ImportRefusedError,
    UnavailableError,
    UsageError,
    plain_database_errors,
)
from commands.imports import confirm, import_files, past_imports, preview, upload
from commands.sheets import SheetRow, SourceFile, rows_of
from contracts import rules
from contracts.problems import Problem
from database.engine import open_engine, open_sessions
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, write_csv
from wording import shell

GOOD = {
    "slug": "importers",
    "name": "Importers & Sons",
    "domains": "importers.example;importers.co.example",
    "customer_success_email": "dana@clientshare.example",
    "it_contacts": "Ira Tee <ira@importers.example>;otto@importers.example",
    "sso_included": "yes",
    "agreement_start": "2026-01-01",
    "agreement_end": "2026-12-31",
    "customer_success_handle": "dana",
}
USER = {
    "organisation": "importers",
    "email": "Anna.O'Neil+pulse@importers.example",
    "display_name": "Anna O’Neil",
    "status": "active",
}


def files(
    folder: Path, organisations: list[dict[str, str]], users: list[dict[str, str]]
) -> tuple[Path, Path]:
    write_csv(folder / "organisations.csv", organisations)
    write_csv(folder / "users.csv", users)
    return folder / "organisations.csv", folder / "users.csv"


def count(cluster: Cluster, slug: str) -> int:
    return int(
        cluster.rows(
            "SELECT count(*) FROM pulse.app_user u JOIN pulse.organisation o "
            "ON o.id = u.organisation_id WHERE o.slug = :slug",
            slug=slug,
        )[0][0]
    )


async def test_an_import_brings_everything_and_a_second_one_updates(
    cluster: Cluster, tmp_path: Path
) -> None:
    imported = import_files(cluster.engine, *files(tmp_path, [GOOD], [USER]))
    assert (imported.organisations, imported.users) == (1, 1)
    renamed = {**GOOD, "name": "Importers", "it_contacts": "otto@importers.example"}
    import_files(
        cluster.engine,
        *files(tmp_path, [renamed], [{**USER, "display_name": "Anna", "group": "x"}]),
    )
    assert count(cluster, "importers") == 1
    assert cluster.rows("SELECT name FROM pulse.organisation WHERE slug = 'importers'") == [
        ("Importers",)
    ]
    contacts = cluster.rows(
        "SELECT c.address, c.position FROM golive.contact c JOIN pulse.organisation o "
        "ON o.id = c.organisation_id WHERE o.slug = 'importers' ORDER BY c.address"
    )
    assert [row.address for row in contacts] == ["ira@importers.example", "otto@importers.example"]


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("slug", "Bad Slug", "slug: 'Bad Slug' is not of the form"),
        ("slug", "", "slug: is empty"),
        ("name", "", "name: is empty"),
        ("name", "two\nlines", "name: has a line break"),
        ("domains", "nodot", "domains: 'nodot' is not a domain"),
        (
            "domains",
            "straße.example",
            "domains: 'straße.example' must be written as Microsoft "
            "lists it: xn--strae-oqa.example",
        ),
        ("domains", "\u212aelvin.example", "as Microsoft lists it: kelvin.example"),
        ("domains", "☃.example", "domains: '☃.example' is not a domain"),
        ("customer_success_email", "ü@faß.example", "as Microsoft lists it: xn--fa-hia.example"),
        ("domains", "t.example;t.example", "stands in line 2 already"),
        ("customer_success_email", "dana", "customer_success_email: 'dana' is not an e-mail"),
        ("it_contacts", "Ira <ira>", "it_contacts: 'ira' is not an e-mail address"),
        (
            "customer_success_email",
            "da\u200bna@clientshare.example",
            "has a letter that cannot be seen (U+200B ZERO WIDTH SPACE) as letter 3",
        ),
        ("it_contacts", "Ira <ira@acme_.example>", "it_contacts: 'ira@acme_.example' has '_' as"),
        ("domains", "fau\u2060lty.example", "cannot be seen (U+2060 WORD JOINER) as letter 4"),
        ("domains", "faulty.example.", "domains: 'faulty.example.' ends with a dot"),
        ("sso_included", "perhaps", "sso_included: 'perhaps' must be one of"),
        ("agreement_start", "01.02.2026", "agreement_start: '01.02.2026' is not a date"),
        ("go_live_date", "9999-12-31", "go_live_date: 9999-12-31 is more than 366 days away"),
        ("agreement_end", "2025-12-31", "agreement_end: lies before agreement_start"),
        ("time_zone", "Mars/Base", "time_zone: 'Mars/Base' is not a time zone"),
        ("time_zone", "localtime", "time_zone: 'localtime' is not a time zone"),
        ("customer_success_time_zone", "EST5EDT", "'EST5EDT' is not a time zone such as Europe/B"),
        ("exception_threshold", "-1", "exception_threshold: '-1' is not a whole number"),
        ("customer_success_handle", "Dana Lee", "customer_success_handle: 'Dana Lee'"),
        ("colour", "blue", "line 1, colour: is not a column of this file"),
    ],
)
async def test_a_bad_organisation_is_reported_by_line_and_column(
    cluster: Cluster, tmp_path: Path, column: str, value: str, problem: str
) -> None:
    row = {**GOOD, "slug": "faulty", "domains": "faulty.example", column: value}
    with pytest.raises(ImportRefusedError) as refused:
        import_files(cluster.engine, *files(tmp_path, [row], [{**USER, "organisation": "faulty"}]))
    assert problem in str(refused.value)
    assert count(cluster, "faulty") == 0


async def test_every_fault_of_both_files_is_listed_and_nothing_is_imported(
    cluster: Cluster, tmp_path: Path
) -> None:
    organisations = [
        {**GOOD, "slug": "several", "domains": "several.example"},
        {**GOOD, "slug": "several", "domains": "other.example"},
    ]
    users = [
        {**USER, "organisation": "several", "email": "a@several.example"},
        {**USER, "organisation": "several", "email": "A@SEVERAL.example"},
        {**USER, "organisation": "nowhere", "email": "b@several.example"},
        {**USER, "organisation": "several", "email": "no address", "status": "asleep"},
    ]
    with pytest.raises(ImportRefusedError) as refused:
        import_files(cluster.engine, *files(tmp_path, organisations, users))
    text = str(refused.value)
    for expected in (
        "5 faults were found",
        "organisations.csv line 3, slug: 'several' stands in line 2 already",
        "users.csv line 3, email: 'a@several.example in several' stands in line 2 already",
        "users.csv line 4, organisation: 'nowhere' is no known organisation",
        "users.csv line 5, email: 'no address' is not an e-mail address",
        "users.csv line 5, status: 'asleep' must be one of",
    ):
        assert expected in text
    assert cluster.rows("SELECT 1 FROM pulse.organisation WHERE slug = 'several'") == []


async def test_a_domain_of_another_organisation_is_refused(
    cluster: Cluster, tmp_path: Path
) -> None:
    owner = cluster.create_organisation()
    row = {**GOOD, "slug": "thief", "domains": owner.domain}
    with pytest.raises(ImportRefusedError, match=f"belongs to {owner.slug} already"):
        import_files(cluster.engine, *files(tmp_path, [row], [{**USER, "organisation": "thief"}]))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        (b"slug,name\nx,y\n", "domains: is missing from the first line"),
        (b"", "slug: is missing from the first line"),
        (b'slug,name,domains\n"x\n', "is missing"),
    ],
)
async def test_a_file_that_is_no_such_csv_is_refused_in_words(
    cluster: Cluster, tmp_path: Path, content: bytes, problem: str
) -> None:
    first, second = files(tmp_path, [GOOD], [USER])
    first.write_bytes(content)
    with pytest.raises(CommandError) as refused:
        import_files(cluster.engine, first, second)
    assert problem in refused.value.words(shell.said_of)


async def test_a_missing_file_is_named(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=Problem.FILE_CANNOT_BE_READ):
        import_files(cluster.engine, tmp_path / "none.csv", tmp_path / "none.csv")


def refused(cluster: Cluster, folder: Path, *rows: dict[str, str]) -> str:
    """Import these organisations, which are at fault, and return what is said."""
    whole = [
        {**GOOD, "slug": f"row{n}", "domains": f"row{n}.example", **row}
        for n, row in enumerate(rows, start=2)
    ]
    with pytest.raises(ImportRefusedError) as error:
        import_files(cluster.engine, *files(folder, whole, [{**USER, "organisation": "row2"}]))
    return str(error.value)


def staff(cluster: Cluster, handle: str) -> str:
    return str(
        cluster.rows("SELECT address FROM golive.staff WHERE handle = :h", h=handle)[0].address
    )


OTHERS = {"customer_success_email": "erin@clientshare.example", "customer_success_handle": "erin"}


@pytest.fixture
def erin(cluster: Cluster, tmp_path: Path) -> None:
    """A member of staff who looks after an organisation."""
    folder = tmp_path / "erin"
    folder.mkdir()
    row = {**GOOD, **OTHERS, "slug": "of-erin", "domains": "of-erin.example"}
    import_files(cluster.engine, *files(folder, [row], [{**USER, "organisation": "of-erin"}]))


@pytest.mark.usefixtures("erin")
class TestAStaffAddress:
    @pytest.mark.parametrize("handle", ["", "erin"], ids=["derived", "typed"])
    async def test_is_not_moved_by_another_organisation(
        self, cluster: Cluster, tmp_path: Path, handle: str
    ) -> None:
        stranger = {
            "customer_success_email": "erin@partner.example", "customer_success_handle": handle
        }  # fmt: skip
        said = refused(cluster, tmp_path, stranger)
        assert (
            "organisations.csv line 2, customer_success_handle: "
            "the handle 'erin' belongs to erin@clientshare.example" in said
        )
        assert staff(cluster, "erin") == "erin@clientshare.example"

    async def test_is_not_moved_by_its_own_organisation(
        self, cluster: Cluster, tmp_path: Path
    ) -> None:
        moved = {**OTHERS, "slug": "of-erin", "domains": "of-erin.example"}
        said = refused(cluster, tmp_path, {**moved, "customer_success_email": "e@partner.example"})
        assert "the handle 'erin' belongs to erin@clientshare.example" in said

    async def test_that_is_known_needs_no_handle(self, cluster: Cluster, tmp_path: Path) -> None:
        row = {
            **GOOD,
            "slug": "also-erins",
            "domains": "also-erins.example",
            "customer_success_email": "Erin@clientshare.example",
            "customer_success_handle": "",
        }
        user = {**USER, "organisation": "also-erins"}
        import_files(cluster.engine, *files(tmp_path, [row], [user]))
        owners = cluster.rows(
            "SELECT s.handle FROM golive.preference p JOIN golive.staff s ON s.id = p.owner_id "
            "JOIN pulse.organisation o ON o.id = p.organisation_id WHERE o.slug = 'also-erins'"
        )
        assert owners == [("erin",)]


class TestAHandle:
    async def test_is_one_persons_within_a_file(self, cluster: Cluster, tmp_path: Path) -> None:
        one = {"customer_success_email": "noor@a.example", "customer_success_handle": ""}
        said = refused(cluster, tmp_path, one, {**one, "customer_success_email": "noor@b.example"})
        assert (
            "line 3, customer_success_handle: the handle 'noor' belongs to noor@a.example" in said
        )

    @pytest.mark.parametrize(
        "address", ["_cs.team@clientshare.example", "x" * 64 + "@clientshare.example"]
    )
    async def test_that_is_derived_is_held_to_the_rule_of_a_typed_one(
        self, cluster: Cluster, tmp_path: Path, address: str
    ) -> None:
        name = address.partition("@")[0]
        unnamed = {"customer_success_email": address, "customer_success_handle": ""}
        said = refused(cluster, tmp_path, unnamed)
        assert f"line 2, customer_success_handle: '{name}', made of the address, is no" in said

    async def test_that_is_typed_in_one_row_counts_in_every_row(
        self, cluster: Cluster, tmp_path: Path
    ) -> None:
        one = {**GOOD, "customer_success_email": "uma@clientshare.example"}
        rows = [
            {**one, "slug": "uma1", "domains": "uma1.example", "customer_success_handle": ""},
            {**one, "slug": "uma2", "domains": "uma2.example", "customer_success_handle": "u.ma"},
        ]
        import_files(cluster.engine, *files(tmp_path, rows, [{**USER, "organisation": "uma1"}]))
        assert staff(cluster, "u.ma") == "uma@clientshare.example"


async def test_two_time_zones_of_one_manager_are_a_fault(cluster: Cluster, tmp_path: Path) -> None:
    one = {**OTHERS, "customer_success_time_zone": "Europe/Berlin"}
    said = refused(cluster, tmp_path, one, {**one, "customer_success_time_zone": "Asia/Tokyo"})
    assert "line 3, customer_success_time_zone: line 2 says 'Europe/Berlin' of this" in said


async def test_users_of_no_organisation_are_a_fault_beside_a_file_without_rows(
    cluster: Cluster, tmp_path: Path
) -> None:
    first, second = files(tmp_path, [GOOD], [{**USER, "organisation": "nowhere"}])
    first.write_text(first.read_text(encoding="utf-8").splitlines()[0], encoding="utf-8")
    with pytest.raises(ImportRefusedError, match="'nowhere' is no known organisation"):
        import_files(cluster.engine, first, second)


async def test_what_the_database_refuses_is_said_by_its_rule_alone(cluster: Cluster) -> None:
    row = (
        "INSERT INTO golive.staff (id, handle, address, address_key, name) "
        "VALUES (gen_random_uuid(), '_', 'p@q.example', 'p@q.example', '')"
    )
    with (
        pytest.raises(CommandError) as error,
        plain_database_errors(cluster.engine),
        open_sessions(cluster.engine).begin() as session,
    ):
        session.execute(text(row))
    words = error.value.words(shell.said_of)
    assert "the rule handle_is_plain" in words
    assert "p@q.example" not in words


async def test_a_time_zone_is_stored_by_its_present_name(cluster: Cluster, tmp_path: Path) -> None:
    row = {**GOOD, "slug": "zoned", "domains": "zoned.example", "time_zone": "US/Pacific"}
    import_files(cluster.engine, *files(tmp_path, [row], [{**USER, "organisation": "zoned"}]))
    stored = cluster.rows(
        "SELECT DISTINCT c.time_zone FROM golive.contact c JOIN pulse.organisation o "
        "ON o.id = c.organisation_id WHERE o.slug = 'zoned' "
        "UNION SELECT p.time_zone FROM golive.preference p JOIN pulse.organisation o "
        "ON o.id = p.organisation_id WHERE o.slug = 'zoned'"
    )
    assert stored == [("America/Los_Angeles",)]


async def test_a_column_that_a_file_leaves_out_changes_nothing(
    cluster: Cluster, tmp_path: Path
) -> None:
    row = {**GOOD, "slug": "leaves-out", "domains": "leaves-out.example"}
    options = {
        "time_zone": "Asia/Tokyo",
        "exception_threshold": "7",
        "it_acknowledgement": "yes",
        "link_external_members": "yes",
    }
    user = {**USER, "organisation": "leaves-out"}
    in_group = {**user, "group": "Pilot"}
    import_files(cluster.engine, *files(tmp_path, [{**row, **options}], [in_group]))
    import_files(cluster.engine, *files(tmp_path, [row], [user]))
    columns = (
        "SELECT p.time_zone, p.exception_threshold, p.it_acknowledgement, "
        "p.link_external_members FROM golive.preference p JOIN pulse.organisation o "
        "ON o.id = p.organisation_id WHERE o.slug = 'leaves-out'"
    )
    assert cluster.rows(columns) == [("Asia/Tokyo", 7, True, True)]
    group = "SELECT group_name FROM pulse.app_user u JOIN pulse.organisation o "
    group += "ON o.id = u.organisation_id WHERE o.slug = 'leaves-out'"
    assert cluster.rows(group) == [("pilot",)]
    # An empty cell says the default.
    emptied = {**row, **options, "exception_threshold": ""}
    import_files(cluster.engine, *files(tmp_path, [emptied], [user]))
    assert cluster.rows(columns) == [("Asia/Tokyo", 0, True, True)]


def texts(folder: Path, organisations: str, users: str) -> tuple[Path, Path]:
    """Files of these words."""
    for name, words in (("organisations.csv", organisations), ("users.csv", users)):
        (folder / name).write_text(words, encoding="utf-8", newline="")
    return folder / "organisations.csv", folder / "users.csv"


def written(row: dict[str, str], separator: str = ",") -> str:
    """One row below its names, as a spreadsheet writes it."""
    lines = (separator.join(f'"{cell}"' for cell in cells) for cells in (row, row.values()))
    return "\r\n".join(lines) + "\r\n"


EMPTY = ",,,\r\n"


class TestASpreadsheet:
    async def test_may_have_empty_rows_and_columns(self, cluster: Cluster, tmp_path: Path) -> None:
        row = {**GOOD, "slug": "excel", "domains": "excel.example", "": ""}
        user = {**USER, "organisation": "excel"}
        both = texts(tmp_path, written(row) + EMPTY * 40, written(user) + EMPTY * 40 + ",,,,,,\r\n")
        assert import_files(cluster.engine, *both).users == 1

    async def test_does_not_hide_its_true_fault(self, cluster: Cluster, tmp_path: Path) -> None:
        row = {**GOOD, "slug": "Bad Slug", "domains": "excel2.example"}
        both = texts(tmp_path, written(row) + EMPTY * 40, written(USER) + EMPTY * 40)
        with pytest.raises(ImportRefusedError) as error:
            import_files(cluster.engine, *both)
        slug = "organisations.csv line 2, slug: 'Bad Slug' is not of the form acme-foods"
        assert [one for one in error.value.faults if "users.csv" not in one] == [
            f"{slug} (a-z, 0-9 and -)"
        ]

    @pytest.mark.parametrize(
        ("slug", "separator", "above"),
        [
            ("semicolons", ";", ""),
            ("tabs", "\t", ""),
            ("says-sep", ";", "sep=;\r\n"),
            ("says-sep-oddly", "|", '"sep=|"\r\n'),
            ("says-comma", ",", "SEP=,\n"),
        ],
    )
    async def test_may_separate_cells_in_another_way(
        self, cluster: Cluster, tmp_path: Path, slug: str, separator: str, above: str
    ) -> None:
        row = {**GOOD, "slug": slug, "domains": f"{slug}.example"}
        user = {**USER, "organisation": slug}
        both = texts(tmp_path, above + written(row, separator), above + written(user, separator))
        import_files(cluster.engine, *both)
        assert count(cluster, slug) == 1

    async def test_with_a_line_for_the_separator_has_its_lines_counted(
        self, cluster: Cluster, tmp_path: Path
    ) -> None:
        bad = written({**USER, "status": "asleep"}, ";")
        with pytest.raises(ImportRefusedError, match=r"users.csv line 3, status: 'asleep' must"):
            import_files(cluster.engine, *texts(tmp_path, written(GOOD), "sep=;\n" + bad))

    @pytest.mark.parametrize(
        "header",
        [
            "userPrincipalName,displayName,surname,mail,givenName,id,userType,jobTitle,department,"
            "accountEnabled,usageLocation",
            "Block credential,Department,Display name,First name,User principal name",
        ],
        ids=["Entra", "Microsoft 365"],
    )
    async def test_of_microsofts_users_is_recognised(
        self, cluster: Cluster, tmp_path: Path, header: str
    ) -> None:
        both = texts(tmp_path, written(GOOD), f"{header}\r\na@importers.example,Anna\r\n")
        with pytest.raises(ImportRefusedError) as error:
            import_files(cluster.engine, *both)
        (fault,) = error.value.faults
        assert "is a list of users as Microsoft exports it" in fault
        assert "organisation, email, display_name, status, group" in fault

    async def test_of_too_many_bytes_is_refused(
        self, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rules, "MOST_IMPORTED_BYTES", 1_000_000)
        both = texts(tmp_path, written(GOOD), written(USER) + EMPTY * 200_001)
        with pytest.raises(UsageError) as error:
            import_files(cluster.engine, *both)
        assert "users.csv is larger than 1 MB" in error.value.words(shell.said_of)

    async def test_of_too_many_rows_is_refused(
        self, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rules, "MOST_IMPORTED_ROWS", 2)
        rows = [{**USER, "email": f"{letter}@importers.example"} for letter in "abc"]
        with pytest.raises(ImportRefusedError, match=r"line 4, .* has more than 2 rows"):
            import_files(cluster.engine, *files(tmp_path, [GOOD], rows))


async def test_who_confirms_an_upload_is_who_imported_it(cluster: Cluster, tmp_path: Path) -> None:
    row = {**GOOD, "slug": "confirmed", "domains": "confirmed.example"}
    both = files(tmp_path, [row], [{**USER, "organisation": "confirmed"}])
    read = [SourceFile(one.name, one.read_bytes()) for one in both]
    confirm(cluster.engine, upload(cluster.engine, *read, by="erin"), by="dana")
    newest = past_imports(cluster.engine)[0]
    assert (newest.uploaded_by, newest.done_by) == ("erin", "dana")


async def test_files_are_read_before_a_transaction_begins(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(cluster.environment["GOLIVE_DATABASE_URL"])
    connections: list[int] = []

    def watched(*of_file: Any) -> Iterator[SheetRow]:
        for row in rows_of(*of_file):
            connections.append(cast("QueuePool", engine.pool).checkedout())
            yield row

    monkeypatch.setattr(imports, "rows_of", watched)
    row = {**GOOD, "slug": "read-before", "domains": "read-before.example"}
    both = files(tmp_path, [row], [{**USER, "organisation": "read-before"}])
    import_files(engine, *both)
    made = upload(engine, *(SourceFile(one.name, one.read_bytes()) for one in both), by="dana")
    preview(engine, made)
    confirm(engine, made, by="dana")
    engine.dispose()
    assert connections == [0, 0] * 4


async def test_contacts_may_be_written_as_outlook_does(cluster: Cluster, tmp_path: Path) -> None:
    people = "Tee, Ira <ira@outlook.example>; 'otto@outlook.example' <otto@outlook.example>;"
    row = {**GOOD, "slug": "outlook", "domains": "outlook.example", "it_contacts": people}
    import_files(cluster.engine, *files(tmp_path, [row], [{**USER, "organisation": "outlook"}]))
    found = cluster.rows(
        "SELECT c.name, c.address FROM golive.contact c JOIN pulse.organisation o "
        "ON o.id = c.organisation_id WHERE o.slug = 'outlook' ORDER BY c.position"
    )
    assert found == [("Ira Tee", "ira@outlook.example"), ("", "otto@outlook.example")]


async def test_an_import_that_is_cut_in_the_middle_leaves_nothing(
    cluster: Cluster, tmp_path: Path
) -> None:
    row = {**GOOD, "slug": "cut", "domains": "cut.example"}
    both = files(tmp_path, [row], [{**USER, "organisation": "cut"}])
    with cluster.engine.begin() as other:
        # Organisations are written by then; users have to wait.
        other.execute(text("LOCK TABLE pulse.app_user IN SHARE MODE"))
        importing = asyncio.create_task(asyncio.to_thread(import_files, cluster.engine, *both))
        async with asyncio.timeout(LONGEST_WAIT):
            while not cluster.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE wait_event_type = 'Lock' AND query LIKE '%INTO pulse.app_user AS known%'"
            ):
                await asyncio.sleep(0.05)
        with pytest.raises(UnavailableError):
            await importing
    assert cluster.rows("SELECT 1 FROM pulse.organisation WHERE slug = 'cut'") == []
    import_files(cluster.engine, *both)
    assert count(cluster, "cut") == 1
