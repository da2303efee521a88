"""What the shell says: why a command is not carried out, and what came of one that is."""

from collections.abc import Mapping, Sequence
from typing import cast

from contracts import rules
from contracts.directory import DecisionEffect
from contracts.go_live import Progress, Wait
from contracts.notices import RecipientKind
from contracts.orders import Order, OrderRefusal
from contracts.problems import Problem
from wording import sentences
from wording.orders import REFUSED
from wording.problems import EVERYWHERE, OBJECT_ID, refused_words, worded

MOST_FAULTS = 50
"""Faults of imported files that are listed one by one."""

_STILL_POSSIBLE = (
    "\nThe order may still be carried out; see: python starter.py status {slug}\n"
    "To repeat it, add --order-id {order_id} to the same command; nothing is done twice."
)
_THE_PLAN_NOW = "The plan is now {plan:.12}; see it with: python starter.py plan {slug}"
_REASON_STAYS = "The reason stays; leave {what} out of it, such as: request 2026-117."

PROBLEMS: dict[Problem, str] = {
    **EVERYWHERE,
    Problem.NOT_A_DATE: "{text!r} is not a date such as 2026-12-31 or 2026-12-31T09:00.",
    Problem.NOT_A_CONTACT: (
        '{contact!r} is no contact. Write it like this: "Ira Tee <ira.tee@acme.example>".'
    ),
    Problem.NOT_AN_OBJECT_ID: (
        "{object_id!r} is no object id. It looks like 6f9c3c1e-2c1f-4b43-9a80-0a6c9d0e7f11; "
        f"customer IT {OBJECT_ID}"
    ),
    Problem.NOT_A_PLAN_HASH: (
        "A plan is named by the first {least} or more characters of its hash, such as 1a2b3c4d. "
        "See it with: python starter.py plan {slug}"
    ),
    Problem.REASON_MISSING: 'Say why, with --reason "..."; it goes into the audit trail.',
    Problem.REASON_NAMES_AN_ADDRESS: _REASON_STAYS.replace("{what}", "addresses"),
    Problem.REASON_NAMES_SOMEBODY: _REASON_STAYS.replace("{what}", "names"),
    Problem.FILE_CANNOT_BE_READ: "{path} cannot be read: {error}.",
    Problem.FILE_CANNOT_BE_WRITTEN: "{path} cannot be written: {error}.",
    Problem.NOT_CONFIRMED: "Nothing was changed.",
    Problem.NO_TENANT_NAMED: (
        "Say in which tenant to check, with --tenant and its id or domain, or set "
        "GOLIVE_STAFF_TENANT_ID to your own."
    ),
    Problem.UNKNOWN_ORGANISATION: (
        "No organisation is called {slug!r}. See the names with: python starter.py list; "
        "bring a new one with: python starter.py import ORGANISATIONS.csv USERS.csv"
    ),
    Problem.UNKNOWN_STAFF: (
        "{handle!r} is no known staff handle. Say who gives the order with --by HANDLE or "
        "GOLIVE_BY; handles come with an import."
    ),
    Problem.UNKNOWN_SUCCESSOR: (
        "Nobody of ours has the handle {handle!r}; there are: {handles}. "
        "A new one comes with an import (customer_success_handle)."
    ),
    Problem.UNKNOWN_CONTACT: "{slug} has no IT contact {address}; there are: {contacts}.",
    Problem.ONLY_CONTACT: "{address} is the only IT contact; name another one instead of it.",
    Problem.UNKNOWN_DOMAIN: "{slug} has no domain {domain}; it has: {domains}.",
    Problem.ONLY_DOMAIN: "{domain} is the only domain of {slug}; import another one first.",
    Problem.DOMAIN_IN_USE: (
        "{slug}: {people} with SSO by an address of {domain}, or are about to, and would find no "
        "way in without it. Import whoever has left as deactivated, or roll the open go-live back; "
        "then take it off."
    ),
    Problem.UNKNOWN_USER: "{slug} has no user {address!r}.",
    Problem.STAFF_ADDRESS_TAKEN: "{address} is the address of {handle} already.",
    Problem.OLD_ADDRESS_NOT_TOLD: (
        "Nothing was changed, because the old address could not be told. {what} Try again later."
    ),
    Problem.NOTHING_REFUSED: (
        "{slug}: no mail to a contact or to us is refused. Those to users are sent again with: "
        "python starter.py resend {slug} --all-refused"
    ),
    Problem.NOT_RUNNING: (
        "{slug} has no running go-live. Start one with: python starter.py start {slug}"
    ),
    Problem.STILL_ENDING: (
        "{slug}: the go-live before is still ending. Start again in a minute; nothing is done "
        "twice."
    ),
    Problem.STILL_OPEN: (
        "{slug} has an open go-live, which needs its people. Wait for its end, or end it: "
        'python starter.py roll-back {slug} --reason "..."'
    ),
    Problem.NOT_CONSENTED: (
        "{slug}: nobody has consented yet, so the Microsoft directory cannot be read. "
        "A plan can be made once the administrator's consent is proven."
    ),
    Problem.NO_PLAN: (
        "{slug} has no plan yet. See what it would be with: python starter.py plan {slug}"
    ),
    Problem.ANOTHER_PLAN_SINCE: f"Since then: {{difference}}. {_THE_PLAN_NOW}",
    Problem.UNKNOWN_PLAN: f"No plan of this go-live begins with {{wanted:.12}}. {_THE_PLAN_NOW}",
    Problem.ORDER_OF_EARLIER_GO_LIVE: (
        "{slug}: This order was given to an earlier go-live; it is not given to the present one."
    ),
    Problem.ID_OF_ANOTHER_ORDER: (
        "This id belongs to another order. Give the new one an id of its own."
    ),
    Problem.REFUSED_BEFORE: (
        "{slug}: This order was refused before. Give it anew, without --order-id."
    ),
    Problem.REFUSED_OTHERWISE: "{slug}: {why}",
    Problem.TO_BE_CONFIRMED: (
        "{slug}: Another member of staff confirms this within an hour; nothing is done before. "
        "They type: python starter.py confirm {slug} {order_id}"
    ),
    Problem.NOTHING_TO_CONFIRM: "{slug}: No order with this id waits for a second person.",
    Problem.OWN_ORDER: (
        "{slug}: You gave this order yourself; another member of staff confirms it."
    ),
    Problem.ROLE_TOO_LOW: "{slug}: this order takes a {role}.",
    Problem.CONFIRMED_ALREADY: "{slug}: {by} has confirmed this already.",
    Problem.CONFIRMED_TOO_LATE: (
        "{slug}: This order was to be confirmed within an hour. Give it anew."
    ),
    Problem.MOVED_ALREADY: (
        "{address} has moved already: once linked, only the Microsoft account's object id counts. "
        "Rolling back undoes the move; another account takes its place with: "
        "python starter.py link {slug} {address} OBJECT_ID --reason ..."
    ),
    Problem.LINKED_ELSEWHERE: (
        "{address} is linked in another Microsoft organisation than the one that {slug} signs in "
        "with. Only an account of the same one can take its place."
    ),
    Problem.MICROSOFT_ASKS_TO_WAIT: (
        "Microsoft asks to wait {seconds:.0f} seconds. Try again then."
    ),
    Problem.MICROSOFT_UNREACHABLE: (
        "Microsoft does not answer as it should. Try again in a minute."
    ),
    Problem.TEMPORAL_AWAY: (
        "No Temporal server answers at {where}. "
        "Start it (make stack runs one on this machine), or correct TEMPORAL_ADDRESS."
    ),
    Problem.TEMPORAL_UNKNOWN_HOST: (
        "The name of the server in TEMPORAL_ADDRESS ({where}) leads nowhere. Correct it, or mend "
        "the name service."
    ),
    Problem.TEMPORAL_NO_TLS: (
        "The server at {where} speaks no TLS. Correct TEMPORAL_ADDRESS, or switch TLS on there; "
        "TEMPORAL_TLS and TEMPORAL_API_KEY ask for it."
    ),
    Problem.TEMPORAL_NOT_TRUSTED: (
        "The certificate of Temporal at {where} is not trusted, or is for another name. Name its "
        "authority in TEMPORAL_TLS_SERVER_CA_CERT_PATH or GOLIVE_CA_BUNDLE, and the server as its "
        "certificate does."
    ),
    Problem.TEMPORAL_ELSEWHERE: (
        "What answers at {where} is not Temporal's gRPC port, or it demands TLS. Correct "
        "TEMPORAL_ADDRESS (a cluster's port is usually 7233), or set TEMPORAL_TLS=true."
    ),
    Problem.TEMPORAL_KEY_REFUSED: (
        "Temporal at {where} refuses us in namespace {namespace}. Look at TEMPORAL_API_KEY or the "
        "client certificate: has it ended, and may its account work in this namespace?"
    ),
    Problem.TEMPORAL_UNKNOWN_NAMESPACE: (
        "Temporal at {where} has no namespace {namespace}. Correct TEMPORAL_NAMESPACE (on Temporal "
        "Cloud it is NAME.ACCOUNT), or make it: "
        "temporal operator namespace create --namespace {namespace}"
    ),
    Problem.TEMPORAL_SILENT: f"Temporal does not answer.{_STILL_POSSIBLE}",
    Problem.TEMPORAL_REFUSES: "{slug}: Temporal refuses it ({status}).",
    Problem.START_NOT_TAKEN: "Temporal did not take the command ({status}). Try again.",
    Problem.ORDER_NOT_TAKEN: f"Temporal did not take the order ({{status}}).{_STILL_POSSIBLE}",
    Problem.NO_WORKER_ANSWERS: (
        f"No worker answered in time. Start one with: python worker.py{_STILL_POSSIBLE}"
    ),
    Problem.CHANGE_NOT_SIGNALLED: (
        "{slug}: the change is recorded and mails follow it, but Temporal did not take it "
        "({status}). Give the same command again."
    ),
    Problem.PACK_NOT_SIGNALLED: (
        "{slug}: the contact is named, but Temporal did not take the order to send the pack. It "
        "follows by itself within a minute of Temporal's return, unless the go-live ends."
    ),
    Problem.SEARCH_ATTRIBUTES_MISSING: (
        "Temporal refuses it: this namespace does not know what go-lives are listed by. "
        "Register that with: python starter.py setup"
    ),
    Problem.SEARCH_ATTRIBUTE_OF_OTHER_TYPE: (
        "Search attribute {name} exists at Temporal with another type. "
        "Remove it or use another namespace (TEMPORAL_NAMESPACE)."
    ),
    Problem.SEARCH_ATTRIBUTES_NOT_ALLOWED: (
        "We may not register search attributes in namespace {namespace}, and these are missing: "
        "{names}. On Temporal Cloud give these lines, on a cluster ask an administrator; then run "
        "setup again.\n{lines}"
    ),
    Problem.SEARCH_ATTRIBUTES_REFUSED: (
        "Temporal does not take these search attributes in namespace {namespace}: {names} "
        "({status}). Usually no more of their type are free: remove some that nobody uses, or use "
        "a namespace of our own (TEMPORAL_NAMESPACE)."
    ),
    Problem.VERSION_IS_CURRENT: (
        "Version {version} is current at Temporal, and a worker without a version would get "
        "nothing to do. Set GOLIVE_BUILD_ID to the version of this code (docs/deploying.md)."
    ),
    Problem.SECRET_KEY_IS_ANOTHER: (
        "GOLIVE_SECRET_KEY holds another key than the one that signed the links in people's mail. "
        "Put that key behind the new one, with a comma between them. If it is lost, run: "
        "python starter.py setup --replace-secret-key"
    ),
    Problem.DATABASE_AWAY: (
        "No database answers at {where}. Start it, or correct GOLIVE_DATABASE_URL."
    ),
    Problem.DATABASE_UNKNOWN_HOST: (
        "The name of the server in {where} leads nowhere. Correct GOLIVE_DATABASE_URL, or mend the "
        "name service."
    ),
    Problem.DATABASE_SILENT: (
        "The database at {where} does not answer in time. Look at the network and the firewall on "
        "the way there, then at the server."
    ),
    Problem.DATABASE_STARTING: (
        "The database at {where} is starting, stopping or being restored. Try again in a minute."
    ),
    Problem.DATABASE_READ_ONLY: (
        "The server at {where} takes nothing that is written: it is a standby, or set to be "
        "read-only. Lead GOLIVE_DATABASE_URL to the primary server."
    ),
    Problem.DATABASE_FULL: (
        "The database at {where} is out of disk space or memory. Make room there; then everything "
        "goes on by itself."
    ),
    Problem.DATABASE_TOO_MANY_CONNECTIONS: (
        "The database at {where} takes no more connections. Raise max_connections there, or run "
        "fewer processes."
    ),
    Problem.DATABASE_LOCKED: (
        "Another transaction holds what this needs at {where}. Nothing was changed; try again in a "
        "minute."
    ),
    Problem.DATABASE_TOO_SLOW: (
        "The database at {where} took too long, and this was given up. Nothing was changed; look "
        "at its load, and try again."
    ),
    Problem.DATABASE_LOGIN_REFUSED: (
        "The database at {where} refuses the user or the password. Correct them in "
        "GOLIVE_DATABASE_URL; an @ in a password is written %40."
    ),
    Problem.DATABASE_NOT_ADMITTED: (
        "The database at {where} does not admit this user from this machine, or not without TLS. "
        "Correct its pg_hba.conf, or sslmode in GOLIVE_DATABASE_URL."
    ),
    Problem.DATABASE_MISSING: (
        "The server has no database of the name in {where}. Make it there: "
        "createdb --encoding UTF8 --template template0 NAME"
    ),
    Problem.DATABASE_NO_TLS: (
        "The database at {where} offers no TLS, which sslmode in GOLIVE_DATABASE_URL asks for. "
        "Switch it on there."
    ),
    Problem.DATABASE_NOT_TRUSTED: (
        "The certificate of the database at {where} is not trusted, or is for another name. Name "
        "its authority in GOLIVE_CA_BUNDLE, and the server as its certificate does."
    ),
    Problem.DATABASE_BEHIND_POOLER: (
        "A pooler such as PgBouncer stands before the database at {where}. "
        "Set GOLIVE_DATABASE_POOLING=transaction."
    ),
    Problem.DATABASE_NOT_ALLOWED: (
        "The user in GOLIVE_DATABASE_URL may not do this at {where}. The owner of the tables runs "
        "setup; what the serving user needs is printed by: "
        "python starter.py setup --grants USER"
    ),
    Problem.DATABASE_OF_ANOTHER_ENCODING: (
        "The database at {where} keeps text as {encoding}, which cannot hold every name. Make "
        "another: createdb --encoding UTF8 --template template0 NAME"
    ),
    Problem.DATABASE_NOT_SET_UP: (
        "The database at {where} is not set up. Run: python starter.py setup"
    ),
    Problem.TABLES_OF_ANOTHER_RELEASE: (
        "The tables at {where} were made by another release (revision {revision}) and are left as "
        "they are. Use the release that made them, or name an empty database in "
        "GOLIVE_DATABASE_URL and run this again; on the local stack, make clean forgets them."
    ),
}
"""A sentence or two for each code; the fields are facts that the error carries."""


