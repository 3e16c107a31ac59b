/* SPDX-License-Identifier: MIT */
/* What one command sets, the next one finds. */
#include "conformance.h"

#include <string.h>

static void variables(struct context *t) {
    RUNS(t, "a=1 b='two words'", "", 0);
    RUNS(t, "echo \"$a/$b\"", "1/two words\n", 0);
    RUNS(t, "export c=3; sh -c 'echo $c'", "3\n", 0);
    RUNS(t, "sh -c 'echo $c'", "3\n", 0);
    RUNS(t, "unset a; echo \"${a-none}\"", "none\n", 0);
    RUNS(t, "echo \"${a-none}\"", "none\n", 0);
    RUNS(t, "x=$(printf 'l1\\nl2\\n\\nx'); printf %s \"$x\"", "l1\nl2\n\nx", 0);
    RUNS(t, "printf %s \"$x\"", "l1\nl2\n\nx", 0);
}

static void functions_and_aliases(struct context *t) {
    RUNS(t, "greet() { echo \"hello $1\"; return 9; }", "", 0);
    RUNS(t, "greet you", "hello you\n", 9);
    RUNS(t, "alias shout='echo LOUD'", "", 0);
    /* bash --posix and interactive bash expand aliases; POSIX has it everywhere. */
    RUNS(t, "shout it", "LOUD it\n", 0);
    RUNS(t, "unalias shout; unset -f greet", "", 0);
    FAILS(t, "greet");
}

static void modes_of_the_shell(struct context *t) {
    RUNS(t, "umask 027", "", 0);
    RUNS_MATCHING(t, "umask", "0*27\n", 0);
    RUNS(t, "set -o noglob", "", 0);
    RUNS(t, "echo /etc/pass*d", "/etc/pass*d\n", 0);
    RUNS(t, "set +o noglob; echo /etc/pass*d", "/etc/passwd\n", 0);
    RUNS(t, "ulimit -c 0; ulimit -n 200", "", 0);
    RUNS(t, "ulimit -n", "200\n", 0);
}

static void positional_parameters(struct context *t) {
    RUNS(t, "set -- a 'b c' d", "", 0);
    RUNS(t, "echo $# \"$2\"", "3 b c\n", 0);
    RUNS(t, "shift; echo \"$1\"", "b c\n", 0);
    RUNS(t, "echo $#", "2\n", 0);
    RUNS(t, "set --", "", 0);
    RUNS(t, "echo $#", "0\n", 0);
}

/* The text runs at the top level: inside a function of ours `typeset` would make a local variable. */
static void declarations(struct context *t) {
    RUNS(t, "typeset x=5", "", 0);
    RUNS(t, "echo $x", "5\n", 0);
    RUNS(t, "typeset -i n=3", "", 0);
    RUNS(t, "n=n+4; echo $n", "7\n", 0);
    RUNS(t, "readonly fixed=1", "", 0);
    RUNS(t, "echo $fixed", "1\n", 0);
}

static void declare_in_bash(struct context *t) {
    RUNS(t, "declare x=5; declare -A map; map[k]=v", "", 0);
    RUNS(t, "echo $x ${map[k]} ${FUNCNAME[0]-none}", "5 v none\n", 0);
    FAILS(t, "local y=1");
    RUNS(t, "list=(1 2 3)", "", 0);
    RUNS(t, "echo ${#list[@]}", "3\n", 0);
    RUNS(t, "shopt -s nullglob", "", 0);
    RUNS(t, "echo /hostsession-none*", "\n", 0);
}

static void arrays(struct context *t) {
    RUNS(t, "list=(a b c)", "", 0);
    RUNS(t, "echo ${#list[@]} ${list[1]}", is_shell(t, ZSH) ? "3 a\n" : "3 b\n", 0);
}

static void directories(struct context *t) {
    RUNS(t, "cd /usr", "", 0);
    RUNS(t, "pwd", "/usr\n", 0);
    RUNS(t, "cd bin && pwd", "/usr/bin\n", 0);
    RUNS_MATCHING(t, "cd - >/dev/null; pwd", "/usr\n", 0);
    RUNS(t, "echo $OLDPWD", "/usr/bin\n", 0);
    RUNS(t, "(cd /; pwd)", "/\n", 0);
    RUNS(t, "pwd", "/usr\n", 0);
}

static void one_shell(struct context *t) {
    RUNS(t, "first=$$; echo kept", "kept\n", 0);
    RUNS(t, "[ $$ = $first ] && echo same", "same\n", 0);
}

static void descriptors_are_kept(struct context *t) {
    RUNS(t, "exec 5>\"$HOME/five\"", "", 0);
    RUNS(t, "echo one >&5; echo two", "two\n", 0);
    IN_SYNC(t);
    RUNS(t, "exec 5>&-", "", 0);
    RUNS(t, "cat \"$HOME/five\"", "one\n", 0);
}

static void environment(struct context *t) {
    static const char *const settings[] = {"HOSTSESSION_ONE=1 2", "HOSTSESSION_TWO=a=b;c", "LC_ALL=C", NULL};
    t->opening.options.environment = settings;
    t->opening.options.cwd = "/usr";
    if (!open_session(t))
        return;
    RUNS(t, "echo \"$HOSTSESSION_ONE|$HOSTSESSION_TWO|$LC_ALL\"", "1 2|a=b;c|C\n", 0);
    RUNS(t, "sh -c 'echo \"$HOSTSESSION_TWO\"'", "a=b;c\n", 0);
    RUNS(t, "pwd", "/usr\n", 0);
    CHECK(t, strcmp(hostsession_get_cwd(t->session), "/usr") == 0, "cwd is %s", hostsession_get_cwd(t->session));
}

static void huge_environment(struct context *t) {
    RUNS(t, "export BIG=$(head -c 100000 /dev/zero | tr '\\0' e)", "", 0);
    RUNS(t, "i=0; while [ $i -lt 300 ]; do eval \"export V$i=$i\"; i=$((i + 1)); done", "", 0);
    RUNS(t, "sh -c 'echo ${#BIG} $V299'", "100000 299\n", 0);
    IN_SYNC(t);
}

static const struct conformance_case state_cases_table[] = {
    {"state-variables", variables, 0, 0, 0},
    {"state-functions-and-aliases", functions_and_aliases, 0, 0, 0},
    {"state-modes-of-the-shell", modes_of_the_shell, 0, 0, 0},
    {"state-positional-parameters", positional_parameters, 0, 0, 0},
    {"state-declarations", declarations, ANY_SHELL & ~(unsigned)(DASH | ASH), 0, 0},
    {"state-declare-in-bash", declare_in_bash, ANY_BASH, 0, 0},
    {"state-arrays", arrays, ANY_BASH | ZSH | KSH93 | MKSH, 0, 0},
    {"state-directories", directories, 0, 0, 0},
    {"state-one-shell", one_shell, 0, 0, 0},
    {"state-descriptors-are-kept", descriptors_are_kept, 0, 0, 0},
    {"state-environment", environment, 0, 0, OPENS_ITSELF},
    {"state-huge-environment", huge_environment, 0, 0, 0},
};

CASE_GROUP(state_cases);
