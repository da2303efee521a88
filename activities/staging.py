"""Turns Microsoft's directory users into staging rows, for a move and for a dry run alike."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from contracts.addresses import address_key, folded_key, proxy_address_key
from database.moves.staging import StagedEntry
from graph.directory import DirectoryUser, known_sign_in_name, looks_shared


def staged_entries(users: Iterable[DirectoryUser]) -> Iterator[StagedEntry]:
    """Yield one row per directory object, with the keys its addresses are compared by."""
    for user in users:
        name, mail = user.user_principal_name, user.mail
        names = [name, mail] if mail and mail != name else [name]
        keys = {address_key(one) for one in names}
        for proxy in user.proxy_addresses:
            key = proxy_address_key(proxy)
            if key is not None:
                keys.add(key)
        keys.discard("")
        folded = [folded_key(key) for key in keys if not key.isascii()]
        yield (
            UUID(user.object_id),
            user.is_guest,
            user.is_external_member,
            user.enabled,
            not looks_shared(names),
            [*keys],
            [key for key in folded if key not in keys],
            known_sign_in_name(name),
        )