def said_of(problem: Problem | OrderRefusal, facts: Mapping[str, object]) -> str:
    """Return why a command is not carried out, and what to type instead."""
    if isinstance(problem, OrderRefusal):
        return f"{facts['slug']}: {REFUSED[problem]}"
    if problem is Problem.FILES_HAVE_FAULTS:
        return faults_of_files(cast("Sequence[str]", facts["faults"]))
    return PROBLEMS[problem].format_map(worded(facts))


def decided(slug: str, effect: DecisionEffect) -> str:
    """Return when a decision about one user counts, and what to type for that."""
    return {
        DecisionEffect.AT_ONCE: "It counts from now on.",
        DecisionEffect.WITH_THE_FIRST_PLAN: (
            "It counts from the next plan on, which a go-live makes; "
            f"start one with: python starter.py start {slug}"
        ),
        DecisionEffect.WITH_A_NEW_PLAN: (
            f"It counts from the next plan on: python starter.py replan {slug}"
        ),
        DecisionEffect.WITH_THE_COMING_PLAN: (
            "It counts from the next plan on, which the go-live makes before it moves anyone."
        ),
    }[effect]


def linked(slug: str, address: str, effect: DecisionEffect) -> str:
    """Return what comes of the decision that a user is a Microsoft account."""
    if effect is DecisionEffect.AT_ONCE:
        return (
            f"{address} is linked to the account you named from now on. Whoever was signed in with "
            "the one before is logged out."
        )
    return f"{address} is to be linked. {decided(slug, effect)}"


