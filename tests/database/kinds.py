"""Every kind of user that docs/matching.md names, made with a seed."""

import random
import unicodedata
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from database.models import AppUser, DirectoryLink, ExceptionDecision
from tests.database.customers import AT, Customer, account

DOMAIN = "acme.example"
UNLISTED = "sister.example"
"""A domain that the tenant has verified, and that is not on our list of the organisation's."""
VERIFIED = (DOMAIN, "acme.onmicrosoft.example", "fussball.example", UNLISTED)

Kind = Callable[["Case"], AppUser]
KINDS: dict[str, Kind] = {}


class Case:
    """One user of one kind: the user, the accounts at Microsoft, and what else must be there."""

    def __init__(
        self, here: Customer, elsewhere: Customer, accounts: list[dict[str, Any]], seed: str
    ) -> None:
        self.here, self.elsewhere, self.accounts = here, elsewhere, accounts
        rng = random.Random(seed)
        self.name = "".join(rng.choices("bcdfghklmnprtvwz", k=10))

    def address(self, name: str | None = None, domain: str = DOMAIN) -> str:
        return f"{name or self.name}@{domain}"

    def user(self, address: str | None = None, **values: Any) -> AppUser:
        return self.here.user(address or self.address(), **values)

    def account(self, address: str | None = None, **values: Any) -> UUID:
        made = account(address or self.address(), **values)
        self.accounts.append(made)
        return UUID(made["id"])

    def linked(self, user: AppUser, object_id: UUID, tenant_id: UUID | None = None) -> AppUser:
        """Linked by an earlier go-live."""
        self.here.session.flush()
        self.here.session.add(
            DirectoryLink(
                user_id=user.id,
                tenant_id=tenant_id or self.here.tenant_id,
                object_id=object_id,
                go_live_id=uuid4(),
            )
        )
        return user

    def decided(self, user: AppUser, decision: str, object_id: UUID | None = None) -> AppUser:
        self.here.session.flush()
        self.here.session.add(
            ExceptionDecision(
                user_id=user.id,
                decision=decision,
                object_id=object_id,
                decided_by="dana",
                decided_at=AT,
                reason_id=1,
            )
        )
        return user

    def pair(self, ours: str, theirs: str) -> AppUser:
        """A user with one spelling, an account with another."""
        self.account(self.address(theirs))
        return self.user(self.address(ours))


def kind(name: str) -> Callable[[Kind], Kind]:
    def keep(make: Kind) -> Kind:
        KINDS[name] = make
        return make

    return keep


def spelled(name: str, ours: str, theirs: str) -> None:
    """A kind that is two spellings; {} is a random name."""
    KINDS[name] = lambda case: case.pair(ours.format(case.name), theirs.format(case.name))


def only(name: str, **values: Any) -> None:
    """A kind that is one user and one account with something peculiar."""

    def make(case: Case) -> AppUser:
        case.account(**values)
        return case.user()

    KINDS[name] = make


def outside(name: str, domain: str) -> None:
    def make(case: Case) -> AppUser:
        case.account(case.address(domain=domain))
        return case.user(case.address(domain=domain))

    KINDS[name] = make


def elsewhere(name: str, status: str, decision: str | None = None) -> None:
    def make(case: Case) -> AppUser:
        case.account()
        other = case.elsewhere.user(case.address(), status=status)
        if decision:
            case.decided(other, decision)
        return case.user()

    KINDS[name] = make


spelled("the same address", "{}", "{}")
spelled("upper case with us", "ANNA.{}", "anna.{}")
spelled("upper case at Microsoft", "anna.{}", "ANNA.{}")
spelled("a plus sign in both", "{}+pulse", "{}+pulse")
spelled("a plus sign only with us", "{}+pulse", "{}")
spelled("an apostrophe", "o'{}", "O'{}")
spelled("double quotes", '"{} smith"', '"{} smith"')
spelled(
    "an accent, composed with us and decomposed at Microsoft",
    "é{}",
    unicodedata.normalize("NFD", "é") + "{}",
)
spelled("sharp s with us, SS at Microsoft", "stra\u00dfe{}", "STRASSE{}")
spelled("ss with us, sharp s at Microsoft", "strasse{}", "Stra\u00dfe{}")
spelled("sharp s in both", "stra\u00dfe{}", "Stra\u00dfe{}")
spelled("final sigma", "{}\u03c2", "{}\u03c3")
spelled("Turkish capital dotted I with us", "\u0130{}", "i{}")
spelled("Turkish dotless i with us", "\u0131{}", "i{}")
spelled("a Cyrillic letter that looks Latin", "\u0430{}", "a{}")
only("the account has no mail", mail=None)
only("a guest", userType="Guest")
only("disabled at Microsoft", accountEnabled=False)
outside("an address of another company", "elsewhere.example")
outside("a subdomain of a verified domain", f"hr.{DOMAIN}")
outside("a domain that ends like a verified one", f"not{DOMAIN}")
outside("a domain that begins like a verified one", f"{DOMAIN}.elsewhere.example")
outside("a verified domain that is not on our list", UNLISTED)
outside("sharp s in the domain, ss in the verified one", "fu\u00dfball.example")
elsewhere("a user of a second organisation", "active")
elsewhere("a user of a second organisation, deactivated there", "deactivated")
elsewhere("a user of a second organisation, excluded there", "active", "exclude")


