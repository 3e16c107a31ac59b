/* SPDX-License-Identifier: MIT */
/* Jobs come back through a port that they share with the loop: it lives until the last of them has ended, however long
 * after the loop. */
#include "base/list.h"
#include "loop/loop.h"
#include "loop/private.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { job_stack_bytes = 512 * 1024 };

static const uint64_t brief_wait_ns = UINT64_C(1000) * 1000 * 1000;

typedef struct loop_port {
    uv_mutex_t mutex;
    /* Of the jobs, and of the loop. */
    size_t users;
    hostsession_loop *loop;
    int ends[2];
    hostsession_watch *watch;
    list finished;
    /* The brief ones whose threads were not joined yet; how many of them still work; and that none does any more. */
    list brief;
    size_t brief_working;
    uv_cond_t brief_worked;
} loop_port;

struct loop_job {
    list link;
    list brief;
    loop_port *port;
    loop_job_calls calls;
    void *data;
    uv_thread_t thread;
    bool abandoned;
    bool finished;
    bool discarded;
};

static void free_port(loop_port *port) {
    uv_cond_destroy(&port->brief_worked);
    uv_mutex_destroy(&port->mutex);
    free(port);
}

/* With the mutex held. */
static void leave(loop_port *port) {
    bool last = --port->users == 0;
    uv_mutex_unlock(&port->mutex);
    if (last)
        free_port(port);
}

static void run(void *argument) {
    loop_job *job = argument;
    loop_port *port = job->port;
    bool brief = job->calls.brief;
    job->calls.work(job->data);
    uv_mutex_lock(&port->mutex);
    if (job->abandoned || !port->loop) {
        uv_mutex_unlock(&port->mutex);
        job->calls.discard(job->data);
        uv_mutex_lock(&port->mutex);
        job->discarded = true;
    }
    bool comes_back = port->loop && (brief || !job->discarded);
    if (comes_back) {
        job->finished = true;
        list_append(&port->finished, &job->link);
        /* A full pipe wakes as well. */
        ssize_t put = write(port->ends[1], "", 1);
        (void)put;
    }
    if (brief && --port->brief_working == 0)
        uv_cond_signal(&port->brief_worked);
    if (!comes_back)
        free(job);
    leave(port);
}

static loop_job *take_finished(loop_port *port) {
    uv_mutex_lock(&port->mutex);
    loop_job *job = NULL;
    if (!list_empty(&port->finished)) {
        job = list_item(port->finished.next, loop_job, link);
        list_remove(&job->link);
    }
    uv_mutex_unlock(&port->mutex);
    return job;
}

/* It has come back: what its thread still does is to end. */
static void join(loop_job *job) {
    if (!job->calls.brief)
        return;
    list_remove(&job->brief);
    uv_thread_join(&job->thread);
}

static void discard(loop_job *job) {
    join(job);
    if (!job->discarded)
        job->calls.discard(job->data);
    free(job);
}

static void on_finished(void *userdata, unsigned events) {
    (void)events;
    loop_port *port = userdata;
    char wakes[64];
    while (read(port->ends[0], wakes, sizeof wakes) == (ssize_t)sizeof wakes)
        continue;
    for (loop_job *job; (job = take_finished(port)) != NULL;) {
        if (job->discarded) {
            discard(job);
            continue;
        }
        join(job);
        loop_job_calls calls = job->calls;
        void *data = job->data;
        free(job);
        calls.done(data);
    }
}

static loop_port *port_of(hostsession_loop *loop) {
    if (loop->port)
        return loop->port;
    loop_port *port = calloc(1, sizeof *port);
    if (!port)
        return NULL;
    if (uv_mutex_init(&port->mutex) != 0) {
        free(port);
        return NULL;
    }
    if (uv_cond_init(&port->brief_worked) != 0) {
        uv_mutex_destroy(&port->mutex);
        free(port);
        return NULL;
    }
    list_init(&port->finished);
    list_init(&port->brief);
    port->users = 1;
    if (pipe2(port->ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        free_port(port);
        return NULL;
    }
    if (hostsession_watch_new(loop, port->ends[0], HOSTSESSION_WATCH_READABLE, on_finished, port, &port->watch) !=
        HOSTSESSION_OK) {
        close(port->ends[0]);
        close(port->ends[1]);
        free_port(port);
        return NULL;
    }
    port->loop = loop;
    return loop->port = port;
}

static bool start_thread(loop_job *job) {
    sigset_t all, before;
    uv_thread_t thread;
    bool brief = job->calls.brief;
    uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE, .stack_size = job_stack_bytes};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = uv_thread_create_ex(brief ? &job->thread : &thread, &options, run, job) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started && !brief)
        pthread_detach(thread);
    return started;
}

loop_job *loop_job_start(hostsession_loop *loop, const loop_job_calls *calls, void *data) {
    loop_port *port = port_of(loop);
    loop_job *job = port ? calloc(1, sizeof *job) : NULL;
    if (!job)
        return NULL;
    job->port = port;
    job->calls = *calls;
    job->data = data;
    uv_mutex_lock(&port->mutex);
    port->users++;
    port->brief_working += calls->brief;
    uv_mutex_unlock(&port->mutex);
    if (calls->brief)
        list_append(&port->brief, &job->brief);
    if (start_thread(job))
        return job;
    if (calls->brief)
        list_remove(&job->brief);
    uv_mutex_lock(&port->mutex);
    port->brief_working -= calls->brief;
    leave(port);
    free(job);
    return NULL;
}

void loop_job_abandon(loop_job *job) {
    if (!job)
        return;
    loop_port *port = job->port;
    uv_mutex_lock(&port->mutex);
    job->abandoned = true;
    bool finished = job->finished;
    if (finished)
        list_remove(&job->link);
    uv_mutex_unlock(&port->mutex);
    if (finished)
        discard(job);
}

void loop_port_close(hostsession_loop *loop) {
    loop_port *port = loop->port;
    if (!port)
        return;
    loop->port = NULL;
    hostsession_watch_free(port->watch);
    uv_mutex_lock(&port->mutex);
    while (port->brief_working > 0 && uv_cond_timedwait(&port->brief_worked, &port->mutex, brief_wait_ns) == 0)
        continue;
    port->loop = NULL;
    /* What works on was not brief. */
    for (list *at = port->brief.next; at != &port->brief;) {
        loop_job *job = list_item(at, loop_job, brief);
        at = at->next;
        if (job->finished)
            continue;
        list_remove(&job->brief);
        pthread_detach(job->thread);
    }
    uv_mutex_unlock(&port->mutex);
    for (loop_job *job; (job = take_finished(port)) != NULL;)
        discard(job);
    uv_mutex_lock(&port->mutex);
    close(port->ends[0]);
    close(port->ends[1]);
    leave(port);
}
