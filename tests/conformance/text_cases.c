/* SPDX-License-Identifier: MIT */
/* Any shell text is a legal command. */
#include "conformance.h"

#include "../support/folder.h"

#include <string.h>

/* Also in zsh, where an interactive shell has no comments of its own accord. */
static void comments(struct context *t) {
    RUNS(t, "echo a # comment", "a\n", 0);
    RUNS(t, "# only a comment", "", 0);
    RUNS(t, "echo b # 'an open quote", "b\n", 0);
    RUNS(t, "#", "", 0);
    RUNS(t, "echo c\n# last line", "c\n", 0);
    RUNS(t, "# first line\necho d", "d\n", 0);
    RUNS(t, "echo '# not one'", "# not one\n", 0);
    RUNS(t, "false # comment", "", 1);
    IN_SYNC(t);
}

/* What a backslash before the end of all text stands for differs: POSIX leaves it open. */
static void trailing_backslash(struct context *t) {
    RUNS_MATCHING(t, "echo a\\", "a\\\\?\n", 0);
    RUNS_MATCHING(t, "echo b \\", "b ?\\\\?\n", 0);
    RUNS(t, "echo 'c\\'", "c\\\n", 0);
    RUNS(t, "echo d\\\\", "d\\\n", 0);
    RUNS(t, "echo e \\\n  f", "e f\n", 0);
    RUNS(t, "printf '%s\\n' 'g\\\nh'", "g\\\nh\n", 0);
    IN_SYNC(t);
}

static void here_documents(struct context *t) {
    RUNS(t, "cat <<EOF\nhello\nEOF", "hello\n", 0);
    RUNS(t, "cat <<EOF\nhello\nEOF\n", "hello\n", 0);
    RUNS(t, "cat <<'EOF'\n$HOME `x` \\ \"' # (\nEOF\n", "$HOME `x` \\ \"' # (\n", 0);
    RUNS(t, "v=5; cat <<EOF\n$v $((v + 1)) `echo c`\nEOF", "5 6 c\n", 0);
    RUNS(t, "cat <<-EOF\n\t\tindented\n\tEOF\n", "indented\n", 0);
    RUNS(t, "cat <<A; cat <<B\n1\nA\n2\nB\n", "1\n2\n", 0);
    /* zsh reads both (its multios); the others the last. */
    RUNS(t, "cat <<A - <<B\n1\nA\n2\nB\necho after", is_shell(t, ZSH) ? "1\n2\nafter\n" : "2\nafter\n", 0);
    RUNS(t, "cat <<EOF | tr a-z A-Z\nloud\nEOF", "LOUD\n", 0);
    RUNS(t, "cat <<'EOF'\nEOF", "", 0);
    /* ksh93 has no empty delimiter: "cannot open". */
    if (is_shell(t, KSH93))
        FAILS(t, "cat <<''\nup to an empty line\n\n");
    else
        RUNS(t, "cat <<''\nup to an empty line\n\necho next", "up to an empty line\nnext\n", 0);
    RUNS(t, "cat <<EOF; (exit 3)\nx\nEOF", "x\n", 3);
}

/* Its end is missing: shells take what there is, most with a warning, or call it an error. */
static void open_here_document(struct context *t) {
    SETTLES(t, "cat <<EOF\nhello");
    IN_SYNC(t);
    SETTLES(t, "cat <<EOF");
    IN_SYNC(t);
    SETTLES(t, "cat <<'EOF'\nEOF \n EOF\n");
    IN_SYNC(t);
}

static void lines_and_blocks(struct context *t) {
    RUNS(t, "echo a\necho b\n\necho c\n", "a\nb\nc\n", 0);
    RUNS(t, "f() {\n    if [ \"$1\" = x ]; then\n        echo yes\n    fi\n}\nf x\n", "yes\n", 0);
    RUNS(t, "f x", "yes\n", 0);
    RUNS(t, "for i in 1 2 3\ndo\n\techo $i\ndone", "1\n2\n3\n", 0);
    RUNS(t, "case abc in\n(a*) echo starts;;\n*) echo no;;\nesac", "starts\n", 0);
    RUNS(t, "i=0\nwhile [ $i -lt 3 ]\ndo i=$((i + 1)); done\necho $i", "3\n", 0);
    RUNS(t, "{ echo a; echo b; } | wc -l | tr -d ' '", "2\n", 0);
    RUNS(t, "(\necho sub\n)", "sub\n", 0);
    RUNS(t, "echo \"$(\necho inner\n)\"", "inner\n", 0);
    RUNS(t, "printf '%s' 'line 1\nline 2\n'", "line 1\nline 2\n", 0);
    RUNS(t, "x='a\n\n\nb'\nprintf '%s\\n' \"$x\"", "a\n\n\nb\n", 0);
    RUNS(t, "\n\n  echo indented", "indented\n", 0);
    RUNS(t, "echo 1; false\n", "1\n", 1);
}

