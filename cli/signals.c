/* SPDX-License-Identifier: MIT */
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int wake_descriptor = -1;
static volatile sig_atomic_t interrupts;
static volatile sig_atomic_t termination;
static unsigned interrupts_taken;

static void on_signal(int signal_number) {
    int saved = errno;
    if (signal_number == SIGINT)
        interrupts = interrupts + 1;
    else
        termination = signal_number;
    uint64_t one = 1;
    ssize_t written = write(wake_descriptor, &one, sizeof one);
    (void)written;
    errno = saved;
}

static void on_broken_pipe(int signal_number) {
    (void)signal_number;
}

/* Without SA_RESTART: a write that waits for a slow reader must return. */
static void catch (int signal_number, void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler};
    sigemptyset(&action.sa_mask);
    sigaction(signal_number, &action, NULL);
}

static bool is_ignored(int signal_number) {
    struct sigaction action;
    return sigaction(signal_number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

int signals_catch(void) {
    wake_descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_descriptor < 0)
        return -1;
    catch (SIGINT, on_signal);
    catch (SIGTERM, on_signal);
    /* nohup(1) means it. */
    if (!is_ignored(SIGHUP))
        catch (SIGHUP, on_signal);
    catch (SIGPIPE, on_broken_pipe);
    return wake_descriptor;
}

unsigned signals_take_interrupts(void) {
    uint64_t count;
    ssize_t taken = read(wake_descriptor, &count, sizeof count);
    (void)taken;
    unsigned total = (unsigned)interrupts;
    unsigned fresh = total - interrupts_taken;
    interrupts_taken = total;
    return fresh;
}

int signals_termination(void) {
    return termination;
}
