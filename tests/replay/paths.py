"""What people do on each path of which a history is recorded."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from commands import user_decisions
from contracts.go_live import (
    Attention,
    ConsentNotGiven,
    ConsentReported,
    GoLiveOutcome,
    ItAcknowledged,
    MailRequested,
    PeopleChanged,
    Refusal,
    UserSignedIn,
    Wait,
)
from contracts.notices import Message
from graph.permissions import APPLICATION_PERMISSIONS
from tests.cluster import STAFF, Cluster, Organisation, Person, directory_user
from tests.workflows.driver import (
    MEMBERS,
    SETTINGS,
    beside_reminders,
    bring_to,
    consented_in_vain,
    go_on,
    hears,
    never_applied,
    new_organisation,
    ordinary_activity_ended,
    ordinary_activity_tries,
    proof_gives_up,
    reset_to,
    schedules,
    stopped_in_the_midst_of_a_move,
    until_attention,
    with_a_stuck_reminder,
)
from workflows.go_live import SsoGoLive


async def live(cluster: Cluster) -> Organisation:
    """Every wait there is, then LIVE."""
    organisation = new_organisation(cluster)
    await bring_to(organisation, Wait.AFTERCARE)
    await organisation.skip(timedelta(days=15))
    return organisation


async def live_by_newer_plans(cluster: Cluster) -> Organisation:
    """The approval and the first sign-in take a day each; the directory is read anew after both."""
    organisation = cluster.create_organisation(*MEMBERS, exception_threshold="0")
    await organisation.come_to_the_move()
    await organisation.until(Wait.APPROVAL)
    await organisation.skip(timedelta(days=1))
    await go_on(organisation, Wait.APPROVAL)
    await organisation.skip(timedelta(days=1))
    await organisation.sign_in(organisation.first_moved())
    return organisation


async def live_a_second_time(cluster: Cluster) -> Organisation:
    """Go-live number 2 passes what number 1 finished, and finds nobody left to move."""
    organisation = await _second(await live(cluster))
    await cluster.orders().confirm_entitlement(organisation.slug)
    return organisation


async def live_with_newcomers(cluster: Cluster) -> Organisation:
    """Go-live number 2 moves somebody who has joined since."""
    organisation = await live(cluster)
    newcomer = Person("newcomer")
    organisation.people.append(newcomer)
    cluster.control(
        "POST",
        f"/tenants/{organisation.tenant_id}/users",
        **directory_user(organisation, newcomer),
    )
    cluster.import_organisation(organisation, **SETTINGS)
    await _second(organisation)
    await cluster.orders().confirm_entitlement(organisation.slug)
    await organisation.until(Wait.MOVE_DATE)
    await organisation.skip_to_due()
    progress = await organisation.until(Wait.APPROVAL)
    assert progress.plan_hash is not None
    await cluster.orders().approve(organisation.slug, progress.plan_hash)
    return organisation


async def _second(organisation: Organisation) -> Organisation:
    await organisation.ended()
    await organisation.start()
    await organisation.until(lambda now: now.number == 2 and now.wait is Wait.ENTITLEMENT)
    return organisation


async def not_entitled(cluster: Cluster) -> Organisation:
    """Customer success declines after two reminders."""
    organisation = cluster.create_organisation(sso_included="no")
    await organisation.start()
    await organisation.until(Wait.ENTITLEMENT)
    await organisation.skip(timedelta(days=15))
    await cluster.orders().decline_entitlement(organisation.slug, "It is not in the agreement.")
    return organisation


async def expired(cluster: Cluster) -> Organisation:
    """Nobody at the customer ever answers."""
    organisation = cluster.create_organisation(it_acknowledgement="yes")
    await organisation.start(skipping=True)
    return organisation


async def declined(cluster: Cluster) -> Organisation:
    """The administrator declines and customer success closes it."""
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await organisation.skip(timedelta(days=6))
    await organisation.handle.signal(SsoGoLive.consent_not_given, ConsentNotGiven("declined"))
    await organisation.until(lambda now: now.refusal is not None)
    await organisation.skip(timedelta(days=1))
    await cluster.orders().close_declined(organisation.slug, "They do not want SSO.")
    return organisation


async def declined_and_tried_again(cluster: Cluster) -> Organisation:
    """Declined, then tried in vain by somebody who may not; another manager closes it."""
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await organisation.skip(timedelta(days=6))
    await organisation.handle.signal(SsoGoLive.consent_not_given, ConsentNotGiven("declined"))
    await organisation.until(lambda now: now.refusal is Refusal.DECLINED)
    await organisation.handle.signal(SsoGoLive.people_changed, PeopleChanged("dana"))
    await organisation.skip(timedelta(days=1))
    not_allowed = ConsentNotGiven("not_an_administrator", said_no=False)
    await organisation.handle.signal(SsoGoLive.consent_not_given, not_allowed)
    await organisation.until(lambda now: now.refusal is Refusal.NOT_AN_ADMINISTRATOR)
    await organisation.skip(timedelta(days=1))
    await cluster.orders().close_declined(organisation.slug, "They do not want SSO.")
    return organisation


async def closed_during_a_proof(cluster: Cluster) -> Organisation:
    """Declined, then consented; Microsoft never applies it, and customer success closes it."""
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await organisation.skip(timedelta(days=1))
    await organisation.handle.signal(SsoGoLive.consent_not_given, ConsentNotGiven("declined"))
    await organisation.until(lambda now: now.refusal is not None)
    await organisation.skip(timedelta(days=1))
    await consented_in_vain(organisation)
    await organisation.skip(timedelta(days=1))
    await cluster.orders().close_declined(organisation.slug, "They changed their mind once more.")
    return organisation


async def proof_gave_up(cluster: Cluster) -> Organisation:
    """A consent that Microsoft does not apply; people are reminded, a *retry* proves it."""
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await organisation.skip(timedelta(days=1))
    await consented_in_vain(organisation)
    await organisation.skip(timedelta(days=6))
    cluster.control("DELETE", "/propagation")
    await cluster.orders().retry(organisation.slug)
    await organisation.until(Wait.MOVE_DATE)
    await cluster.orders().roll_back(organisation.slug, "A change of mind.")
    return organisation


async def rolled_back(cluster: Cluster) -> Organisation:
    """Everything is undone after the move."""
    organisation = new_organisation(cluster)
    await bring_to(organisation, Wait.AFTERCARE)
    await organisation.skip(timedelta(days=4))
    await cluster.orders().roll_back(organisation.slug, "A change of mind.")
    return organisation


async def cancelled(cluster: Cluster) -> Organisation:
    """An operator cancels the workflow while it waits for a consent."""
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await organisation.skip(timedelta(days=1))
    await organisation.handle.cancel()
    return organisation


async def needs_attention(cluster: Cluster) -> Organisation:
    """The pack is refused, retried, refused and skipped; the consent request likewise."""
    organisation = cluster.create_organisation()
    for address in (organisation.contact, organisation.second_contact):
        cluster.mail_faults(reject=address, code=550)
    await organisation.start()
    for _ in range(2):
        await until_attention(organisation, Attention.MAIL_REFUSED)
        before = await organisation.until(lambda now: now.may_skip)
        await cluster.orders().retry(organisation.slug)
        await organisation.until(
            lambda now, before=before: now.may_skip and now.since > before.since  # type: ignore[misc]
        )
    await cluster.orders().skip(organisation.slug, "By phone.")
    await organisation.until(
        lambda now: now.attention is Attention.MAIL_REFUSED and not now.may_skip
    )
    cluster.mail_faults()
    await cluster.orders().retry(organisation.slug)
    await organisation.until(Wait.ADMIN_CONSENT)
    await organisation.until(lambda now: now.attention is None)
    await organisation.skip(timedelta(days=30))
    return organisation


async def credential_refused(cluster: Cluster) -> Organisation:
    """Our own credential is refused in a proof, accepted, and refused again when it is undone."""
    organisation = new_organisation(cluster)
    await bring_to(organisation, Wait.MICROSOFT)
    registration = f"/applications/{cluster.settings.client_id}"
    for _ in range(2):
        cluster.control("PATCH", registration, secret_ended=True)
        await organisation.skip(timedelta(minutes=1))
        await until_attention(organisation, Attention.CREDENTIAL_REFUSED)
        cluster.control("PATCH", registration, secret_ended=False)
        await organisation.skip(timedelta(minutes=6))
        await organisation.until(lambda now: now.attention is None)
    cluster.control("PATCH", registration, secret_ended=True)
    await organisation.skip(timedelta(minutes=1))
    await until_attention(organisation, Attention.CREDENTIAL_REFUSED)
    await cluster.orders().roll_back(organisation.slug, "A change of mind.")
    cluster.control("PATCH", registration, secret_ended=False)
    cluster.control("DELETE", "/propagation")
    return organisation


async def credential_refused_at_the_move(cluster: Cluster) -> Organisation:
    """Our own credential is refused when the directory is read, and accepted again."""
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)
    registration = f"/applications/{cluster.settings.client_id}"
    cluster.control("PATCH", registration, secret_ended=True)
    # A token that is still good would be taken instead.
    cluster.dependencies.graph._calls._entra._applications.clear()
    await organisation.skip_to_due()
    await until_attention(organisation, Attention.CREDENTIAL_REFUSED)
    cluster.control("PATCH", registration, secret_ended=False)
    await organisation.skip(timedelta(minutes=6))
    return organisation


async def paused(cluster: Cluster) -> Organisation:
    """A pause across two reminders; a deadline moved both ways."""
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await organisation.skip(timedelta(days=1))
    await cluster.orders().pause(organisation.slug)
    await organisation.skip(timedelta(days=9))
    await cluster.orders().resume(organisation.slug)
    await organisation.skip(timedelta(days=4))
    later = await cluster.orders().extend(organisation.slug, days=20)
    assert later.due_at is not None
    await cluster.orders().extend(organisation.slug, later.due_at - timedelta(days=10))
    await organisation.skip(timedelta(days=60))
    return organisation


async def chosen_in_a_pause(cluster: Cluster) -> Organisation:
    """The deadline, and then the day of the move, are chosen while the go-live is paused."""
    organisation = cluster.create_organisation()
    orders, slug = cluster.orders(), organisation.slug
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await orders.pause(slug)
    await organisation.skip(timedelta(days=2))
    await orders.extend(slug, days=10)
    await organisation.skip(timedelta(days=5))
    await orders.resume(slug)
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)
    await orders.pause(slug)
    await organisation.skip(timedelta(days=1))
    await orders.acknowledge(slug, await organisation.now() + timedelta(days=9))
    await organisation.skip(timedelta(days=2))
    await orders.resume(slug)
    await orders.roll_back(slug, "A change of mind.")
    return organisation


async def date_changed(cluster: Cluster) -> Organisation:
    """The IT team changes the date: thrice before it is announced, then to the next morning."""
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)
    for number, days in enumerate((9, 11, 10), start=1):
        await _another_date(organisation, number, timedelta(days=days))
        await organisation.skip(timedelta(minutes=10))
    before = len(organisation.mails("move_announcement"))
    await organisation.skip(timedelta(hours=1))
    await organisation.until(lambda _: len(organisation.mails("move_announcement")) > before)
    # So near that nobody could be told a day after the last time: it is told before the move.
    await _another_date(organisation, 4, timedelta(hours=12))
    await organisation.skip_to_due()
    return organisation


async def _another_date(organisation: Organisation, number: int, later: timedelta) -> None:
    date = (await organisation.now() + later).replace(second=0, microsecond=0)
    await organisation.handle.signal(
        SsoGoLive.it_acknowledged, ItAcknowledged("contact:0", number, date)
    )
    await organisation.until(lambda now: now.wait is Wait.MOVE_DATE and now.due_at == date)


async def told_before_another_plan(cluster: Cluster) -> Organisation:
    """Paused for a day while the others move; then the directory is read anew."""
    organisation = cluster.create_organisation(*MEMBERS)
    await organisation.come_to_the_move()
    await organisation.until(Wait.FIRST_SIGN_IN)
    await stopped_in_the_midst_of_a_move(organisation)
    await cluster.orders().resume(organisation.slug)
    return organisation


async def no_reminder_in_first_check(cluster: Cluster) -> Organisation:
    """A reminder that the relay refused is due when the administrator consents."""
    organisation = await with_a_stuck_reminder(cluster)
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)
    await cluster.orders().roll_back(organisation.slug, "A change of mind.")
    return organisation


async def throttled_first_check(cluster: Cluster) -> Organisation:
    """Microsoft asks for a pause that is longer than a first check."""
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    token = {"path": f"/{organisation.tenant_id}/oauth2/v2.0/token"}
    cluster.control("POST", "/faults", kind="throttle", retry_after="120", after=2, match=token)
    await organisation.consent()
    while await organisation.newest_timer() != "the rest of the first check":
        await asyncio.sleep(0.05)
    cluster.control("DELETE", "/faults")
    await organisation.skip(timedelta(minutes=2))
    await organisation.until(Wait.MOVE_DATE)
    await cluster.orders().roll_back(organisation.slug, "A change of mind.")
    return organisation


async def reported_twice(cluster: Cluster) -> Organisation:
    """Another consent is reported, by nobody's browser, while the first is looked for."""
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await go_on(organisation, Wait.ADMIN_CONSENT)
    nobody = ConsentReported(organisation.tenant_id, "00000000-0000-0000-0000-000000000000")
    await organisation.handle.signal(SsoGoLive.consent_reported, nobody)
    await organisation.skip(timedelta(minutes=2))
    cluster.control("DELETE", "/propagation")
    await organisation.skip(timedelta(minutes=2))
    await organisation.until(lambda now: now.refusal is not None or now.wait is Wait.MOVE_DATE)
    await cluster.orders().roll_back(organisation.slug, "A change of mind.")
    return organisation


