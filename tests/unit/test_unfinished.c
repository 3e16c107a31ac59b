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

/* As bash 5.2 shows them: each of its lines but the last one is the beginning of a longer text. */
static void here_documents(void **state) {
    (void)state;
    static const char *const texts[] = {
        "cat <<X > /dev/null\nif a\nX\n\n",
        "cat <<X > /dev/null\r\nif a\r\nX\r\n\r\n",
        "python3 - <<P\nprint(\"x\")\nP\n\n",
        "cat <<X\na\n\"b\nX\n | sleep 0.1\n",
        "cat <<X\na\n\"b\nX\n | sleep 0.1 | cat <<Y > /dev/null\nq\nY\n\n",
        "{ cat <<X\na\n\"b\nX\n echo y; } | sleep 0.1\n",
        "( cat <<X\na\n\"b\nX\n echo y )\n",
        "cat <<'X Y' <<'Q' <<< \"x y\"\na\n\"b\nX Y\nq )\nQ\n\n",
        "cat 3<<X 4<<Y <<Z\na\nX\nq\nY\nx\nZ\n\n",
        "cat <<'it'\\''s'\n)\nit's\n\n",
        "cat <<'' > /dev/null\na\n\n\n",
        "cat <<-X > /dev/null\na\nX\n\n",
        "if cat <<X\na\n\"b\nX\n then\n    cat <<Y && \ny\nY\n cat <<Z\nz\nZ\n || :;\nfi\n",
        "while read l; do\n    cat <<X <<-Y\na (\nX\nb \"\nY\n\ndone <<Z\nz (\nZ\n\n",
        "case x in \n    x)\n        cat <<X\na\nX\n\n    ;;\n    y)\n        cat <<Y\nb\nY\n\n    ;;\nesac\n",
        "cat <<X\n X\nXX\n<<X\nX\n\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        for (size_t end = 1; end <= strlen(texts[i]); end++) {
            if (texts[i][end - 1] != '\n')
                continue;
            bool is_whole = texts[i][end] == '\0';
            if (unfinished(texts[i], end) == is_whole)
                print_error("wrong at %zu: %s\n", end, texts[i]);
            assert_int_equal(unfinished(texts[i], end), !is_whole);
        }
}

static void what_is_no_here_document(void **state) {
    (void)state;
    static const char *const texts[] = {
        "cat <<< X\n",
        "cat <<<X\n",
        "echo $((1<<2)) $((1 << 3)) > /dev/null\n",
        "echo $(((1<<2) << (3))) && cat < x\n",
        "[[ a == b ]] || (( i<<=3 ))\n",
        "for ((i = 1; i < 8; i <<= 1))\ndo\n    :;\ndone\n",
        "echo ${x#<<} ${x%%<<*} ${y:-${x#\"<<}\"}<<X} '<<X' \"<<X\" \\<\\<X\n",
        "cat <<... 1>/dev/null\n",
        "diff <(a) <(b <c)\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (unfinished(texts[i], strlen(texts[i])))
            print_error("unfinished: %s\n", texts[i]);
        assert_false(unfinished(texts[i], strlen(texts[i])));
    }
    /* Behind arithmetic there may be one again. */
    assert_true(unfinished("echo $((1<<2)); cat <<X\n", 24));
    assert_true(unfinished("echo ${x\n", 9));
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
        cmocka_unit_test(here_documents),
        cmocka_unit_test(what_is_no_here_document),
        cmocka_unit_test(unfinished_texts),
        cmocka_unit_test(deep_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
