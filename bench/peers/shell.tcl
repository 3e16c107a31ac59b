# SPDX-License-Identifier: MIT
# Tcl expect sends `COMMAND; echo END$?` to a bash without line editing, echo off, prompts empty.
# Arguments: COMMAND.  Protocol: see bench_peer in contenders.h.

log_user 0
set timeout 30
set command [lindex $argv 0]
set stty_init "-echo -opost"
spawn -noecho bash --noediting --norc --noprofile -i
set shell $spawn_id

proc run {command} {
    global shell
    send -i $shell "$command; echo END\$?\n"
    expect {
        -i $shell
        -re {END([0-9]+)\n} { return $expect_out(1,string) }
        timeout { puts "timed out"; exit 1 }
        eof { puts "the shell ended"; exit 1 }
    }
}

run $command
fconfigure stdout -buffering line
puts ready
while {[gets stdin count] >= 0} {
    set before [clock microseconds]
    for {set i 0} {$i < $count} {incr i} {
        run $command
    }
    puts [expr {[clock microseconds] - $before}]
}
