"""Inline styles of HTML mails: one table, written into the tags when templates are compiled.

Mail programs drop style sheets, so every tag has its own style. Text keeps the reader's own colours
(no style sets a text or page colour), so dark mode works without rules that many mail programs
ignore.
"""

import re

_FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_CODE = "font-family:Consolas,'SF Mono',Menlo,monospace;font-size:14px"
_LINE = "1px solid #8a93a3"
_SHADE = "background:rgba(128,140,160,0.14)"

STYLES = {
    "body": f"margin:0;padding:0;{_FONT};font-size:16px;line-height:1.5",
    "h1": "margin:0 0 20px;font-size:24px;line-height:1.25;font-weight:600",
    "h2": "margin:28px 0 10px;font-size:18px;line-height:1.3;font-weight:600",
    "p": "margin:0 0 16px;overflow-wrap:anywhere",
    "ul": "margin:0 0 16px;padding:0 0 0 24px",
    "ol": "margin:0 0 16px;padding:0 0 0 24px",
    "li": "margin:0 0 8px",
    "hr": f"margin:28px 0;border:0;border-top:{_LINE}",
    "code": f"{_CODE};overflow-wrap:anywhere",
    "pre": f"margin:-8px 0 16px;padding:12px 14px;{_SHADE};border-radius:6px;{_CODE};"
    "white-space:pre-wrap;overflow-wrap:anywhere",
    "blockquote": f"margin:0 0 16px;padding:14px 16px 1px;{_SHADE};border-left:4px solid #2f6fde",
    "th": f"padding:6px 12px 6px 0;border-bottom:{_LINE};text-align:left;vertical-align:top;"
    "font-weight:600",
    "td": f"padding:6px 12px 6px 0;border-bottom:{_LINE};text-align:left;vertical-align:top",
}
CLASSES = {
    "column": "width:100%;max-width:600px",
    "content": f"text-align:left;{_FONT};font-size:16px;line-height:1.5",
    "rows": f"width:100%;margin:0 0 16px;border-collapse:collapse;{_FONT};font-size:16px",
    "number": f"padding:6px 0;border-bottom:{_LINE};text-align:right;vertical-align:top;"
    "white-space:nowrap",
    "button": f"display:inline-block;padding:14px 28px;background:#1f5fd0;border-radius:6px;"
    f"{_FONT};font-size:17px;font-weight:600;line-height:1.2;color:#ffffff;text-decoration:none",
    "small": "margin:0 0 16px;font-size:14px;opacity:0.8;overflow-wrap:anywhere",
    "brand": "margin:0 0 24px;font-size:14px;font-weight:600;letter-spacing:0.02em;opacity:0.8",
    "hidden": "display:none;max-height:0;overflow:hidden;mso-hide:all",
}

_TAG = re.compile(r"<([a-z][a-z0-9]*)( class=\"([a-z]+)\")?(?=[ >])([^>]*)>")


def with_styles(source: str) -> str:
    """Return template source in which each known tag or class carries its style.

    Shape: `<p>` becomes `<p style="...">`; `<a class="button" href="...">` loses its class
    and gains the style of `button`. A tag that already has a style keeps it.

    Raises:
        KeyError: a class has no style here.
    """
    return _TAG.sub(_styled, source)


def _styled(match: re.Match[str]) -> str:
    tag, _, name, rest = match.groups()
    style = CLASSES[name] if name else STYLES.get(tag)
    if style is None or "style=" in rest:
        return match[0]
    return f'<{tag}{rest} style="{style}">'
