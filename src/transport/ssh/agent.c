/* SPDX-License-Identifier: MIT */
#include "transport/ssh/agent.h"

#include "base/bytes.h"
#include "loop/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    identities_answer = 12,
    sign_request = 13,
    length_bytes = 4,
    most_message_bytes = 256 * 1024,
    most_keys = 256,
    /* To list its keys it need not ask anybody. */
    list_patience_us = 2 * 1000 * 1000,
};

/* One of the two connections; what it receives goes out at the other. */
typedef struct side {
    struct agent *agent;
    struct side *other;
    int descriptor;
    hostsession_watch *watch;
    bytes received;
    bytes outgoing;
} side;

/* A certificate of ours that is offered for a key that the agent has: it signs as that. */
typedef struct certified_key {
    bytes certificate;
    bytes key;
} certified_key;

struct agent {
    hostsession_loop *loop;
    const identities *ids;
    bool only_these;
    side libssh;
    side real;
    bool listed;
    bool offers;
    size_t certified_count;
    certified_key *certified;
    loop_timer patience;
};

char *agent_path(const ssh_settings *settings) {
    const char *set = ssh_settings_next(settings, "identityagent", NULL);
    if (set && strcasecmp(set, "none") == 0)
        return NULL;
    if (set && strcmp(set, "SSH_AUTH_SOCK") != 0)
        return set[0] == '$' && set[1] != '{' ? (getenv(set + 1) ? strdup(getenv(set + 1)) : NULL)
                                              : ssh_settings_expand(settings, set);
    const char *inherited = getenv("SSH_AUTH_SOCK");
    return inherited && *inherited ? strdup(inherited) : NULL;
}

static uint32_t get_number(const char *at) {
    const unsigned char *b = (const unsigned char *)at;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static bool append_number(bytes *to, size_t number) {
    const char b[4] = {(char)(number >> 24), (char)(number >> 16), (char)(number >> 8), (char)number};
    return bytes_append(to, b, sizeof b);
}

/* ---- the list of keys ---- */

typedef struct listed_key {
    const char *blob;
    size_t blob_length;
    const char *comment;
    size_t comment_length;
    size_t rank;
} listed_key;

/* In libssh keys can be compared as text only. */
static char *encode(const char *blob, size_t length) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = malloc((length + 2) / 3 * 4 + 1);
    char *to = text;
    for (size_t i = 0; text && i < length; i += 3) {
        uint32_t group = (uint32_t)(unsigned char)blob[i] << 16;
        group |= i + 1 < length ? (uint32_t)(unsigned char)blob[i + 1] << 8 : 0;
        group |= i + 2 < length ? (unsigned char)blob[i + 2] : 0;
        *to++ = digits[group >> 18];
        *to++ = digits[group >> 12 & 63];
        *to++ = i + 1 < length ? digits[group >> 6 & 63] : '=';
        *to++ = i + 2 < length ? digits[group & 63] : '=';
    }
    if (text)
        *to = 0;
    return text;
}

static bool is_key(ssh_key key, const char *encoded) {
    char *mine = NULL;
    if (!key || ssh_pki_export_pubkey_base64(key, &mine) != SSH_OK)
        return false;
    bool same = strcmp(mine, encoded) == 0;
    ssh_string_free_char(mine);
    return same;
}

/* Its place among the configured ones; one past the last when it is none of them. */
static size_t rank_of(const identities *ids, const listed_key *key) {
    char *encoded = encode(key->blob, key->blob_length);
    size_t rank = 0;
    while (encoded && rank < ids->count && !is_key(ids->items[rank].public_part, encoded) &&
           !is_key(ids->items[rank].key, encoded))
        rank++;
    for (size_t i = 0; encoded && rank == ids->count && i < ids->certificate_count; i++)
        if (is_key(ids->certificates[i].key, encoded))
            rank = 0;
    free(encoded);
    return rank;
}

static bool read_string(const char **at, const char *stop, const char **ret, size_t *ret_length) {
    if (stop - *at < length_bytes || get_number(*at) > (size_t)(stop - *at - length_bytes))
        return false;
    *ret_length = get_number(*at);
    *ret = *at + length_bytes;
    *at = *ret + *ret_length;
    return true;
}

