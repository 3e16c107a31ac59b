/* SPDX-License-Identifier: MIT */
/* What keeps a program from being started, by name; and what it is started with. */
#include "test_transport_channel.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

static hostsession_channel *channel_of(void **state) {
    return &((channel_state *)*state)->channel;
}

static const make_fn makers[] = {transport_make_pty, transport_make_pipe};
enum { maker_count = 2, skip_status = 77 };

/* A folder for the files of a test, removed at its end. */
typedef struct test_folder {
    char path[64];
} test_folder;

static test_folder folder_make(void) {
    test_folder made = {"/tmp/hostsession-test-XXXXXX"};
    assert_non_null(mkdtemp(made.path));
    return made;
}

static const char *folder_file(const test_folder *folder, const char *name, const char *text, mode_t mode,
                               char out[128]) {
    snprintf(out, 128, "%s/%s", folder->path, name);
    int file = open(out, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    close(file);
    return out;
}

static void folder_remove(const test_folder *folder, const char *const *names) {
    for (; *names; names++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder->path, *names);
        unlink(path);
    }
    assert_int_equal(rmdir(folder->path), 0);
}

/* Both transports refuse, with an error that names these words. */
static void refused(hostsession_channel *channel, const transport_program *program, hostsession_error error,
                    const char *word, const char *reason) {
    for (int i = 0; i < maker_count; i++) {
        hostsession_failure why = HOSTSESSION_FAILURE_INIT;
        assert_int_equal(channel_try_open(channel, makers[i], program, &why), error);
        assert_int_equal(why.error, error);
        if (!strstr(why.message, word) || !strstr(why.message, reason))
            fail_msg("neither '%s' nor '%s' in: %s", word, reason, why.message);
        assert_false(channel->opened);
    }
}

static void refused_program(void **state, const char *program, const char *reason) {
    const char *const arguments[] = {program, NULL};
    refused(channel_of(state), &(transport_program){arguments, NULL, NULL, false}, HOSTSESSION_ERROR_CONNECT, program,
            reason);
}

static void a_missing_program_is_named(void **state) {
    refused_program(state, "no-such-program-anywhere", "no program of that name in PATH");
    refused_program(state, "/no/such/file", "no such file");
}

/* valgrind ends a process whose execve() fails, so that nothing can be learned from it, and keeps the limit of
 * descriptors to itself. */
static bool under_valgrind(void) {
    const char *preloaded = getenv("LD_PRELOAD");
    return preloaded && strstr(preloaded, "valgrind");
}

static void what_is_not_a_program_is_named(void **state) {
    char path[128];
    test_folder folder = folder_make();
    refused_program(state, folder.path, "is a directory");
    refused_program(state, folder_file(&folder, "plain", "#!/bin/sh\n", 0600, path), "not executable");
    folder_remove(&folder, (const char *const[]){"plain", NULL});
}

static void what_cannot_be_executed_is_named(void **state) {
    char path[128];
    if (under_valgrind())
        skip();
    test_folder folder = folder_make();
    refused_program(state, folder_file(&folder, "lost", "#!/no/such/interpreter\n", 0700, path), "interpreter");
    refused_program(state, folder_file(&folder, "text", "just text\n", 0700, path), "#!");
    folder_remove(&folder, (const char *const[]){"lost", "text", NULL});
}

static void a_program_that_is_not_executable_in_path_is_named(void **state) {
    char path[128], setting[128];
    test_folder folder = folder_make();
    folder_file(&folder, "tool", "#!/bin/sh\n", 0600, path);
    snprintf(setting, sizeof setting, "PATH=/no/such/folder:%s", folder.path);
    const char *const arguments[] = {"tool", NULL}, *const environment[] = {setting, NULL};
    refused(channel_of(state), &(transport_program){arguments, environment, NULL, false}, HOSTSESSION_ERROR_CONNECT,
            path, "not executable");
    folder_remove(&folder, (const char *const[]){"tool", NULL});
}

static void a_wrong_directory_is_named(void **state) {
    const char *const arguments[] = {"sh", NULL};
    refused(channel_of(state), &(transport_program){arguments, NULL, "/no/such/folder", false},
            HOSTSESSION_ERROR_CONNECT, "/no/such/folder", "no such directory");
    refused(channel_of(state), &(transport_program){arguments, NULL, "/etc/passwd", false}, HOSTSESSION_ERROR_CONNECT,
            "/etc/passwd", "not a directory");
}