def mail_refused(
    slug: str, address: str, whose: RecipientKind, ask: str, unclear: bool = False
) -> str:
    """Return that an address refuses our mail, and who must do what; `ask` is a contact, or ""."""
    whom = f"Ask {ask}" if ask else "No other contact is known: call the customer"
    to_do = {
        RecipientKind.CONTACT: f"{whom} for the right address, then: python starter.py contact "
        f'{slug} "NAME <ADDRESS>" --instead-of {address}; '
        f"if it is right after all: python starter.py resend {slug}",
        RecipientKind.USER: f"{whom} for the right address, and import it; the person does not "
        "know yet that SSO is there. If it is right after all: "
        f"python starter.py resend {slug} --all-refused",
        RecipientKind.STAFF: "Ask an operator: this is one of our own.",
    }[whose]
    return f"{refused_words(address, unclear)} {to_do}"


def faults_of_files(faults: Sequence[str]) -> str:
    """Return why nothing was imported: the first faults one by one, and how many there are."""
    shown = "\n".join(f"  {fault}" for fault in faults[:MOST_FAULTS])
    more = f"\n  … and {len(faults) - MOST_FAULTS} more" if len(faults) > MOST_FAULTS else ""
    count = "1 fault was" if len(faults) == 1 else f"{len(faults):,} faults were"
    if len(faults) >= rules.MOST_FAULTS:
        count = f"at least {count}"
    return f"Nothing was imported: {count} found.\n{shown}{more}"