async def no_one_signed_in(cluster: Cluster) -> Organisation:
    """Nobody of the first users signs in; a *retry* gives them five more days, then one does."""
    organisation = cluster.create_organisation(*MEMBERS)
    await organisation.come_to_the_move()
    await organisation.until(Wait.FIRST_SIGN_IN)
    await organisation.skip(timedelta(days=6))
    await until_attention(organisation, Attention.NO_ONE_SIGNED_IN)
    await cluster.orders().retry(organisation.slug)
    await organisation.until(lambda now: now.attention is None)
    await organisation.sign_in(organisation.first_moved())
    return organisation


async def plan_changed_between_waves(cluster: Cluster) -> Organisation:
    """Somebody is left out while the first users are waited for: the others need a new plan."""
    organisation = cluster.create_organisation(*MEMBERS)
    await organisation.come_to_the_move()
    await organisation.until(Wait.FIRST_SIGN_IN)
    waiting = next(
        one.name
        for one in MEMBERS
        if one.status == "active" and one.in_directory and not _has_moved(organisation, one.name)
    )
    user_decisions.exclude(
        cluster.engine, STAFF, organisation.slug, organisation.address(waiting), "Leaves soon."
    )
    await organisation.sign_in(organisation.first_moved())
    return organisation


def _has_moved(organisation: Organisation, name: str) -> bool:
    return organisation.user(name)["object_id"] is not None


