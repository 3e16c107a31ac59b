/* SPDX-License-Identifier: MIT */
#include "engine/shells.h"

/*
 * The functions' names are short, since they are typed with every command.
 *   _hs_e K STATUS print END K: status, `$-`, what the streams are and whether there are jobs, the lengths of PS1 and
 *                  PS4, cwd.  In bash K;STATUS is one word.
 *   _hs_f K;STATUS in bash: the same, where _hs_e says no more than the status as long as nothing has changed
 *   _hs_s S        the result is S, so that the command finds the previous status in `$?`
 *   _hs_b K S      the same, and print BEGIN K
 *   _hs_g K S      the same, inside a group whose output is thrown away
 *   _hs_u          set once PS1 is ours
 *   _hs_i K        throw away what was typed and not read, up to a line of ours
 *
 * Every word and every command costs the shell time: what is printed is one word where the shell's own listings and
 * traces show a variable's RS escaped (`set`, `set -x`), so that they print no marker.  dash and ash show it raw: there
 * RS stands in a printf format, as \036.
 */

/* The first is our prompt's length alone; where a prompt that is empty behind END cannot tell what comes before the
 * next command, it is something else once hooks of the user's or background jobs may print there. */
#define LENGTHS "${PS1+${#PS1}};${PS4+${#PS4}};${PWD-}"
#define BASH_LENGTHS "${PS1+${#PS1}}${PROMPT_COMMAND[*]:+.}${PS0:+.}${_hs_v#0};${PS4+${#PS4}};${PWD-}"
/* What the streams are: 1 where standard output is the terminal, or 0; then what STATE has put into _hs_v, i where
 * standard input is not, and, in shells that can tell, 0 where there are no jobs, or another number. */
#define INPUT_STATE(TEST) "_hs_v=;" TEST("0") "||_hs_v=i;"
/* A restricted shell redirects nothing: there may be some. */
#define BASH_JOBS                                                                                                      \
    "[[ -z ${!-} ]]||if [[ $- == *r* ]]||\\builtin jobs %% >/dev/null 2>&1;then _hs_v+=1;else _hs_v+=0;fi;"
#define ZSH_JOBS "_hs_v=${_hs_v-}${#jobstates};"
#define WORD_BEGIN "\"$_hs_r;B;$1$_hs_r\""
#define WORD_END(TERMINAL) "\"$_hs_r;E;$1;$2;$-;" TERMINAL "${_hs_v-};" LENGTHS "$_hs_r\""
/* Inside of a `function` the options are the function's own: `$-` comes with the status. */
#define KSH93_WORD_END(TERMINAL) "\"$_hs_r;E;$1;$2;" TERMINAL "${_hs_v-};" LENGTHS "$_hs_r\""
#define FORMAT_BEGIN "'\\036@;B;%s\\036@\\n' \"$1\""
#define FORMAT_END(TERMINAL)                                                                                           \
    "'\\036@;E;%s;%s;%s;" TERMINAL "%s;%s\\036@\\n' \"$1\" \"$2\" \"$-\" \"${_hs_v-}\" \"" LENGTHS "\""

/* The prompt is ours again, whatever the command made of it: what the shell prints between commands is then known.
 * After END, and only if it was ours once: PS1 may be read-only. */
#define OUR_PROMPT(SAME, PROMPT) SAME "||case ${_hs_u-} in 0)PS1=" PROMPT ";;esac;"
#define PROMPT_WORD OUR_PROMPT("[[ ${PS1-} == \"$_hs_p\" ]]", "$_hs_p")
#define PROMPT_TEST OUR_PROMPT("\\command [ \"${PS1-}\" = \"$_hs_p\" ]", "$_hs_p")
/* While standard error is not where prompts are seen (SEEN tells), or closed, the prompt prints nothing there, but a
 * command in it, _hs_q, prints the marker where we see it: a line that is thrown away with its END must be told. */
#define PROMPT_SEEN(SEEN)                                                                                              \
    "_hs_w=\"$_hs_p\";[[ " SEEN " ]]||_hs_w=\"$_hs_q\";" OUR_PROMPT("[[ ${PS1-} == \"$_hs_w\" ]]", "\"$_hs_w\"")
#define FUNCTION(NAME) NAME "(){ "
#define KSH93_FUNCTION(NAME) "function " NAME " { "
#define STATUS(DEFINE, RETURN) DEFINE("_hs_s") RETURN "return \"$1\";}"
#define TTY_END(TEST, PRINT, STATE, PROMPT, END)                                                                       \
    INPUT_STATE(TEST)                                                                                                  \
    STATE "if " TEST("1") ";then " PRINT END("1") ";else " PRINT END("0") ">/dev/tty;fi||_hs_d=1;" PROMPT "}"