# --- commands that are carried out ----------------------------------------------------------------

_ORDERED = {
    Order.CONFIRM_ENTITLEMENT: "{slug}: the entitlement is confirmed; the go-live goes on.",
    Order.DECLINE_ENTITLEMENT: (
        "{slug}: the entitlement is declined; the go-live ends as not entitled."
    ),
    Order.PAUSE: "{slug}: paused. Go on with: python starter.py resume {slug}",
    Order.RETRY: "{slug}: it is tried again.",
    Order.SKIP: "{slug}: skipped; the go-live goes on.",
    Order.ROLL_BACK: "{slug}: is being rolled back; watch it with: starter.py watch {slug}",
    Order.CONFIRM_CONSENT: "{slug}: the consent is being checked at Microsoft.",
    Order.CLOSE_DECLINED: "{slug}: closed as declined; people log in as before.",
    Order.REPLAN: "{slug}: a new plan is being made; see status for what becomes of it.",
}
SET_UP_DATABASE = "The database is set up."
SETTINGS_ARE_GOOD = "Every setting is good."
SET_UP_DIGEST = "The daily digest to customer success is scheduled."
PACK_SENT = "The go-live pack is on its way to them, with links of their own."


def ordered(slug: str, order: Order) -> str:
    """Return that an order is given, for those of which nothing else is to be said."""
    return _ORDERED[order].format(slug=slug)


