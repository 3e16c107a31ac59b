/* SPDX-License-Identifier: MIT */
/* What the log callbacks are told, and what never. */
#include "farm.h"

#include <string.h>

static void run_all(hostsession_named *named, const hostsession_command *commands, size_t count,
                    const hostsession_sequence_options *options) {
    hostsession_results *results = NULL;
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    if (hostsession_named_run(named, commands, count, options, &results, &why))
        fail_msg("%s", why.message);
    hostsession_results_free(results);
}

static void commands_and_lines(void **state) {
    (void)state;
    farm f;
    farm_init(&f);
    f.peer.pipe = true;
    farm_start(&f, true);
    f.session.mode = HOSTSESSION_MODE_PIPE;
    hostsession_manager_free(f.manager);
    hostsession_manager_options options = farm_options(&f);
    f.manager = new_manager("farm", &options);
    hostsession_named *named = open_named(f.manager, "a");
    const hostsession_command commands[] = {{.text = "lines 2\nerror oops"}, {.text = "status 3"}, {.text = "bytes 3"}};
    run_all(named, commands, 3, NULL);
    run_all(hostsession_manager_default(f.manager), &commands[2], 1, NULL);
    check_oneshot(f.manager, "say one", "one\n", 0);
    assert_string_equal(text_data(&f.log), "a> lines 2\nerror oops\na: line 1\na: line 2\na! oops\n"
                                           "a> status 3\na> bytes 3\na: abc\n"
                                           "> bytes 3\n: abc\n"
                                           "-> say one\n-: one\n");
    hostsession_named_release(named);
    farm_end(&f);
}

static void quiet_and_never(void **state) {
    (void)state;
    farm f;
    farm_init(&f);
    farm_start(&f, true);
    hostsession_named *named = open_named(f.manager, "a");
    hostsession_sequence_options options = HOSTSESSION_SEQUENCE_OPTIONS_INIT;
    const hostsession_command commands[] = {
        {.text = "say one", .logging = HOSTSESSION_LOGGING_QUIET},
        {.text = "say two", .logging = HOSTSESSION_LOGGING_NEVER},
        {.text = "say three"},
    };
    run_all(named, commands, 3, &options);
    assert_string_equal(text_data(&f.log), "a> say one\na> say three\na: three\n");
    text_clear(&f.log);
    options.logging = HOSTSESSION_LOGGING_NEVER;
    run_all(named, &commands[2], 1, &options);
    run_all(named, commands, 2, &options);
    assert_string_equal(text_data(&f.log), "a> say one\n");
    hostsession_named_release(named);
    farm_end(&f);
}

static void sends(void **state) {
    (void)state;
    farm f;
    farm_init(&f);
    farm_start(&f, true);
    hostsession_named *shell = hostsession_manager_default(f.manager);
    const char *pattern = "there";
    hostsession_match *match = NULL;
    assert_int_equal(hostsession_named_send(shell, "say there\n", 10, false, NULL), HOSTSESSION_OK);
    assert_int_equal(hostsession_named_expect(shell, &pattern, 1, NULL, &match, NULL), HOSTSESSION_OK);
    hostsession_match_free(match);
    assert_int_equal(hostsession_named_send(shell, "say hunter2\n", 12, true, NULL), HOSTSESSION_OK);
    assert_int_equal(hostsession_named_send(shell, "say x\n", 6, false, NULL), HOSTSESSION_OK);
    assert_string_equal(text_data(&f.log), "> say there\n\n> ***\n> say x\n\n");
    farm_end(&f);
}

/* A secret command, and a secret response that comes back in the output, now and later, however it is split.  Results
 * stay exact. */
