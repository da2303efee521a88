"""The floor of the listing: plain HTTP and JSON, nothing checked, nothing kept."""

import json

import httpx2


def list_users(http: httpx2.Client, graph_url: str, token: str) -> int:
    """GET page after page and count the users."""
    url: str | None = (
        f"{graph_url}/users?$top=999"
        "&$select=id,userPrincipalName,mail,proxyAddresses,userType,accountEnabled"
    )
    users = 0
    while url:
        response = http.get(url, headers={"Authorization": f"Bearer {token}"})
        response.raise_for_status()
        answer = json.loads(response.content)
        users += len(answer["value"])
        url = answer.get("@odata.nextLink")
    return users
