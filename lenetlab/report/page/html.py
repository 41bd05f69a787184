"""What every page in HTML is made with: Jinja that escapes, one style, scripts by their hash."""

import hashlib
from base64 import b64encode
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

TEMPLATES = Path(__file__).with_name("templates")


def environment(templates: Path = TEMPLATES) -> Environment:
    """Jinja for the folder `templates`: every value is escaped, no name may be undefined, and all
    templates have the common `style`."""
    found = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    found.globals["style"] = Markup((TEMPLATES / "page.css").read_text(encoding="utf-8"))
    return found


def script_hash(script: str) -> str:
    """A script's name in the page's security policy: no other script runs, whatever a name of a
    method may smuggle in."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{b64encode(digest).decode()}'"