@kind("an account with another user principal name, matched by mail")
def _by_mail(case: Case) -> AppUser:
    case.account(case.address("x" + case.name), mail=case.address(), proxyAddresses=[])
    return case.user()


@kind("an alias")
def _alias(case: Case) -> AppUser:
    case.account(case.address("x" + case.name), proxyAddresses=[f"smtp:{case.address()}"])
    return case.user()


@kind("a primary proxy address that is neither mail nor name")
def _primary(case: Case) -> AppUser:
    case.account(case.address("x" + case.name), proxyAddresses=[f"SMTP:{case.address().upper()}"])
    return case.user()


@kind("an X500 address only")
def _x500(case: Case) -> AppUser:
    case.account(case.address("x" + case.name), proxyAddresses=[f"X500:{case.address()}"])
    return case.user()


@kind("a SIP address only")
def _sip(case: Case) -> AppUser:
    case.account(case.address("x" + case.name), proxyAddresses=[f"sip:{case.address()}"])
    return case.user()


@kind("no account")
def _no_account(case: Case) -> AppUser:
    return case.user()


@kind("invited with us")
def _invited(case: Case) -> AppUser:
    case.account()
    return case.user(status="invited")


@kind("the same account on two pages")
def _repeated(case: Case) -> AppUser:
    object_id = case.account()
    for _ in range(9):
        case.account(case.address("f" + uuid4().hex))
    case.account(id=str(object_id))
    return case.user()


@kind("the same account on two pages, disabled on the later one")
def _changed(case: Case) -> AppUser:
    object_id = case.account()
    case.account(id=str(object_id), accountEnabled=False)
    return case.user()


@kind("the same address on two accounts")
def _twice(case: Case) -> AppUser:
    case.account()
    case.account(case.address().upper())
    return case.user()


@kind("an alias on two accounts")
def _alias_twice(case: Case) -> AppUser:
    for letter in "xy":
        case.account(case.address(letter + case.name), proxyAddresses=[f"smtp:{case.address()}"])
    return case.user()


@kind("mail of one account, user principal name of another")
def _mail_and_name(case: Case) -> AppUser:
    case.account(case.address("x" + case.name), mail=case.address(), proxyAddresses=[])
    case.account(mail=None, proxyAddresses=[])
    return case.user()


@kind("sharp s with us and on one account, ss on another")
def _sharp_and_not(case: Case) -> AppUser:
    case.account(case.address(f"strasse{case.name}"))
    return case.pair(f"stra\u00dfe{case.name}", f"stra\u00dfe{case.name}")


@kind("ss with us, sharp s and long s at Microsoft")
def _sharp_and_long(case: Case) -> AppUser:
    case.account(case.address(f"stra\u017fse{case.name}"))
    return case.pair(f"strasse{case.name}", f"stra\u00dfe{case.name}")


@kind("a guest by its name, #EXT#")
def _ext(case: Case) -> AppUser:
    name = f"{case.name}_{DOMAIN}#EXT#@acme.onmicrosoft.example"
    case.account(name, mail=case.address(), userType=None)
    return case.user()


def _external(case: Case, **values: Any) -> UUID:
    name = f"{case.name}_group.example#EXT#@acme.onmicrosoft.example"
    return case.account(name, mail=case.address(), userType="Member", **values)


@kind("an external member, #EXT# of type Member")
def _external_member(case: Case) -> AppUser:
    _external(case)
    return case.user()


@kind("a disabled external member")
def _external_disabled(case: Case) -> AppUser:
    _external(case, accountEnabled=False)
    return case.user()


@kind("decided, for an external member")
def _external_decided(case: Case) -> AppUser:
    return case.decided(case.user(), "link", _external(case))


@kind("a guest from outside the verified domains")
def _guest_outside(case: Case) -> AppUser:
    address = case.address(domain="elsewhere.example")
    case.account(f"{case.name}#EXT#@{DOMAIN}", mail=address, userType="Guest")
    return case.user(address)


@kind("a function's mailbox")
def _function(case: Case) -> AppUser:
    case.account(case.address(f"info+{case.name}"))
    return case.user(case.address(f"info+{case.name}"))


@kind("a service account")
def _service(case: Case) -> AppUser:
    return case.pair(f"svc-{case.name}", f"svc-{case.name}")