async def planned_again_in_aftercare(cluster: Cluster) -> Organisation:
    """Customer success has the directory read once more after the move."""
    organisation = cluster.create_organisation()
    await organisation.come_to_the_move(aftercare_days=14)
    await organisation.until(Wait.AFTERCARE)
    await cluster.orders().replan(organisation.slug)
    await organisation.until(lambda now: now.wait is Wait.NOTHING)
    await organisation.until(Wait.AFTERCARE)
    await organisation.skip(timedelta(days=15))
    return organisation


async def tenant_unknown(cluster: Cluster) -> Organisation:
    """The only domain leads nowhere; the list is mended and retried. Then a change of mind."""
    organisation = cluster.create_organisation(domains="not-on-entra.example")
    await organisation.start()
    await until_attention(organisation, Attention.TENANT_UNKNOWN)
    cluster.import_organisation(organisation)
    await cluster.orders().retry(organisation.slug)
    await organisation.until(Wait.ADMIN_CONSENT)
    await cluster.orders().roll_back(organisation.slug, "A change of mind.")
    return organisation


async def trouble_in_a_pause(cluster: Cluster) -> Organisation:
    """The application is switched off at the customer; people read of it after the pause."""
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await cluster.orders().pause(organisation.slug)
    never_applied(organisation)
    await organisation.consent()
    await organisation.until(Wait.MICROSOFT)
    grant = f"/tenants/{organisation.tenant_id}/grants/{cluster.settings.client_id}"
    permissions = [one.name for one in APPLICATION_PERMISSIONS]
    cluster.control("PUT", grant, application=permissions, enabled=False)
    cluster.control("DELETE", "/propagation")
    await organisation.skip(timedelta(minutes=1))
    await until_attention(organisation, Attention.APPLICATION_DISABLED)
    await organisation.skip(timedelta(hours=1))
    await cluster.orders().resume(organisation.slug)
    await organisation.until(
        lambda _: "sent" in {state for *_, state in organisation.mails("consent_trouble")}
    )
    await cluster.orders().roll_back(organisation.slug, "A change of mind.")
    return organisation


