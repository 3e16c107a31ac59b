/* SPDX-License-Identifier: MIT */
/* Run a program that answers and ends, such as `ssh -G`, and collect what it prints. */
#ifndef TRANSPORT_CAPTURE_H
#define TRANSPORT_CAPTURE_H

#include "base/bytes.h"
#include "transport/transport.h"

typedef struct capture capture;

/* What is over is dropped. */
enum { capture_max_bytes = 256 * 1024 };

/* From dispatch, once; the capture is freed by it.  `output` and `errors` are valid during the call only, each ends in
 * a NUL that does not count. */
typedef void (*capture_done_fn)(void *userdata, const hostsession_exit *how, const bytes *output, const bytes *errors);

/* Start it, without a terminal and with /dev/null to read. */
hostsession_error capture_start(hostsession_loop *loop, const transport_program *program, capture_done_fn done,
                                void *userdata, capture **ret, hostsession_failure *failure);

/* End it; `done` is not called.  NULL is allowed. */
void capture_cancel(capture *capture);

#endif
