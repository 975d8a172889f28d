"""What pyproject.toml cannot say: the payload schemas stand beside the package and are installed inside it."""

from pathlib import Path
from shutil import copytree

from setuptools import setup
from setuptools.command.build_py import build_py

SCHEMAS = Path("schemas") / "payloads"


class BuildWithSchemas(build_py):
    """Puts the payload schemas into what is built; an editable install reads them where they are."""

    def run(self) -> None:
        """Build (called by setuptools)."""
        super().run()
        if not self.editable_mode:
            copytree(SCHEMAS, Path(self.build_lib) / "gateway" / "payload_schemas", dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithSchemas})
