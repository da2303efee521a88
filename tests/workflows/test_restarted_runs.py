"""A run that somebody terminated or reset in Temporal all the same: nothing is done twice."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from contracts.go_live import Attention, GoLiveOutcome, GoLiveStage, Progress, UserSignedIn, Wait
from local.browser import Browser
from local.people import SceneFailedError
from tests.cluster import Cluster, Organisation
from tests.shell import run
from tests.workflows.driver import (
    MEMBERS,
    bring_to,
    go_on,
    hears,
    new_organisation,
    reset_to,
    run_id_of,
    schedules,
    until_attention,
)
from wording import runs, sentences
from workflows.go_live import SsoGoLive


def _sent(organisation: Organisation) -> Counter[tuple[str, str]]:
    """How many mails of each kind each person has."""
    return Counter((message, to) for message, to, _ in organisation.mails())


def _moves(organisation: Organisation) -> list[Any]:
    """Who has moved, and when."""
    return organisation.cluster.rows(
        "SELECT m.user_id, m.moved_at FROM golive.user_move m JOIN golive.go_live g "
        "ON g.id = m.go_live_id JOIN pulse.organisation o ON o.id = g.organisation_id "
        "WHERE o.slug = :slug AND m.moved_at IS NOT NULL AND m.undone_at IS NULL ORDER BY 1",
        slug=organisation.slug,
    )


def _done(organisation: Organisation, action: str) -> int:
    return [done for _, done, _ in organisation.audit()].count(action)


async def _start_anew(organisation: Organisation) -> str:
    """Terminate the run, start again, and return what is said."""
    await organisation.handle.terminate("by mistake")
    ended = (await organisation.handle.describe()).close_time
    assert ended is not None
    started = await organisation.cluster.orders().start(organisation.slug)
    assert (started.number, started.already_running) == (1, False)
    assert started.resumed_after is not None
    assert sentences.instant(ended) in started.resumed_after
    assert _done(organisation, "run_begun_anew")
    return started.resumed_after.replace(sentences.instant(ended), "then")


async def _comes_to(organisation: Organisation, wait: Wait) -> Progress:
    """Return where the newest run stands, once it waits there: the record may be older."""
    run = await run_id_of(organisation)
    await organisation.until(lambda _: _recorded_by(organisation) == run)
    return await organisation.until(wait)


def _recorded_by(organisation: Organisation) -> str:
    (row,) = organisation.cluster.rows(
        "SELECT recorded_by FROM golive.go_live WHERE id = :g",
        g=organisation.standing().go_live_id,
    )
    return str(row.recorded_by)


def _everybody_is_back(organisation: Organisation) -> None:
    """Nobody signs in by SSO any more, and nobody is asked to."""
    (now,) = organisation.cluster.rows(
        """
        SELECT o.sso_offered,
               (SELECT count(*) FROM golive.sso_connection WHERE organisation_id = o.id) AS proven,
               (SELECT count(*) FROM pulse.app_user
                WHERE organisation_id = o.id AND sign_in_method = 'sso') AS by_sso
        FROM pulse.organisation o WHERE slug = :slug
        """,
        slug=organisation.slug,
    )
    assert tuple(now) == (False, 0, 0)
    assert _moves(organisation) == []


# --- terminated -------------------------------------------------------------------------------


async def test_terminated_while_it_waits_for_consent_it_goes_on_and_goes_live(
    cluster: Cluster,
) -> None:
    """Entitlement and acknowledgement were given to the run that is no more."""
    organisation = new_organisation(cluster)
    await bring_to(organisation, Wait.ADMIN_CONSENT)
    before = _sent(organisation)
    said = await _start_anew(organisation)
    assert said == (
        "The run of go-live 1 was terminated in Temporal on then; it goes on from what the "
        "database knows: Admin consent awaited."
    )
    progress = await _comes_to(organisation, Wait.ADMIN_CONSENT)
    again = await cluster.orders().start(organisation.slug)
    assert (again.already_running, again.resumed_after) == (True, None)
    assert (progress.number, progress.stage) == (1, GoLiveStage.ADMIN_CONSENT_AWAITED)
    assert _sent(organisation) == before
    for place in (Wait.ADMIN_CONSENT, Wait.MICROSOFT, Wait.MOVE_DATE, Wait.APPROVAL):
        await go_on(organisation, place)
    await go_on(organisation, Wait.FIRST_SIGN_IN)
    await organisation.skip(timedelta(days=15))
    assert (await organisation.ended()).outcome is GoLiveOutcome.LIVE
    assert _done(organisation, "sso_offered") == 1
    assert max(_sent(organisation)[one] for one in before) == 1


async def test_terminated_while_it_waits_for_consent_a_later_roll_back_undoes_it(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await _start_anew(organisation)
    await _comes_to(organisation, Wait.ADMIN_CONSENT)
    await cluster.orders().roll_back(organisation.slug, "A change of mind.")
    assert (await organisation.ended()).outcome is GoLiveOutcome.ROLLED_BACK
    _everybody_is_back(organisation)


async def test_terminated_before_the_move_it_keeps_to_the_date_that_customer_it_chose(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    chosen = (await organisation.now()).replace(microsecond=0) + timedelta(days=9)
    await cluster.orders().acknowledge(organisation.slug, chosen)
    await organisation.consent()
    assert (await organisation.until(Wait.MOVE_DATE)).due_at == chosen
    before = _sent(organisation)
    assert (await _start_anew(organisation)).endswith("Users migrated.")
    assert (await _comes_to(organisation, Wait.MOVE_DATE)).due_at == chosen
    assert _sent(organisation) == before
    await organisation.handle.terminate("at the end of the test")


async def test_a_date_that_passed_without_a_run_is_announced_anew(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)
    cluster.rows(
        "UPDATE golive.go_live g SET move_at = move_at - interval '40 days', "
        "announced_move_at = announced_move_at - interval '40 days' FROM pulse.organisation o "
        "WHERE o.id = g.organisation_id AND o.slug = :slug",
        slug=organisation.slug,
    )
    await _start_anew(organisation)
    await _comes_to(organisation, Wait.MOVE_DATE)
    assert _sent(organisation)["move_announcement", organisation.contact] == 2
    await organisation.handle.terminate("at the end of the test")


async def test_terminated_between_the_first_users_and_the_others_it_moves_the_others(
    cluster: Cluster,
) -> None:
    """One of the first signed in while there was no run; the plan was approved before."""
    organisation = new_organisation(cluster)
    await bring_to(organisation, Wait.FIRST_SIGN_IN)
    mails, moves = _sent(organisation), _moves(organisation)
    assert len(moves) == 5
    await organisation.handle.terminate("by mistake")
    await organisation.sign_in(organisation.first_moved())
    started = await cluster.orders().start(organisation.slug)
    assert started.resumed_after is not None
    await _comes_to(organisation, Wait.AFTERCARE)
    assert len(_moves(organisation)) == 8
    assert [one for one in _moves(organisation) if one in moves] == moves
    assert max((_sent(organisation) - mails).values()) == 1
    assert [_sent(organisation)[one] for one in mails] == list(mails.values())
    await organisation.skip(timedelta(days=15))
    assert (await organisation.ended()).outcome is GoLiveOutcome.LIVE


async def test_terminated_after_the_move_nobody_moves_or_is_written_to_again(
    cluster: Cluster,
) -> None:
    """Mail that the run had no time to send goes out."""
    organisation = new_organisation(cluster)
    await bring_to(organisation, Wait.AFTERCARE)
    mails, moves = _sent(organisation), _moves(organisation)
    unsent = organisation.address("fay")
    cluster.rows(
        # The new run knows nothing of the days that were skipped in the one before.
        "UPDATE golive.mail m SET state = 'queued', due_at = now() FROM pulse.app_user u "
        "WHERE u.id = m.recipient_id AND u.address = :unsent",
        unsent=unsent,
    )
    said = await _start_anew(organisation)
    assert said.endswith("it goes on from what the database knows: Users migrated.")
    await _comes_to(organisation, Wait.AFTERCARE)
    assert _moves(organisation) == moves
    assert _sent(organisation) == mails
    assert {state for *_, state in organisation.mails()} == {"sent"}
    times = cluster.rows(
        "SELECT stage FROM golive.stage_time WHERE go_live_id = :g AND ended_at IS NULL",
        g=organisation.standing().go_live_id,
    )
    assert [row.stage for row in times] == ["users_migrated"]
    await organisation.skip(timedelta(days=15))
    assert (await organisation.ended()).outcome is GoLiveOutcome.LIVE


async def test_terminated_after_the_move_a_later_roll_back_undoes_it(cluster: Cluster) -> None:
    """The run that undoes it has itself neither offered SSO nor moved anybody."""
    organisation = cluster.create_organisation(*MEMBERS)
    await organisation.come_to_the_move()
    await organisation.until(Wait.FIRST_SIGN_IN)
    await _start_anew(organisation)
    await cluster.orders().roll_back(organisation.slug, "A change of mind.")
    assert (await organisation.ended()).outcome is GoLiveOutcome.ROLLED_BACK
    _everybody_is_back(organisation)


# --- reset ------------------------------------------------------------------------------------


async def test_reset_to_before_the_move_it_asks_and_a_retry_does_nothing_twice(
    cluster: Cluster,
) -> None:
    organisation = new_organisation(cluster)
    await bring_to(organisation, Wait.AFTERCARE)
    mails, moves, run = _sent(organisation), _moves(organisation), await run_id_of(organisation)
    await reset_to(organisation, schedules("verify_consent"))
    await until_attention(organisation, Attention.RECORD_AHEAD)
    assert await run_id_of(organisation) != run
    assert "was reset" in await organisation.temporal_details()
    await organisation.received_by("dana@clientshare.example", "was reset in Temporal")
    await cluster.orders().retry(organisation.slug)
    await organisation.until(Wait.AFTERCARE)
    assert organisation.progress.attention is None
    await organisation.skip(timedelta(days=15))
    assert (await organisation.ended()).outcome is GoLiveOutcome.LIVE
    assert _moves(organisation) == moves
    added = _sent(organisation) - mails
    assert {message for message, _ in added} <= {"needs_attention", "sign_in_reminder"}


async def test_reset_to_before_the_move_a_roll_back_restores_everybody(cluster: Cluster) -> None:
    """The run has forgotten that anybody moved."""
    organisation = cluster.create_organisation(*MEMBERS)
    await organisation.come_to_the_move()
    await organisation.until(Wait.FIRST_SIGN_IN)
    assert len(_moves(organisation)) == 5
    await reset_to(organisation, schedules("verify_consent"))
    await until_attention(organisation, Attention.RECORD_AHEAD)
    await cluster.orders().roll_back(organisation.slug, "Too much happened.")
    assert (await organisation.ended()).outcome is GoLiveOutcome.ROLLED_BACK
    assert organisation.progress.outcome is GoLiveOutcome.ROLLED_BACK
    _everybody_is_back(organisation)


async def test_a_run_that_was_reset_into_a_wait_looks_at_once(cluster: Cluster) -> None:
    """It forgets the consent; without a check it would remind a customer who has consented."""
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await organisation.handle.signal(SsoGoLive.user_signed_in, UserSignedIn("nobody"))
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)
    await reset_to(organisation, hears("user_signed_in"), messages_too=True)
    await until_attention(organisation, Attention.RECORD_AHEAD)
    await cluster.orders().retry(organisation.slug)
    progress = await organisation.until(Wait.MOVE_DATE)
    assert progress.stage is GoLiveStage.USERS_MIGRATED
    await organisation.handle.terminate("at the end of the test")


async def test_a_pause_that_is_told_again_after_a_reset_does_not_hide_it(cluster: Cluster) -> None:
    organisation = cluster.create_organisation(*MEMBERS)
    await organisation.come_to_the_move()
    await organisation.until(Wait.FIRST_SIGN_IN)
    mails, moves = _sent(organisation), _moves(organisation)
    await cluster.orders().pause(organisation.slug)
    await reset_to(organisation, schedules("verify_consent"))
    await until_attention(organisation, Attention.RECORD_AHEAD)
    assert organisation.progress.paused
    await cluster.orders().resume(organisation.slug)
    await cluster.orders().retry(organisation.slug)
    await organisation.until(Wait.FIRST_SIGN_IN)
    assert _moves(organisation) == moves
    assert {message for message, _ in _sent(organisation) - mails} <= {"needs_attention"}
    await organisation.handle.terminate("at the end of the test")


async def test_reset_where_the_record_is_not_ahead_it_goes_on_silently(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await organisation.handle.signal(SsoGoLive.user_signed_in, UserSignedIn("nobody"))
    before = _sent(organisation)
    await reset_to(organisation, hears("user_signed_in"))
    run = await run_id_of(organisation)
    await organisation.until(lambda _: _recorded_by(organisation) == run)
    assert organisation.progress.attention is None
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)
    await organisation.skip_to_due()
    assert (await organisation.ended()).outcome is GoLiveOutcome.LIVE
    assert _sent(organisation) & before == before
    assert organisation.mails("needs_attention") == []


# --- what people are told ---------------------------------------------------------------------


async def test_beside_a_run_stands_where_it_is_steered(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    described = await organisation.handle.describe()
    details = await described.static_details()
    console = f"{cluster.endpoints.web}/console/{organisation.slug}"
    assert details == runs.steering(organisation.slug, 1, console)
    assert await described.static_summary() == f"Go-live 1 of {organisation.slug}"
    await organisation.handle.terminate("at the end of the test")


async def test_the_console_offers_to_go_on_where_an_order_finds_no_run(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await organisation.handle.terminate("by mistake")
    with Browser() as browser:
        browser.open(f"{cluster.endpoints.web}/console")
        browser.press("Login with SSO")
        browser.press("Sign in", login="dana@clientshare.example")
        browser.open(f"{cluster.endpoints.web}/console/{organisation.slug}")
        assert "Start the go-live" not in browser.text
        browser.press("Pause")
        assert "No go-live runs here that could take the order." in " ".join(browser.text.split())
        browser.press("Start the go-live")
        said = " ".join(browser.text.split())
    assert "The run of go-live 1 was terminated in Temporal on" in said
    assert "it goes on from what the database knows: Admin consent awaited." in said
    await _comes_to(organisation, Wait.ADMIN_CONSENT)
    await organisation.handle.terminate("at the end of the test")


async def test_the_shell_says_that_it_goes_on(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await organisation.handle.terminate("by mistake")
    done = await run(cluster, "start", organisation.slug)
    assert done.stdout.startswith("The run of go-live 1 was terminated in Temporal on "), done
    assert "knows: Admin consent awaited.\nWhere" in done.stdout
    await organisation.handle.terminate("at the end of the test")


async def test_a_date_that_nobody_was_told_is_announced_by_the_next_run(cluster: Cluster) -> None:
    """It was chosen within the quiet hour before the run was terminated."""
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)
    assert _sent(organisation)["move_announcement", organisation.contact] == 1
    chosen = (await organisation.now()).replace(second=0, microsecond=0) + timedelta(days=9)
    await cluster.orders().acknowledge(organisation.slug, chosen)
    await organisation.until(lambda now: now.due_at == chosen)
    await _start_anew(organisation)
    assert (await _comes_to(organisation, Wait.MOVE_DATE)).due_at == chosen
    await organisation.skip(timedelta(days=3))
    assert _sent(organisation)["move_announcement", organisation.contact] == 2
    await organisation.handle.cancel()


async def test_a_consent_that_comes_while_there_is_no_run_waits_for_the_next(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await organisation.handle.terminate("by mistake")
    with pytest.raises(SceneFailedError, match=r"Your consent is noted.*checked a little later"):
        await organisation.consent()
    await cluster.orders().start(organisation.slug)
    await _comes_to(organisation, Wait.MOVE_DATE)
    assert await organisation.signals() == ["consent_reported"]
    await organisation.handle.cancel()
