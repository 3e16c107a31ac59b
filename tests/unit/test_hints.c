/* SPDX-License-Identifier: MIT */
#include "engine/hints.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static hints of(const char *text) {
    return hints_of(text, strlen(text));
}

static const struct {
    const char *word;
    hints what;
} words[] = {
    {"stty", HINT(STTY)},
    {"reset", HINT(RESET) | HINT(SET)},
    {"tset", HINT(TSET) | HINT(SET)},
    {"emacs", HINT(EMACS)},
    {" vi", HINT(BLANK_VI)},
    {"zle", HINT(ZLE)},
    {"editing", HINT(EDITING)},
    {"preexec", HINT(PREEXEC) | HINT(EXEC)},
    {"PS0", HINT(PS0)},
    {"emulate", HINT(EMULATE)},
    {"setopt", HINT(SETOPT) | HINT(SET) | HINT(OPT)},
    {"opt", HINT(OPT)},
    {"shopt", HINT(SHOPT) | HINT(OPT)},
    {"promptvars", HINT(PROMPTVARS)},
    {"&-", HINT(CLOSED_INPUT) | HINT(BACKGROUND)},
    {"-o emacs", HINT(EDITOR_OPTION) | HINT(EMACS)},
    {"+o emacs", HINT(EDITOR_OPTION) | HINT(EMACS)},
    {"-o vi", HINT(EDITOR_OPTION) | HINT(BLANK_VI)},
    {"+o vi", HINT(EDITOR_OPTION) | HINT(BLANK_VI)},
    {"-oemacs", HINT(EDITOR_OPTION) | HINT(EMACS)},
    {"-ovi", HINT(EDITOR_OPTION)},
    {"set", HINT(SET)},
    {"set -", HINT(SET) | HINT(SET_OPTION)},
    {"set +", HINT(SET) | HINT(SET_OPTION)},
    {"xtrace", HINT(XTRACE)},
    {"verbose", HINT(VERBOSE)},
    {"()", HINT(PARENTHESES)},
    {"function", HINT(FUNCTION)},
    {"alias", HINT(ALIAS)},
    {"trap", HINT(TRAP)},
    {"eval", HINT(EVAL)},
    {"EXIT", HINT(EXIT_SIGNAL)},
    {" 0", HINT(EXIT_SIGNAL)},
    {"DEBUG", HINT(DEBUG_SIGNAL)},
    {"RETURN", HINT(DEBUG_SIGNAL)},
    {"debug", HINT(DEBUG_SIGNAL)},
    {"ERR", HINT(ERR_SIGNAL)},
    {"exec", HINT(EXEC)},
    {". ", HINT(SOURCE)},
    {"source ", HINT(SOURCE)},
    {"exit", HINT(EXIT)},
    {"logout", HINT(EXIT)},
    {"|", HINT(PIPE)},
    {"coproc", HINT(COPROC)},
};

static void each_word_is_found_wherever_it_is(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        static const char *const befores[] = {"", "x", "x\n\t", "\xc3\xa4", "s", "a & "};
        for (size_t j = 0; j < sizeof befores / sizeof befores[0]; j++) {
            char text[64] = {0};
            strcat(strcat(text, befores[j]), words[i].word);
            assert_int_equal(of(text) & ~(j == 5 ? HINT(BACKGROUND) : 0),
                             words[i].what & ~(j == 5 ? HINT(BACKGROUND) : 0));
            strcat(text, "x");
            assert_int_equal(of(text) & words[i].what, words[i].what);
        }
    }
}

/* Its last byte lies behind the end of the text. */
static void part_of_a_word_is_none(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        hints shorter = hints_of(words[i].word, strlen(words[i].word) - 1);
        assert_int_not_equal(shorter, words[i].what);
    }
    assert_int_equal(of(""), 0);
    assert_int_equal(of("true"), 0);
    assert_int_equal(hints_of("tra\0p", 5), 0);
}

static void an_ampersand_may_start_a_job(void **state) {
    (void)state;
    static const char *const starts[] = {"a &", "a & b", "&", "a&b", "'x' & y", "eval 'a &'", "\"\\\"\" &"};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        assert_true(of(starts[i]) & HINT(BACKGROUND));
    static const char *const others[] = {"a && b", "a 2>&1", "a <&3", "a &> f", "'a & b'", "\"a & b\"", "a \\& b"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(of(others[i]) & HINT(BACKGROUND));
}

static void the_jobs_are_asked_for_by_a_command(void **state) {
    (void)state;
    static const char *const asks[] = {"jobs",      "jobs -l",   "a & jobs",     "x=$(jobs)",     "a;jobs>f",
                                       "{ jobs; }", "a\n\tjobs", "builtin jobs", "\\jobs",        "`jobs`",
                                       "! jobs",    "a | jobs",  "eval 'jobs'",  "if jobs; then", "\\builtin \\jobs"};
    for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++)
        assert_true(of(asks[i]) & HINT(JOBS));
    static const char *const others[] = {"echo jobs",   "make --jobs 4", "rm jobs", "jobs.sh", "./jobs",
                                         "echo 'jobs'", "all-jobs",      "myjobs",  "jobsx",   "echo undo jobs"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(of(others[i]) & HINT(JOBS));
}

static void a_coprocess_is_a_job(void **state) {
    (void)state;
    static const char *const starts[] = {"coproc a", "x; coproc { a; }", "eval 'coproc a'",
                                         "if a; then\n\tcoproc b\nfi", "(coproc\ta)"};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        assert_true(of(starts[i]) & HINT(BACKGROUND));
    static const char *const others[] = {"'coproc a'", "coprocess a", "a-coproc b", "\\coproc b", "coproc", "coproc="};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(of(others[i]) & HINT(BACKGROUND));
}

static void what_needs_two_words_needs_both(void **state) {
    (void)state;
    assert_true(hints_trap_exit(of("trap x EXIT")));
    assert_true(hints_trap_exit(of("trap x 0")));
    assert_false(hints_trap_exit(of("trap x INT")));
    assert_false(hints_trap_exit(of("exit 0")));
    assert_true(hints_trap_errors(of("trap x ERR")));
    assert_false(hints_trap_errors(of("echo ERR")));
    assert_true(hints_switch_editor(of("set -o vi")));
    assert_false(hints_switch_editor(of("grep -o vi")));
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_word_is_found_wherever_it_is),
        cmocka_unit_test(part_of_a_word_is_none),
        cmocka_unit_test(an_ampersand_may_start_a_job),
        cmocka_unit_test(the_jobs_are_asked_for_by_a_command),
        cmocka_unit_test(a_coprocess_is_a_job),
        cmocka_unit_test(what_needs_two_words_needs_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
