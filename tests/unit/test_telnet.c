/* SPDX-License-Identifier: MIT */
/* The client's side of telnet: what comes, as it is and cut at every point, beside the data and the answers. */
#include "engine/telnet/nvt.h"

#include "../support/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define IAC "\377"
#define SE IAC "\360"
#define SB IAC "\372"
#define WILL IAC "\373"
#define WONT IAC "\374"
#define DO IAC "\375"
#define DONT IAC "\376"
#define BINARY "\0"
#define ECHO "\1"
#define SGA "\3"
#define STATUS "\5"
#define MARK "\6"
#define TTYPE "\30"
#define NAWS "\37"
#define LINEMODE "\42"
#define ENVIRON "\47"

/* What is asked for when the server first speaks telnet. */
#define ASKED_REST DO BINARY WILL BINARY
#define ASKED DO SGA ASKED_REST
#define ALL_BINARY DO BINARY WILL BINARY

/* A literal with its length: it may hold NUL. */
#define T(literal) literal, sizeof(literal) - 1

static const char *const environment[] = {"USER=me", "A=1", "B=\1\377\3", "UNSET", NULL};

static nvt *make(const char *const *with) {
    nvt *n = nvt_new(&(nvt_config){.terminal_type = "dumb", .columns = 10000, .rows = 24, .environment = with});
    assert_non_null(n);
    return n;
}

static void receive(nvt *n, const char *wire, size_t length, text *data) {
    char *copy = allocate(length + 1);
    size_t got = length;
    memcpy(copy, wire, length);
    assert_true(nvt_receive(n, copy, &got));
    assert_true(got <= length);
    text_append(data, copy, got);
    free(copy);
}

static void assert_bytes(const char *what, const char *got, size_t got_length, const char *wanted, size_t length) {
    text shown = {0};
    if (got_length == length && (length == 0 || memcmp(got, wanted, length) == 0))
        return;
    text_add_escaped(&shown, got, got_length);
    text_add(&shown, " instead of ");
    text_add_escaped(&shown, wanted, length);
    fail_msg("%s: %s", what, text_data(&shown));
}

static void check_sent(nvt *n, const char *sent, size_t sent_length) {
    const bytes *out = nvt_outgoing(n);
    assert_bytes("sent", bytes_front(out), bytes_length(out), sent, sent_length);
}

static void check_with(const char *const *with, const char *wire, size_t length, const char *data, size_t data_length,
                       const char *sent, size_t sent_length) {
    /* In two pieces, each cut; and byte by byte. */
    for (size_t cut = 0; cut <= length + 1; cut++) {
        nvt *n = make(with);
        text got = {0};
        if (cut <= length) {
            receive(n, wire, cut, &got);
            receive(n, wire + cut, length - cut, &got);
        } else {
            for (size_t i = 0; i < length; i++)
                receive(n, wire + i, 1, &got);
        }
        assert_bytes("data", text_data(&got), got.length, data, data_length);
        check_sent(n, sent, sent_length);
        text_free(&got);
        nvt_free(n);
    }
}

#define CHECK(wire, data, sent) check_with(NULL, T(wire), T(data), T(sent))
#define CHECK_ENVIRONMENT(wire, data, sent) check_with(environment, T(wire), T(data), T(sent))

static void data_comes_unchanged(void **state) {
    (void)state;
    CHECK("", "", "");
    CHECK("plain \n\t\0\033[m \300\200 \360\237\n", "plain \n\t\0\033[m \300\200 \360\237\n", "");
    CHECK("a" IAC IAC "b" IAC IAC IAC IAC, "a\377b\377\377", "");
}

static void carriage_returns(void **state) {
    (void)state;
    CHECK("a\r\nb\r\0c\rd\r", "a\r\nb\rc\rd\r", "");
    CHECK("\r\0\0\r\0\n\r\r\0\0x", "\r\0\r\n\r\r\0x", "");
    CHECK("\r" IAC IAC "\0", "\r\377\0", "");
    /* A command in between is none of the data. */
    CHECK("\r" IAC "\361\0x", "\rx", ASKED);
}

static void binary_data_is_taken_as_it_is(void **state) {
    (void)state;
    CHECK(WILL BINARY "\r\0a\r\n\0" IAC IAC, "\r\0a\r\n\0\377", DO BINARY DO SGA WILL BINARY);
    /* A CR before it had its NUL, or has none. */
    CHECK("\r" WILL BINARY "\0", "\r\0", DO BINARY DO SGA WILL BINARY);
    CHECK(WILL BINARY "\r\0" WONT BINARY "\r\0", "\r\0\r", DO BINARY DO SGA WILL BINARY DONT BINARY);
    /* Our side's says nothing of theirs. */
    CHECK(DO BINARY "\r\0", "\r", WILL BINARY DO SGA DO BINARY);
}

