/* SPDX-License-Identifier: MIT */
#include "transport/transport.h"

#include "base/failure.h"

#include <dlfcn.h>
#include <string.h>

/* It stays loaded: libraries that it needs do not bear being unloaded. */
static const transport_module *load(const char *file, hostsession_failure *failure) {
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    const transport_module *module = library ? dlsym(library, "hostsession_ssh_module") : NULL;
    if (module && strcmp(module->version, HOSTSESSION_VERSION) == 0)
        /* cppcheck-suppress resourceLeak */
        return module;
    const char *why = module ? "it is of another version" : dlerror();
    failure_set(failure, HOSTSESSION_ERROR_CONNECT, 0, "module",
                "cannot load what SSH needs, %s: %s; install it where the library is", file, why ? why : "unknown");
    /* cppcheck-suppress resourceLeak */
    return NULL;
}

hostsession_error transport_make_ssh(const transport_remote *remote, const transport_channel *channel,
                                     transport_made *ret, hostsession_failure *failure) {
    const transport_module *module = load(HOSTSESSION_SSH_LIBRARY, failure);
    return module ? module->make(remote, channel, ret, failure) : HOSTSESSION_ERROR_CONNECT;
}

hostsession_error transport_start_ssh_oneshot(hostsession_loop *loop, const transport_remote *remote,
                                              const char *script, bool merged, const transport_oneshot_calls *calls,
                                              void *owner, transport_oneshot *ret, hostsession_failure *failure) {
    const transport_module *module = load(HOSTSESSION_SSH_LIBRARY, failure);
    return module ? module->start_oneshot(loop, remote, script, merged, calls, owner, ret, failure)
                  : HOSTSESSION_ERROR_CONNECT;
}
