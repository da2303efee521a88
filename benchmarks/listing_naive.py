"""The naive twin of the listing: one GET per user. Sampled; the report scales it."""

from collections.abc import Iterable

import httpx2


def read_users(http: httpx2.Client, graph_url: str, token: str, user_ids: Iterable[str]) -> int:
    """GET each user and count them."""
    users = 0
    for user_id in user_ids:
        response = http.get(
            f"{graph_url}/users/{user_id}",
            params={"$select": "id,userPrincipalName,mail,proxyAddresses,userType,accountEnabled"},
            headers={"Authorization": f"Bearer {token}"},
        )
        response.raise_for_status()
        users += bool(response.json()["id"])
    return users
