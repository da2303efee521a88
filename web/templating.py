"""The templates of the pages, and what every one of them can use."""

from pathlib import Path

from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader

from contracts import rules
from wording.sentences import counted

PRODUCT_NAME = "Clientshare Pulse"

TEMPLATES = Jinja2Templates(
    env=Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        # Templates come with the code and change with it, so no request looks at the files again.
        auto_reload=False,
    )
)
TEMPLATES.env.filters["counted"] = counted
TEMPLATES.env.globals["rules"] = rules
