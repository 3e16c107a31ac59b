# SPDX-License-Identifier: MIT
"""paramiko sends `COMMAND; echo END$?` to a bash without a terminal.

Arguments: COMMAND PORT USER KEY START [COUNT].  Protocol: see bench_peer in contenders.h.  With COUNT: so many
connections with a shell each; prints the seconds of a second command on all of them at once, bytes of memory for each,
and seconds until all were open.
"""

import resource
import socket
import sys
import time

import paramiko

COMMAND, PORT, USER, KEY, START = sys.argv[1:6]
LINE = COMMAND.encode() + b"; echo END$?\n"


def wait_end(shell, end=b"END0\n"):
    tail = b""
    while not tail.endswith(end):
        piece = shell.recv(1 << 18)
        if not piece:
            sys.exit("the shell ended")
        tail = (tail + piece if len(piece) < len(end) else piece)[-16:]


def open_shell(key):
    connection = paramiko.Transport(socket.create_connection(("127.0.0.1", int(PORT))))
    connection.connect(username=USER, pkey=key)
    shell = connection.open_session()
    shell.exec_command(START)
    wait_end(shell, b"READY\n")
    shell.sendall(b"PS1= PS2= PROMPT_COMMAND=; echo END$?\n")
    wait_end(shell)
    return shell


def answer_counts(key):
    shell = open_shell(key)
    print("ready", flush=True)
    for count in sys.stdin:
        before = time.perf_counter()
        for _ in range(int(count)):
            shell.sendall(LINE)
            wait_end(shell)
        print(round((time.perf_counter() - before) * 1e6), flush=True)


def memory():
    with open("/proc/self/smaps_rollup", encoding="ascii") as lines:
        return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024


def run_on_all(shells):
    for shell in shells:
        shell.sendall(LINE)
    for shell in shells:
        wait_end(shell)


def open_many(key, count):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    memory_before = memory()
    start = time.perf_counter()
    shells = [open_shell(key) for _ in range(count)]
    opened = time.perf_counter()
    run_on_all(shells)
    second = time.perf_counter()
    run_on_all(shells)
    done = time.perf_counter()
    print(done - second, (memory() - memory_before) / count, opened - start, flush=True)


def main():
    key = paramiko.Ed25519Key.from_private_key_file(KEY)
    if len(sys.argv) > 6:
        open_many(key, int(sys.argv[6]))
    else:
        answer_counts(key)


main()
