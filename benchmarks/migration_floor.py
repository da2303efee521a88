"""The floor of a move: list 999 a page, COPY, one UPDATE. Nothing is decided, kept or undone."""

import json

import httpx2
import psycopg

FIELDS = "id,userPrincipalName,mail,proxyAddresses,userType,accountEnabled"


def move(http: httpx2.Client, graph_url: str, token: str, database: str, organisation: str) -> int:
    """Switch everyone of an organisation whose address is in the directory; return how many."""
    with psycopg.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE listed (object_id uuid, address_key text)")
        url: str | None = f"{graph_url}/users?$top=999&$select={FIELDS}"
        while url:
            answer = json.loads(http.get(url, headers={"Authorization": f"Bearer {token}"}).content)
            with cursor.copy("COPY listed FROM STDIN") as copy:
                for user in answer["value"]:
                    copy.write_row((user["id"], user["mail"].lower()))
            url = answer.get("@odata.nextLink")
        cursor.execute(
            "UPDATE pulse.app_user u SET sign_in_method = 'sso' FROM listed l "
            "WHERE u.organisation_id = %s AND u.address_key = l.address_key",
            (organisation,),
        )
        return cursor.rowcount
