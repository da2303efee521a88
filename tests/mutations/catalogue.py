"""Ways to break the code on purpose, and the tests that must notice each."""

import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEFT_OUT = (".venv", ".git", ".state", "screens", "__pycache__", ".*_cache")


def copy_of_the_code(folder: Path, origin: Path = ROOT) -> Path:
    """Copy the code as it is, to be broken or run there, and return the folder."""
    return Path(shutil.copytree(origin, folder, ignore=shutil.ignore_patterns(*LEFT_OUT)))


class MutationRottenError(Exception):
    """The text that a mutation replaces is no longer in the code exactly once."""


@dataclass(frozen=True)
class Mutation:
    """One way to break the code."""

    name: str
    breaks: str
    """What goes wrong for whom, if nobody noticed."""
    file: str
    old: str
    new: str
    caught_by: tuple[str, ...]
    """Tests of which at least one must fail, as pytest takes them."""
    says: str = ""
    """What the failure must say, where a product that is merely broken would fail the test too."""

    def apply(self, folder: Path) -> None:
        """Break the copy of the code in this folder.

        Raises:
            MutationRottenError: the code has changed; change the mutation with it.
        """
        path = folder / self.file
        text = path.read_text(encoding="utf-8")
        found = text.count(self.old)
        if found != 1:
            raise MutationRottenError(
                f"{self.name}: its text is {found} times in {self.file}, not once"
            )
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")