static void endings(struct context *t) {
    RUNS(t, "true &", "", 0);
    RUNS(t, "wait", "", 0);
    RUNS(t, "echo a;", "a\n", 0);
    RUNS(t, "echo b; # c", "b\n", 0);
    RUNS(t, "echo c |\ncat", "c\n", 0);
    RUNS(t, "true &&\necho d", "d\n", 0);
    RUNS(t, "true & # c", "", 0);
    RUNS(t, "wait", "", 0);
    IN_SYNC(t);
}

static void quotes(struct context *t) {
    RUNS(t, "echo \"it's\"", "it's\n", 0);
    RUNS(t, "echo 'it'\\''s'", "it's\n", 0);
    RUNS(t, "echo \\''\"\"'", "'\"\"\n", 0);
    RUNS(t, "printf '%s\\n' '\\' '\\\\' '\\n' '$x' '`'", "\\\n\\\\\n\\n\n$x\n`\n", 0);
    RUNS(t, "echo \"a \\\"b\\\" \\$c \\`d\\` \\\\\"", "a \"b\" $c `d` \\\n", 0);
    RUNS(t, say(t, "printf %%s '%s'", repeat(t, "\\", 3001)), repeat(t, "\\", 3001), 0);
    RUNS(t, say(t, "printf %%s \"%s\"", repeat(t, "'", 3001)), repeat(t, "'", 3001), 0);
    RUNS(t, say(t, "printf %%s %s", repeat(t, "''", 2001)), "", 0);
}

static void exclamation_marks(struct context *t) {
    RUNS(t, "echo \"a!b\" !x '!!' \"!\"", "a!b !x !! !\n", 0);
    RUNS(t, "echo !!", "!!\n", 0);
    RUNS(t, "echo \"!$\" !$ !-1 '!?a'", "!$ !$ !-1 !?a\n", 0);
    RUNS(t, "echo ^a^b", "^a^b\n", 0);
    RUNS(t, "! echo hi!", "hi!\n", 1);
}

/* Tab completes, ^R searches, ^W erases a word, where an editor or the line discipline gets to see them. */
static void control_characters(struct context *t) {
    char all[256] = {0};
    size_t count = 0;
    for (int byte = 1; byte < 128; byte++) {
        if ((byte >= 0x20 && byte != 0x7f) || byte == '\n')
            continue;
        all[count++] = (char)byte;
        char expected[4] = {'X', (char)byte, 'Y', 0};
        if (!RUNS_BYTES(t, say(t, "printf %%s 'X%cY'", byte), expected, 3, 0))
            return;
    }
    RUNS(t, say(t, "printf %%s '%s'", all), all, 0);
    const char *many = repeat(t, all, 100);
    RUNS(t, say(t, "printf %%s '%s'", many), many, 0);
    RUNS(t, say(t, "printf %%s '\n%s\n\n'", all), say(t, "\n%s\n\n", all), 0);
}

static void high_bytes(struct context *t) {
    char all[200] = {0};
    size_t count = 0;
    for (int byte = 128; byte < 256; byte++) {
        all[count++] = (char)byte;
        char expected[4] = {'X', (char)byte, 'Y', 0};
        if (!RUNS_BYTES(t, say(t, "printf %%s 'X%cY'", byte), expected, 3, 0))
            return;
    }
    RUNS(t, say(t, "printf %%s '%s'", all), all, 0);
}

static void high_bytes_in_the_c_locale(struct context *t) {
    static const char *const settings[] = {"LC_ALL=C", NULL};
    t->opening.options.environment = settings;
    if (open_session(t))
        high_bytes(t);
}

static void tabs(struct context *t) {
    RUNS(t, "\techo\tone\ttwo", "one two\n", 0);
    RUNS(t, "echo 'a\tb'", "a\tb\n", 0);
    RUNS(t, "if true; then\n\t\techo x\nfi", "x\n", 0);
    RUNS(t, "ec\t\t2>/dev/null", "", 127);
    IN_SYNC(t);
}

