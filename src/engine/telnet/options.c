/* SPDX-License-Identifier: MIT */
/* Who does what: RFC 1143. */
#include "engine/telnet/parts.h"

static bool say(nvt *n, unsigned char verb, unsigned char option) {
    const unsigned char told[] = {COMMAND_IAC, verb, option};
    return bytes_append(&n->outgoing, told, sizeof told);
}

static bool we_can(const nvt *n, unsigned char option) {
    return option == OPTION_BINARY || option == OPTION_SGA || option == OPTION_TERMINAL_TYPE ||
           option == OPTION_WINDOW_SIZE || (option == OPTION_NEW_ENVIRON && n->environment);
}

static bool they_may(unsigned char option) {
    return option == OPTION_BINARY || option == OPTION_ECHO || option == OPTION_SGA;
}

/* The other side turns an option on, or wants us to. */
static bool turned_on(nvt *n, unsigned char *state, bool agreed, unsigned char yes, unsigned char no,
                      unsigned char option) {
    bool right = true;
    if (*state == STATE_OFF)
        right = say(n, agreed ? yes : no, option);
    if (*state == STATE_ASKED || agreed)
        *state = STATE_ON;
    return right;
}

static bool turned_off(nvt *n, unsigned char *state, unsigned char no, unsigned char option) {
    bool was_on = *state == STATE_ON;
    *state = STATE_OFF;
    return !was_on || say(n, no, option);
}

static bool turn_us_on(nvt *n, unsigned char option) {
    if (option == OPTION_TIMING_MARK)
        return say(n, COMMAND_WILL, option);
    bool was_on = n->us[option] == STATE_ON;
    if (!turned_on(n, &n->us[option], we_can(n, option), COMMAND_WILL, COMMAND_WONT, option))
        return false;
    return option != OPTION_WINDOW_SIZE || was_on || subnegotiation_tell_size(n);
}

bool options_negotiate(nvt *n, unsigned char verb, unsigned char option) {
    switch (verb) {
    case COMMAND_WILL:
        if (option == OPTION_BINARY)
            n->after_cr = false;
        return turned_on(n, &n->them[option], they_may(option), COMMAND_DO, COMMAND_DONT, option);
    case COMMAND_WONT:
        return turned_off(n, &n->them[option], COMMAND_DONT, option);
    case COMMAND_DO:
        return turn_us_on(n, option);
    default:
        return turned_off(n, &n->us[option], COMMAND_WONT, option);
    }
}

static bool ask(nvt *n, unsigned char *state, unsigned char verb, unsigned char option) {
    if (*state != STATE_OFF)
        return true;
    *state = STATE_ASKED;
    return say(n, verb, option);
}

bool nvt_ask(nvt *n) {
    return !n->speaks_telnet || (ask(n, &n->them[OPTION_SGA], COMMAND_DO, OPTION_SGA) &&
                                 ask(n, &n->them[OPTION_BINARY], COMMAND_DO, OPTION_BINARY) &&
                                 ask(n, &n->us[OPTION_BINARY], COMMAND_WILL, OPTION_BINARY));
}
