"""fluffy-sql as a process of its own, or as a thread."""

import os
import subprocess
import sys
from dataclasses import dataclass
from threading import Thread

from fluffy_sql.errors import FluffySqlError
from tests.conftest import Finished
from tests.faults.stopping import PATIENCE_SECONDS
from tests.integration.helpers import generate

COMMANDS = {
    "generate": ("generate", "--k", "5"),
    "generate --recluster": ("generate", "--k", "5", "--recluster"),
    "assign": ("assign",),
    "runs undo": ("runs", "undo", "1"),
}


@dataclass
class Program:
    """A process of fluffy-sql, once it was started."""

    command: str
    url: str
    folder: os.PathLike[str]

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "fluffy_sql",
                *COMMANDS[self.command],
                "--database-url",
                self.url,
            ],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def send(self, signal: int) -> None:
        self.process.send_signal(signal)

    def finished(self) -> Finished:
        try:
            out, err = self.process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return Finished(self.process.returncode, out, err)


class Generating:
    """A run of generate in a thread.

    Attributes:
        error: why it failed, once it is finished; a bug is not caught.
    """

    def __init__(self, url: str) -> None:
        self.error: FluffySqlError | None = None
        self._thread = Thread(target=self._run, args=(url,))

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        self._thread.join(timeout=PATIENCE_SECONDS)
        assert not self._thread.is_alive()

    def _run(self, url: str) -> None:
        try:
            generate(url, k=5)
        except FluffySqlError as error:
            self.error = error
