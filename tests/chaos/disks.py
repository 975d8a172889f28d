"""File systems of their own, small ones that can be filled and others that can be broken; root alone may make them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 30.0


@contextmanager
def small_disk(folder: Path, megabytes: int = 24) -> Iterator[Path | None]:
    """Mount a file system of its own; None where that is not allowed."""
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if subprocess.run(["mount", *options], capture_output=True).returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(folder: Path, mode: str) -> None:
    """Make a file system `ro` or `rw` that nobody writes to."""
    _until_done(["mount", "-o", f"remount,{mode}", str(folder)])


class FailingDisk:
    """A file system in a file, whose kernel makes it read-only as it does when the disk under it fails."""

    def __init__(self, image: Path, folder: Path) -> None:
        self.folder = folder
        self._image = image

    def mount(self) -> None:
        """Mount it. Raises CalledProcessError where that is not allowed."""
        options = ["-t", "ext4", "-o", "loop,errors=remount-ro", str(self._image), str(self.folder)]
        subprocess.run(["mount", *options], check=True, capture_output=True)

    @property
    def _fault(self) -> Path:
        # Source: Documentation/ABI/testing/sysfs-fs-ext4 of the kernel, trigger_fs_error.
        device = subprocess.run(
            ["findmnt", "--noheadings", "--output", "SOURCE", str(self.folder)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        return Path("/sys/fs/ext4") / Path(device).name / "trigger_fs_error"

    @property
    def can_fail(self) -> bool:
        """Say whether the kernel lets it fail."""
        return self._fault.exists()

    def fail(self) -> None:
        """Let it fail: from this moment on nothing can be written, whoever has files open."""
        self._fault.write_text("1")

    def mend(self) -> None:
        """Do what an operator does when nobody uses it any more: check it, mount it again."""
        self.unmount()
        # 1: errors were found and corrected.
        checked = subprocess.run(["e2fsck", "-f", "-y", str(self._image)], capture_output=True, text=True)
        assert checked.returncode in {0, 1}, checked.stdout
        self.mount()

    def unmount(self) -> None:
        """Unmount it, once processes that were killed have let their files go."""
        _until_done(["umount", str(self.folder)])


@contextmanager
def failing_disk(folder: Path, megabytes: int = 64) -> Iterator[FailingDisk | None]:
    """Make a file system that can fail; None where that cannot be done."""
    image = folder.parent / f"{folder.name}.img"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(megabytes * 2**20)
    disk = FailingDisk(image, folder)
    try:
        subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True, capture_output=True)
        disk.mount()
    except (OSError, subprocess.CalledProcessError):
        yield None
        return
    try:
        yield disk if disk.can_fail else None
    finally:
        disk.unmount()


def _until_done(command: list[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while (done := subprocess.run(command, capture_output=True, text=True)).returncode:
        # A process that was killed a moment ago may still hold its files.
        assert time.monotonic() < deadline, done.stderr
        time.sleep(0.05)
