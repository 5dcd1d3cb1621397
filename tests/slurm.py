"""A real Slurm of the tests' own: a controller and two nodes on this machine.

Debian: ``apt-get install slurm-wlm munge``. The daemons listen on free ports of 127.0.0.1, read
and write in one new folder, and see no other Slurm of the machine.
"""

from __future__ import annotations

import getpass
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from .ports import free_ports
from .processes import MARK, left_behind, marked, until

DAEMONS = ("munged", "slurmctld", "slurmd")
#: Debian keeps them out of a user's path.
PATH = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])
#: Nodes have what the script asks for by default, whatever the machine has. A job that is put
#: back begins again when its credential has expired. Names of folders below /tmp come from the
#: jobs' numbers, so that these begin where no other job's are.
CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser={user}
SlurmdUser={user}
AuthInfo=socket={folder}/munge,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1
MailProg=/bin/true
FirstJobId={first}
GresTypes=gpu
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={n1} CPUs=8 Gres=gpu:1
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={n2} CPUs=8 Gres=gpu:1
PartitionName=all Nodes=n1,n2 Default=YES DefaultTime=60
"""


class Slurm:
    """Daemons in a new folder; :meth:`start` them, and :meth:`close` whatever has started."""

    def __init__(self) -> None:
        # Its socket lies below it: a path of 107 characters at most.
        folder = self.folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("SLURM")},
            "PATH": PATH,
            "SLURM_CONF": str(folder / "slurm.conf"),
            MARK: str(folder),
        }
        self._daemons: list[subprocess.Popen[bytes]] = []
        self._configure()

    def start(self) -> None:
        """Start the daemons, and wait until both nodes take jobs."""
        folder = self.folder
        own = [f"--{name}={folder}/{name}" for name in ("pid-file", "log-file", "seed-file")]
        keys = [f"--key-file={folder}/key", f"--socket={folder}/munge"]
        subprocess.run(["munged", "--force", *keys, *own], env=self.environment, check=True)
        self._daemons = [
            self._start("slurmctld", "-D"),
            *(self._start("slurmd", "-D", "-N", node) for node in ("n1", "n2")),
        ]
        until(self._ready)

    def ask(self, *command: str | Path) -> str:
        """What a command of Slurm prints."""
        done = subprocess.run(
            command, env=self.environment, stdout=subprocess.PIPE, text=True, check=True
        )
        return done.stdout

    def state(self, job: str) -> tuple[str, int]:
        """State of a job, and how many times it went back to the queue."""
        text = self.ask("scontrol", "show", "job", job)
        return (
            re.findall(r"JobState=(\w+)", text)[0],
            int(re.findall(r"Restarts=(\d+)", text)[0]),
        )

    def close(self) -> None:
        for pid in marked(str(self.folder)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for daemon in self._daemons:
            daemon.wait(10)
        assert not left_behind(str(self.folder), 10)
        shutil.rmtree(self.folder)

    def _ready(self) -> bool:
        with suppress(subprocess.CalledProcessError):
            return self.ask("sinfo", "--noheader", "--format=%D %t") == "2 idle\n"
        return False

    def _start(self, *command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _configure(self) -> None:
        (self.folder / "key").write_bytes(os.urandom(128))
        (self.folder / "key").chmod(0o400)
        for name in ("state", "n1", "n2"):
            (self.folder / name).mkdir()
        controller, n1, n2 = free_ports(3)
        text = CONFIGURATION.format(
            folder=self.folder,
            host=socket.gethostname().partition(".")[0],
            user=getpass.getuser(),
            controller=controller,
            n1=n1,
            n2=n2,
            first=1_000_000 + os.getpid(),
        )
        (self.folder / "slurm.conf").write_text(text)
        (self.folder / "gres.conf").write_text("NodeName=n[1-2] Name=gpu File=/dev/zero\n")
