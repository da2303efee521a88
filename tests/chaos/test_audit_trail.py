"""The checker notices a line of the audit trail that is lacking or doubled, whoever's it is."""

import pytest

from tests.chaos.audit_trail import MAY_BE_ADDED, ActionLog, trail
from tests.chaos.planted_faults import differences, planted
from tests.cluster import Cluster, Organisation

OF_THE_ORGANISATION = "organisation_id = (SELECT id FROM pulse.organisation WHERE slug = %(slug)s) "
OF_ACTION = OF_THE_ORGANISATION + "AND action = %(action)s"
LOST = f"DELETE FROM golive.audit_entry WHERE {OF_ACTION}"
COLUMNS = "at, actor, action, organisation_id, go_live_id, subject, reason"
DOUBLED = (
    f"INSERT INTO golive.audit_entry ({COLUMNS}) SELECT {COLUMNS} FROM golive.audit_entry "
    f"WHERE {OF_ACTION} ORDER BY id LIMIT 1"
)
WRITTEN = (
    f"INSERT INTO golive.audit_entry ({COLUMNS}) SELECT at, %(actor)s, %(action)s, "
    "organisation_id, go_live_id, %(subject)s, %(reason)s FROM golive.audit_entry "
    f"WHERE {OF_THE_ORGANISATION} ORDER BY id LIMIT 1"
)
ORDER = WRITTEN.replace("%(subject)s", "''")
REFUSAL = (
    f"INSERT INTO golive.audit_entry ({COLUMNS}) SELECT at, actor, 'order_refused', "
    "organisation_id, go_live_id, 'order:' || id, 'This go-live has ended.' "
    f"FROM golive.audit_entry WHERE {OF_THE_ORGANISATION} AND reason = %(reason)s"
)
OF_A_GO_LIVE = (
    "go_live_started",
    "tenant_discovered",
    "sso_offered",
    "consent_signed_in",
    "consent_reported",
    "consent_proven",
    "user_moved",
    "go_live_ended",
)


async def test_a_go_live_leaves_every_one_of_these_lines(
    cluster: Cluster, alike: list[Organisation]
) -> None:
    with planted(cluster) as database:
        lines = trail(database, alike[0].slug, ActionLog())
    assert {line.split()[2] for line in lines} == set(OF_A_GO_LIVE)
    assert lines["audit system consent_signed_in consent link of contact 1 (account ID)"] == 1
    assert lines["audit workflow user_moved ben"] == 1


@pytest.mark.parametrize("action", OF_A_GO_LIVE)
async def test_a_line_that_lacks_or_is_there_twice_is_found(
    cluster: Cluster, alike: list[Organisation], action: str
) -> None:
    slug = alike[1].slug
    with planted(cluster, LOST, slug=slug, action=action) as database:
        found = differences(cluster, alike, database)
    assert any(f" {action}" in line for line in found.lost), found
    assert found.doubled == []
    with planted(cluster, DOUBLED, slug=slug, action=action) as database:
        found = differences(cluster, alike, database)
    assert any("1 too many: audit" in line and f" {action}" in line for line in found.doubled)
    assert found.lost == []


async def test_another_subject_or_reason_is_found(
    cluster: Cluster, alike: list[Organisation]
) -> None:
    for change in ("subject = 'user:stranger'", "reason = 'so'", "actor = 'system'"):
        with planted(
            cluster,
            f"UPDATE golive.audit_entry SET {change} WHERE {OF_ACTION}",
            slug=alike[1].slug,
            action="consent_proven",
        ) as database:
            found = differences(cluster, alike, database)
        assert len(found.lost) == len(found.doubled) == 1, found


# What somebody did, in order: whether each attempt was answered, whether it has its line, and how
# many lines say that it was refused.
@pytest.mark.parametrize(
    ("attempts", "stands"),
    [
        ([(True, 1, 0)], 1),
        ([(False, 1, 0)], 1),
        ([(False, 1, 1), (True, 1, 0)], 1),
        ([(False, 0, 0), (True, 1, 0)], 1),
        ([(True, 2, 0)], 2),
        ([(False, 2, 0), (True, 1, 0)], 2),
        ([(False, 1, 0), (True, 0, 0)], 0),
    ],
)
async def test_an_order_has_one_line_for_each_attempt(
    cluster: Cluster, alike: list[Organisation], attempts: list[tuple[bool, int, int]], stands: int
) -> None:
    slug, actions = alike[1].slug, ActionLog()
    with planted(cluster) as database:
        for answered, lines, refusals in attempts:
            reason = actions.reason("Not now.")
            actions.orders[reason] = answered
            values = {"slug": slug, "actor": "dana", "action": "roll_back", "reason": reason}
            for _ in range(lines):
                database.execute(ORDER, values)
            for _ in range(refusals):
                database.execute(REFUSAL, values)
        lines = trail(database, slug, actions)
    assert lines["audit dana roll_back (Not now.)"] == stands
    assert not any("order_refused" in line for line in lines)


