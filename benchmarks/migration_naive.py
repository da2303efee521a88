"""The naive twin of a move: one GET and one UPDATE per user. Sampled, and scaled by the caller."""

from collections.abc import Iterable

import httpx2
import psycopg


def move(
    http: httpx2.Client,
    graph_url: str,
    token: str,
    database: str,
    organisation: str,
    addresses: Iterable[str],
) -> int:
    """Switch each user whose address Microsoft knows; return how many."""
    moved = 0
    with psycopg.connect(database, autocommit=True) as connection:
        for address in addresses:
            response = http.get(
                f"{graph_url}/users/{address}",
                params={"$select": "id,userPrincipalName,mail,userType,accountEnabled"},
                headers={"Authorization": f"Bearer {token}"},
            )
            response.raise_for_status()
            moved += connection.execute(
                "UPDATE pulse.app_user SET sign_in_method = 'sso' "
                "WHERE organisation_id = %s AND address_key = %s",
                (organisation, response.json()["mail"].lower()),
            ).rowcount
    return moved
