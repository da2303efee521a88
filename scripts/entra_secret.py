"""What a client secret of Microsoft Entra looks like, for `scripts/find_secrets.py`."""

import re

from detect_secrets.plugins.base import RegexBasedDetector


class EntraClientSecretDetector(RegexBasedDetector):
    """Finds the values that *Certificates & secrets* shows once.

    Source: Microsoft Purview, *Azure AD client secret entity definition*, read 2026-11-24.
    """

    secret_type = "Entra client secret"  # noqa: S105  (a name)
    denylist = (re.compile(r"(?<![A-Za-z0-9_.~-])[A-Za-z0-9_.~-]{3}\dQ~[A-Za-z0-9_.~-]{31,34}"),)