static size_t read_keys(const agent *a, const char *payload, size_t length, listed_key keys[most_keys]) {
    const char *at = payload + 1 + length_bytes;
    const char *stop = payload + length;
    size_t listed = get_number(payload + 1);
    size_t count = 0;
    while (count < listed && count < most_keys) {
        listed_key *key = &keys[count];
        if (!read_string(&at, stop, &key->blob, &key->blob_length) ||
            !read_string(&at, stop, &key->comment, &key->comment_length))
            break;
        key->rank = rank_of(a->ids, key);
        count++;
    }
    return count;
}

static int by_rank(const void *left, const void *right) {
    const listed_key *a = left;
    const listed_key *b = right;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return a->blob < b->blob ? -1 : a->blob > b->blob;
}

static bool append_string(bytes *to, const char *text, size_t length) {
    return append_number(to, length) && bytes_append(to, text, length);
}

static bool append_key(bytes *to, const char *blob, size_t length, const listed_key *key) {
    return append_string(to, blob, length) && append_string(to, key->comment, key->comment_length);
}

/* Offer the certificate for the key, if it is for that. */
static bool certify(agent *a, ssh_key certificate, const listed_key *key, bytes *to, size_t *count) {
    if (!certificate || !certificate_is_of(certificate, key->blob, key->blob_length))
        return true;
    certified_key *more = realloc(a->certified, (a->certified_count + 1) * sizeof *more);
    if (!more)
        return false;
    a->certified = more;
    certified_key *added = &more[a->certified_count++];
    *added = (certified_key){{0}, {0}};
    ++*count;
    return identity_blob(certificate, &added->certificate) && bytes_append(&added->key, key->blob, key->blob_length) &&
           append_key(to, bytes_front(&added->certificate), bytes_length(&added->certificate), key);
}

static bool offer(agent *a, const listed_key *key, bytes *to, size_t *count) {
    bool right = true;
    for (size_t i = 0; right && i < a->ids->certificate_count; i++)
        right = certify(a, a->ids->certificates[i].key, key, to, count);
    /* Of those whose private part is here it was tried, or will be, with that. */
    for (size_t i = 0; right && i < a->ids->count; i++)
        if (!a->ids->items[i].key && !a->ids->items[i].encrypted)
            right = certify(a, a->ids->items[i].certificate, key, to, count);
    if (!right || (a->only_these && key->rank == a->ids->count))
        return right;
    ++*count;
    return append_key(to, key->blob, key->blob_length, key);
}

/* Pass on the answer `payload` with its keys cut and ordered. */
static bool pass_list(agent *a, const char *payload, size_t length, bytes *to) {
    listed_key *keys = calloc(most_keys, sizeof *keys);
    bytes offered = {0};
    size_t count = 0;
    bool right = keys != NULL;
    size_t listed = right ? read_keys(a, payload, length, keys) : 0;
    if (right)
        qsort(keys, listed, sizeof *keys, by_rank);
    for (size_t i = 0; right && i < listed; i++)
        right = offer(a, &keys[i], &offered, &count);
    a->offers |= count > 0;
    right = right && append_number(to, 1 + length_bytes + bytes_length(&offered)) && bytes_append(to, payload, 1) &&
            append_number(to, count) &&
            (bytes_length(&offered) == 0 || bytes_append(to, bytes_front(&offered), bytes_length(&offered)));
    bytes_free(&offered);
    free(keys);
    return right;
}

/* Pass on the request `payload`; of what is to be signed with a certificate the agent knows the key. */
static bool pass_request(const agent *a, const char *payload, size_t length, bytes *to) {
    const char *at = payload + 1;
    const char *blob;
    size_t blob_length;
    if (payload[0] == sign_request && read_string(&at, payload + length, &blob, &blob_length))
        for (size_t i = 0; i < a->certified_count; i++) {
            const bytes *certificate = &a->certified[i].certificate;
            const bytes *key = &a->certified[i].key;
            size_t rest = (size_t)(payload + length - at);
            if (bytes_length(certificate) == blob_length && memcmp(bytes_front(certificate), blob, blob_length) == 0)
                return append_number(to, 1 + length_bytes + bytes_length(key) + rest) && bytes_append(to, payload, 1) &&
                       append_string(to, bytes_front(key), bytes_length(key)) && bytes_append(to, at, rest);
        }
    return append_string(to, payload, length);
}

/* ---- passing on ---- */

static void close_side(side *s) {
    hostsession_watch_free(s->watch);
    s->watch = NULL;
    if (s->descriptor >= 0)
        close(s->descriptor);
    s->descriptor = -1;
}

