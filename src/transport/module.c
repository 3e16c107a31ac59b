/* SPDX-License-Identifier: MIT */
#include "transport/transport.h"

#include "base/failure.h"
#include "transport/spawn.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

/* Where it is looked for, in the words of ld.so(8).  A RUNPATH would do, too, but would make every start search it for
 * every library. */
static const char *const places[] = {
    "$ORIGIN/" HOSTSESSION_SSH_LIBRARY,                                        /* beside the library */
    "$ORIGIN/" HOSTSESSION_LIBRARIES_FROM_COMMAND "/" HOSTSESSION_SSH_LIBRARY, /* from the command */
    HOSTSESSION_SSH_LIBRARY,
};

/* NULL, and why, when it cannot be loaded. */
static void *find(const char **ret_why) {
    void *library = NULL;
    bool missing = true;
    for (size_t i = 0; !library && missing && i < sizeof places / sizeof *places; i++) {
        library = dlopen(places[i], RTLD_NOW | RTLD_LOCAL);
        *ret_why = library ? NULL : dlerror();
        /* Or it is there, and what it needs is not. */
        missing = *ret_why && strstr(*ret_why, HOSTSESSION_SSH_LIBRARY);
    }
    return library;
}

/* It stays loaded: libraries that it needs do not bear being unloaded. */
static hostsession_error load(const transport_module **ret, hostsession_failure *failure) {
    const char *why = NULL;
    void *library = find(&why);
    if (!library && spawn_lacks_descriptor())
        return spawn_no_descriptor(failure, errno, HOSTSESSION_SSH_LIBRARY);
    const transport_module *module = library ? dlsym(library, "hostsession_ssh_module") : NULL;
    *ret = module;
    if (module && strcmp(module->version, HOSTSESSION_VERSION) == 0)
        /* cppcheck-suppress resourceLeak */
        return HOSTSESSION_OK;
    if (library)
        why = module ? "it is of another version" : dlerror();
    /* cppcheck-suppress resourceLeak */
    return failure_set(failure, HOSTSESSION_ERROR_CONNECT, 0, "module",
                       "cannot load what SSH needs, %s: %s; install it where the library is", HOSTSESSION_SSH_LIBRARY,
                       why ? why : "unknown");
}

hostsession_error transport_make_ssh(const transport_remote *remote, const transport_channel *channel,
                                     transport_made *ret, hostsession_failure *failure) {
    const transport_module *module;
    hostsession_error error = load(&module, failure);
    return error ? error : module->make(remote, channel, ret, failure);
}

hostsession_error transport_start_ssh_oneshot(hostsession_loop *loop, const transport_remote *remote,
                                              const char *script, bool merged, const transport_oneshot_calls *calls,
                                              void *owner, transport_oneshot *ret, hostsession_failure *failure) {
    const transport_module *module;
    hostsession_error error = load(&module, failure);
    return error ? error : module->start_oneshot(loop, remote, script, merged, calls, owner, ret, failure);
}