@kind("a disabled shared mailbox")
def _disabled_shared(case: Case) -> AppUser:
    case.account(case.address(f"room.{case.name}"), accountEnabled=False)
    return case.user(case.address(f"room.{case.name}"))


@kind("two of our users, one account")
def _same_person(case: Case) -> AppUser:
    case.account(proxyAddresses=[f"smtp:{case.address('x' + case.name)}"])
    case.user(case.address("x" + case.name))
    return case.user()


@kind("two of our users, one account, the other deactivated")
def _same_person_gone(case: Case) -> AppUser:
    case.account(proxyAddresses=[f"smtp:{case.address('x' + case.name)}"])
    case.user(case.address("x" + case.name), status="deactivated")
    return case.user()


@kind("two of our users, one account, the other excluded")
def _same_person_excluded(case: Case) -> AppUser:
    case.account(proxyAddresses=[f"smtp:{case.address('x' + case.name)}"])
    case.decided(case.user(case.address("x" + case.name)), "exclude")
    return case.user()


@kind("two of our users, one account, this one decided")
def _decided_first(case: Case) -> AppUser:
    object_id = case.account(proxyAddresses=[f"smtp:{case.address('x' + case.name)}"])
    case.user(case.address("x" + case.name))
    return case.decided(case.user(), "link", object_id)


@kind("two of our users, one account, the other decided")
def _decided_other(case: Case) -> AppUser:
    object_id = case.account(proxyAddresses=[f"smtp:{case.address('x' + case.name)}"])
    case.decided(case.user(case.address("x" + case.name)), "link", object_id)
    return case.user()


@kind("two of our users decided for one account")
def _decided_twice(case: Case) -> AppUser:
    object_id = case.account()
    case.decided(case.user(case.address("x" + case.name)), "link", object_id)
    return case.decided(case.user(), "link", object_id)


@kind("two of our users, one account, the other linked to it")
def _other_linked(case: Case) -> AppUser:
    object_id = case.account()
    case.linked(case.user(case.address("x" + case.name), sign_in_method="sso"), object_id)
    return case.user()


@kind("the account is linked to a user of another organisation")
def _linked_elsewhere(case: Case) -> AppUser:
    object_id = case.account()
    case.linked(case.elsewhere.user(case.address("x" + case.name)), object_id)
    return case.user()


@kind("linked in another tenant")
def _other_tenant(case: Case) -> AppUser:
    case.account()
    return case.linked(case.user(), uuid4(), tenant_id=uuid4())


@kind("linked, with SSO")
def _linked(case: Case) -> AppUser:
    return case.linked(case.user(sign_in_method="sso"), case.account())


@kind("linked, and renamed at Microsoft since")
def _renamed(case: Case) -> AppUser:
    object_id = case.account(case.address("x" + case.name, "acme.onmicrosoft.example"))
    return case.linked(case.user(sign_in_method="sso"), object_id)


@kind("linked, and somebody else has the address now")
def _reused(case: Case) -> AppUser:
    object_id = case.account(case.address("x" + case.name))
    case.account()
    return case.linked(case.user(sign_in_method="sso"), object_id)


@kind("linked, but with the password")
def _linked_password(case: Case) -> AppUser:
    return case.linked(case.user(), case.account())


@kind("linked to an account that is gone")
def _linked_gone(case: Case) -> AppUser:
    case.account()
    return case.linked(case.user(sign_in_method="sso"), uuid4())


@kind("linked to an account that is disabled")
def _linked_disabled(case: Case) -> AppUser:
    return case.linked(case.user(sign_in_method="sso"), case.account(accountEnabled=False))


@kind("decided, with another address at Microsoft")
def _decided(case: Case) -> AppUser:
    return case.decided(case.user(), "link", case.account(case.address("x" + case.name)))


@kind("decided, from outside the verified domains")
def _decided_outside(case: Case) -> AppUser:
    user = case.user(case.address(domain="elsewhere.example"))
    return case.decided(user, "link", case.account())


@kind("decided, for one of two accounts")
def _decided_ambiguous(case: Case) -> AppUser:
    case.account()
    return case.decided(case.user(), "link", case.account())


@kind("decided, for what looks like a service account")
def _decided_service(case: Case) -> AppUser:
    address = case.address(f"svc-{case.name}")
    return case.decided(case.user(address), "link", case.account(address))


@kind("decided, for a guest")
def _decided_guest(case: Case) -> AppUser:
    return case.decided(case.user(), "link", case.account(userType="Guest"))


@kind("decided, for an account that is not there")
def _decided_gone(case: Case) -> AppUser:
    return case.decided(case.user(), "link", uuid4())


@kind("deactivated with us")
def _deactivated(case: Case) -> AppUser:
    case.account()
    return case.user(status="deactivated")


@kind("excluded")
def _excluded(case: Case) -> AppUser:
    case.account()
    return case.decided(case.user(), "exclude")
