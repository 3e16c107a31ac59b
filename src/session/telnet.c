/* SPDX-License-Identifier: MIT */
/* What only sessions over telnet have. */
#include "session/private.h"

static bool is_known(hostsession_telnet_command command) {
    return command == HOSTSESSION_TELNET_BREAK || command == HOSTSESSION_TELNET_INTERRUPT_PROCESS ||
           command == HOSTSESSION_TELNET_ABORT_OUTPUT || command == HOSTSESSION_TELNET_ARE_YOU_THERE;
}

hostsession_error hostsession_telnet_send(hostsession *session, hostsession_telnet_command command) {
    const transport_made *t = &session->target.transport;
    if (!t->telnet_command || !is_known(command))
        return HOSTSESSION_ERROR_INVALID;
    return session->closing || !session->transport_open ? HOSTSESSION_ERROR_CLOSED
                                                        : t->telnet_command(t->data, (int)command);
}