async def rolled_back_in_a_first_check(cluster: Cluster) -> Organisation:
    """A change of mind, and a later deadline, while a consent is looked for alone."""
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await go_on(organisation, Wait.ADMIN_CONSENT)
    await cluster.orders().extend(organisation.slug, days=5)
    await cluster.orders().roll_back(organisation.slug, "A change of mind.")
    await organisation.ended()
    cluster.control("DELETE", "/propagation")
    return organisation


async def rolled_back_beside_a_proof(cluster: Cluster) -> Organisation:
    """A change of mind while a consent is proven beside the reminders."""
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await go_on(organisation, Wait.ADMIN_CONSENT)
    await beside_reminders(organisation)
    await cluster.orders().roll_back(organisation.slug, "A change of mind.")
    await organisation.ended()
    cluster.control("DELETE", "/propagation")
    return organisation


async def proven_after_the_deadline(cluster: Cluster) -> Organisation:
    """A consent that came in time counts, although Microsoft applies it after the deadline."""
    organisation = cluster.create_organisation()
    await organisation.start()
    asked = await organisation.until(Wait.ADMIN_CONSENT)
    assert asked.due_at is not None
    await organisation.skip(asked.due_at - await organisation.now() - timedelta(minutes=3))
    await go_on(organisation, Wait.ADMIN_CONSENT)
    await beside_reminders(organisation)
    await organisation.skip(timedelta(minutes=4))
    cluster.control("DELETE", "/propagation")
    await organisation.skip(timedelta(minutes=2))
    await organisation.until(Wait.MOVE_DATE)
    await cluster.orders().roll_back(organisation.slug, "A change of mind.")
    return organisation


