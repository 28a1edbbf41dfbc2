"""Workers that die at random while they work."""

import os
import random
import signal
import subprocess
import threading

from semoe.runs.folder import RunFolder
from semoe.runs.local import LocalBackend


def run_while_killing(folder: RunFolder, longest_seconds: float = 7, commit_seconds: float = 0) -> int:
    """Does a run with three workers; every few seconds one of them dies by -9. Returns how many did."""
    alive, over = list["subprocess.Popen[bytes]"](), threading.Event()
    killed = 0

    def kill_some() -> None:
        nonlocal killed
        chance = random.Random(0)
        while not over.wait(chance.uniform(2, longest_seconds)):
            if running := [process for process in alive if process.poll() is None]:
                os.kill(chance.choice(running).pid, signal.SIGKILL)
                killed += 1

    killer = threading.Thread(target=kill_some)
    killer.start()
    often = ("--commit_seconds", str(commit_seconds))
    try:
        LocalBackend(folder=folder, parallelism=3, options=often, max_attempts=1000, on_start=alive.append).run()
    finally:
        over.set()
        killer.join()
    return killed