static void no_program_is_invalid(void **state) {
    (void)state;
    const char *const none[] = {NULL}, *const empty[] = {"", NULL};
    for (int i = 0; i < maker_count; i++) {
        hostsession_failure why = HOSTSESSION_FAILURE_INIT;
        transport_made made;
        assert_int_equal(makers[i](&(transport_program){none, NULL, NULL, false}, &made, &why),
                         HOSTSESSION_ERROR_INVALID);
        assert_int_equal(makers[i](&(transport_program){empty, NULL, NULL, false}, &made, &why),
                         HOSTSESSION_ERROR_INVALID);
    }
}

static void too_long_arguments_are_named(void **state) {
    size_t length = 4 * 1024 * 1024;
    if (under_valgrind())
        skip();
    char *argument = malloc(length + 1);
    assert_non_null(argument);
    memset(argument, 'x', length);
    argument[length] = 0;
    const char *const arguments[] = {"true", argument, NULL};
    refused(channel_of(state), &(transport_program){arguments, NULL, NULL, false}, HOSTSESSION_ERROR_CONNECT, "true",
            "too long");
    free(argument);
}

/* ---- Limits, each in a process of its own ---------------------------------------------------------------------- */

static void in_process(int (*check)(void)) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(check());
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == skip_status)
        skip();
    assert_int_equal(status, 0);
}

static hostsession_error try_program(make_fn make, hostsession_failure *why, hostsession_loop *loop) {
    static const char *const arguments[] = {"true", NULL};
    hostsession_channel channel = {.loop = loop};
    hostsession_error error = channel_try_open(&channel, make, &(transport_program){arguments, NULL, NULL, false}, why);
    channel_close(&channel);
    return error;
}

/* Whichever descriptor is the last one, it is the limit that is named, and nothing stays open. */
static int without_descriptors(void) {
    hostsession_loop *loop;
    if (hostsession_loop_new(&loop, NULL) != HOSTSESSION_OK)
        return 1;
    int used = dup(0), before = count_descriptors();
    close(used);
    for (int i = 0; i < maker_count; i++)
        for (int spare = 0;; spare++) {
            struct rlimit limit;
            getrlimit(RLIMIT_NOFILE, &limit);
            rlim_t old = limit.rlim_cur;
            limit.rlim_cur = (rlim_t)used + (rlim_t)spare;
            setrlimit(RLIMIT_NOFILE, &limit);
            hostsession_failure why = HOSTSESSION_FAILURE_INIT;
            hostsession_error error = try_program(makers[i], &why, loop);
            limit.rlim_cur = old;
            setrlimit(RLIMIT_NOFILE, &limit);
            if (error == HOSTSESSION_OK && spare >= 2)
                break;
            if (error != HOSTSESSION_ERROR_LIMIT || why.system_errno != EMFILE || !strstr(why.message, "ulimit -n"))
                return 2;
        }
    hostsession_loop_free(loop);
    used = dup(0);
    return count_descriptors() <= before && waitpid(-1, NULL, WNOHANG) == -1 ? 0 : 3;
}

static void no_descriptor_left_is_named(void **state) {
    (void)state;
    if (under_valgrind())
        skip();
    in_process(without_descriptors);
}

static int without_processes(void) {
    hostsession_loop *loop;
    struct rlimit none = {0, 0};
    if (hostsession_loop_new(&loop, NULL) != HOSTSESSION_OK)
        return 1;
    /* The limit does not hold for root. */
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
        return skip_status;
    if (setrlimit(RLIMIT_NPROC, &none) != 0)
        return skip_status;
    for (int i = 0; i < maker_count; i++) {
        hostsession_failure why = HOSTSESSION_FAILURE_INIT;
        if (try_program(makers[i], &why, loop) != HOSTSESSION_ERROR_LIMIT || why.system_errno != EAGAIN ||
            !strstr(why.message, "ulimit -u"))
            return 2;
    }
    hostsession_loop_free(loop);
    return 0;
}

static void no_process_left_is_named(void **state) {
    (void)state;
    in_process(without_processes);
}

/* With a devpts of its own that has room for one terminal. */
static int without_terminals(void) {
    hostsession_loop *loop;
    if (hostsession_loop_new(&loop, NULL) != HOSTSESSION_OK)
        return 1;
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "", MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("devpts", "/dev/pts", "devpts", 0, "newinstance,ptmxmode=0666,max=1") != 0 ||
        mount("/dev/pts/ptmx", "/dev/ptmx", "", MS_BIND, NULL) != 0)
        return skip_status;
    int last = posix_openpt(O_RDWR | O_NOCTTY);
    hostsession_failure why = HOSTSESSION_FAILURE_INIT;
    hostsession_error error = try_program(transport_make_pty, &why, loop);
    close(last);
    hostsession_loop_free(loop);
    if (last < 0 || error != HOSTSESSION_ERROR_LIMIT)
        return 2;
    return strstr(why.message, "kernel.pty.max") ? 0 : 3;
}

