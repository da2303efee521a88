"""What `forget` says: who is forgotten, and what remains."""

REMAINS = (
    "What remains: the organisation, its agreement and domains, each go-live with its stages and",
    "counts, the ledger and the audit trail by ids that lead to nobody, and what staff typed as",
    "the reason for forgetting. Temporal keeps ids only; among them, until it deletes closed",
    "histories (its namespace's retention), the number of the Microsoft account that consented.",
    "Not reached from here: mails that were delivered, back-ups (forget again after restoring",
    "one), the CSV files that were imported, and the consent in the customer's tenant.",
)
_REMAINS_OF_ONE = (
    "If this was the administrator who consented, the number of their Microsoft account stays with",
    "the connection, and with what their browser proved, until the organisation is forgotten.",
)


def nobody_known(slug: str, *, one_person: bool) -> str:
    """Return that nobody was there to forget, or nobody with the address of one person."""
    whom = "Nobody with this address is" if one_person else "Nobody is"
    return f"{slug}: {whom} known there; nothing was changed."


def forgotten(
    slug: str, *, users: int, contacts: int, texts: int, one_person: bool
) -> tuple[str, ...]:
    """Return how many are forgotten and what remains; `texts` are reasons in the audit trail."""
    return (
        f"{slug}: {users} users and {contacts} contacts are forgotten; "
        f"{texts} typed texts are removed from the audit trail.",
        *REMAINS,
        *(_REMAINS_OF_ONE if one_person else ()),
    )