static void carriage_returns_in_text(struct context *t) {
    RUNS(t, "printf %s 'a\r\nb'", "a\r\nb", 0);
    RUNS_BYTES(t, "echo x\r", "x\r\n", 3, 0);
    IN_SYNC(t);
}

static void nested_eval(struct context *t) {
    RUNS(t, "x=deep; eval \"eval 'eval \\\"echo \\\\\\$x\\\"'\"", "deep\n", 0);
    RUNS(t, "eval 'f() { echo \"$1\"; }; f \"a b\"'", "a b\n", 0);
    RUNS(t, "eval eval eval true", "", 0);
    RUNS(t, "eval 'exec 6>&1'; echo x >&6; exec 6>&-", "x\n", 0);
    IN_SYNC(t);
}

/* The user's history must be as it was, whatever we type. */
static void history_is_untouched(struct context *t) {
    static const char *const files[] = {".bash_history", ".zsh_history", ".sh_history",
                                        ".mksh_history", ".ash_history", ".history"};
    static const char content[] = "one\ntwo\n";
    static const char start[] = "HISTFILE=$HOME/.history; HISTSIZE=1000; SAVEHIST=1000\n";
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        home_write(t, files[i], content, sizeof content - 1);
    home_write(t, ".zshrc", start, sizeof start - 1);
    home_write(t, ".bashrc", start, sizeof start - 1);
    text before = {0};
    text after = {0};
    folder_list(t->home, &before);
    static const char *const settings[] = {"HISTSIZE=500", NULL};
    t->opening.options.environment = settings;
    t->opening.options.interactive = !t->shell->arguments;
    if (open_session(t)) {
        RUNS(t, "echo a-remembered-command", "a-remembered-command\n", 0);
        RUNS(t, "echo another", "another\n", 0);
        EXITS(t, "exit 0", "", 0);
        close_session(t);
    }
    folder_list(t->home, &after);
    CHECK(t, strcmp(text_data(&before), text_data(&after)) == 0, "files in HOME were:\n%s\nand are:\n%s",
          text_data(&before), text_data(&after));
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        text now = {0};
        file_read(home_path(t, files[i]), &now);
        CHECK(t, text_equals(&now, content, sizeof content - 1), "%s is now: %s", files[i], text_data(&now));
        text_free(&now);
    }
    text_free(&before);
    text_free(&after);
}

/* The shell's own list of commands does not show the frame as something the user typed. */
static void history_list(struct context *t) {
    RUNS(t, "echo one", "one\n", 0);
    hostsession_error error;
    const hostsession_result *result = run_raw(t, is_shell(t, KSH93 | MKSH) ? "fc -l" : "history", NULL, &error);
    /* The list may be empty; ksh93 says so in the name of the eval that it is in: "ksh93: eval[1]: fc: ...". */
    CHECK(t,
          result && !strstr(hostsession_result_output(result), "_hs") &&
              !strstr(hostsession_result_output(result), "eval '"),
          "history: %s", hostsession_result_output(result));
    IN_SYNC(t);
}

static const struct conformance_case text_cases_table[] = {
    {"text-comments", comments, 0, 0, 0},
    {"text-trailing-backslash", trailing_backslash, 0, 0, 0},
    {"text-here-documents", here_documents, 0, 0, 0},
    {"text-open-here-document", open_here_document, 0, 0, 0},
    {"text-lines-and-blocks", lines_and_blocks, 0, 0, 0},
    {"text-endings", endings, 0, 0, UNSOLICITED_ALLOWED},
    {"text-quotes", quotes, 0, 0, 0},
    {"text-exclamation-marks", exclamation_marks, 0, 0, 0},
    {"text-control-characters", control_characters, 0, 0, 0},
    {"text-high-bytes", high_bytes, 0, 0, 0},
    {"text-high-bytes-in-the-c-locale", high_bytes_in_the_c_locale, 0, 0, OPENS_ITSELF},
    {"text-tabs", tabs, 0, 0, 0},
    {"text-carriage-returns", carriage_returns_in_text, 0, 0, 0},
    {"text-nested-eval", nested_eval, 0, 0, 0},
    {"text-history-is-untouched", history_is_untouched, 0, 0, OPENS_ITSELF},
    {"text-history-list", history_list, ANY_SHELL & ~(unsigned)DASH, 0, 0},
};

CASE_GROUP(text_cases);