async def reported_while_a_proof_gives_up(cluster: Cluster) -> Organisation:
    """A consent is reported again while the first is proven in vain; nobody answers any more."""
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await go_on(organisation, Wait.ADMIN_CONSENT)
    await beside_reminders(organisation)
    nobody = ConsentReported(organisation.tenant_id, "00000000-0000-0000-0000-000000000000")
    await organisation.handle.signal(SsoGoLive.consent_reported, nobody)
    await proof_gives_up(organisation)
    cluster.control("DELETE", "/propagation")
    await organisation.skip(timedelta(days=30))
    return organisation


async def reminded_late(cluster: Cluster) -> Organisation:
    """A reminder is stuck for so long that the next ones are late; they find working hours anew."""
    organisation = await with_a_stuck_reminder(cluster)
    await organisation.skip(timedelta(days=7, hours=9))
    await cluster.orders().retry(organisation.slug)
    await organisation.until(lambda now: now.attention is None)
    await organisation.skip(timedelta(days=30))
    return organisation


async def reset_after_the_move(cluster: Cluster) -> Organisation:
    """An operator resets the run to its consent after the move, and customer success retries."""
    organisation = cluster.create_organisation(*MEMBERS)
    await organisation.come_to_the_move()
    await organisation.until(Wait.FIRST_SIGN_IN)
    await reset_to(organisation, schedules("verify_consent"))
    await until_attention(organisation, Attention.RECORD_AHEAD)
    await cluster.orders().retry(organisation.slug)
    await organisation.until(Wait.FIRST_SIGN_IN)
    await organisation.sign_in(organisation.first_moved())
    return organisation