static void commands_are_no_data(void **state) {
    (void)state;
    CHECK("a" IAC "\361" IAC "\371" IAC "\362" IAC "\357" IAC "\366" IAC "\363" IAC "\364" IAC "\365z", "az", ASKED);
    CHECK(IAC IAC "\360\1x", "\377\360\1x", "");
    CHECK("x" IAC "\360y" IAC "\0z", "xyz", ASKED);
    CHECK("\r" IAC "\362\n", "\r\n", ASKED);
}

static void options_are_agreed_on_or_refused(void **state) {
    (void)state;
    CHECK(WILL ECHO, "", DO ECHO ASKED);
    CHECK(WILL SGA, "", DO SGA ASKED_REST);
    CHECK(DO SGA, "", WILL SGA ASKED);
    CHECK(DO ECHO, "", WONT ECHO ASKED);
    CHECK(DO LINEMODE WILL STATUS DO ENVIRON DO IAC, "", WONT LINEMODE ASKED DONT STATUS WONT ENVIRON WONT IAC);
    CHECK_ENVIRONMENT(DO ENVIRON, "", WILL ENVIRON ASKED);
}

static void an_answer_is_no_question(void **state) {
    (void)state;
    CHECK(WILL SGA WILL BINARY DO BINARY, "", DO SGA ASKED_REST);
    CHECK(WILL SGA WONT BINARY DONT BINARY, "", DO SGA ASKED_REST);
    /* Said again, turned off, turned on, off, off: each change is answered once. */
    CHECK(WILL ECHO WILL ECHO WONT ECHO WILL ECHO WONT ECHO WONT ECHO, "", DO ECHO ASKED DONT ECHO DO ECHO DONT ECHO);
    CHECK(DONT ECHO WONT ECHO DONT SGA, "", ASKED);
}

static void each_timing_mark_is_answered(void **state) {
    (void)state;
    CHECK(DO MARK DO MARK, "", WILL MARK ASKED WILL MARK);
    CHECK(WILL MARK DONT MARK, "", DONT MARK ASKED);
}

static void the_terminal_is_told(void **state) {
    (void)state;
    CHECK(DO NAWS DO NAWS, "", WILL NAWS SB NAWS "\47\20\0\30" SE ASKED);
    CHECK(DO TTYPE SB TTYPE "\1" SE "x" SB TTYPE "\1" SE, "x",
          WILL TTYPE ASKED SB TTYPE "\0dumb" SE SB TTYPE "\0dumb" SE);
    /* Not before it was agreed on. */
    CHECK("a" SB TTYPE "\1" SE "b", "ab", "");
}

static void a_size_with_ff_is_doubled(void **state) {
    (void)state;
    nvt *n = nvt_new(&(nvt_config){.terminal_type = "x", .columns = 0xff00, .rows = 0xff});
    text data = {0};
    receive(n, T(DO NAWS), &data);
    check_sent(n, T(WILL NAWS SB NAWS IAC IAC "\0\0" IAC IAC SE ASKED));
    text_free(&data);
    nvt_free(n);
}

static void the_environment_is_told(void **state) {
    (void)state;
#define ALL                                                                                                            \
    "\0USER\1me\3A\1"                                                                                                  \
    "1"                                                                                                                \
    "\3B\1\2\1" IAC IAC "\2\3"
    CHECK_ENVIRONMENT(DO ENVIRON SB ENVIRON "\1" SE, "", WILL ENVIRON ASKED SB ENVIRON "\0" ALL SE);
    CHECK_ENVIRONMENT(DO ENVIRON SB ENVIRON "\1\0\3" SE, "", WILL ENVIRON ASKED SB ENVIRON "\0" ALL SE);
    CHECK_ENVIRONMENT(DO ENVIRON SB ENVIRON "\1\3" SE, "",
                      WILL ENVIRON ASKED SB ENVIRON "\0\3A\1"
                                                    "1"
                                                    "\3B\1\2\1" IAC IAC "\2\3" SE);
    /* By name, one of them unknown. */
    CHECK_ENVIRONMENT(DO ENVIRON SB ENVIRON "\1\3A\0HOME\3\2\1" SE, "",
                      WILL ENVIRON ASKED SB ENVIRON "\0\3A\1"
                                                    "1"
                                                    "\0HOME\3\2\1" SE);
    /* Nothing was given: it was refused. */
    CHECK(DO ENVIRON SB ENVIRON "\1" SE, "", WONT ENVIRON ASKED);
}

static void a_subnegotiation_leaks_nothing(void **state) {
    (void)state;
    CHECK("a" SB LINEMODE "\1\3" IAC IAC "\0x" SE "b", "ab", "");
    CHECK("a" SB SE "b" SB TTYPE SE "c", "abc", "");
    /* Never ended: what follows IAC is a command. */
    CHECK("a" SB TTYPE "\1" WILL ECHO "b" SB "x" IAC "\361y", "aby", DO ECHO ASKED);
    CHECK("a" SB "lost", "a", "");
}

