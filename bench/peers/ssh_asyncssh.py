# SPDX-License-Identifier: MIT
"""asyncssh sends `COMMAND; echo END$?` to a bash without a terminal.

Arguments: COMMAND PORT USER KEY START [COUNT].  Protocol: see bench_peer in contenders.h.  With COUNT: so many
connections with a shell each; prints the seconds of a second command on all of them at once, bytes of memory for each,
and seconds until all were open.
"""

import asyncio
import resource
import sys
import time

import asyncssh

COMMAND, PORT, USER, KEY, START = sys.argv[1:6]
LINE = COMMAND.encode() + b"; echo END$?\n"
# sshd takes ten that are logging in, and then drops some.
AT_ONCE = 8


async def run(shell, line=LINE, end=b"END0\n"):
    if line:
        shell.stdin.write(line)
    tail = b""
    while not tail.endswith(end):
        piece = await shell.stdout.read(1 << 18)
        if not piece:
            sys.exit("the shell ended")
        tail = (tail + piece if len(piece) < len(end) else piece)[-16:]


async def open_shell():
    connection = await asyncssh.connect(
        "127.0.0.1", int(PORT), username=USER, client_keys=[KEY], known_hosts=None, agent_path=None, config=None
    )
    shell = await connection.create_process(START, encoding=None, stderr=asyncssh.DEVNULL)
    await run(shell, None, b"READY\n")
    await run(shell, b"PS1= PS2= PROMPT_COMMAND=; echo END$?\n")
    return shell


async def answer_counts():
    shell = await open_shell()
    await run(shell)
    print("ready", flush=True)
    for count in sys.stdin:
        before = time.perf_counter()
        for _ in range(int(count)):
            await run(shell)
        print(round((time.perf_counter() - before) * 1e6), flush=True)


def memory():
    with open("/proc/self/smaps_rollup", encoding="ascii") as lines:
        return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024


async def open_many(count):
    gate = asyncio.Semaphore(AT_ONCE)

    async def one():
        async with gate:
            return await open_shell()

    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    memory_before = memory()
    start = time.perf_counter()
    shells = await asyncio.gather(*(one() for _ in range(count)))
    opened = time.perf_counter()
    await asyncio.gather(*(run(shell) for shell in shells))
    second = time.perf_counter()
    await asyncio.gather(*(run(shell) for shell in shells))
    done = time.perf_counter()
    print(done - second, (memory() - memory_before) / count, opened - start, flush=True)


asyncio.run(open_many(int(sys.argv[6])) if len(sys.argv) > 6 else answer_counts())