async def test_a_refusal_of_an_order_that_was_answered_or_a_second_one_is_found(
    cluster: Cluster, alike: list[Organisation]
) -> None:
    for answered, refusals in ((True, 1), (False, 2)):
        actions = ActionLog()
        reason = actions.reason("Not now.")
        actions.orders[reason] = answered
        values = {"slug": alike[1].slug, "actor": "dana", "action": "roll_back", "reason": reason}
        with planted(cluster, ORDER, *[REFUSAL] * refusals, **values) as database:
            found = differences(cluster, alike, database, actions)
        assert [line for line in found.doubled if "order_refused" in line], found


async def test_an_order_that_nobody_gave_is_found(
    cluster: Cluster, alike: list[Organisation]
) -> None:
    values = {"slug": alike[1].slug, "actor": "dana", "action": "pause", "reason": "So."}
    with planted(cluster, ORDER, **values) as database:
        found = differences(cluster, alike, database)
    assert any("audit dana pause (So.)" in line for line in found.doubled), found


async def test_a_refused_browser_needs_a_visit_that_came_to_nothing(
    cluster: Cluster, alike: list[Organisation]
) -> None:
    for reason, in_vain, too_many in (
        ("microsoft_not_asked", 1, 0),
        ("microsoft_not_asked", 0, 1),
        ("wrong_tenant", 1, 1),
    ):
        values = {"slug": alike[1].slug, "actor": "system", "reason": reason, "subject": ""}
        with planted(cluster, WRITTEN, action="consent_refused", **values) as database:
            found = differences(cluster, alike, database, ActionLog(in_vain=in_vain))
        assert len(found.doubled) == too_many, found


async def test_a_proof_without_an_account_needs_a_visit_that_came_to_nothing(
    cluster: Cluster, alike: list[Organisation]
) -> None:
    forgotten = (
        "UPDATE golive.audit_entry SET reason = '' WHERE action = 'consent_proven' "
        f"AND {OF_THE_ORGANISATION}"
    )
    for in_vain, wrong in ((1, 0), (0, 2)):
        with planted(cluster, forgotten, slug=alike[1].slug) as database:
            found = differences(cluster, alike, database, ActionLog(in_vain=in_vain))
        assert len(found.everything) == wrong, found


async def test_a_second_consent_of_the_administrator_is_one_line_more(
    cluster: Cluster, alike: list[Organisation]
) -> None:
    again = (
        "INSERT INTO golive.authorization_request (state_sha256, purpose, browser_sha256, "
        "go_live_id, evidence_id, flow, expires_at, grant_was_absent) "
        "SELECT 'again', t.purpose, t.browser_sha256, t.go_live_id, t.evidence_id, t.flow, "
        "t.expires_at, t.grant_was_absent FROM golive.authorization_request t "
        "JOIN golive.go_live g ON g.id = t.go_live_id WHERE t.evidence_id IS NOT NULL AND "
        f"g.{OF_THE_ORGANISATION}"
    )
    slug = alike[1].slug
    told = DOUBLED.replace("%(action)s", "'consent_reported'")
    signed_in = DOUBLED.replace("%(action)s", "'consent_signed_in'")
    with planted(cluster, again, told, signed_in, slug=slug) as database:
        assert differences(cluster, alike, database).everything == []
    with planted(cluster, again, told, slug=slug) as database:
        assert any("consent_signed_in" in one for one in differences(cluster, alike, database).lost)
    with planted(cluster, told, signed_in, slug=slug) as database:
        assert len(differences(cluster, alike, database).doubled) == 2


def test_what_is_left_out_says_why() -> None:
    assert all(len(why) > 40 for why in MAY_BE_ADDED.values())