static void no_terminal_left_is_named(void **state) {
    (void)state;
    in_process(without_terminals);
}

/* ---- What it is started with ----------------------------------------------------------------------------------- */

static void environment_and_directory_are_as_asked(void **state) {
    hostsession_channel *channel = channel_of(state);
    const char *const arguments[] = {"sh", "-c", "pwd; echo \"$FIRST,$SECOND,$TERM,${GONE-unset},${KEPT}\"", NULL};
    const char *const environment[] = {"FIRST=old", "SECOND=a=b c", "TERM=xterm", "GONE", "FIRST=new", NULL};
    setenv("GONE", "here", 1);
    setenv("KEPT", "here", 1);
    for (int i = 0; i < maker_count; i++) {
        transport_program program = {arguments, environment, "/usr/bin", false};
        hostsession_failure why = HOSTSESSION_FAILURE_INIT;
        assert_int_equal(channel_try_open(channel, makers[i], &program, &why), HOSTSESSION_OK);
        channel_wait_ended(channel, 0, 0);
        assert_string_equal(channel->bytes[0], "/usr/bin\nnew,a=b c,xterm,unset,here\n");
        channel_close(channel);
        channel_forget(channel);
        channel->opened = channel->ended = false;
    }
    unsetenv("GONE");
    unsetenv("KEPT");
}

static void a_relative_program_is_seen_from_its_directory(void **state) {
    hostsession_channel *channel = channel_of(state);
    char path[128];
    test_folder folder = folder_make();
    folder_file(&folder, "tool", "#!/bin/sh\necho \"$0 $#\"\n", 0700, path);
    static const char *const arguments[][3] = {{"./tool", "x", NULL}, {"tool", "x", NULL}};
    const char *const environment[] = {"PATH=/no/such/folder::/bin", NULL};
    for (int i = 0; i < 2; i++) {
        transport_program program = {arguments[i], environment, folder.path, false};
        hostsession_failure why = HOSTSESSION_FAILURE_INIT;
        if (channel_try_open(channel, transport_make_pipe, &program, &why) != HOSTSESSION_OK)
            fail_msg("%s", why.message);
        channel_wait_ended(channel, 0, 0);
        assert_string_equal(channel->bytes[0], "./tool 1\n");
        channel_close(channel);
        channel_forget(channel);
        channel->opened = channel->ended = false;
    }
    folder_remove(&folder, (const char *const[]){"tool", NULL});
}

/* Those that the test itself was started with. */
static int count_inheritable(void) {
    int count = 0;
    for (int i = 3; i < 1000; i++) {
        int flags = fcntl(i, F_GETFD);
        count += flags >= 0 && !(flags & FD_CLOEXEC);
    }
    return count;
}

static void nothing_of_ours_is_inherited(void **state) {
    hostsession_channel *channel = channel_of(state);
    for (int i = 0; i < maker_count; i++) {
        CHANNEL_OPEN(channel, makers[i], "ls", "-1", "/proc/self/fd");
        channel_wait_ended(channel, 0, 0);
        int lines = 0;
        for (const char *at = channel->bytes[0]; (at = strchr(at, '\n')) != NULL; at++)
            lines++;
        /* One is ls's own, of the folder. */
        assert_int_equal(lines, 3 + count_inheritable() + 1);
        channel_close(channel);
        channel_forget(channel);
        channel->opened = channel->ended = false;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CHANNEL_TEST(a_missing_program_is_named),
        CHANNEL_TEST(what_is_not_a_program_is_named),
        CHANNEL_TEST(what_cannot_be_executed_is_named),
        CHANNEL_TEST(a_program_that_is_not_executable_in_path_is_named),
        CHANNEL_TEST(a_wrong_directory_is_named),
        CHANNEL_TEST(no_program_is_invalid),
        CHANNEL_TEST(too_long_arguments_are_named),
        CHANNEL_TEST(no_descriptor_left_is_named),
        CHANNEL_TEST(no_process_left_is_named),
        CHANNEL_TEST(no_terminal_left_is_named),
        CHANNEL_TEST(environment_and_directory_are_as_asked),
        CHANNEL_TEST(a_relative_program_is_seen_from_its_directory),
        CHANNEL_TEST(nothing_of_ours_is_inherited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