static void secrets(void **state) {
    (void)state;
    for (size_t chunk = 0; chunk < 4; chunk++) {
        farm f;
        farm_init(&f);
        f.peer.chunk_bytes = chunk;
        farm_start(&f, true);
        hostsession_named *named = open_named(f.manager, "a");
        const hostsession_expectation answer = {.pattern = "word\\?",
                                                .response = "hunter2\n",
                                                .flags = HOSTSESSION_EXPECT_SECRET};
        const hostsession_command commands[] = {
            {.text = "say the-secret", .secret = true},
            {.text = "ask word?", .expectations = &answer, .expectation_count = 1},
            {.text = "say say the-secret and hunter2 hunt"},
        };
        hostsession_results *results = NULL;
        hostsession_named_run(named, commands, 3, NULL, &results, NULL);
        assert_string_equal(hostsession_result_output(hostsession_results_at(results, 0)), "the-secret\n");
        assert_non_null(strstr(hostsession_result_output(hostsession_results_at(results, 1)), "got hunter2"));
        hostsession_results_free(results);
        if (text_contains(&f.log, "\na: ***\n") != 0)
            fail_msg("a line was made of another: %s", text_data(&f.log));
        const char *after = strstr(text_data(&f.log), "a> ask");
        assert_non_null(after);
        assert_int_equal(strncmp(text_data(&f.log), "a> ***\n", 7), 0);
        /* The third command's text is the caller's own doing; its output is not. */
        const char *third = strstr(after, "a> say");
        assert_non_null(third);
        const char *output = strstr(third, "\na: ");
        assert_non_null(output);
        assert_null(strstr(output, "hunter2"));
        assert_null(strstr(output, "say the-secret"));
        assert_string_equal(output, "\na: *** and *** hunt\n");
        *strstr(f.log.data, "a> say") = 0;
        assert_null(strstr(text_data(&f.log), "hunter2"));
        assert_non_null(strstr(text_data(&f.log), "got ***"));
        hostsession_named_release(named);
        farm_end(&f);
    }
}

static void a_secret_oneshot(void **state) {
    (void)state;
    farm f;
    farm_init(&f);
    farm_start(&f, true);
    hostsession_run_options options = HOSTSESSION_RUN_OPTIONS_INIT;
    hostsession_result *result = NULL;
    options.secret = true;
    assert_int_equal(hostsession_manager_oneshot(f.manager, "say quiet", &options, &result), HOSTSESSION_OK);
    assert_string_equal(hostsession_result_output(result), "quiet\n");
    hostsession_result_free(result);
    assert_string_equal(text_data(&f.log), "-> ***\n-: quiet\n");
    farm_end(&f);
}

/* After close_all nothing is told of what was under way. */
static void nothing_after_a_close(void **state) {
    (void)state;
    farm f;
    ending run = {0};
    farm_init(&f);
    farm_start(&f, false);
    hostsession_named *named = open_named(f.manager, "a");
    begin_run(named, "bytes 5\nwait here", &run);
    drive_until_waits(f.loop, f.peers[0]);
    drive_idle(f.loop);
    memory_say(f.peers[0], HOSTSESSION_STREAM_OUTPUT, "begun", 5);
    drive_idle(f.loop);
    assert_string_equal(text_data(&f.log), "a> bytes 5\nwait here\na: abcdehere\n");
    hostsession_manager_close_all(f.manager);
    drive_idle(f.loop);
    assert_int_equal(run.calls, 1);
    assert_string_equal(text_data(&f.log), "a> bytes 5\nwait here\na: abcdehere\n");
    hostsession_named_release(named);
    ending_free(&run);
    farm_end(&f);
}

/* ---- when a send is told ---- */

/* What is sent of "say" goes into the log, too. */
static void note_sent(void *userdata, hostsession_direction direction, const char *data, size_t length) {
    farm *f = userdata;
    if (direction == HOSTSESSION_SENT && length > 4 && memcmp(data, "say ", 4) == 0) {
        text_add(&f->log, "(sent) ");
        text_append(&f->log, data, length);
    }
}

static void farm_watched(farm *f, bool own_loop) {
    farm_init(f);
    f->session.on_transcript = note_sent;
    f->session.userdata = f;
    farm_start(f, own_loop);
}

static hostsession_request *begin_send(hostsession_named *named, const char *bytes, ending *e) {
    hostsession_request *request = NULL;
    assert_int_equal(hostsession_named_send_start(named, bytes, strlen(bytes), false, on_send, e, &request, NULL),
                     HOSTSESSION_OK);
    assert_non_null(request);
    return request;
}