#define TTY_FUNCTIONS(DEFINE, RETURN, PRINT, TEST, STATE, PROMPT, BEGIN, END)                                          \
    DEFINE("_hs_e")                                                                                                    \
    TTY_END(TEST, PRINT, STATE, PROMPT, END) "\n", TTY_OTHERS(DEFINE, RETURN, PRINT, BEGIN, "\n")
/* NEXT is what stands between two of them: a newline, or a semicolon where each line would cost the shell a read. */
#define TTY_OTHERS(DEFINE, RETURN, PRINT, BEGIN, NEXT)                                                                 \
    STATUS(DEFINE, RETURN)                                                                                             \
    NEXT DEFINE("_hs_b") PRINT BEGIN ";" RETURN "return \"$2\";}" NEXT DEFINE("_hs_g") PRINT BEGIN                     \
        ">/dev/tty;" RETURN "return \"$2\";}" NEXT
/* Typed where it is called: it is needed where a shell is entered alone. */
#define DRAINER(DEFINE, RETURN, TEST)                                                                                  \
    DEFINE("_hs_i")                                                                                                    \
    "while " TEST("0") ";do IFS= " RETURN "read -r _hs_v&&case $_hs_v in *\": _hs_i $1\")_hs_v=;" RETURN               \
                       "break;;esac;done;}"
#define TEST_WORD(DESCRIPTOR) "[[ -t " DESCRIPTOR " ]]"
#define TEST_COMMAND(DESCRIPTOR) "\\command [ -t " DESCRIPTOR " ]"
/* On pipes markers go to copies of the streams, since a command may move those.  COPY opens them; TO_OUT and TO_ERR
 * print what they get to them. */
#define PIPE_FUNCTIONS(DEFINE, RETURN, PRINT, COPY, TO_OUT, TO_ERR, BEGIN)                                             \
    COPY PIPE_OTHERS(DEFINE, RETURN, PRINT, TO_OUT, TO_ERR, BEGIN, "\n")
#define PIPE_OTHERS(DEFINE, RETURN, PRINT, TO_OUT, TO_ERR, BEGIN, NEXT)                                                \
    STATUS(DEFINE, RETURN)                                                                                             \
    NEXT DEFINE("_hs_b") TO_OUT(PRINT BEGIN) ";" TO_ERR(PRINT BEGIN) ";" RETURN "return \"$2\";}" NEXT DEFINE(         \
        "_hs_g") "_hs_b \"$1\" \"$2\";}" NEXT
#define PIPE_END(DEFINE, PRINT, TO_OUT, STATE, PROMPT, END)                                                            \
    DEFINE("_hs_e") STATE TO_OUT(PRINT END("1")) "||_hs_d=1;" PROMPT "}\n"
#define PIPE_ERROR_END(DEFINE, PRINT, TO_OUT, TO_ERR, STATE, PROMPT, END)                                              \
    DEFINE("_hs_e") STATE TO_OUT(PRINT END("1")) "||_hs_d=1;" TO_ERR(PRINT END("1")) ";" PROMPT "}\n"
/* Where descriptors may have any number, and get one that commands do not use. */
#define COPIES "\\exec {_hs_n}>&1 {_hs_o}>&2\n"
#define TO_OUT(PRINTED) PRINTED ">&$_hs_n"
#define TO_ERR(PRINTED) PRINTED ">&$_hs_o"
/* Elsewhere they have one digit, and a command may take them for something else: a file, most often, while the streams
 * are pipes (-p) or sockets (-S).  The streams themselves were not moved then. */
#define DIGIT_COPIES "\\exec 8>&1 9>&2\nif \\command [ -p /dev/fd/1 ];then _hs_t=-p;else _hs_t=-S;fi\n"
#define TO_DIGIT(PRINTED, DIGIT, STREAM)                                                                               \
    "if \\command [ \"$_hs_t\" /dev/fd/" DIGIT " ];then " PRINTED ">&" DIGIT ";else " PRINTED ">&" STREAM ";fi"
#define TO_OUT_DIGIT(PRINTED) TO_DIGIT(PRINTED, "8", "1")
#define TO_ERR_DIGIT(PRINTED) TO_DIGIT(PRINTED, "9", "2")
#define RS_ANSI "_hs_r=$'\\036@'\n"
#define PROMPT_ANSI "_hs_k=0 _hs_p=$'\\036@;P;$_hs_k;$?\\036@\\n'\nPS2=\nPS1=$_hs_p&&_hs_u=0\n"

