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

typedef struct loop_port {
    uv_mutex_t mutex;
    /* Of the jobs, and of the loop. */
    size_t users;
    hostsession_loop *loop;
    int ends[2];
    hostsession_watch *watch;
    list finished;
} loop_port;

struct loop_job {
    list link;
    loop_port *port;
    loop_job_calls calls;
    void *data;
    bool abandoned;
    bool finished;
};

/* With the mutex held. */
static void leave(loop_port *port) {
    bool last = --port->users == 0;
    uv_mutex_unlock(&port->mutex);
    if (!last)
        return;
    uv_mutex_destroy(&port->mutex);
    free(port);
}

static void discard(loop_job *job) {
    job->calls.discard(job->data);
    free(job);
}

static void run(void *argument) {
    loop_job *job = argument;
    loop_port *port = job->port;
    job->calls.work(job->data);
    uv_mutex_lock(&port->mutex);
    bool kept = !job->abandoned && port->loop;
    if (kept) {
        job->finished = true;
        list_append(&port->finished, &job->link);
        /* A full pipe wakes as well. */
        ssize_t put = write(port->ends[1], "", 1);
        (void)put;
    }
    leave(port);
    if (!kept)
        discard(job);
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

static void on_finished(void *userdata, unsigned events) {
    (void)events;
    loop_port *port = userdata;
    char wakes[64];
    while (read(port->ends[0], wakes, sizeof wakes) == (ssize_t)sizeof wakes)
        continue;
    for (loop_job *job; (job = take_finished(port)) != NULL;) {
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
    list_init(&port->finished);
    port->users = 1;
    if (pipe2(port->ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        uv_mutex_destroy(&port->mutex);
        free(port);
        return NULL;
    }
    if (hostsession_watch_new(loop, port->ends[0], HOSTSESSION_WATCH_READABLE, on_finished, port, &port->watch) !=
        HOSTSESSION_OK) {
        close(port->ends[0]);
        close(port->ends[1]);
        uv_mutex_destroy(&port->mutex);
        free(port);
        return NULL;
    }
    port->loop = loop;
    return loop->port = port;
}

static bool start_thread(loop_job *job) {
    sigset_t all, before;
    uv_thread_t thread;
    uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE, .stack_size = job_stack_bytes};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = uv_thread_create_ex(&thread, &options, run, job) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started)
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
    uv_mutex_unlock(&port->mutex);
    if (start_thread(job))
        return job;
    uv_mutex_lock(&port->mutex);
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
    for (loop_job *job; (job = take_finished(port)) != NULL;)
        discard(job);
    uv_mutex_lock(&port->mutex);
    port->loop = NULL;
    close(port->ends[0]);
    close(port->ends[1]);
    leave(port);
}
