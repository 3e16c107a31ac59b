/* SPDX-License-Identifier: MIT */
/* A doubly linked list through a member of its items. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* A list's head, or an item's link.  A link that is all zero is on no list. */
typedef struct list {
    struct list *next;
    struct list *previous;
} list;

#define list_item(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void list_init(list *head) {
    head->next = head->previous = head;
}

static inline bool list_empty(const list *head) {
    return head->next == head;
}

static inline void list_append(list *head, list *link) {
    link->previous = head->previous;
    link->next = head;
    head->previous->next = link;
    head->previous = link;
}

static inline void list_prepend(list *head, list *link) {
    list_append(head->next, link);
}

/* No effect on a link that is on no list. */
static inline void list_remove(list *link) {
    if (!link->next)
        return;
    link->previous->next = link->next;
    link->next->previous = link->previous;
    link->next = link->previous = NULL;
}

#endif
