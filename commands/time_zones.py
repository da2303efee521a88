"""Which time zone a typed name means: the name of today, for names of yesterday and of Windows.

Sources: the IANA database as the `tzdata` package has it, locked with everything else, so that a
name means the same on every machine (`zone.tab` lists the zones of places, `tzdata.zi` the links
from older names); Unicode CLDR's `windowsZones`, as `tzlocal` has it.
"""

from functools import cache
from importlib import resources

from tzlocal.windows_tz import win_tz

UTC = "UTC"
_NO_PLACES = frozenset({"cet", "eet", "est", "hst", "met", "mst", "wet"})
"""Abbreviations, which the database links to some place: EST is Panama there, and New York to
whoever types it."""


def canonical_name(written: str) -> str | None:
    """Return the present name of a time zone, None if this names none that has a place.

    Shape: `America/Los_Angeles` for itself, `US/Pacific` and `Pacific Standard Time`; `UTC` for
    each of its names. Zones without a place (`Factory`, `EST5EDT`, `Etc/GMT+5`) are none.
    """
    name = " ".join(written.split()).casefold()
    if name in _NO_PLACES:
        return None
    names = _names()
    # Spreadsheets and people write `America/New York`.
    return names.get(name) or names.get(name.replace(" ", "_"))


@cache
def _names() -> dict[str, str]:
    """Return the present name by every name that is taken, in lower case."""
    folder = resources.files("tzdata.zoneinfo")
    table = folder.joinpath("zone.tab").read_text(encoding="utf-8")
    places = {line.split("\t")[2] for line in table.splitlines() if not line.startswith("#")}
    rules = folder.joinpath("tzdata.zi").read_text(encoding="utf-8")
    written = (line.split() for line in rules.splitlines() if line.startswith("L "))
    links = {alias: target for _, target, alias in written}
    names = {place.casefold(): place for place in places}
    for alias in [UTC, "Etc/UTC", "Etc/GMT", *links]:
        target = alias
        while target not in places and target in links:
            target = links[target]
        if target in {"Etc/UTC", "Etc/GMT"}:
            target = UTC
        if target in places or target == UTC:
            names[alias.casefold()] = target
    for windows, ours in win_tz.items():
        if ours.casefold() in names:
            names.setdefault(windows.casefold(), names[ours.casefold()])
    return names