def acknowledged(slug: str, move_at: str | None, progress: Progress) -> str:
    """Return that the IT team has the pack, when users move if that was said, and what follows."""
    goes_on = progress.wait is Wait.IT_ACKNOWLEDGEMENT and not progress.paused
    chosen = f"{slug}: users may move from {move_at} on.\n" if move_at else ""
    what = "The go-live goes on." if goes_on else sentences.by_itself(progress)
    return f"{chosen}{slug}: the IT team has the pack. {what}"


def resumed(slug: str, progress: Progress) -> str:
    """Return that a go-live goes on, and with what."""
    return f"{slug}: goes on. {sentences.by_itself(progress)}"


def extended(slug: str, progress: Progress) -> str:
    """Return what happens by itself, and when, with the new deadline."""
    return f"{slug}: {sentences.by_itself(progress)}"


def approved(slug: str, plan_hash: str) -> str:
    """Return that users move by a plan."""
    return f"{slug}: plan {plan_hash[:12]} is approved; users move by it."


def confirmed(slug: str) -> str:
    """Return that another person's order is given."""
    return f"{slug}: confirmed; the order is given."


def started(slug: str, number: int, workflow_id: str, *, already_running: bool) -> str:
    """Return that a go-live has begun, or ran already."""
    if already_running:
        return f"Go-live {number} of {slug} is already running:"
    return f"Go-live {number} of {slug} is started ({workflow_id})."


