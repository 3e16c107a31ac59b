/* SPDX-License-Identifier: MIT */
#include "transport/ssh/start.h"

#include "base/bytes.h"
#include "base/shell.h"

#include <ctype.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As a terminal of our own is set. */
#define SHELL_MODES "sane -echo -opost -ixon -ixoff"

/* NAME=VALUE; what is not plain goes through printf, whose octal escapes need no quoting in any shell. */
static bool append_assignment(bytes *to, const char *name, size_t name_length, const char *value) {
    bool plain = *value != 0;
    for (const char *at = value; *at; at++)
        plain = plain && (isalnum((unsigned char)*at) || strchr("_./:@%+=,-", *at));
    bool right = bytes_append(to, name, name_length) && bytes_append(to, "=", 1);
    if (plain)
        return right && bytes_append_text(to, value) && bytes_append(to, ";", 1);
    right = right && bytes_append_text(to, "$(printf \"");
    for (const char *at = value; right && *at; at++)
        right = bytes_printf(to, "\\%03o", (unsigned)(unsigned char)*at);
    /* A command substitution drops the newlines at its end. */
    return right && bytes_printf(to, ".\");%.*s=${%.*s%%.};", (int)name_length, name, (int)name_length, name);
}

static bool append_export(bytes *to, const char *setting) {
    size_t length = strcspn(setting, "=");
    if (setting[length] == 0 || !shell_is_name(setting, length))
        return true;
    return append_assignment(to, setting, length, setting + length + 1) &&
           bytes_printf(to, "export %.*s;", (int)length, setting);
}

/* SendEnv: patterns of names of our own variables. */
static bool append_sent(bytes *to, const ssh_settings *settings) {
    bool right = true;
    for (char **at = environ; right && at && *at; at++) {
        char *name = strndup(*at, strcspn(*at, "="));
        bool sent = false;
        right = name != NULL;
        for (const char *pattern = NULL;
             right && !sent && (pattern = ssh_settings_next(settings, "sendenv", pattern)) != NULL;)
            sent = fnmatch(pattern, name, 0) == 0;
        free(name);
        if (right && sent)
            right = append_export(to, *at);
    }
    return right;
}

/* SetEnv and SendEnv are set by the shell's starter: a request for each would cost a round trip each. */
static bool append_environment(bytes *to, const ssh_settings *settings) {
    bool right = append_sent(to, settings);
    for (const char *at = NULL; right && (at = ssh_settings_next(settings, "setenv", at)) != NULL;)
        right = append_export(to, at);
    return right;
}

static char *finish(bytes *text, bool right) {
    right = right && bytes_append(text, "'", 2);
    char *made = right ? strdup(bytes_front(text)) : NULL;
    bytes_free(text);
    return made;
}

static const char posix_shell[] = "case ${S##*/} in *csh|fish|nu|elvish|xonsh|pwsh)S=/bin/sh;;esac;";

/* A command substitution drops newlines at its end. */
char *start_script(const transport_remote *remote, const ssh_settings *settings, bool merged) {
    bytes text = {0};
    bool right = bytes_append_text(&text, "exec /bin/sh -c '") && append_environment(&text, settings);
    if (remote->shell)
        right = right && append_assignment(&text, "S", 1, remote->shell);
    else
        right = right && bytes_append_text(&text, "S=${SHELL:-/bin/sh};") && bytes_append_text(&text, posix_shell);
    right = right && bytes_append_text(&text, "T=$(cat;echo .);exec \"$S\" -c \"${T%.}\" </dev/null");
    return finish(&text, right && (!merged || bytes_append_text(&text, " 2>&1")));
}

/* The login shell, or, where that is none that POSIX text can be typed at, sh in its place. */
char *start_shell(const transport_remote *remote, const ssh_settings *settings) {
    bytes text = {0};
    bool right = bytes_append_text(&text, "exec /bin/sh -c '");
    if (remote->tty)
        right = right && bytes_append_text(&text, "stty " SHELL_MODES " 2>/dev/null;");
    right = right && append_environment(&text, settings);
    if (remote->shell)
        right = right && append_assignment(&text, "S", 1, remote->shell) && bytes_append_text(&text, "set --;");
    else
        right = right && bytes_append_text(&text, "S=${SHELL:-/bin/sh};set -- -l;") &&
                bytes_append_text(&text, posix_shell);
    if (!remote->tty)
        right = right && bytes_append_text(&text, "set -- \"$@\" -i;");
    /* ksh93 writes each line to its history file as it reads it, our first, too. */
    right = right && bytes_append_text(&text, "case ${S##*/} in ksh*)export HISTFILE=/dev/null;;esac;");
    if (!remote->interactive)
        right = right && bytes_append_text(&text, "case ${S##*/} in bash)set -- --noediting \"$@\";;esac;");
    /* ksh93 whose start-up files turn vi on dies on a terminal without echo: that is turned off once it answers. */
    else if (remote->tty)
        right = right && bytes_append_text(&text, "case ${S##*/} in ksh*)stty echo 2>/dev/null;;esac;");
    return finish(&text, right && bytes_append_text(&text, "exec \"$S\" \"$@\""));
}