async def reset_into_a_wait(cluster: Cluster) -> Organisation:
    """An operator has the run forget the consent, and that it was told of it."""
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await organisation.handle.signal(SsoGoLive.user_signed_in, UserSignedIn("nobody"))
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)
    await reset_to(organisation, hears("user_signed_in"), messages_too=True)
    await until_attention(organisation, Attention.RECORD_AHEAD)
    await cluster.orders().roll_back(organisation.slug, "A change of mind.")
    return organisation


async def begun_anew_after_the_move(cluster: Cluster) -> Organisation:
    """An operator terminates the run between the first users and the others; it is started anew."""
    organisation = cluster.create_organisation(*MEMBERS)
    await organisation.come_to_the_move()
    await organisation.until(Wait.FIRST_SIGN_IN)
    await organisation.handle.terminate()
    await organisation.start()
    await organisation.sign_in(organisation.first_moved())
    return organisation


async def sent_again(cluster: Cluster) -> Organisation:
    """A contact asks for a new link; and a change of mind while a mail does not go out."""
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await organisation.handle.signal(
        SsoGoLive.mail_requested, MailRequested(Message.IT_PACK, "first", "contact:0")
    )
    cluster.mail_faults(defer="dana@clientshare.example", code=451)
    await organisation.handle.signal(SsoGoLive.consent_not_given, ConsentNotGiven("declined"))
    await organisation.until(lambda _: bool(organisation.mails("consent_declined")))
    await cluster.orders().roll_back(organisation.slug, "A change of mind.")
    await organisation.until(lambda now: now.ending is GoLiveOutcome.ROLLED_BACK)
    # An operator who cancels the run as well changes nothing: it already ends.
    await organisation.handle.cancel()
    await organisation.skip(timedelta(seconds=1))
    cluster.mail_faults()
    return organisation


async def database_away(cluster: Cluster) -> Organisation:
    """The database refuses what the run writes down for a minute; then a change of mind."""
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    cluster.rows("ALTER TABLE golive.stage_time RENAME TO stage_time_away")
    await organisation.handle.signal(SsoGoLive.people_changed, PeopleChanged("dana"))
    await ordinary_activity_tries(organisation, "record_position")
    cluster.rows("ALTER TABLE golive.stage_time_away RENAME TO stage_time")
    await ordinary_activity_ended(organisation)
    await cluster.orders().roll_back(organisation.slug, "A change of mind.")
    return organisation