static void close_both(agent *a) {
    loop_timer_stop(&a->patience);
    close_side(&a->libssh);
    close_side(&a->real);
}

/* False: it is over. */
static bool send_outgoing(side *s) {
    while (bytes_length(&s->outgoing)) {
        ssize_t sent = send(s->descriptor, bytes_front(&s->outgoing), bytes_length(&s->outgoing), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno != EAGAIN)
            return false;
        if (sent < 0)
            break;
        bytes_consume(&s->outgoing, (size_t)sent);
    }
    hostsession_watch_set_events(s->watch, HOSTSESSION_WATCH_READABLE |
                                               (bytes_length(&s->outgoing) ? HOSTSESSION_WATCH_WRITABLE : 0u));
    return true;
}

/* Move whole messages from what was received to the other side. */
static bool pass_messages(side *s) {
    agent *a = s->agent;
    while (bytes_length(&s->received) >= length_bytes) {
        size_t length = get_number(bytes_front(&s->received));
        if (length == 0 || length > most_message_bytes)
            return false;
        if (bytes_length(&s->received) < length_bytes + length)
            break;
        const char *payload = bytes_front(&s->received) + length_bytes;
        bool is_list = s == &a->real && payload[0] == identities_answer && length >= 1 + length_bytes;
        bool right = is_list           ? pass_list(a, payload, length, &s->other->outgoing)
                     : s == &a->libssh ? pass_request(a, payload, length, &s->other->outgoing)
                                       : append_string(&s->other->outgoing, payload, length);
        if (!right)
            return false;
        if (s == &a->real)
            loop_timer_stop(&a->patience);
        else if (!a->listed)
            loop_timer_set(&a->patience, loop_now_us(a->loop) + list_patience_us);
        a->listed = true;
        bytes_consume(&s->received, length_bytes + length);
    }
    return send_outgoing(s->other);
}

static bool receive(side *s) {
    for (;;) {
        char *to = bytes_reserve(&s->received, 4096);
        ssize_t got = to ? recv(s->descriptor, to, 4096, 0) : -1;
        if (!to || got == 0)
            return false;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno == EAGAIN && pass_messages(s);
        s->received.end += (size_t)got;
    }
}

static void on_ready(void *userdata, unsigned events) {
    side *s = userdata;
    bool right = !(events & HOSTSESSION_WATCH_READABLE) || receive(s);
    if (right && (events & HOSTSESSION_WATCH_WRITABLE))
        right = send_outgoing(s);
    if (!right)
        close_both(s->agent);
}

static void on_patience_over(loop_timer *timer) {
    close_both(list_item(timer, agent, patience));
}

int agent_connect(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return -1;
    strcpy(address.sun_path, path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* EAGAIN: it has not taken up earlier connections; it will not take up this one in time either. */
    if (descriptor >= 0 && connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

static bool watch(side *s) {
    return hostsession_watch_new(s->agent->loop, s->descriptor, HOSTSESSION_WATCH_READABLE, on_ready, s, &s->watch) ==
           HOSTSESSION_OK;
}

agent *agent_new(hostsession_loop *loop, const char *path, const identities *ids, bool only_these,
                 int *ret_descriptor) {
    int ends[2];
    agent *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    *a = (agent){.loop = loop, .ids = ids, .only_these = only_these};
    a->libssh = (side){.agent = a, .other = &a->real, .descriptor = -1};
    a->real = (side){.agent = a, .other = &a->libssh, .descriptor = agent_connect(path)};
    if (a->real.descriptor < 0 || !loop_timer_init(&a->patience, loop, on_patience_over) ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        agent_free(a);
        return NULL;
    }
    a->libssh.descriptor = ends[0];
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    if (!watch(&a->libssh) || !watch(&a->real)) {
        close(ends[1]);
        agent_free(a);
        return NULL;
    }
    *ret_descriptor = ends[1];
    return a;
}

bool agent_offers(const agent *a) {
    return a->offers;
}

void agent_free(agent *a) {
    if (!a)
        return;
    close_side(&a->libssh);
    close_side(&a->real);
    loop_timer_destroy(&a->patience);
    for (int i = 0; i < 2; i++) {
        side *s = i ? &a->real : &a->libssh;
        bytes_free(&s->received);
        bytes_free(&s->outgoing);
    }
    for (size_t i = 0; i < a->certified_count; i++) {
        bytes_free(&a->certified[i].certificate);
        bytes_free(&a->certified[i].key);
    }
    free(a->certified);
    free(a);
}
