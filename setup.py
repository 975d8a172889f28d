"""What pyproject.toml cannot say: what stands beside the package and is installed inside it."""

from pathlib import Path
from shutil import copyfile, copytree

from setuptools import setup
from setuptools.command.build_py import build_py

SCHEMAS = Path("schemas") / "payloads"
CODES = Path("docs") / "errors.md"


class BuildWithSchemas(build_py):
    """Puts payload schemas and the page of codes into what is built; an editable install has them where they are."""

    def run(self) -> None:
        """Build (called by setuptools)."""
        super().run()
        if not self.editable_mode:
            copytree(SCHEMAS, Path(self.build_lib) / "gateway" / "payload_schemas", dirs_exist_ok=True)
            copyfile(CODES, Path(self.build_lib) / "gateway" / CODES.name)


setup(cmdclass={"build_py": BuildWithSchemas})
