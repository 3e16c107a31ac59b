/* SPDX-License-Identifier: MIT */
/* The relay, with both of its sides played by the test. */
#include "relay.h"

#include "process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { limit_ms = 10000 };

struct scene {
    int descriptors;
    int listener;
    relay *line;
    int client, server;
};

static struct sockaddr_in loopback(unsigned port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static int set_up(void **state) {
    struct scene *s = allocate(sizeof *s);
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    s->descriptors = process_count_descriptors();
    s->client = s->server = -1;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(s->listener, 16), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&address, &size), 0);
    s->line = relay_start(ntohs(address.sin_port));
    assert_non_null(s->line);
    *state = s;
    return 0;
}

static void close_side(int *descriptor) {
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
}

static int tear_down(void **state) {
    struct scene *s = *state;
    relay_stop(s->line);
    close_side(&s->client);
    close_side(&s->server);
    close_side(&s->listener);
    int left = process_count_descriptors() - s->descriptors;
    free(s);
    return left;
}

/* A new client, or negative with errno set. */
static int dial(struct scene *s) {
    struct sockaddr_in address = loopback(relay_port(s->line));
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0)
        return descriptor;
    int error = errno;
    close(descriptor);
    errno = error;
    return -1;
}

static bool is_ready(int descriptor, int wait_ms) {
    struct pollfd wait = {.fd = descriptor, .events = POLLIN};
    return poll(&wait, 1, wait_ms) == 1;
}

static int answer(struct scene *s) {
    assert_true(is_ready(s->listener, limit_ms));
    return accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
}

static void connect_both(struct scene *s) {
    s->client = dial(s);
    assert_true(s->client >= 0);
    s->server = answer(s);
    assert_true(s->server >= 0);
}

static void put(int descriptor, const char *bytes) {
    assert_int_equal(send(descriptor, bytes, strlen(bytes), MSG_NOSIGNAL), strlen(bytes));
}

/* Read exactly these bytes. */
static void get(int descriptor, const char *bytes) {
    char got[64] = {0};
    size_t length = 0;
    while (length < strlen(bytes)) {
        assert_true(is_ready(descriptor, limit_ms));
        ssize_t more = recv(descriptor, got + length, strlen(bytes) - length, 0);
        assert_true(more > 0);
        length += (size_t)more;
    }
    assert_string_equal(got, bytes);
}

/* What ends the stream: 0 for FIN, or errno.  What came before is counted. */
static int read_end(int descriptor, size_t *ret_bytes) {
    char ignored[4096];
    *ret_bytes = 0;
    for (;;) {
        assert_true(is_ready(descriptor, limit_ms));
        ssize_t got = recv(descriptor, ignored, sizeof ignored, 0);
        if (got <= 0)
            return got == 0 ? 0 : errno;
        *ret_bytes += (size_t)got;
    }
}

static void test_forwards(void **state) {
    struct scene *s = *state;
    size_t bytes;
    connect_both(s);
    put(s->client, "hello");
    get(s->server, "hello");
    put(s->server, "world!");
    get(s->client, "world!");
    relay_counts counts = relay_count(s->line);
    assert_int_equal(counts.bytes[RELAY_TO_SERVER], 5);
    assert_int_equal(counts.bytes[RELAY_TO_CLIENT], 6);
    assert_int_equal(counts.connections, 1);
    assert_int_equal(counts.living, 1);
    /* A half-closed connection still carries the other half. */
    shutdown(s->client, SHUT_WR);
    assert_int_equal(read_end(s->server, &bytes), 0);
    put(s->server, "bye");
    get(s->client, "bye");
    close_side(&s->server);
    assert_int_equal(read_end(s->client, &bytes), 0);
    assert_true(relay_wait_living(s->line, 0, limit_ms));
}

