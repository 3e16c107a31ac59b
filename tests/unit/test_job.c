/* SPDX-License-Identifier: MIT */
/* What is done in threads of its own for a loop. */
#include "loop/loop.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

/* Bounds a wait that does not end by itself. */
enum { patience_ms = 20000 };

static hostsession_loop *make_loop(void) {
    hostsession_loop *loop = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    assert_int_equal(hostsession_loop_new(&loop, &why), HOSTSESSION_OK);
    return loop;
}

typedef struct errand {
    int gate[2]; /* the work waits until a byte has come */
    int done;
    int discarded;
    bool worked;
} errand;

static void work(void *data) {
    errand *e = data;
    struct pollfd ready = {.fd = e->gate[0], .events = POLLIN};
    poll(&ready, 1, patience_ms);
    e->worked = true;
}

static void work_done(void *data) {
    ((errand *)data)->done++;
}

static void work_discarded(void *data) {
    ((errand *)data)->discarded++;
}

static void make_gate(errand *e) {
    assert_int_equal(pipe2(e->gate, O_CLOEXEC | O_NONBLOCK), 0);
}

static void close_gate(errand *e) {
    close(e->gate[0]);
    close(e->gate[1]);
}

static void open_gate(errand *e) {
    assert_int_equal(write(e->gate[1], "", 1), 1);
}

/* Opens the gate a little later, when somebody waits for it. */
static void *open_gate_soon(void *data) {
    poll(NULL, 0, 20);
    open_gate(data);
    return NULL;
}

static void a_job_comes_back_in_a_dispatch(void **state) {
    (void)state;
    for (int brief = 0; brief < 2; brief++) {
        const loop_job_calls calls = {work, work_done, work_discarded, brief};
        hostsession_loop *loop = make_loop();
        errand e = {{0, 0}, 0, 0, false};
        make_gate(&e);
        assert_non_null(loop_job_start(loop, &calls, &e));
        hostsession_loop_dispatch(loop);
        assert_int_equal(e.done, 0);
        open_gate(&e);
        while (!e.done)
            hostsession_loop_run_once(loop, patience_ms);
        hostsession_loop_free(loop);
        assert_int_equal(e.done, 1);
        assert_int_equal(e.discarded, 0);
        close_gate(&e);
    }
}

/* Abandoned or not, its thread has ended, and its data are released, when the loop is gone. */
static void free_waits_for_brief_jobs(void **state) {
    (void)state;
    for (int abandoned = 0; abandoned < 2; abandoned++) {
        const loop_job_calls calls = {work, work_done, work_discarded, true};
        hostsession_loop *loop = make_loop();
        errand e = {{0, 0}, 0, 0, false};
        pthread_t opener;
        make_gate(&e);
        loop_job *job = loop_job_start(loop, &calls, &e);
        assert_non_null(job);
        if (abandoned)
            loop_job_abandon(job);
        assert_int_equal(pthread_create(&opener, NULL, open_gate_soon, &e), 0);
        hostsession_loop_free(loop);
        assert_true(e.worked);
        assert_int_equal(e.done, 0);
        assert_int_equal(e.discarded, 1);
        pthread_join(opener, NULL);
        close_gate(&e);
    }
}

/* Abandoned ones end while the loop lives on. */
static void abandoned_jobs_are_discarded(void **state) {
    (void)state;
    hostsession_loop *loop = make_loop();
    errand e[2] = {{{0, 0}, 0, 0, false}, {{0, 0}, 0, 0, false}};
    for (int brief = 0; brief < 2; brief++) {
        const loop_job_calls calls = {work, work_done, work_discarded, brief};
        make_gate(&e[brief]);
        loop_job *job = loop_job_start(loop, &calls, &e[brief]);
        assert_non_null(job);
        /* Before it ends, or, having ended, before it has come back. */
        if (brief)
            open_gate(&e[brief]);
        loop_job_abandon(job);
        open_gate(&e[brief]);
    }
    hostsession_loop_free(loop);
    assert_int_equal(e[1].discarded, 1);
    assert_int_equal(e[0].done + e[1].done, 0);
    /* The other may take its time, and ends by itself. */
    for (int i = 0; i < patience_ms && !__atomic_load_n(&e[0].discarded, __ATOMIC_ACQUIRE); i++)
        poll(NULL, 0, 1);
    assert_int_equal(e[0].discarded, 1);
    close_gate(&e[0]);
    close_gate(&e[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_comes_back_in_a_dispatch),
        cmocka_unit_test(free_waits_for_brief_jobs),
        cmocka_unit_test(abandoned_jobs_are_discarded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