/* On Linux from /proc: what follows the last parenthesis of `stat` is state, parent, group, session, terminal, the
 * terminal's foreground group (6th), and the start in hundredths of a second (20th).  Where the shell itself has the
 * foreground, or there is no terminal, what it runs shares its group.  A program may leave the terminal such that no
 * line can be typed there any more (zsh's editor has newlines come as carriage returns): it is set first.  What was
 * stopped on the way is ended, too.  (Twice more, for what is started meanwhile, while there was any.)
 * SIGINT is for a group of its own alone: what the shell itself waits for is left to Ctrl+C, which stops the shell's
 * line, too.  Without a terminal it is for the shell's whole group, as the channel's own signal is.
 * The command began T after the shell, which we heard of later than it was started, and E ago: not before the first of
 * these, and what began behind the second, with which the way to the host is over, is surely the command's.  Of what
 * began between them and ignores SIGINT and SIGQUIT, as background jobs do, only the newest is taken, and only where
 * nothing else was there or this is not the first time (K), and the shell still waits for a child (zsh and mksh: for a
 * signal): the command may have ended, and only its END be late. When the session closes (C) a shell that is not inside
 * of another is stopped meanwhile: it may be about to start a program that takes the foreground, and ignores the
 * hang-up.  If it ignores that itself it would go on with a loop. (dash's kill takes no "--".) */
static const char signal_script[] =
    "if [ -r /proc/$P/stat ];then for i in 1 2;do read -r l </proc/$P/stat;set -- ${l##*) };"
    "[ $C ]&&[ $4 = $P ]&&kill -STOP $P;done;g=$3;e=$4;f=$6;shift 19;s=$(($1+T));"
    "[ \"$f\" -gt 0 ]&&stty " SHELL_MODES " </proc/$P/fd/0 2>/dev/null;"
    "[ $C ]&&while read -r k v;do case $k$v in SigIgn:*[13579bdf])kill -9 $P;;esac;done </proc/$P/status;"
    "[ \"$f\" -gt 0 ]&&[ \"$f\" != \"$g\" ]&&kill -$N -$f&&g=;"
    "[ $N = 2 ]&&{ [ \"$f\" -gt 0 ]||kill -2 -$g;exit;};"
    "L=$s;read u k </proc/uptime&&u=$((${u%.*}${u#*.}-E))&&[ $u -gt $s ]&&L=$u;c= b=0;"
    "for i in 1 2 3;do m=;for d in /proc/[0-9]*;do p=${d#/proc/};[ $p = $P ]&&continue;"
    "{ read -r l <$d/stat;} 2>/dev/null||continue;set -- ${l##*) };[ \"$4\" = \"$e\" ]||continue;"
    "t=$1;q=$3;shift 19;[ $t = T ]&&[ $1 -ge $s ]&&kill -$N $p&&m=1&&continue;"
    "[ $C ]&&[ \"$g\" ]&&[ $1 -ge $s ]&&kill -$N $p&&m=1&&continue;"
    "[ \"$q\" = \"$g\" ]||continue;[ $1 -gt $L ]&&kill -$N $p&&m=1&&continue;"
    "x=;while read -r k v;do case $k$v in SigIgn:*[67ef])x=1;;SigIgn:*)kill -$N $p&&m=1;;esac;done <$d/status;"
    "[ $x ]&&[ $i = 1 ]&&[ $1 -ge $s ]&&{ [ $1 -gt $b ]||{ [ $1 = $b ]&&[ $p -gt $c ];};}&&b=$1 c=$p;"
    "done;[ $c ]&&{ w=;read -r w </proc/$P/wchan;read -r l </proc/$P/stat;set -- ${l##*) };"
    "case $1:$w in S:*do_wait*|S:*suspend*|S:|S:0);;*)c=;;esac;} 2>/dev/null;"
    "[ $c ]&&{ [ ! $m ]||[ $K -gt 1 ];}&&kill -$N $c&&m=1;c=;[ $m ]||break;done;[ $C ]&&kill -HUP $P&&kill -CONT "
    "$P;else "
    "f=$(($(ps -o tpgid= -p $P)));g=$(($(ps -o pgid= -p $P)));"
    "if [ $f -le 0 ];then [ $N = 2 ]&&kill -2 -$g;elif [ $f != $g ];then kill -$N -$f;fi;fi";

char *start_signal(const signal_errand *errand) {
    bytes text = {0};
    bool right = bytes_printf(&text, "exec /bin/sh -c 'P=%" PRId64 ";N=%d;T=%" PRId64 ";E=%" PRId64 ";K=%d;C=%s;",
                              errand->pid, errand->number, errand->began_us / 10000, errand->elapsed_us / 10000,
                              errand->tries, errand->closing ? "1" : "");
    return finish(&text, right && bytes_append_text(&text, signal_script));
}
