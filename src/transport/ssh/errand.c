/* SPDX-License-Identifier: MIT */
#include "transport/ssh/errand.h"

#include "transport/ssh/connection.h"

#include <stdlib.h>
#include <string.h>

enum { patience_us = 5 * 1000 * 1000 };

typedef struct errand {
    ssh_lane lane;
    loop_timer patience;
    loop_hold hold;
    void (*ended)(void *owner);
    void *owner;
    bool requested;
    char command[];
} errand;

static void end(errand *e) {
    void (*ended)(void *) = e->ended;
    void *owner = e->owner;
    ssh_lane_leave(&e->lane);
    loop_timer_destroy(&e->patience);
    loop_hold_remove(&e->hold);
    free(e);
    ended(owner);
}

static void on_abandon(loop_hold *hold) {
    end(list_item(hold, errand, hold));
}

static void on_moved(ssh_lane *lane) {
    errand *e = list_item(lane, errand, lane);
    bytes_clear(&lane->received[0]);
    bytes_clear(&lane->received[1]);
    if (!e->requested) {
        int result = ssh_channel_request_exec(lane->channel, e->command);
        if (result == SSH_AGAIN)
            return;
        e->requested = true;
        lane->restless = false;
        if (result != SSH_OK) {
            end(e);
            return;
        }
    }
    if (lane->closed)
        end(e);
}

static void on_opened(ssh_lane *lane) {
    lane->restless = true;
    on_moved(lane);
}

static void on_failed(ssh_lane *lane, const hostsession_failure *why) {
    (void)why;
    end(list_item(lane, errand, lane));
}

static void on_patience_over(loop_timer *timer) {
    end(list_item(timer, errand, patience));
}

bool errand_start(ssh_pool *pool, ssh_settings *settings, const void *alone, const char *command,
                  void (*ended)(void *owner), void *owner) {
    static const ssh_lane_calls calls = {on_opened, on_moved, on_failed, NULL};
    size_t length = strlen(command) + 1;
    errand *e = calloc(1, sizeof *e + length);
    if (!e)
        return false;
    memcpy(e->command, command, length);
    e->lane.calls = &calls;
    e->lane.alone = alone;
    if (!loop_timer_init(&e->patience, pool->loop, on_patience_over)) {
        free(e);
        return false;
    }
    if (ssh_lane_enter(&e->lane, pool, settings, NULL) != HOSTSESSION_OK) {
        loop_timer_destroy(&e->patience);
        free(e);
        return false;
    }
    e->ended = ended;
    e->owner = owner;
    e->hold.abandon = on_abandon;
    loop_hold_add(pool->loop, &e->hold);
    loop_timer_set(&e->patience, loop_now_us(pool->loop) + patience_us);
    return true;
}
