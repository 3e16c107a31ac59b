/* SPDX-License-Identifier: MIT */
#include "engine/marker.h"

#include <string.h>

typedef enum verdict { NO_MARKER, NEED_MORE, IS_MARKER } verdict;

bool marker_field_has(const marker *m, size_t field, char what) {
    return m->fields[field].length > 0 && memchr(m->fields[field].text, what, m->fields[field].length);
}

int64_t marker_number(const marker *m, size_t field, int64_t max) {
    if (field >= m->field_count || m->fields[field].length == 0)
        return -1;
    int64_t value = 0;
    for (size_t i = 0; i < m->fields[field].length; i++) {
        char digit = m->fields[field].text[i];
        if (digit < '0' || digit > '9')
            return -1;
        value = value * 10 + (digit - '0');
        if (value > max)
            return -1;
    }
    return value;
}

/* How many fields each kind has after its number. */
static size_t fields_of(char kind) {
    switch (kind) {
    case MARKER_ANSWER:
        return 8;
    case MARKER_BEGIN:
        return 0;
    case MARKER_END:
        return 6;
    case brief_end_sign:
        return 2;
    case MARKER_PROMPT:
        return 1;
    default:
        return SIZE_MAX;
    }
}

/* As an END has its fields. */
static void spread_brief_end(marker *m) {
    m->kind = MARKER_END;
    m->brief = true;
    m->fields[end_cwd] = m->fields[brief_end_cwd];
    for (m->field_count = brief_end_cwd; m->field_count < end_cwd; m->field_count++) {
        m->fields[m->field_count].text = "";
        m->fields[m->field_count].length = 0;
    }
    m->field_count++;
}

/* Split `payload` ("KIND;NUMBER;field;field...") into `m`; false when it has another shape. */
static bool split(marker *m, const char *payload, size_t length) {
    size_t wanted = length ? fields_of(payload[0]) : SIZE_MAX;
    if (wanted == SIZE_MAX)
        return false;
    m->kind = (marker_kind)payload[0];
    m->brief = false;
    m->field_count = 0;
    m->number = 0;
    const char *at = payload + 1;
    const char *end = payload + length;
    for (size_t i = 0; i < wanted + 1; i++) {
        if (at == end || *at != ';')
            return false;
        at++;
        const char *stop = i == wanted ? end : memchr(at, ';', (size_t)(end - at));
        if (!stop)
            return false;
        m->fields[m->field_count].text = at;
        m->fields[m->field_count].length = (size_t)(stop - at);
        m->field_count++;
        at = stop;
        if (i == 0) {
            int64_t number = marker_number(m, 0, INT64_C(1000000000000));
            if (number < 0)
                return false;
            m->number = (uint64_t)number;
            m->field_count = 0;
        }
    }
    if (payload[0] == brief_end_sign)
        spread_brief_end(m);
    return at == end;
}

/* Look at `data`, which begins with RS. */
static verdict judge(const scanner *s, const char *data, size_t length, marker *m) {
    const size_t head = 1 + marker_token_length;
    size_t compare = length < head ? length : head;
    if (memcmp(data + 1, s->token, compare - 1) != 0)
        return NO_MARKER;
    if (length <= head)
        return NEED_MORE;
    if (data[head] != ';')
        return NO_MARKER;
    const char *payload = data + head + 1;
    const char *end = data + length;
    for (const char *at = payload; (at = memchr(at, marker_rs, (size_t)(end - at))) != NULL; at++) {
        size_t left = (size_t)(end - at);
        compare = left < head ? left : head;
        if (memcmp(at + 1, s->token, compare - 1) != 0)
            continue;
        if (left <= head)
            return NEED_MORE;
        const char *after = at + head;
        bool cr = *after == '\r';
        if (cr && left == head + 1)
            return NEED_MORE;
        if (after[cr] != '\n' || !split(m, payload, (size_t)(at - payload)))
            return NO_MARKER;
        m->crlf = cr;
        m->raw = data;
        m->raw_length = (size_t)(after + cr + 1 - data);
        return IS_MARKER;
    }
    return length < marker_max_bytes ? NEED_MORE : NO_MARKER;
}

static void emit(scanner *s, const char *data, size_t length) {
    if (length)
        s->on_data(s->owner, data, length);
}

/* Scan bytes that are not in the carry; what may begin a marker goes there. */
static bool scan(scanner *s, const char *data, size_t length) {
    const char *end = data + length;
    const char *from = data;
    const char *at = data;
    while ((at = memchr(at, marker_rs, (size_t)(end - at))) != NULL) {
        marker m;
        verdict v = judge(s, at, (size_t)(end - at), &m);
        if (v == NO_MARKER) {
            at++;
            continue;
        }
        emit(s, from, (size_t)(at - from));
        from = at;
        if (v == NEED_MORE)
            return bytes_append(&s->carry, at, (size_t)(end - at));
        at += m.raw_length;
        /* Refused: it is data, and whole, so that no marker begins inside it. */
        if (s->on_marker(s->owner, &m))
            from = at;
    }
    emit(s, from, (size_t)(end - from));
    return true;
}

/* The carry and the beginning of `data` together; returns how much of `data` was used, SIZE_MAX without memory. */
static size_t scan_carry(scanner *s, const char *data, size_t length) {
    size_t before = bytes_length(&s->carry);
    size_t take = length < marker_max_bytes ? length : marker_max_bytes;
    if (!bytes_append(&s->carry, data, take))
        return SIZE_MAX;
    marker m;
    verdict v = judge(s, bytes_front(&s->carry), bytes_length(&s->carry), &m);
    if (v == NEED_MORE)
        return take;
    bytes held = s->carry;
    s->carry = (bytes){0};
    size_t used;
    bool right = true;
    if (v == IS_MARKER && m.raw_length > before) {
        used = m.raw_length - before;
        if (!s->on_marker(s->owner, &m))
            emit(s, m.raw, m.raw_length);
    } else {
        /* The RS was data after all; what was carried behind it may still hold a marker's beginning. */
        used = 0;
        emit(s, bytes_front(&held), 1);
        right = scan(s, bytes_front(&held) + 1, before - 1);
    }
    bytes_free(&held);
    return right ? used : SIZE_MAX;
}

bool scanner_feed(scanner *s, const char *data, size_t length) {
    while (length && bytes_length(&s->carry)) {
        size_t used = scan_carry(s, data, length);
        if (used == SIZE_MAX)
            return false;
        data += used;
        length -= used;
    }
    return length == 0 || scan(s, data, length);
}

void scanner_finish(scanner *s) {
    bytes held = s->carry;
    s->carry = (bytes){0};
    /* With the token in it, it was one of ours. */
    if (bytes_length(&held) <= 1 + marker_token_length)
        emit(s, bytes_front(&held), bytes_length(&held));
    bytes_free(&held);
}

void scanner_free(scanner *s) {
    bytes_free(&s->carry);
}