/* The log is that of the command that runs, and a send is told when its turn has come, before it. */
static void sends_wait_for_their_turn(void **state) {
    (void)state;
    farm f;
    ending runs[2] = {0}, sent[3] = {0}, expects = {0};
    farm_watched(&f, false);
    hostsession_named *named = open_named(f.manager, "a");
    begin_send(named, "say first\n", &sent[0]);
    assert_string_equal(text_data(&f.log), "a> say first\n\n(sent) say first\n");
    drive_until(f.loop, &sent[0].calls, 1);
    text_clear(&f.log);
    begin_run(named, "wait here", &runs[0]);
    drive_until_waits(f.loop, f.peers[0]);
    begin_send(named, "say later\n", &sent[1]);
    begin_run(named, "status 3", &runs[1]);
    const char *pattern = "last";
    begin_send(named, "say last\n", &sent[2]);
    assert_int_equal(hostsession_named_expect_start(named, &pattern, 1, NULL, on_expect, &expects, NULL, NULL),
                     HOSTSESSION_OK);
    memory_say(f.peers[0], HOSTSESSION_STREAM_OUTPUT, "more\n", 5);
    drive_idle(f.loop);
    assert_string_equal(text_data(&f.log), "a> wait here\na: here\na: more\n");
    memory_finish(f.peers[0], 0);
    drive_until(f.loop, &expects.calls, 1);
    assert_int_equal(expects.error, HOSTSESSION_OK);
    assert_string_equal(text_data(&f.log), "a> wait here\na: here\na: more\n"
                                           "a> say later\n\n(sent) say later\n"
                                           "a> status 3\n"
                                           "a> say last\n\n(sent) say last\n");
    check_result(hostsession_results_at(runs[0].results, 0), HOSTSESSION_STATUS_SUCCESS, 0, "here\nmore\n");
    check_result(hostsession_results_at(runs[1].results, 0), HOSTSESSION_STATUS_FAILED, 3, "");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sent[i].calls, 1);
        assert_int_equal(sent[i].error, HOSTSESSION_OK);
    }
    hostsession_named_release(named);
    ending_free(&runs[0]);
    ending_free(&runs[1]);
    ending_free(&expects);
    farm_end(&f);
}

typedef struct in_done {
    hostsession_named *named;
    ending sent;
} in_done;

static void send_and_cancel(void *data) {
    in_done *d = data;
    hostsession_request_cancel(begin_send(d->named, "say never\n", &d->sent));
}

/* What waits and is cancelled, closed, or meets the end of the shell, was not sent. */
static void a_send_that_is_not_sent(void **state) {
    (void)state;
    for (int how = 0; how < 4; how++) {
        farm f;
        ending runs[2] = {0}, sent = {0};
        farm_watched(&f, false);
        hostsession_named *named = open_named(f.manager, "a");
        in_done d = {.named = named};
        if (how == 3) {
            runs[0].act = send_and_cancel;
            runs[0].data = &d;
        }
        begin_run(named, "wait here", &runs[0]);
        drive_until_waits(f.loop, f.peers[0]);
        hostsession_request *request = begin_send(named, "say never\n", &sent);
        begin_run(named, "say two", &runs[1]);
        if (how == 1)
            hostsession_manager_close_all(f.manager);
        else if (how == 2)
            memory_hang_up(f.peers[0], NULL);
        else
            hostsession_request_cancel(request);
        drive_until(f.loop, &sent.calls, 1);
        if (how == 0 || how == 3)
            memory_finish(f.peers[0], 0);
        drive_until(f.loop, &runs[1].calls, 1);
        drive_idle(f.loop);
        bool alive = how == 0 || how == 3;
        assert_int_equal(sent.calls, 1);
        assert_int_equal(sent.error, how == 2 ? HOSTSESSION_ERROR_CLOSED : HOSTSESSION_ERROR_CANCELED);
        assert_int_equal(d.sent.calls, how == 3);
        check_result(hostsession_results_at(runs[1].results, 0),
                     alive ? HOSTSESSION_STATUS_SUCCESS : HOSTSESSION_STATUS_SKIPPED, alive ? 0 : -1,
                     alive ? "two\n" : "");
        assert_int_equal(hostsession_result_failure(hostsession_results_at(runs[1].results, 0))->error,
                         alive ? HOSTSESSION_OK : sent.error);
        if (text_contains(&f.log, "never"))
            fail_msg("%s", text_data(&f.log));
        assert_int_equal(text_contains(&f.log, "a> say two\na: two\n") != 0, alive);
        hostsession_named_release(named);
        ending_free(&runs[0]);
        ending_free(&runs[1]);
        farm_end(&f);
    }
    /* Nor one without a terminal to send it to. */
    farm f;
    farm_init(&f);
    f.peer.pipe = true;
    f.session.mode = HOSTSESSION_MODE_PIPE;
    farm_start(&f, true);
    hostsession_named *named = open_named(f.manager, "a");
    assert_int_equal(hostsession_named_send(named, "x", 1, false, NULL), HOSTSESSION_ERROR_INVALID);
    assert_string_equal(text_data(&f.log), "");
    hostsession_named_release(named);
    farm_end(&f);
}