/* From the first line on without a prompt: each write of the shell wakes us. */
#define BASH_EDITORS_OFF " \\builtin set +o emacs +o vi +o history +H;\\builtin shopt -s promptvars"
static const char *const bash_quiet[] = {
    "PS1=\n",
    "\\builtin unset HISTFILE PROMPT_COMMAND MAILCHECK;\\builtin trap - DEBUG;PS0=\n",
    NULL,
};
#define BASH_PRINT "\\builtin printf '%s\\n' "
/* RS and token; what comes before a brief END's number, a whole one's, and an aborted line's status; what ends a
 * marker.  Arrays: `set -a` exports none.  _hs_w has as many elements as there are aliases; where there were some from
 * the beginning they are not counted for each END, and there are some. */
#define BASH_VARIABLES                                                                                                 \
    "_hs_r=$'\\036@' _hs_m=$_hs_r';F;' _hs_x=$_hs_r';E;' _hs_y=$_hs_r';P;0;' _hs_l=$_hs_r$'\\n' _hs_n=() _hs_v=() "    \
    "_hs_o=('');((BASH_VERSINFO<5||${#BASH_ALIASES[*]}))&&_hs_w=(1)||\\builtin declare -n _hs_w=BASH_ALIASES"
/* Ctrl+C that meets the shell just as it starts a job leaves the terminal with that job, which takes it while the shell
 * gives up: its next read would fail, and the shell exit.  A subshell with job control, once it has run a job, gives
 * the terminal back to the group it is in, the shell's. */
#define TAKE_TERMINAL "\\builtin set -m;\\builtin trap \"\" INT QUIT TSTP;(\\builtin :);"
/* ... behind a line without END, after status 130, which it keeps.  It stands in an index, which is evaluated when it
 * is used.  Its descriptors are closed for the sake of traces and traps; in a restricted shell that can be done as for
 * input alone. */
#define TERMINAL_TAKER                                                                                                 \
    "_hs_d=('') "                                                                                                      \
    "_hs_t='_hs_d[$({ " TAKE_TERMINAL "\\builtin exit 130;} 1<&- 2<&-)0]' _hs_c='_hs_d[$?-130?0:_hs_t]' "
/* Every write of the shell wakes us: the prompt prints nothing behind an END.  The status is 0 there, and another where
 * the shell has thrown a line away: it picks an element of a list that has an empty one at 0, or else the marker.  The
 * list is empty where END could not be printed.  Each character of the prompt costs the shell time, for each command.
 * _hs_k is a pattern that it matches. */
#define BASH_TTY_PROMPT                                                                                                \
    TERMINAL_TAKER OWN_PROMPT "_hs_q=('') _hs_p='${_hs_q[$?]-${_hs_y[_hs_c]}$?$_hs_l}' "                               \
                              "_hs_k='\\$\\{_hs_q\\[\\$\\?\\]-\\$\\{_hs_y\\[_hs_c\\]\\}\\$\\?\\$_hs_l\\}'" TAKE_PROMPT
/* The prompt goes where standard error does.  Where that is not the terminal, or a command may move it, another prompt
 * prints nothing, but has a subshell print the marker where we see it.  END that a frame hushes, which puts standard
 * error nowhere, cannot tell, and leaves it at the prompt that it finds. */
#define OWN_PROMPT                                                                                                     \
    "_hs_a=() _hs_j='${_hs_q[$?]-${_hs_d[_hs_h]}}' "                                                                   \
    "_hs_h='_hs_d[$({ { _hs_v=$?;\\builtin set +x;\\builtin trap - DEBUG;[[ $_hs_v != 130 ]]||{ " TAKE_TERMINAL        \
    "};} 2<&-;_hs_v=$_hs_y$_hs_v$_hs_l;if [[ -t 2 ]];then \\builtin printf %s \"$_hs_v\" >&2;else \\builtin printf "   \
    "%s \"$_hs_v\" >/dev/tty;fi;} 1<&-)0]' "
/* Under errexit bash ends at an assignment to a read-only variable, whatever stands behind it. */
#define SET_PROMPT(AT, PROMPT) "[[ BASH_VERSINFO -ge 5 && ${PS1+${PS1" AT "a}} == *r* ]]||PS1=" PROMPT ";"
#define LEAVE_OWN_PROMPT "_hs_a=;[[ ${PS1-} != \"$_hs_j\" ]]||{ _hs_a=1;" SET_PROMPT("@@", "$_hs_p") "};"
#define CHOOSE_PROMPT "[[ -t 2 || -z $_hs_a && /dev/fd/2 -ef /dev/null ]]||" SET_PROMPT("@@", "$_hs_j")
#define TAKE_PROMPT ";\\builtin declare +x PS1\nPS2=\nPS1=$_hs_p&&_hs_u=0\n"
/* The shell copies a function for each call: what is seldom needed is in one of its own, _hs_f.  As long as nothing can
 * come behind END, and all but status and directory is as the last END of that said, _hs_e says no more.  _hs_o is a
 * pattern without special characters: a variable in quotes is copied, and quoted, each time. */
