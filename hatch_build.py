"""A wheel with the engine in it, compiled for every instruction set of this kind of machine.

    HATCH_BUILD_HOOKS_ENABLE=1 pip wheel --no-deps .

Without the variable a wheel has the sources alone, and the engine is compiled when it is first
used. The libraries know nothing of Python, so one wheel serves all of its versions.
"""

import json
import sys
import sysconfig
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

IN_WHEEL = "lenetlab/oracle/native/prebuilt"


class Engine(BuildHookInterface[Any]):
    """Called by hatchling."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and have the libraries included."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        from lenetlab.oracle.native.build import make_all
        from lenetlab.oracle.native.prebuilt import LIST

        self._made = TemporaryDirectory(prefix="lenetlab-wheel-")
        folder = Path(self._made.name)
        made = make_all(folder)
        (folder / LIST).write_text(json.dumps(made, indent=1))
        for path in folder.iterdir():
            build_data["force_include"][str(path)] = f"{IN_WHEEL}/{path.name}"
        build_data["pure_python"] = False
        system = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{system}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """The wheel is written."""
        if version != "editable":
            self._made.cleanup()
