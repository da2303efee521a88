"""Microsoft's clouds: which authority, Graph address and token scope belong together.

A tenant lives in one cloud. The worldwide authority answers for a domain of another cloud with that
cloud's issuer, and signing keys say which cloud they are for.

Source: Microsoft Learn, *National cloud deployments* (Graph) and *National clouds* of the
Microsoft identity platform.
"""

from enum import StrEnum
from urllib.parse import urlsplit


class Cloud(StrEnum):
    """A cloud of Microsoft's with its own directories."""

    WORLDWIDE = "worldwide"
    US_GOVERNMENT = "us_government"
    CHINA = "china"


NAMES = {
    Cloud.WORLDWIDE: "Microsoft's worldwide cloud",
    Cloud.US_GOVERNMENT: "Microsoft's US Government cloud",
    Cloud.CHINA: "Microsoft's cloud in China (21Vianet)",
}

_OF_HOST = {
    "login.microsoftonline.com": Cloud.WORLDWIDE,
    "login.microsoft.com": Cloud.WORLDWIDE,
    "login.windows.net": Cloud.WORLDWIDE,
    "sts.windows.net": Cloud.WORLDWIDE,
    "graph.microsoft.com": Cloud.WORLDWIDE,
    "login.microsoftonline.us": Cloud.US_GOVERNMENT,
    "login.usgovcloudapi.net": Cloud.US_GOVERNMENT,
    "graph.microsoft.us": Cloud.US_GOVERNMENT,
    "dod-graph.microsoft.us": Cloud.US_GOVERNMENT,
    "login.chinacloudapi.cn": Cloud.CHINA,
    "login.partner.microsoftonline.cn": Cloud.CHINA,
    "microsoftgraph.chinacloudapi.cn": Cloud.CHINA,
}

_OF_INSTANCE = {
    "microsoftonline.com": Cloud.WORLDWIDE,
    "microsoftonline.us": Cloud.US_GOVERNMENT,
    "partner.microsoftonline.cn": Cloud.CHINA,
}

WORLDWIDE_SCOPE = "https://graph.microsoft.com/.default"


def cloud_of(url: str) -> Cloud | None:
    """Return the cloud of an authority, issuer or Graph address; None if it is none that we know.

    A simulator on this machine is none.
    """
    try:
        return _OF_HOST.get((urlsplit(url).hostname or "").lower())
    except ValueError:
        return None


def cloud_of_instance(name: object) -> Cloud | None:
    """Return the cloud that a signing key names as `cloud_instance_name`."""
    return _OF_INSTANCE.get(name.lower()) if isinstance(name, str) else None


def graph_scope(graph_url: str) -> str:
    """Return the scope for everything that is granted for this Graph.

    It names the Graph host of its cloud. A simulator has the worldwide one, whatever its address.
    """
    if cloud_of(graph_url) is None:
        return WORLDWIDE_SCOPE
    return f"https://{urlsplit(graph_url).hostname}/.default"


def why_not_together(authority: str, graph_url: str) -> str | None:
    """Return why an installation cannot use this authority and Graph address; None = it can."""
    one, other = cloud_of(authority), cloud_of(graph_url)
    for cloud in (one, other):
        if cloud is Cloud.CHINA:
            return f"{NAMES[Cloud.CHINA]} is not served by this product"
    if one is not None and other is not None and one is not other:
        return (
            f"the authority belongs to {NAMES[one]} and the Graph address to {NAMES[other]}; "
            "both must belong to one"
        )
    return None