#define BASH_OPTIONS "$-${#_hs_w[*]}"
/* An array's indices take less time than its elements. */
#define BASH_PROMPTS "${PS1-}${PS0-}${!PROMPT_COMMAND[*]}"
#define BASH_SEEN BASH_PROMPTS "${!-}" BASH_OPTIONS
#define BASH_QUICK(PRINT)                                                                                              \
    "_hs_e() if [[ -t 0 && -t 1 && " BASH_SEEN " == $_hs_o ]];then " PRINT ";else _hs_f \"$1\";fi\n"
#define BASH_PIPE_QUICK(PRINT) "_hs_e() case " BASH_SEEN " in $_hs_o)" PRINT ";;*)_hs_f \"$1\";;esac\n"
#define BASH_QUICK_END "\"$_hs_m$1;${PWD-}$_hs_l\""
#define BASH_QUICK_PRINT "\\builtin printf %s "
#define BASH_STATE "_hs_o= _hs_v=;"
#define BASH_REST BASH_JOBS "_hs_n=\"$_hs_v;" BASH_LENGTHS "$_hs_l\";"
#define BASH_END(TERMINAL) "\"$_hs_x$1;" BASH_OPTIONS ";" TERMINAL "$_hs_n\""
#define BASH_PRINTED(FAILED, TEST)                                                                                     \
    "||" FAILED "_hs_v=x;if [[ " BASH_PROMPTS " == \"$_hs_p\" ]];then if [[ " TEST                                     \
    "-z $_hs_v ]];then _hs_o=$_hs_k" BASH_OPTIONS ";fi;else PS0=;[[ -z ${!PROMPT_COMMAND[*]} ]]||\\builtin unset "     \
    "PROMPT_COMMAND 2>/dev/null||_hs_n=;case ${_hs_u-} "                                                               \
    "in 0)" SET_PROMPT("@@", "$_hs_p") ";esac;fi;"
/* The first one, number _hs_n: the shell is as we have made it, if the functions are there: an alias of the user's may
 * have kept bash from taking one.  (This says nothing where they are; `declare -F` would wake us for each.) */
#define BASH_FIRST(PRINT)                                                                                              \
    "\\builtin export -nf _hs_e _hs_f _hs_b _hs_g _hs_s&&{ _hs_v=" BASH_OPTIONS                                        \
    ";_hs_o=$_hs_k$_hs_v;_hs_n=\"$_hs_x$_hs_n;${_hs_u-1};$_hs_v;1${!:+1};${#PS1};;${PWD-}$_hs_l\";" PRINT ";}\n"
static const char *const bash_tty[] = {
    BASH_VARIABLES "\n",
    FUNCTION("_hs_f") "_hs_q=('') " BASH_STATE LEAVE_OWN_PROMPT "[[ -t 0 ]]||_hs_v=i;" BASH_REST
                      "if [[ -t 1 ]];then " BASH_QUICK_PRINT BASH_END("1") ";else " BASH_QUICK_PRINT BASH_END(
                          "0") ">/dev/tty;fi" BASH_PRINTED("_hs_q=() ", "-t 1 && ") CHOOSE_PROMPT "}\n",
    TTY_OTHERS(FUNCTION, "\\builtin ", BASH_PRINT, WORD_BEGIN, ";") BASH_QUICK(BASH_QUICK_PRINT BASH_QUICK_END),
    BASH_TTY_PROMPT, NULL};
/* What commands read: opening it anew for each takes a tenth of a short one's time. */
#define BASH_INPUT "\\exec 60</dev/null"
#define BASH_COPIES "\\exec 61>&1 62>&2\n"
#define TO_BASH_OUT(PRINTED) PRINTED ">&61"
#define TO_BASH_ERR(PRINTED) PRINTED ">&62"
/* On pipes a sync is typed ahead, and nobody needs the prompt.  This one prints nothing, takes the least time, and is
 * not empty, which start-up files take for a shell that nobody sits at.  Behind a whole END that could not be printed,
 * as a sync's, it is a marker. */
#define BASH_NO_PROMPT "_hs_p='\\000' _hs_k='\\\\000'" TAKE_PROMPT
static const char *const bash_pipe[] = {BASH_VARIABLES "\n" BASH_INPUT "\n" BASH_COPIES,
                                        PIPE_OTHERS(FUNCTION, "\\builtin ", BASH_PRINT, TO_BASH_OUT, TO_BASH_ERR,
                                                    WORD_BEGIN, "\n"),
                                        BASH_NO_PROMPT, NULL};
