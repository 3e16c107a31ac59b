/* SPDX-License-Identifier: MIT */
#include "transport/terminal.h"

#include "base/failure.h"
#include "transport/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static hostsession_error open_failed(hostsession_failure *failure, int why) {
    if (why == ENOSPC || why == EAGAIN)
        return failure_set(failure, HOSTSESSION_ERROR_LIMIT, why, "spawn",
                           "no terminal left: as many are open as the system allows (kernel.pty.max, or max= of the "
                           "devpts mount); close some sessions, raise the limit, or use pipe mode");
    if (why == ENOENT || why == ENODEV || why == ENXIO || why == EACCES)
        return failure_set(failure, HOSTSESSION_ERROR_CONNECT, why, "spawn",
                           "cannot open a terminal: /dev/ptmx: %s (mount devpts, or use pipe mode)",
                           failure_errno_text(why));
    return spawn_no_descriptor(failure, why, "a terminal");
}

/* What is typed is not echoed, and what is written comes unchanged.  Lines and signals work as people expect. */
static void set_modes(struct termios *modes) {
    modes->c_iflag &= ~(tcflag_t)(IGNBRK | PARMRK | INPCK | ISTRIP | INLCR | IGNCR | IXON | IXOFF | IXANY | IMAXBEL);
    modes->c_iflag |= ICRNL | BRKINT | IUTF8;
    modes->c_oflag = 0;
    modes->c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
    modes->c_cflag |= CS8 | CREAD;
    modes->c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL | ECHOCTL | ECHOKE | ECHOPRT | TOSTOP | NOFLSH);
    modes->c_lflag |= ICANON | ISIG | IEXTEN;
}

bool terminal_get_modes(int descriptor, struct termios *ret_modes) {
    /* musl's has room for more characters than the kernel sets. */
    *ret_modes = (struct termios){0};
    return tcgetattr(descriptor, ret_modes) == 0;
}

static int prepare(int master, char *path, struct termios *modes) {
    struct winsize size = {.ws_row = terminal_rows, .ws_col = terminal_columns};
    if (grantpt(master) != 0 || unlockpt(master) != 0 || !terminal_get_modes(master, modes))
        return errno;
    set_modes(modes);
    if (tcsetattr(master, TCSANOW, modes) != 0 || ioctl(master, TIOCSWINSZ, &size) != 0)
        return errno;
    return ptsname_r(master, path, terminal_path_bytes);
}

hostsession_error terminal_open(int *ret_master, char path[terminal_path_bytes], struct termios *ret_modes,
                                hostsession_failure *failure) {
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (master < 0)
        return open_failed(failure, errno);
    int why = prepare(master, path, ret_modes);
    if (why != 0) {
        close(master);
        return spawn_no_descriptor(failure, why, "a terminal");
    }
    *ret_master = master;
    return HOSTSESSION_OK;
}

void terminal_discard_input(int master) {
    char path[terminal_path_bytes];
    tcflush(master, TCOFLUSH);
    int terminal =
        ptsname_r(master, path, sizeof path) == 0 ? open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) : -1;
    if (terminal < 0)
        return;
    tcflush(terminal, TCIFLUSH);
    close(terminal);
}
