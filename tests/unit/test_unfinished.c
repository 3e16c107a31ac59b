/* SPDX-License-Identifier: MIT */
#include "engine/unfinished.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void finished_texts(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "sleep 1\n",
        "( until [ -e \"$HOME/go\" ]; do\n    sleep 0.01;\ndone; cat \"$HOME/forged\"; echo DONE )\n",
        "while :; do\n    sleep 1;\ndone\n",
        "for i in 1 2 do done; do\n    echo if;\ndone\n",
        "if true; then\n    echo a;\nelse\n    echo b;\nfi\n",
        "case $x in \n    a | b)\n        echo c\n    ;;\n    (d)\n        :\n    ;;\nesac\n",
        "{ \n    echo a;\n    echo \"}\"\n}\n",
        "echo if while case { do ( )\n",
        "sh -c 'if (' \\( \"$(cat)\" $(echo a; echo b) ${x} `date`\n",
        "a < b > c 2>&1 && ! b || time c\n",
        "echo \\'\\\n",
        "coproc X { while read l; do\n    echo \"<$l>\";\ndone; }\n",
        "coproc COPROC for i in 1 2;\ndo\n    :;\ndone\n",
        "coproc COPROC sleep 0.2\n",
        "coproc COPROC echo {\n",
        "echo coproc X {\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (unfinished(texts[i], strlen(texts[i])))
            print_error("unfinished: %s\n", texts[i]);
        assert_false(unfinished(texts[i], strlen(texts[i])));
    }
}

static void unfinished_texts(void **state) {
    (void)state;
    static const char *const texts[] = {
        "( until [ -e \"$HOME/go\" ]; do\n",
        "( until true; do\n    sleep 0.01;\ndone; cat\n",
        "while :; do\n",
        "while :; do\n    for i in 1; do\n        :;\n    done\n",
        "if true; then\n",
        "case $x in \n    a)\n        echo c\n",
        "{ \n",
        "sh -c 'a\n",
        "echo \"a\\\"\n",
        "echo $(a\n",
        "coproc X { while read l; do\n",
        "coproc X { while read l; do\n    echo \"<$l>\";\n",
        "coproc COPROC for i in 1 2;\ndo\n",
        "coproc Y ( a\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!unfinished(texts[i], strlen(texts[i])))
            print_error("finished: %s\n", texts[i]);
        assert_true(unfinished(texts[i], strlen(texts[i])));
    }
}

/* More is open than is counted exactly. */
static void deep_texts(void **state) {
    (void)state;
    char text[400];
    memset(text, '(', 200);
    memset(text + 200, ')', 200);
    assert_true(unfinished(text, 200));
    assert_true(unfinished(text, 399));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finished_texts),
        cmocka_unit_test(unfinished_texts),
        cmocka_unit_test(deep_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