static void a_long_subnegotiation_is_skipped(void **state) {
    (void)state;
    enum { long_bytes = 16 * 1024 };
    nvt *n = make(environment);
    text wire = {0}, data = {0};
    text_append(&wire, T("a" DO ENVIRON SB ENVIRON "\1\0"));
    for (int i = 0; i < long_bytes; i++)
        text_append(&wire, i % 100 ? "x" : IAC IAC, i % 100 ? 1 : 2);
    text_append(&wire, T(SE "b"));
    for (size_t i = 0; i < wire.length; i += 7)
        receive(n, wire.data + i, wire.length - i < 7 ? wire.length - i : 7, &data);
    assert_bytes("data", text_data(&data), data.length, T("ab"));
    check_sent(n, T(WILL ENVIRON ASKED));
    text_free(&wire);
    text_free(&data);
    nvt_free(n);
}

/* ---- sending ---- */

static void check_send(const char *before, size_t before_length, const char *data, size_t length, const char *sent,
                       size_t sent_length) {
    for (size_t cut = 0; cut <= length; cut++) {
        nvt *n = make(NULL);
        text none = {0};
        receive(n, before, before_length, &none);
        nvt_sent(n, bytes_length(nvt_outgoing(n)));
        assert_true(nvt_send(n, data, cut));
        assert_true(nvt_send(n, data + cut, length - cut));
        check_sent(n, sent, sent_length);
        text_free(&none);
        nvt_free(n);
    }
}

static void what_is_sent_is_escaped(void **state) {
    (void)state;
    check_send(T(""), T("a\n\r\n\rb\377\0\r"), T("a\n\r\0\n\r\0b\377\377\0\r\0"));
    check_send(T(DO BINARY), T("a\n\r\n\rb\377\0\r"), T("a\n\r\n\rb\377\377\0\r"));
    check_send(T(DO BINARY DONT BINARY), T("\r"), T("\r\0"));
    check_send(T(WILL BINARY DONT BINARY), T("\r"), T("\r\0"));
    /* Asked for, and not answered yet. */
    check_send(T(WILL ECHO), T("\rx"), T("\rx"));
}

static void commands_are_sent(void **state) {
    (void)state;
    nvt *n = make(NULL);
    assert_true(nvt_send(n, "a\377", 2));
    assert_true(nvt_command(n, 244));
    check_sent(n, T("a\377\377" IAC "\364"));
    nvt_sent(n, 3);
    check_sent(n, T(IAC "\364"));
    nvt_free(n);
}

static void what_was_dropped_is_asked_for_again(void **state) {
    (void)state;
    nvt *n = make(NULL);
    text none = {0};
    assert_true(nvt_ask(n));
    check_sent(n, T(""));
    receive(n, T(WILL SGA ALL_BINARY WILL BINARY WONT BINARY DONT BINARY), &none);
    nvt_sent(n, bytes_length(nvt_outgoing(n)));
    assert_true(nvt_ask(n));
    check_sent(n, T(ASKED_REST));
    assert_true(nvt_ask(n));
    check_sent(n, T(ASKED_REST));
    receive(n, T(WONT BINARY DONT BINARY), &none);
    check_sent(n, T(ASKED_REST));
    text_free(&none);
    nvt_free(n);
}

/* Two of us, as the server of the other: they come to an end. */
static void two_sides_do_not_loop(void **state) {
    (void)state;
    nvt *sides[] = {make(environment), make(environment)};
    text data = {0};
    int rounds = 0;
    assert_true(nvt_command(sides[0], 241));
    for (; bytes_length(nvt_outgoing(sides[rounds % 2])); rounds++) {
        assert_true(rounds < 10);
        nvt *from = sides[rounds % 2];
        nvt *to = sides[1 - rounds % 2];
        receive(to, bytes_front(nvt_outgoing(from)), bytes_length(nvt_outgoing(from)), &data);
        nvt_sent(from, bytes_length(nvt_outgoing(from)));
    }
    assert_int_equal(data.length, 0);
    text_free(&data);
    nvt_free(sides[0]);
    nvt_free(sides[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_comes_unchanged),
        cmocka_unit_test(carriage_returns),
        cmocka_unit_test(binary_data_is_taken_as_it_is),
        cmocka_unit_test(commands_are_no_data),
        cmocka_unit_test(options_are_agreed_on_or_refused),
        cmocka_unit_test(an_answer_is_no_question),
        cmocka_unit_test(each_timing_mark_is_answered),
        cmocka_unit_test(the_terminal_is_told),
        cmocka_unit_test(a_size_with_ff_is_doubled),
        cmocka_unit_test(the_environment_is_told),
        cmocka_unit_test(a_subnegotiation_leaks_nothing),
        cmocka_unit_test(a_long_subnegotiation_is_skipped),
        cmocka_unit_test(what_is_sent_is_escaped),
        cmocka_unit_test(commands_are_sent),
        cmocka_unit_test(what_was_dropped_is_asked_for_again),
        cmocka_unit_test(two_sides_do_not_loop),
    };
    return cmocka_run_group_tests_name("telnet", tests, NULL, NULL);
}
