/* SPDX-License-Identifier: MIT */
/* Where the shell is, and who: what is reported with each result. */
#include "conformance.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

static void check_place(struct context *t, const char *command, const char *cwd, int status) {
    hostsession_error error;
    const hostsession_result *result = run_raw(t, command, NULL, &error);
    CHECK(t, error == HOSTSESSION_OK && hostsession_result_exit_status(result) == status, "%s: got %s exit %d", command,
          hostsession_error_name(error), result ? hostsession_result_exit_status(result) : -1);
    if (!result)
        return;
    text shown = {0};
    text_add_escaped(&shown, hostsession_result_cwd(result), strlen(hostsession_result_cwd(result)));
    text_add(&shown, ", expected ");
    text_add_escaped(&shown, cwd, strlen(cwd));
    CHECK(t, strcmp(hostsession_result_cwd(result), cwd) == 0, "%s: the result's cwd is %s", command,
          text_data(&shown));
    CHECK(t, strcmp(hostsession_get_cwd(t->session), cwd) == 0, "%s: the session's cwd is %s", command,
          hostsession_get_cwd(t->session));
    text_free(&shown);
}

static void directories(struct context *t) {
    check_place(t, "true", t->home, 0);
    check_place(t, "cd /usr/bin", "/usr/bin", 0);
    check_place(t, "cd ..; (exit 3)", "/usr", 3);
    check_place(t, "(cd /)", "/usr", 0);
    check_place(t, "cd /hostsession/nowhere 2>/dev/null || :", "/usr", 0);
    check_place(t, "cd /", "/", 0);
    check_place(t, "cd", t->home, 0);
    check_place(t, "cd - >/dev/null", "/", 0);
}

static void strange_names(struct context *t) {
    static const char *const names[] = {"a space",
                                        "two  spaces ",
                                        " leading",
                                        "semi;colon",
                                        ";E;1;0;",
                                        "quote'single",
                                        "quote\"double",
                                        "back\\slash",
                                        "dollar$HOME",
                                        "$(exit 9)",
                                        "`id`",
                                        "-dash",
                                        "star*",
                                        "[a-z]",
                                        "~",
                                        "new\nline",
                                        "\nnewlines\n\n",
                                        "tab\tin",
                                        "cr\rin",
                                        "\033[31mred",
                                        "\036rs\036",
                                        "percent%s%d",
                                        "d\303\251j\303\240",
                                        "\377\376",
                                        "hash#",
                                        "bang!!",
                                        "amp&",
                                        "pipe|",
                                        "a=b",
                                        "{a,b}",
                                        "%",
                                        "%d",
                                        "\\n",
                                        "\\036",
                                        "\001\002\003"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *path = home_path(t, names[i]);
        text quoted = {0};
        for (const char *byte = path; *byte; byte++)
            if (*byte == '\'')
                text_add(&quoted, "'\\''");
            else
                text_append(&quoted, byte, 1);
        check_place(t, say(t, "mkdir '%s' && cd '%s' && (exit 4)", text_data(&quoted), text_data(&quoted)), path, 4);
        check_place(t, "cd ..", t->home, 0);
        text_free(&quoted);
    }
    IN_SYNC(t);
}

static void long_names(struct context *t) {
    text path = {0};
    text_add(&path, t->home);
    for (int i = 0; i < 14; i++) {
        const char *name = say(t, "%c%s", 'a' + i, repeat(t, "x", 249));
        text_printf(&path, "/%s", name);
        check_place(t, say(t, "mkdir %s && cd %s", name, name), text_data(&path), 0);
    }
    IN_SYNC(t);
    check_place(t, "cd /", "/", 0);
    text_free(&path);
}

/* Longer than a path may be that is given to the system: it is entered step by step. */
static void deep_directories(struct context *t) {
    hostsession_error error;
    const hostsession_result *result =
        run_raw(t,
                "n=$(printf '%0240d' 1); i=0\n"
                "while [ $i -lt 45 ] && mkdir $n && cd $n; do i=$((i+1)); done 2>/dev/null",
                NULL, &error);
    CHECK(t, error == HOSTSESSION_OK && result, "got %s", hostsession_error_name(error));
    result = run_raw(t, "printf %s \"$PWD\"", NULL, &error);
    CHECK(t, strcmp(hostsession_result_cwd(result), hostsession_result_output(result)) == 0,
          "cwd has %zu bytes, $PWD %zu", strlen(hostsession_result_cwd(result)),
          hostsession_result_output_bytes(result));
    CHECK(t, !is_shell(t, BASH | BASH_READLINE) || hostsession_result_output_bytes(result) > 10000, "it has %zu bytes",
          hostsession_result_output_bytes(result));
    RUNS_MATCHING(t, "cd \"$HOME\"; rm -rf 0*1", ".*", 0);
    IN_SYNC(t);
}

static void a_removed_directory(struct context *t) {
    RUNS(t, "mkdir \"$HOME/gone\"; cd \"$HOME/gone\"; rmdir \"$HOME/gone\"", "", 0);
    RUNS(t, "echo on; (exit 3)", "on\n", 3);
    RUNS(t, "echo $?", "3\n", 0);
    check_place(t, "cd /", "/", 0);
    IN_SYNC(t);
}

static void a_link(struct context *t) {
    RUNS(t, "mkdir \"$HOME/real\"; ln -s real \"$HOME/link\"; cd \"$HOME/link\"", "", 0);
    hostsession_error error;
    const hostsession_result *result = run_raw(t, "pwd", NULL, &error);
    CHECK(t, strcmp(say(t, "%s\n", hostsession_result_cwd(result)), hostsession_result_output(result)) == 0,
          "cwd %s, pwd %s", hostsession_result_cwd(result), hostsession_result_output(result));
}

static void who(struct context *t) {
    const struct passwd *entry = getpwuid(geteuid());
    const char *user = t->opening.user ? t->opening.user : entry ? entry->pw_name : NULL;
    RUNS(t, "true", "", 0);
    const char *reported = hostsession_get_user(t->session);
    CHECK(t, user && strcmp(reported, user) == 0, "user is %s", reported);
    CHECK(t, strcmp(hostsession_get_shell(t->session), t->shell->reported) == 0, "shell is %s",
          hostsession_get_shell(t->session));
    CHECK(t, hostsession_get_state(t->session) == HOSTSESSION_IDLE, "state is %d",
          (int)hostsession_get_state(t->session));
    CHECK(t, hostsession_get_failure(t->session)->error == HOSTSESSION_OK, "failure is %s",
          hostsession_error_name(hostsession_get_failure(t->session)->error));
}

static void durations(struct context *t) {
    hostsession_error error;
    const hostsession_result *result = run_raw(t, "sleep 0.05", NULL, &error);
    CHECK(t, hostsession_result_duration_us(result) >= 50000, "%llu us",
          (unsigned long long)hostsession_result_duration_us(result));
}

static const struct conformance_case place_cases_table[] = {
    {"place-directories", directories, 0, 0, 0},
    {"place-strange-names", strange_names, 0, 0, 0},
    {"place-long-names", long_names, 0, 0, 0},
    {"place-deep-directories", deep_directories, 0, 0, 0},
    {"place-a-removed-directory", a_removed_directory, 0, 0, 0},
    {"place-a-link", a_link, 0, 0, 0},
    {"place-who", who, 0, 0, 0},
    {"place-durations", durations, 0, 0, 0},
};

CASE_GROUP(place_cases);
