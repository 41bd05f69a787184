"""What mkdocstrings reads instead of a raw docstring: the same text as Markdown."""

from typing import Any

import griffe
from wording import docstring


class Docstrings(griffe.Extension):
    """Rewrites every docstring once, when its object is collected."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = docstring(obj.docstring.value)