#define BASH_PIPE_PRINTED BASH_PRINTED("", "") "[[ $_hs_v != x ]]||PS1=${_hs_y}1$_hs_l;}\n"
#define BASH_PIPE_END                                                                                                  \
    FUNCTION("_hs_f")                                                                                                  \
    BASH_STATE BASH_REST TO_BASH_OUT(BASH_QUICK_PRINT BASH_END("1")) BASH_PIPE_PRINTED BASH_PIPE_QUICK(                \
        TO_BASH_OUT(BASH_QUICK_PRINT BASH_QUICK_END))
#define BASH_ERROR_END                                                                                                 \
    FUNCTION("_hs_f")                                                                                                  \
    BASH_STATE BASH_REST TO_BASH_OUT(BASH_QUICK_PRINT BASH_END("1")) "&&" TO_BASH_ERR(BASH_QUICK_PRINT BASH_END("1"))  \
        BASH_PIPE_PRINTED                                                                                              \
        BASH_PIPE_QUICK(                                                                                               \
            TO_BASH_OUT(BASH_QUICK_PRINT BASH_QUICK_END) ";" TO_BASH_ERR(BASH_QUICK_PRINT "\"$_hs_m$1;$_hs_l\""))
#define BASH_PRINT_FIRST BASH_QUICK_PRINT "\"$_hs_n\""
static const char bash_first[] = BASH_FIRST(BASH_PRINT_FIRST);
static const char bash_first_out[] = BASH_FIRST(TO_BASH_OUT(BASH_PRINT_FIRST));
static const char bash_first_error[] = BASH_FIRST(TO_BASH_OUT(BASH_PRINT_FIRST) "&&" TO_BASH_ERR(BASH_PRINT_FIRST));

#define KILL_STOPPED(TEXT) "\n{ " TEXT ";} 2>/dev/null\n"
/* bash says "Stopped" in the user's language. */
#define BASH_KILL_STOPPED KILL_STOPPED("[[ -z $(\\builtin jobs -s) ]]||\\builtin kill -9 %%")
#define KSH_KILL_STOPPED(KEYWORD) KILL_STOPPED("[[ $(" KEYWORD "jobs) != *'+ Stopped'* ]]||" KEYWORD "kill -9 %%")

#define ZSH_PROMPT_OPTIONS                                                                                             \
    "\\builtin setopt prompt_percent prompt_subst;\\builtin unsetopt zle prompt_cr prompt_sp prompt_bang bang_hist"
#define PROMPT_ZSH(TO)                                                                                                 \
    "_hs_k=0 _hs_p=$'\\036@;P;$_hs_k;%?\\036@\\n' _hs_q='$(\\builtin print -r -- \"$_hs_r;P;$_hs_k;$?$_hs_r\" " TO     \
    ")'\nPS2=\nPS1=$_hs_p&&_hs_u=0\n"
/* Hooks of the user's that print before each prompt and line: what they print when a line is thrown away could not be
 * told from its output. */
#define ZSH_PROMPT(SEEN)                                                                                               \
    "[[ -z ${precmd_functions-}${preexec_functions-}${functions[precmd]-}${functions[preexec]-} ]]||"                  \
    "{ precmd_functions=() preexec_functions=();\\builtin unfunction precmd preexec 2>/dev/null||\\builtin "           \
    "true;};" PROMPT_SEEN(SEEN)
/* Nowhere is where the frame puts standard error, for END alone, while there is a trace, or a DEBUG trap: then what
 * prints in a prompt would be traced, or trapped.  On pipes a sync is typed ahead in place of that. */
#define ZSH_TTY_PROMPT ZSH_PROMPT("-t 2 || -n ${3-} || -o xtrace && /dev/fd/2 -ef /dev/null")
#define ZSH_PIPE_PROMPT ZSH_PROMPT("/dev/fd/2 -ef /dev/fd/$_hs_o || /dev/fd/2 -ef /dev/null")
#define ZSH_EDITOR_OFF "\\builtin unsetopt zle prompt_cr prompt_sp bang_hist beep notify"
static const char *const zsh_quiet[] = {
    "\\builtin unset HISTFILE RPS1 RPROMPT\n",
    "\\builtin setopt prompt_percent prompt_subst;\\builtin trap - DEBUG;precmd_functions=() preexec_functions=()\n",
    /* The list of commands holds no line of ours; of an empty one `history` shows the line that is being run, the
     * frame. (A list of its own, fc -p, is given up by each subshell, and a restricted one complains of that.) */
    ("\\builtin setopt hist_ignore_space;\\builtin print -s :;_hs_h=$HISTSIZE HISTSIZE=1;HISTSIZE=$_hs_h;\\builtin "
     "unset "
     "_hs_h\n"),
    "\\builtin unfunction precmd preexec 2>/dev/null||\\builtin true\n",
    NULL,
};
static const char *const zsh_tty[] = {RS_ANSI TTY_FUNCTIONS(FUNCTION, "\\builtin ", BASH_PRINT, TEST_WORD, ZSH_JOBS,
                                                            ZSH_TTY_PROMPT, WORD_BEGIN, WORD_END),
                                      PROMPT_ZSH(">/dev/tty"), NULL};
