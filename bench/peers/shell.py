# SPDX-License-Identifier: MIT
"""pexpect sends `COMMAND; echo END$?` to a bash without line editing, echo off, prompts empty.

Arguments: COMMAND.  Protocol: see bench_peer in contenders.h.
"""

import re
import sys
import time

import pexpect


def main():
    line = sys.argv[1].encode() + b"; echo END$?\n"
    shell = pexpect.spawn("bash", ["--noediting", "--norc", "--noprofile", "-i"], echo=False, timeout=30)
    # pexpect waits 50 ms before each send unless told not to.
    shell.delaybeforesend = None
    end = shell.compile_pattern_list([re.compile(rb"END([0-9]+)\r?\n")])

    def run():
        shell.send(line)
        shell.expect_list(end)

    run()
    print("ready", flush=True)
    for count in sys.stdin:
        before = time.perf_counter()
        for _ in range(int(count)):
            run()
        print(round((time.perf_counter() - before) * 1e6), flush=True)
    shell.close(force=True)


main()