static void test_carries_much(void **state) {
    struct scene *s = *state;
    enum { total = 20 * 1000 * 1000 };
    static char block[100 * 1000];
    size_t sent = 0, received = 0;
    connect_both(s);
    while (received < total) {
        struct pollfd wait[] = {{.fd = sent < total ? s->client : -1, .events = POLLOUT},
                                {.fd = s->server, .events = POLLIN}};
        assert_true(poll(wait, 2, limit_ms) > 0);
        ssize_t put_now = wait[0].revents ? send(s->client, block, sizeof block, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
        ssize_t got_now = wait[1].revents ? recv(s->server, block, sizeof block, 0) : 0;
        assert_true(put_now >= 0 && got_now >= 0);
        sent += (size_t)put_now;
        received += (size_t)got_now;
    }
    assert_int_equal(relay_count(s->line).bytes[RELAY_TO_SERVER], sent);
}

static void test_counts_turns(void **state) {
    struct scene *s = *state;
    connect_both(s);
    for (int i = 0; i < 3; i++) {
        put(s->client, "a");
        get(s->server, "a");
        put(s->client, "b");
        get(s->server, "b");
        put(s->server, "c");
        get(s->client, "c");
    }
    assert_int_equal(relay_count(s->line).turns, 3);
    relay_reset_counts(s->line);
    put(s->client, "a");
    get(s->server, "a");
    assert_int_equal(relay_count(s->line).turns, 1);
    assert_int_equal(relay_count(s->line).bytes[RELAY_TO_CLIENT], 0);
    assert_int_equal(relay_count(s->line).living, 1);
}

/* An answer in two parts, and the client speaks after each: the second part cannot answer the client's second words,
 * which are still on the way. */
static void test_counts_no_crossing(void **state) {
    struct scene *s = *state;
    connect_both(s);
    put(s->client, "a");
    get(s->server, "a");
    relay_stall(s->line, RELAY_TO_SERVER, true);
    for (int i = 0; i < 3; i++) {
        put(s->server, "b");
        get(s->client, "b");
        put(s->client, "c");
    }
    relay_stall(s->line, RELAY_TO_SERVER, false);
    get(s->server, "ccc");
    assert_int_equal(relay_count(s->line).turns, 2);
    put(s->server, "d");
    get(s->client, "d");
    put(s->client, "e");
    get(s->server, "e");
    assert_int_equal(relay_count(s->line).turns, 3);
}

/* What is asked for without waiting for the answer takes no turn, however late the answers come. */
static void test_delays(void **state) {
    struct scene *s = *state;
    enum { delay_ms = 60 };
    relay_set_delay(s->line, RELAY_TO_SERVER, delay_ms);
    relay_set_delay(s->line, RELAY_TO_CLIENT, delay_ms);
    connect_both(s);
    long long began = clock_ms();
    for (int i = 0; i < 20; i++)
        put(s->client, "x");
    get(s->server, "xxxxxxxxxxxxxxxxxxxx");
    assert_true(clock_ms() - began >= delay_ms);
    put(s->server, "y");
    get(s->client, "y");
    assert_true(clock_ms() - began >= 2 * delay_ms);
    put(s->client, "z");
    get(s->server, "z");
    assert_int_equal(relay_count(s->line).turns, 2);
}

static void test_limits_rate(void **state) {
    struct scene *s = *state;
    static const char bytes[] = "0123456789012345678901234567890123456789";
    relay_set_rate(s->line, RELAY_TO_CLIENT, 200);
    connect_both(s);
    long long began = clock_ms();
    put(s->server, bytes);
    get(s->client, bytes);
    /* 40 bytes, of which the last 39 had to wait for those before. */
    assert_true(clock_ms() - began >= 180);
    put(s->client, bytes);
    get(s->server, bytes);
    relay_set_rate(s->line, RELAY_TO_CLIENT, 0);
    put(s->server, bytes);
    get(s->client, bytes);
}

static void test_chunks(void **state) {
    struct scene *s = *state;
    char got[16];
    relay_set_chunk(s->line, RELAY_TO_SERVER, 1);
    relay_set_rate(s->line, RELAY_TO_SERVER, 100);
    connect_both(s);
    put(s->client, "abc");
    for (int i = 0; i < 3; i++) {
        assert_true(is_ready(s->server, limit_ms));
        assert_int_equal(recv(s->server, got, 1, 0), 1);
        assert_int_equal(got[0], 'a' + i);
    }
    assert_int_equal(relay_count(s->line).bytes[RELAY_TO_SERVER], 3);
}

static void test_stalls(void **state) {
    struct scene *s = *state;
    connect_both(s);
    relay_stall(s->line, RELAY_TO_SERVER, true);
    put(s->client, "hello");
    put(s->server, "still");
    get(s->client, "still");
    assert_int_equal(relay_count(s->line).bytes[RELAY_TO_SERVER], 0);
    assert_false(is_ready(s->server, 0));
    relay_stall(s->line, RELAY_TO_SERVER, false);
    get(s->server, "hello");
}

static void test_cuts_all(void **state) {
    struct scene *s = *state;
    size_t bytes;
    for (int how = RELAY_FIN; how <= RELAY_RST; how++) {
        connect_both(s);
        put(s->client, "hello");
        get(s->server, "hello");
        relay_cut_all(s->line, (relay_cut)how);
        assert_int_equal(relay_count(s->line).living, 0);
        assert_int_equal(read_end(s->client, &bytes), how == RELAY_FIN ? 0 : ECONNRESET);
        assert_int_equal(read_end(s->server, &bytes), how == RELAY_FIN ? 0 : ECONNRESET);
        close_side(&s->client);
        close_side(&s->server);
    }
    connect_both(s);
    put(s->client, "again");
    get(s->server, "again");
}

static void test_cuts_after(void **state) {
    struct scene *s = *state;
    size_t bytes;
    for (int how = RELAY_FIN; how <= RELAY_RST; how++) {
        relay_cut_after(s->line, RELAY_TO_CLIENT, 7, (relay_cut)how);
        connect_both(s);
        put(s->server, "abc");
        get(s->client, "abc");
        put(s->client, "123456789");
        get(s->server, "123456789");
        put(s->server, "defghijkl");
        assert_true(relay_wait_living(s->line, 0, limit_ms));
        get(s->client, "defg");
        assert_int_equal(read_end(s->client, &bytes), how == RELAY_FIN ? 0 : ECONNRESET);
        assert_int_equal(bytes, 0);
        close_side(&s->client);
        close_side(&s->server);
    }
    relay_cut_after(s->line, RELAY_TO_CLIENT, 0, RELAY_FIN);
    s->client = dial(s);
    assert_int_equal(read_end(s->client, &bytes), 0);
    assert_int_equal(bytes, 0);
}

static void test_corrupts(void **state) {
    struct scene *s = *state;
    connect_both(s);
    relay_corrupt(s->line, RELAY_TO_SERVER, 4);
    put(s->client, "abc");
    get(s->server, "abc");
    put(s->client, "def");
    get(s->server, "d\x9a"
                   "f");
    put(s->server, "abcdef");
    get(s->client, "abcdef");
}

static void test_refuses(void **state) {
    struct scene *s = *state;
    connect_both(s);
    assert_true(relay_refuse(s->line, true));
    assert_int_equal(dial(s), -1);
    assert_int_equal(errno, ECONNREFUSED);
    put(s->client, "lives");
    get(s->server, "lives");
    assert_true(relay_refuse(s->line, false));
    close_side(&s->client);
    close_side(&s->server);
    connect_both(s);
}

static void test_drops(void **state) {
    struct scene *s = *state;
    size_t bytes;
    relay_drop(s->line, 2);
    for (int i = 0; i < 2; i++) {
        s->client = dial(s);
        assert_int_equal(read_end(s->client, &bytes), 0);
        close_side(&s->client);
    }
    connect_both(s);
    assert_int_equal(relay_count(s->line).connections, 3);
    assert_int_equal(relay_count(s->line).dropped, 2);
}

static void test_says(void **state) {
    struct scene *s = *state;
    size_t bytes;
    relay_say(s->line, "HTTP/1.0 400\r\n", 14);
    s->client = dial(s);
    get(s->client, "HTTP/1.0 400\r\n");
    put(s->client, "what?");
    assert_false(is_ready(s->listener, 0));
    shutdown(s->client, SHUT_WR);
    assert_int_equal(read_end(s->client, &bytes), 0);
    close_side(&s->client);
    relay_say(s->line, NULL, 0);
    connect_both(s);
}

static void test_server_is_gone(void **state) {
    struct scene *s = *state;
    size_t bytes;
    close_side(&s->listener);
    s->client = dial(s);
    assert_int_equal(read_end(s->client, &bytes), ECONNRESET);
}

/* An end arrives as it was: in order behind the bytes, or as a reset. */
static void test_passes_on_ends(void **state) {
    struct scene *s = *state;
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    size_t bytes;
    relay_set_delay(s->line, RELAY_TO_CLIENT, 20);
    connect_both(s);
    put(s->server, "last");
    close_side(&s->server);
    get(s->client, "last");
    assert_int_equal(read_end(s->client, &bytes), 0);
    close_side(&s->client);
    connect_both(s);
    setsockopt(s->server, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close_side(&s->server);
    assert_int_equal(read_end(s->client, &bytes), ECONNRESET);
}

static void test_stops_with_connections(void **state) {
    struct scene *s = *state;
    connect_both(s);
    relay_stall(s->line, RELAY_TO_SERVER, true);
    put(s->client, "lost");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_forwards, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_carries_much, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_counts_turns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_counts_no_crossing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_delays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limits_rate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_chunks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stalls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cuts_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cuts_after, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_corrupts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_drops, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_is_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_passes_on_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stops_with_connections, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