static const char *const zsh_pipe[] = {RS_ANSI PIPE_FUNCTIONS(FUNCTION, "\\builtin ", BASH_PRINT, COPIES, TO_OUT,
                                                              TO_ERR, WORD_BEGIN),
                                       PROMPT_ZSH(">&$_hs_o"), NULL};

/* With vi turned on it dies of a look at the terminal's width that shows a new one, where there is no echo: it looks
 * now, while it is off. */
#define KSH93_LOOK ";\\command kill -WINCH \"$$\""
#define KSH93_EDITORS_OFF " \\command set +o emacs +o vi +o gmacs" KSH93_LOOK
static const char *const ksh93_quiet[] = {"\\command trap - DEBUG\n", NULL};
#define KSH93_PRINT "\\command print -r -- "
static const char *const ksh93_tty[] = {RS_ANSI TTY_FUNCTIONS(KSH93_FUNCTION, "\\", KSH93_PRINT, TEST_WORD, "",
                                                              PROMPT_WORD, WORD_BEGIN, KSH93_WORD_END),
                                        PROMPT_ANSI, NULL};
/* With job control, which it turns on without a terminal, too, its children are in groups of their own. */
static const char *const ksh93_pipe[] = {"\\command set +m\n" RS_ANSI PIPE_FUNCTIONS(KSH93_FUNCTION, "\\", KSH93_PRINT,
                                                                                     COPIES, TO_OUT, TO_ERR,
                                                                                     WORD_BEGIN),
                                         PROMPT_ANSI, NULL};

#define MKSH_PRINT "\\builtin print -r -- "
/* A line editor that the user turned on would echo what we type; under noexec, of which it takes no notice at its
 * prompt, what it evaluates would not run. */
#define MKSH_EDITORS_OFF "+o emacs +o vi +o gmacs"
#define MKSH_PROMPT_SEEN(SEEN)                                                                                         \
    "[[ -o emacs || -o vi || -o gmacs || -o noexec ]]&&\\builtin set +n " MKSH_EDITORS_OFF ";" PROMPT_SEEN(SEEN)
#define MKSH_PROMPT(TO) "_hs_q='${ " MKSH_PRINT "\"$_hs_r;P;$_hs_k;$?$_hs_r\" " TO ";}'\n" PROMPT_ANSI
#define MKSH_TTY_PROMPT MKSH_PROMPT_SEEN("-t 2")
/* Only a pipe or a socket is the copy, see above. */
#define MKSH_PIPE_PROMPT MKSH_PROMPT_SEEN("( /dev/fd/2 -ef /dev/fd/9 || ! ( -p /dev/fd/9 || -S /dev/fd/9 ) )")
static const char *const mksh_quiet[] = {NULL};
static const char *const mksh_tty[] = {RS_ANSI TTY_FUNCTIONS(FUNCTION, "\\builtin ", MKSH_PRINT, TEST_WORD, "",
                                                             MKSH_TTY_PROMPT, WORD_BEGIN, WORD_END),
                                       MKSH_PROMPT(">/dev/tty"), NULL};
/* Without a terminal job control is good for nothing: what a command starts would not be in the shell's own group. */
static const char *const mksh_pipe[] = {"\\builtin set +m\n" RS_ANSI PIPE_FUNCTIONS(FUNCTION, "\\builtin ", MKSH_PRINT,
                                                                                    DIGIT_COPIES, TO_OUT_DIGIT,
                                                                                    TO_ERR_DIGIT, WORD_BEGIN),
                                        MKSH_PROMPT(">&9"), NULL};

#define ASH_PRINT "\\command printf "
static const char *const posix_quiet[] = {" \\command unset HISTFILE\n", NULL};
/* A signal that meets it waiting for a line, as that of a background job's end, ends its input: it must not exit. */
#define ASH_STAYS "case $- in *i*)\\command set -o ignoreeof;;esac\n"
static const char *const ash_tty[] = {ASH_STAYS,
                                      TTY_FUNCTIONS(FUNCTION, "\\", ASH_PRINT, TEST_COMMAND, "", PROMPT_TEST,
                                                    FORMAT_BEGIN, FORMAT_END),
                                      PROMPT_ANSI, NULL};
/* Only by this very word does a command substitution know the jobs. */
#define ASH_KILL_STOPPED KILL_STOPPED("case $(jobs) in *'+  Stopped'*)\\command kill -9 %%;;esac")
static const char *const ash_says[] = {"\033[6n", "\nUse \"exit\" to leave shell.\n", "Use \"exit\" to leave shell.\n",
                                       "You have stopped jobs.\n", NULL};
