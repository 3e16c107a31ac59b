/* SPDX-License-Identifier: MIT */
/* The loop's connections, and which of them may open now. */
#include "transport/ssh/pool.h"

#include "base/failure.h"
#include "transport/ssh/connection_private.h"

#include <stdlib.h>
#include <string.h>

bool connection_is_opening(const ssh_connection *c) {
    return c->state > CONNECTION_QUEUED && c->state < CONNECTION_READY;
}

static bool same_host(const ssh_connection *a, const ssh_connection *b) {
    return ssh_settings_port(a->settings) == ssh_settings_port(b->settings) &&
           strcmp(ssh_settings_host(a->settings), ssh_settings_host(b->settings)) == 0;
}

/* What others go through is not held up by them. */
static bool may_open(const ssh_connection *c) {
    size_t of_host = 0;
    if (c->leads_on)
        return true;
    for (list *at = c->pool->connections.next; at != &c->pool->connections; at = at->next) {
        const ssh_connection *other = list_item(at, ssh_connection, link);
        of_host += connection_is_opening(other) && same_host(c, other);
    }
    return c->pool->opening < pool_most_opening && of_host < pool_most_opening_per_host;
}

static void on_admit(loop_task *task) {
    ssh_pool *pool = list_item(task, ssh_pool, admit);
    for (list *at = pool->connections.next; at != &pool->connections;) {
        ssh_connection *c = list_item(at, ssh_connection, link);
        at = at->next;
        if (c->state == CONNECTION_QUEUED && !c->pausing && may_open(c)) {
            connection_begin(c);
            /* Its end may have changed the list. */
            loop_post(pool->loop, &pool->admit);
            return;
        }
    }
}

void connection_set_state(ssh_connection *c, connection_state state) {
    bool before = connection_is_opening(c);
    c->state = state;
    if (before == connection_is_opening(c))
        return;
    c->pool->opening += before ? (size_t)-1 : 1;
    if (before)
        loop_post(c->pool->loop, &c->pool->admit);
}

static void destroy_pool(loop_local *local) {
    ssh_pool *pool = list_item(local, ssh_pool, local);
    hostsession_failure why;
    failure_set(&why, HOSTSESSION_ERROR_CANCELED, 0, "connection", "the loop was freed");
    while (!list_empty(&pool->connections))
        connection_fail(list_item(pool->connections.next, ssh_connection, link), &why);
    ssh_config_finish(&pool->config);
    loop_unpost(&pool->admit);
    free(pool);
}

ssh_pool *ssh_pool_of(hostsession_loop *loop) {
    static const char key;
    loop_local *found = loop_local_find(loop, &key);
    if (found)
        return list_item(found, ssh_pool, local);
    ssh_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    pool->loop = loop;
    pool->local.key = &key;
    pool->local.destroy = destroy_pool;
    pool->admit.run = on_admit;
    list_init(&pool->connections);
    ssh_config_init(&pool->config, loop);
    loop_local_add(loop, &pool->local);
    return pool;
}