def search_attributes_known(new: int) -> str:
    """Return that Temporal can list go-lives."""
    return f"Temporal knows every search attribute ({new} new)."


def imported(organisations: int, users: int) -> str:
    """Return how many are imported."""
    return (
        f"Imported {sentences.counted(organisations, 'organisation')} and "
        f"{sentences.counted(users, 'user')}."
    )


def go_live_handed_over(slug: str, owner: str) -> str:
    """Return who looks after a go-live that runs, by an import."""
    return f"{slug}: {owner} looks after the go-live from now on."


def handed_over(slug: str, owner: str) -> str:
    """Return who looks after an organisation from now on."""
    return f"{slug}: {owner} looks after it from now on; mails go there."


def contact_named(slug: str, person: str) -> str:
    """Return who is an IT contact now."""
    return f"{slug}: {person} is an IT contact."


def contact_left(address: str, slug: str = "") -> str:
    """Return that a contact gets no more mail; `slug` stands before it where nothing else does."""
    before = f"{slug}: " if slug else ""
    return f"{before}{address} gets no more mail, and the links sent there no longer work."


def address_changed(handle: str, address: str, old: str, *, old_was_told: bool) -> str:
    """Return where mails to one of us go, and whether the old address was told."""
    told = "was told" if old_was_told else "takes no mail any more, so nobody was told"
    return f"{handle}: mails go to {address} from now on. {old} {told}."


def unbound(handle: str, *, was_bound: bool) -> str:
    """Return that a member of staff is bound to no Microsoft account."""
    if was_bound:
        return (
            f"{handle} is bound to no Microsoft account any more; sessions in the console have "
            "ended."
        )
    return f"{handle} was bound to no Microsoft account."


def excluded(slug: str, address: str, effect: DecisionEffect) -> str:
    """Return that a user is left out, and from when on."""
    return f"{address} is left out. {decided(slug, effect)}"


def included(slug: str, address: str, effect: DecisionEffect) -> str:
    """Return that an earlier decision about a user is taken back, and from when on."""
    return f"{address} is decided by the directory again. {decided(slug, effect)}"


def domain_removed(slug: str, domain: str) -> str:
    """Return that an e-mail domain is off the list."""
    return f"{slug}: {domain} is off the list. If the go-live waits for it: retry."


def ask_to_forget(slug: str, address: str | None) -> str:
    """Return the question before people are removed for good."""
    return f"Forget {address or f'everybody of {slug}'}? This cannot be undone."


def users_written(number: int, file: object) -> str:
    """Return how many users a file lists."""
    return f"{number:,} users are listed in {file}."


def resent(organisation: str, mails: int, *, signalled: bool) -> str:
    """Say how many refused mails go out again, and when."""
    then = "now" if signalled else "once Temporal answers, without anybody's help"
    return f"{organisation}: {sentences.counted(mails, 'refused mail')} will be sent again {then}."