static const char *const ash_pipe[] = {ASH_STAYS,
                                       PIPE_FUNCTIONS(FUNCTION, "\\", ASH_PRINT, DIGIT_COPIES, TO_OUT_DIGIT,
                                                      TO_ERR_DIGIT, FORMAT_BEGIN),
                                       PROMPT_ANSI, NULL};

/* A command substitution drops the newline at the end: something must follow it. */
/* What is left of its buffer is lost when an assignment fails: a user's PS1 or PS2 may be read-only. */
#define PROMPT_POSIX                                                                                                   \
    "_hs_k=0 _hs_p=$(\\command printf '\\036@;P;$_hs_k;$?\\036@\\n.')\n_hs_p=${_hs_p%.}\n"                             \
    "\\command eval PS2= 2>/dev/null\n\\command eval 'PS1=$_hs_p' 2>/dev/null&&_hs_u=0\n"
/* A command substitution knows no jobs, but END comes behind a stopped one, too, and keeps its status. */
#define DASH_KILL_STOPPED                                                                                              \
    KILL_STOPPED("case $(\\command kill -l \"${_hs_d-}\") in *STP|STOP|TT*)\\command kill -9 %%;;esac")
static const char *const dash_tty[] = {TTY_FUNCTIONS(FUNCTION, "\\", ASH_PRINT, TEST_COMMAND, "_hs_d=$2;", PROMPT_TEST,
                                                     FORMAT_BEGIN, FORMAT_END),
                                       PROMPT_POSIX, NULL};
static const char *const dash_pipe[] = {PIPE_FUNCTIONS(FUNCTION, "\\", ASH_PRINT, DIGIT_COPIES, TO_OUT_DIGIT,
                                                       TO_ERR_DIGIT, FORMAT_BEGIN),
                                        PROMPT_POSIX, NULL};

#define BASH_MEND ";\\builtin shopt -s promptvars"

const dialect shell_bash = {.name = "bash",
                            .eval = "\\builtin eval ",
                            .source = "\\builtin . /dev/fd/59 59<<<",
                            .source_end = ";\\builtin set +o emacs +o vi",
                            .tty_quotes = QUOTE_ANSI,
                            .pipe_input = " <&60",
                            .quiet_prompt = true,
                            .asks_ahead = true,
                            .show_prompts = "{ _hs_q=();} >/dev/null 2>&1\n",
                            .tells_of_jobs = true,
                            .counts_jobs = true,
                            .counts_aliases = true,
                            .whole_end = "_hs_f",
                            .own_prompt = SET_PROMPT("@", "$_hs_j"),
                            .joins_end = true,
                            .first_end = bash_first,
                            .first_pipe_end = bash_first_out,
                            .first_error_end = bash_first_error,
                            .says_exit = true,
                            .complains = true,
                            .kill_stopped = BASH_KILL_STOPPED,
                            .interrupt_newline = true,
                            .error_trap = true,
                            .notices = true,
                            .debug_trap = true,
                            .editors_off = BASH_EDITORS_OFF,
                            .quiet = bash_quiet,
                            .tty_functions = bash_tty,
                            .drainer = DRAINER(FUNCTION, "\\builtin ", TEST_WORD),
                            .pipe_functions = bash_pipe,
                            .mend_words = HINT(SHOPT) | HINT(PROMPTVARS) | HINT(CLOSED_INPUT),
                            .mend = BASH_MEND,
                            .pipe_mend = BASH_MEND ";" BASH_INPUT,
                            .pipe_end = BASH_PIPE_END,
                            .error_end = BASH_ERROR_END};
const dialect shell_zsh = {.name = "zsh",
                           .tells_guard = true,
                           .blank_hides = true,
                           .eval = "\\builtin \\eval ",
                           .plain = "\\",
                           .tty_quotes = QUOTE_ANSI,
                           .pipe_quotes = QUOTE_ANSI,
                           .pipe_input = " </dev/null",
                           .kill_stopped = BASH_KILL_STOPPED,
                           .editor_restores = true,
                           .interrupt_newline = true,
                           .notices = true,
                           .counts_jobs = true,
                           .debug_trap = true,
                           .editors_off = ZSH_EDITOR_OFF,
                           .quiet = zsh_quiet,
                           .tty_functions = zsh_tty,
                           .drainer = DRAINER(FUNCTION, "\\builtin ", TEST_WORD),
                           .pipe_functions = zsh_pipe,
                           .mend_words = HINT(OPT) | HINT(EMULATE) | HINT(SET),
                           .mend = ";" ZSH_PROMPT_OPTIONS,
                           .pipe_end =
                               PIPE_END(FUNCTION, BASH_PRINT, TO_OUT, "_hs_v=;" ZSH_JOBS, ZSH_PIPE_PROMPT, WORD_END),
                           .error_end = PIPE_ERROR_END(FUNCTION, BASH_PRINT, TO_OUT, TO_ERR, "_hs_v=;" ZSH_JOBS,
                                                       ZSH_PIPE_PROMPT, WORD_END)};