PATHS: dict[str, tuple[Callable[[Cluster], Awaitable[Organisation]], GoLiveOutcome]] = {
    "live": (live, GoLiveOutcome.LIVE),
    "live_by_newer_plans": (live_by_newer_plans, GoLiveOutcome.LIVE),
    "live_a_second_time": (live_a_second_time, GoLiveOutcome.LIVE),
    "live_with_newcomers": (live_with_newcomers, GoLiveOutcome.LIVE),
    "told_before_another_plan": (told_before_another_plan, GoLiveOutcome.LIVE),
    "no_one_signed_in": (no_one_signed_in, GoLiveOutcome.LIVE),
    "plan_changed_between_waves": (plan_changed_between_waves, GoLiveOutcome.LIVE),
    "planned_again_in_aftercare": (planned_again_in_aftercare, GoLiveOutcome.LIVE),
    "reset_after_the_move": (reset_after_the_move, GoLiveOutcome.LIVE),
    "begun_anew_after_the_move": (begun_anew_after_the_move, GoLiveOutcome.LIVE),
    "not_entitled": (not_entitled, GoLiveOutcome.NOT_ENTITLED),
    "expired": (expired, GoLiveOutcome.CONSENT_EXPIRED),
    "needs_attention": (needs_attention, GoLiveOutcome.CONSENT_EXPIRED),
    "paused": (paused, GoLiveOutcome.CONSENT_EXPIRED),
    "reminded_late": (reminded_late, GoLiveOutcome.CONSENT_EXPIRED),
    "reported_while_a_proof_gives_up": (
        reported_while_a_proof_gives_up,
        GoLiveOutcome.CONSENT_EXPIRED,
    ),
    "declined": (declined, GoLiveOutcome.CONSENT_DECLINED),
    "declined_and_tried_again": (declined_and_tried_again, GoLiveOutcome.CONSENT_DECLINED),
    "closed_during_a_proof": (closed_during_a_proof, GoLiveOutcome.CONSENT_DECLINED),
    "date_changed": (date_changed, GoLiveOutcome.LIVE),
    "chosen_in_a_pause": (chosen_in_a_pause, GoLiveOutcome.ROLLED_BACK),
    "no_reminder_in_first_check": (
        no_reminder_in_first_check,
        GoLiveOutcome.ROLLED_BACK,
    ),
    "credential_refused": (credential_refused, GoLiveOutcome.ROLLED_BACK),
    "credential_refused_at_the_move": (credential_refused_at_the_move, GoLiveOutcome.LIVE),
    "proof_gave_up": (proof_gave_up, GoLiveOutcome.ROLLED_BACK),
    "reported_twice": (reported_twice, GoLiveOutcome.ROLLED_BACK),
    "throttled_first_check": (throttled_first_check, GoLiveOutcome.ROLLED_BACK),
    "proven_after_the_deadline": (proven_after_the_deadline, GoLiveOutcome.ROLLED_BACK),
    "tenant_unknown": (tenant_unknown, GoLiveOutcome.ROLLED_BACK),
    "trouble_in_a_pause": (trouble_in_a_pause, GoLiveOutcome.ROLLED_BACK),
    "database_away": (database_away, GoLiveOutcome.ROLLED_BACK),
    "sent_again": (sent_again, GoLiveOutcome.ROLLED_BACK),
    "rolled_back_in_a_first_check": (rolled_back_in_a_first_check, GoLiveOutcome.ROLLED_BACK),
    "rolled_back_beside_a_proof": (rolled_back_beside_a_proof, GoLiveOutcome.ROLLED_BACK),
    "reset_into_a_wait": (reset_into_a_wait, GoLiveOutcome.ROLLED_BACK),
    "rolled_back": (rolled_back, GoLiveOutcome.ROLLED_BACK),
    "cancelled": (cancelled, GoLiveOutcome.CANCELLED),
}