/* ---- in log_command ---- */

/* What is tried when a send is told. */
typedef enum intrusion { TRIES_BLOCKING, RUNS, CANCELS, CLOSES, CLOSES_ALL, FREES, INTRUDES } intrusion;

typedef struct intruder {
    farm f;
    hostsession_named *named;
    hostsession_request *request;
    ending run;
    intrusion how;
    int told;
} intruder;

static void intrude(void *userdata, const char *name, const char *command) {
    intruder *x = userdata;
    hostsession_result *result = NULL;
    if (!name || strcmp(command, "say x\n") != 0)
        return;
    x->told++;
    if (x->how == TRIES_BLOCKING) {
        assert_int_equal(hostsession_manager_oneshot(x->f.manager, "say", NULL, &result), HOSTSESSION_ERROR_INVALID);
        assert_int_equal(hostsession_loop_dispatch(x->f.loop), HOSTSESSION_ERROR_INVALID);
    } else if (x->how == RUNS) {
        begin_run(x->named, "say behind", &x->run);
    } else if (x->how == CANCELS && x->request) {
        hostsession_request_cancel(x->request);
    } else if (x->how == CLOSES) {
        hostsession_named_close(x->named);
    } else if (x->how == CLOSES_ALL) {
        hostsession_manager_close_all(x->f.manager);
    } else if (x->how == FREES) {
        hostsession_manager_free(x->f.manager);
        x->f.manager = NULL;
    }
    /* It is there still. */
    assert_string_equal(command, "say x\n");
    hostsession_result_free(result);
}

static hostsession_error open_in(void *userdata, const char *name, const hostsession_options *options,
                                 hostsession_open_fn done, void *done_userdata, hostsession **ret_session,
                                 hostsession_failure *failure) {
    intruder *x = userdata;
    const hostsession_manager_options mine = farm_options(&x->f);
    return mine.session_factory(&x->f, name, options, done, done_userdata, ret_session, failure);
}

static void sent_with(intrusion how, bool waits) {
    intruder x = {.how = how};
    ending first = {0}, sent = {0};
    farm_init(&x.f);
    x.f.loop = new_loop();
    hostsession_manager_options options = farm_options(&x.f);
    options.log_command = intrude;
    options.log_output = NULL;
    options.session_factory = open_in;
    options.userdata = &x;
    x.f.manager = new_manager("farm", &options);
    x.named = open_named(x.f.manager, "a");
    hostsession_named *other = open_named(x.f.manager, "a");
    if (waits) {
        begin_run(x.named, "wait here", &first);
        drive_until_waits(x.f.loop, x.f.peers[0]);
    }
    x.request = begin_send(x.named, "say x\n", &sent);
    if (waits)
        memory_finish(x.f.peers[0], 0);
    drive_until(x.f.loop, &sent.calls, 1);
    if (how == RUNS)
        drive_until(x.f.loop, &x.run.calls, 1);
    drive_idle(x.f.loop);
    assert_int_equal(x.told, 1);
    assert_int_equal(sent.calls, 1);
    bool ended = how == CLOSES || how == CLOSES_ALL || how == FREES;
    assert_int_equal(sent.error, ended || (how == CANCELS && waits) ? HOSTSESSION_ERROR_CANCELED : HOSTSESSION_OK);
    assert_int_equal(hostsession_named_alive(other), !ended);
    if (how == RUNS)
        check_result(hostsession_results_at(x.run.results, 0), HOSTSESSION_STATUS_SUCCESS, 0, "behind\n");
    if (how != CLOSES)
        hostsession_named_release(x.named);
    hostsession_named_release(other);
    ending_free(&first);
    ending_free(&x.run);
    farm_end(&x.f);
}

static void in_the_log_of_a_send(void **state) {
    (void)state;
    for (intrusion how = TRIES_BLOCKING; how < INTRUDES; how++)
        for (int waits = 0; waits < 2; waits++)
            sent_with(how, waits);
}

static const api_case cases[] = {
    CASE(commands_and_lines),
    CASE(quiet_and_never),
    CASE(sends),
    CASE(secrets),
    CASE(a_secret_oneshot),
    CASE(nothing_after_a_close),
    CASE(sends_wait_for_their_turn),
    CASE(a_send_that_is_not_sent),
    CASE(in_the_log_of_a_send),
};
CASES_MAIN("manager-log", cases)