const dialect shell_ksh93 = {.name = "ksh93",
                             .eval = "\\command eval ",
                             .in_pieces = true,
                             .tty_quotes = QUOTE_ANSI,
                             .pipe_input = " </dev/null",
                             .error_trap = true,
                             .notices = true,
                             .debug_trap = true,
                             .quiet_functions = true,
                             .obey = "/bin/sh -c :;\\command :|\\command :;(\\command :);",
                             .edits = true,
                             .width_changed = KSH93_LOOK,
                             .kill_stopped = KSH_KILL_STOPPED("\\command "),
                             .interrupt_newline = true,
                             .misses_interrupts = true,
                             .editors_off = KSH93_EDITORS_OFF,
                             .quiet = ksh93_quiet,
                             .tty_functions = ksh93_tty,
                             .drainer = DRAINER(KSH93_FUNCTION, "\\", TEST_WORD),
                             .pipe_functions = ksh93_pipe,
                             .pipe_end = PIPE_END(KSH93_FUNCTION, KSH93_PRINT, TO_OUT, "", PROMPT_WORD, KSH93_WORD_END),
                             .error_end = PIPE_ERROR_END(KSH93_FUNCTION, KSH93_PRINT, TO_OUT, TO_ERR, "", PROMPT_WORD,
                                                         KSH93_WORD_END)};
const dialect shell_mksh = {.name = "mksh",
                            .blank_hides = true,
                            .eval = "\\builtin eval ",
                            .tty_quotes = QUOTE_ANSI,
                            .pipe_input = " </dev/null",
                            .kill_stopped = KSH_KILL_STOPPED("\\builtin "),
                            .interrupt_newline = true,
                            .misses_interrupts = true,
                            .error_trap = true,
                            .notices = true,
                            .traces_redirections = true,
                            .traces_through = true,
                            .verbose_end = true,
                            .obey = "(\\builtin :);",
                            .editors_off = "\\builtin set " MKSH_EDITORS_OFF,
                            .quiet = mksh_quiet,
                            .tty_functions = mksh_tty,
                            .drainer = DRAINER(FUNCTION, "\\builtin ", TEST_WORD),
                            .pipe_functions = mksh_pipe,
                            .pipe_end = PIPE_END(FUNCTION, MKSH_PRINT, TO_OUT_DIGIT, "", MKSH_PIPE_PROMPT, WORD_END),
                            .error_end = PIPE_ERROR_END(FUNCTION, MKSH_PRINT, TO_OUT_DIGIT, TO_ERR_DIGIT, "",
                                                        MKSH_PIPE_PROMPT, WORD_END)};
const dialect shell_ash = {.name = "ash",
                           .error_trap = true,
                           .eval = "\\command eval ",
                           .tty_quotes = QUOTE_ANSI,
                           .pipe_input = " </dev/null",
                           .kill_stopped = ASH_KILL_STOPPED,
                           .interrupt_newline = true,
                           .edits = true,
                           .says = ash_says,
                           .quiet = posix_quiet,
                           .tty_functions = ash_tty,
                           .drainer = DRAINER(FUNCTION, "\\", TEST_COMMAND),
                           .pipe_functions = ash_pipe,
                           .pipe_end = PIPE_END(FUNCTION, ASH_PRINT, TO_OUT_DIGIT, "", PROMPT_TEST, FORMAT_END),
                           .error_end = PIPE_ERROR_END(FUNCTION, ASH_PRINT, TO_OUT_DIGIT, TO_ERR_DIGIT, "", PROMPT_TEST,
                                                       FORMAT_END)};
const dialect shell_dash = {.name = "dash",
                            .eval = "\\command eval ",
                            .tty_quotes = QUOTE_VARIABLES,
                            .pipe_input = " </dev/null",
                            .kill_stopped = DASH_KILL_STOPPED,
                            .interrupt_newline = true,
                            .quiet = posix_quiet,
                            .tty_functions = dash_tty,
                            .drainer = DRAINER(FUNCTION, "\\", TEST_COMMAND),
                            .pipe_functions = dash_pipe,
                            .pipe_end = PIPE_END(FUNCTION, ASH_PRINT, TO_OUT_DIGIT, "", PROMPT_TEST, FORMAT_END),
                            .error_end = PIPE_ERROR_END(FUNCTION, ASH_PRINT, TO_OUT_DIGIT, TO_ERR_DIGIT, "",
                                                        PROMPT_TEST, FORMAT_END)};
