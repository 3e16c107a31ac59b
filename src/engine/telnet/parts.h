/* SPDX-License-Identifier: MIT */
/* The inside of nvt.h: nvt.c (bytes), options.c (who does what), subnegotiation.c (what they say). */
#ifndef ENGINE_TELNET_PARTS_H
#define ENGINE_TELNET_PARTS_H

#include "engine/telnet/nvt.h"

/* RFC 854. */
enum {
    COMMAND_SE = 240,
    COMMAND_NOP = 241,
    COMMAND_SB = 250,
    COMMAND_WILL = 251,
    COMMAND_WONT = 252,
    COMMAND_DO = 253,
    COMMAND_DONT = 254,
    COMMAND_IAC = 255,
};

/* The registry "Telnet Options" of IANA. */
enum {
    OPTION_BINARY = 0,
    OPTION_ECHO = 1,
    OPTION_SGA = 3,
    OPTION_TIMING_MARK = 6,
    OPTION_TERMINAL_TYPE = 24,
    OPTION_WINDOW_SIZE = 31,
    OPTION_NEW_ENVIRON = 39,
    option_count = 256,
};

/* RFC 1143, without the states of one who asks to turn something off: we never do. */
typedef enum option_state { STATE_OFF, STATE_ON, STATE_ASKED } option_state;

typedef enum parse_state {
    PARSE_DATA,
    PARSE_COMMAND, /* behind IAC */
    PARSE_OPTION,  /* behind IAC WILL and the like */
    PARSE_SUBNEGOTIATION,
    PARSE_SUBNEGOTIATION_COMMAND, /* behind IAC in one */
} parse_state;

/* No question that we can answer is longer. */
enum { subnegotiation_bytes = 1024 };

struct nvt {
    char *terminal_type;
    char **environment; /* ended by NULL; itself NULL: none */
    uint16_t columns;
    uint16_t rows;

    parse_state state;
    unsigned char verb;
    bool after_cr;      /* received: the data's last byte is a CR, NUL behind it is none */
    bool speaks_telnet; /* the server has */
    unsigned char us[option_count];
    unsigned char them[option_count];
    unsigned char question[subnegotiation_bytes];
    size_t question_length; /* larger than it: too long, all of it is skipped */
    bytes outgoing;
};

/* options.c */
bool options_negotiate(nvt *n, unsigned char verb, unsigned char option);

/* subnegotiation.c: all false without memory */
bool subnegotiation_answer(nvt *n);
bool subnegotiation_tell_size(nvt *n);

#endif