MUTATIONS = (
    Mutation(
        "two stages change places",
        "a running go-live cannot go on with the new code",
        "workflows/go_live.py",
        "            await self._it_notified(known)\n            await self._sso_activated()\n",
        "            await self._sso_activated()\n            await self._it_notified(known)\n",
        ("tests/replay/test_replay.py",),
    ),
    Mutation(
        "a step is added",
        "a running go-live cannot go on with the new code",
        "workflows/migration.py",
        "        self.plan, self._planned_at = plan, workflow.now()\n",
        "        self.plan, self._planned_at = plan, workflow.now()\n"
        "        await self._deliver()\n",
        ("tests/replay/test_replay.py",),
    ),
    Mutation(
        "the ledger key is dropped",
        "an activity that runs twice mails everybody twice",
        "database/migrations/versions/0001_tables.py",
        "        sa.UniqueConstraint(\n"
        '            "go_live_id", "message", "idempotency_key", "recipient_id", name="sent_once"\n'
        "        ),\n",
        "",
        ("tests/chaos/test_chaos.py",),
        says="too many",
    ),
    Mutation(
        "a failure names whom a mail was for",
        "an address stands in the history, where nobody deletes it",
        "activities/notices.py",
        '                f"The relay asks to try {deferred} mails again later.",\n',
        '                f"The relay takes nothing for {[row.address for row in chunk]}.",\n',
        ("tests/house/test_privacy.py",),
    ),
    Mutation(
        "an address is logged",
        "addresses stand in files that many read and nobody deletes",
        "activities/notices.py",
        "        return self._sending.send(row, rendered, reply_to, attachments)\n",
        '        activity.logger.info("Mail to %s", row.address)\n'
        "        return self._sending.send(row, rendered, reply_to, attachments)\n",
        ("tests/house/test_privacy.py",),
    ),
    Mutation(
        "an address is logged as a field",
        "addresses stand in files that many read and nobody deletes",
        "activities/notices.py",
        "        return self._sending.send(row, rendered, reply_to, attachments)\n",
        '        activity.logger.info("Mail", extra={"fields": {"to": row.address}})\n'
        "        return self._sending.send(row, rendered, reply_to, attachments)\n",
        ("tests/house/test_privacy.py",),
    ),
    Mutation(
        "an unforeseen failure keeps its words",
        "an address stands in the history, where nobody deletes it",
        "activities/redaction.py",
        'text = f"{name} failed with {type(error).__name__} at {place}"',
        'text = f"{name} failed with {error!r} at {place}"',
        ("tests/house/test_privacy_of_activities.py",),
    ),
    Mutation(
        "a page that fails is logged with its words",
        "addresses stand in files that many read and nobody deletes",
        "web/error_handlers.py",
        '_log.exception("A page failed")\n',
        '_log.exception("A page failed: %r" % __import__("sys").exc_info()[1])\n',
        ("tests/house/test_privacy_of_failures.py",),
    ),
    Mutation(
        "a cancelled activity is interrupted where it is",
        "a mail is sent whose note is then taken back, and sent again",
        "activities/digests.py",
        "@activity.defn(no_thread_cancel_exception=True)",
        "@activity.defn",
        ("tests/activities/test_cancelling.py",),
    ),
    Mutation(
        "the signature of an ID token is not looked at",
        "anybody signs in as anybody",
        "graph/id_tokens.py",
        '                "verify_signature": True,\n',
        '                "verify_signature": False,\n',
        ("tests/attacks/test_identity.py",),
    ),
    Mutation(
        "the issuer of an ID token is not looked at",
        "another authority's word counts as Microsoft's",
        "graph/id_tokens.py",
        '    if claims.get("iss") != issuer or tenant_id not in issuer:\n',
        "    if False:\n",
        ("tests/attacks/test_identity.py",),
    ),
    Mutation(
        "the tenant of an ID token is not looked at",
        "a stranger's tenant, whose tokens Microsoft signs too, consents for this organisation",
        "graph/id_tokens.py",
        '    if claims.get("tid") != tenant_id:\n',
        "    if False:\n",
        ("tests/attacks/test_identity.py",),
    ),
    Mutation(
        "check 3 is skipped when a browser comes back",
        "an administrator of a strange tenant consents for somebody else's organisation",
        "web/microsoft/consent_callback.py",
        "    if asked.tenant_id is None or response.tenant != str(asked.tenant_id):\n",
        "    if asked.tenant_id is None:\n",
        ("tests/attacks/test_identity.py",),
    ),
    Mutation(
        "check 3 is skipped in the proof",
        "a tenant that owns none of the organisation's domains is connected",
        "activities/directory.py",
        "        if not _own_domains(domains, tenant_id):\n            CONSENTS",
        "        if False:\n            CONSENTS",
        ("tests/journeys/test_consent_checks.py",),
    ),
    Mutation(
        "check 4 is skipped in the proof",
        "users are moved without a consent that holds for all of them",
        "graph/client.py",
        "        prove(self._calls, tenant_id)\n",
        "        return\n",
        ("tests/journeys/test_consent_checks.py",),
    ),
    Mutation(
        "a state counts although it was used",
        "an answer of Microsoft that somebody saw counts a second time",
        "database/consent/authorization_requests.py",
        "    if asked.used_at is not None:\n",
        "    if False:\n",
        ("tests/attacks/test_identity.py",),
    ),
    Mutation(
        "a state counts in any browser",
        "an attacker finishes in your browser what was begun in theirs",
        "database/consent/authorization_requests.py",
        "    if asked.browser_sha256 != sha256(browser):\n",
        "    if False:\n",
        ("tests/attacks/test_identity.py",),
    ),
    Mutation(
        "a grant that stood before is anybody's consent",
        "after a roll-back an employee takes the old grant for her own, and users move",
        "database/consent/authorization_requests.py",
        "    return evidence.grant_was_absent or evidence.by_valid_link\n",
        "    return True\n",
        ("tests/journeys/test_consent_checks.py",),
    ),
    Mutation(
        "a reader may do what a manager may",
        "whoever may only look gives orders",
        "web/console/staff.py",
        "    if not staff.may_change:\n",
        "    if False:\n",
        ("tests/attacks/test_staff_roles.py",),
    ),
    Mutation(
        "a domain goes although somebody signs in by it",
        "people of an organisation that is live find no way in",
        "commands/domains.py",
        "        if count := domains.people_signing_in_by(session, organisation.id, wanted):\n",
        "        if count := 0:\n",
        ("tests/attacks/test_ways_in.py",),
    ),
    Mutation(
        "opening a link uses it up",
        "a mail scanner takes the administrator's one link",
        "database/links/verification.py",
        "        return Refusal.LINK_EXPIRED\n    return link\n",
        "        return Refusal.LINK_EXPIRED\n    link.used_at = at\n    return link\n",
        ("tests/journeys/test_consent_links.py",),
    ),
    Mutation(
        "forms are not checked for where they come from",
        "another site gives orders in your browser",
        "web/forms.py",
        "    if not visit.dependencies.is_form_token(form_token, visit.browser):\n",
        "    if False:\n",
        ("tests/attacks/test_requests.py",),
    ),
    Mutation(
        "a link that no key of ours verifies opens",
        "whoever knows a link's number is its owner",
        "database/links/verification.py",
        "        return None if outdated is None else Refusal.LINK_EXPIRED\n",
        "        return outdated\n",
        ("tests/database/test_signing_keys.py",),
    ),
    Mutation(
        "each refusal of an outsider is written down",
        "whoever knows a domain fills its audit trail",
        "database/go_live/repeated_events.py",
        "    if times <= WRITTEN_EACH:\n",
        "    if True:\n",
        ("tests/database/test_repeated_events.py",),
    ),
    Mutation(
        "the link is handed on without the box",
        "a program that checks mail kills the consent link",
        "web/customer/hand_off.py",
        "    if ticked != TICKED:\n",
        "    if False:\n",
        ("tests/attacks/test_clicks.py",),
    ),
    Mutation(
        "a larger network counts for nothing",
        "whoever has a /48 shuts the right password out",
        "database/people/sign_in.py",
        "        for number, network in enumerate(networks)\n",
        "        for number, network in enumerate(networks[:1])\n",
        ("tests/database/test_password_tries.py",),
    ),
    Mutation(
        "the first of two matches is taken",
        "somebody is linked to a stranger's Microsoft account",
        "database/moves/matching.py",
        "                WHEN m.objects = 1 THEN m.object_id END AS object_id,\n",
        "                ELSE m.object_id END AS object_id,\n",
        ("tests/database/moves/test_matching.py",),
    ),
    Mutation(
        "addresses outside the verified domains are matched",
        "a tenant takes over accounts by claiming their addresses (nOAuth)",
        "database/moves/matching.py",
        "        WHEN NOT c.is_linked AND NOT c.is_decided AND v.domain IS NULL\n",
        "        WHEN FALSE\n",
        ("tests/database/moves/test_matching.py",),
    ),
    Mutation(
        "a transcript keeps whatever word Microsoft sent",
        "a name or a secret that Microsoft repeats is given to a developer, and committed",
        "graph/exchanges.py",
        "    return word if isinstance(word, str) and word in words else OTHER\n",
        "    return word if isinstance(word, str) else OTHER\n",
        ("tests/unit/graph/test_registration.py",),
    ),
    Mutation(
        "links of Graph are followed anywhere",
        "a made-up next page makes us ask inside our own network, with a token",
        "graph/calls.py",
        ' or "\\\\" in link or not same_origin(link, self.base):\n',
        ":\n",
        ("tests/graph/test_client.py",),
    ),
    Mutation(
        "a cancellation that was swallowed is forgotten",
        "a roll back is taken, and the go-live goes on as if nobody had asked",
        "workflows/cancellation.py",
        "    if task is not None and task.cancelling():\n",
        "    if task is None:\n",
        ("tests/workflows/test_reports_heard_at_once.py",),
    ),
    Mutation(
        "a move counts before it is on the disk",
        "users are mailed about a move that a killed PostgreSQL forgets, and mailed again",
        "database/moves/waves.py",
        "SET moved_up_to = moved_up_to WHERE id = :g",
        "SET moved_up_to = moved_up_to WHERE id = :g AND false",
        ("tests/database/moves/test_durable.py",),
    ),
    Mutation(
        "a moved user loses the password at once",
        "whoever cannot use SSO yet is locked out",
        "database/people/sign_in.py",
        "    return until is not None and at < until\n",
        "    return False\n",
        ("tests/journeys/test_grace.py",),
    ),
    Mutation(
        "a signed-in browser keeps the session it came with",
        "whoever planted the session is signed in with its victim",
        "web/microsoft/sign_in_callback.py",
        "    token = secrets.token_urlsafe(32)\n",
        "    token = visit.session_token or secrets.token_urlsafe(32)\n",
        ("tests/attacks/test_identity.py",),
    ),
    Mutation(
        "a body may be as long as it likes",
        "one request fills the memory of the web",
        "web/middleware/request_limits.py",
        "        if len(body) > MOST_BYTES:\n",
        "        if False:\n",
        ("tests/attacks/test_requests.py",),
    ),
    Mutation(
        "domains may be asked for without end",
        "anybody lists our customers",
        "web/rate_limits.py",
        '_limits(visit, "look-ups", MOST_LOOK_UPS)',
        '_limits(visit, "look-ups", 10**9)',
        ("tests/attacks/test_requests.py",),
    ),
    Mutation(
        "names may hold line breaks",
        "a name writes a header of our mail, or turns another name round",
        "commands/sheets.py",
        "        if not value.isprintable() and any(map(_is_control, value)):\n",
        "        if False:\n",
        ("tests/attacks/test_injection.py",),
    ),
    Mutation(
        "clicks that change nothing are told",
        "one contact fills a run, and a roll back is refused for ever",
        "database/people/it_team.py",
        "    if before and (move_at is None or _is_same_minute(move_at, go_live.move_at)):\n",
        "    if False:\n",
        ("tests/attacks/test_clicks.py",),
    ),
    Mutation(
        "the date may be changed without end",
        "one contact fills a run, one date after the other",
        "database/people/it_team.py",
        "    if len(again_at) == most_a_day and again_at[0] > at:\n",
        "    if False:\n",
        ("tests/attacks/test_clicks.py",),
    ),
    Mutation(
        "another date is announced at once",
        "whoever changes the date fills the mailboxes of all contacts",
        "workflows/move_date.py",
        "        quiet = self.since + rules.DATE_QUIET_TIME\n",
        "        return self.since\n        quiet = self.since\n",
        ("tests/unit/workflows/test_move_date.py",),
    ),
    Mutation(
        "cells of an export may hold formulas",
        "a user's name runs in the spreadsheet of whoever opens the list",
        "commands/migration.py",
        ' if text.lstrip(" ").startswith(("=", "+", "-", "@")) else text\n',
        " if False else text\n",
        ("tests/attacks/test_injection.py",),
    ),
    Mutation(
        "a go-live is closed as declined though nobody declined",
        "an organisation is closed that only waits for its administrator",
        "contracts/orders.py",
        "    not_given = asked and position.progress.consent_not_given\n",
        "    not_given = asked\n",
        ("tests/unit/contracts/test_orders.py",),
    ),
    Mutation(
        "a wrong plan is approved",
        "users are moved by decisions that nobody has read",
        "contracts/orders.py",
        " and plan_hash is not None and plan_hash != position.progress.plan_hash:\n",
        " and plan_hash is None:\n",
        ("tests/unit/contracts/test_orders.py",),
    ),
    Mutation(
        "a roll back needs no reason",
        "nobody knows later why people's way in was changed",
        "contracts/orders.py",
        "    Order.ROLL_BACK: OrderRule(_goes_on, needs_reason=True),\n",
        "    Order.ROLL_BACK: OrderRule(_goes_on),\n",
        ("tests/unit/contracts/test_orders.py",),
    ),
    Mutation(
        "the oldest reminder that is due goes out",
        "a contact reads last week's reminder, and then this week's at once",
        "workflows/reminders.py",
        "        newest = (mails or due)[-1:]\n",
        "        newest = (mails or due)[:1]\n",
        ("tests/unit/workflows/test_reminders.py",),
    ),
    Mutation(
        "a pause moves what was chosen during it",
        "the day that a customer chose comes days later",
        "workflows/reminders.py",
        "        if self.chosen_at is None or self.chosen_at < paused_at:\n",
        "        if True:\n",
        ("tests/unit/workflows/test_reminders.py",),
    ),
    Mutation(
        "reminders go out after the deadline",
        "people are asked for what can no longer be given",
        "workflows/reminders.py",
        "        if first is not None and (self.deadline is None or first.at < self.deadline):\n",
        "        if first is not None:\n",
        ("tests/unit/workflows/test_reminders.py",),
    ),
    Mutation(
        "mails go out on Saturdays",
        "people are written to at the weekend",
        "contracts/rules.py",
        "WORKING_DAYS = frozenset(range(5))\n",
        "WORKING_DAYS = frozenset(range(6))\n",
        ("tests/unit/contracts/test_business_hours.py",),
    ),
    Mutation(
        "a password ends a week later than mails say",
        "mails, pages and login name different days",
        "contracts/rules.py",
        "PASSWORD_GRACE_DAYS = 14\n",
        "PASSWORD_GRACE_DAYS = 21\n",
        ("tests/unit/contracts/test_rules.py",),
    ),
    Mutation(
        "progress forgets who may skip",
        "a mail that cannot be delivered holds a go-live up for ever",
        "workflows/go_live.py",
        "            return self._attention.may_skip\n",
        "            return False\n",
        ("tests/unit/workflows/test_progress.py",),
    ),
    Mutation(
        "an old retry starts a new proof",
        "Microsoft is asked again although nobody said so",
        "workflows/attention.py",
        "        self.may_skip, self._answer = False, None\n",
        "        self.may_skip = False\n",
        ("tests/unit/workflows/test_progress.py",),
    ),
    Mutation(
        "a command ends as the interpreter ends",
        "a script takes an order that was given for one that failed",
        "bootstrap/exit.py",
        "    os._exit(status)\n",
        "    sys.exit(status)\n",
        ("tests/commands/test_starter.py",),
    ),
)
