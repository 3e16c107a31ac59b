/* SPDX-License-Identifier: MIT */
#include "engine/notices.h"

#include "engine/unfinished.h"

#include <string.h>

enum { longest_notice = 2000, last_word_count = 4 };

/* Where dash and ash show a command: "[1] + Done                       sleep 1". */
enum { command_column = 33 };

static const char *const last_words[last_word_count] = {"exit\n", "logout\n", "exit\r\n", "logout\r\n"};

void notices_start(notices *n, const notices_config *config, hints h) {
    n->answers = n->newlines = n->noted = 0;
    n->spoke = n->killed = n->quit = false;
    n->in_line = false;
    bytes_clear(&n->held);
    /* A program that takes the shell's place says nothing for it. */
    n->exits = config->says_exit && !(h & HINT(EXEC_PROGRAM));
    n->exit_word = n->exits && (h & HINT(EXIT));
    /* The user who asks for the jobs shall see them. */
    bool gives = config->gives && !(h & HINT(JOBS));
    n->starts = gives && (config->starts || (h & HINT(BACKGROUND)));
    n->pipes = n->starts && (config->starts || (h & HINT(PIPE)));
    n->jobs = gives && (config->jobs || n->starts);
    n->late = !config->gives && !(h & HINT(JOBS)) && (config->jobs || config->starts || (h & HINT(BACKGROUND)));
}

typedef enum look { IS_TEXT, MAY_BE, IS_NOTICE } look;

static size_t skip_set(const char *line, size_t length, size_t from, const char *set) {
    while (from < length && strchr(set, line[from]) && line[from])
        from++;
    return from;
}

/* Whether it is a command with "  (wd: /usr)" behind it: any name may be in there. */
static bool names_directory(const char *text, size_t length) {
    static const char mark[] = "  (wd: ";
    while (length && (text[length - 1] == '\n' || text[length - 1] == '\r'))
        length--;
    if (!length || text[length - 1] != ')')
        return false;
    for (const char *at = text; (at = memmem(at, (size_t)(text + length - at), mark, sizeof mark - 1)) != NULL; at++)
        if (!unfinished(text, (size_t)(at + 2 - text)))
            return true;
    return false;
}

/* Behind that bash tells on a line of its own where it is now: the length with that; 0: more must come. */
static size_t with_new_directory(const char *line, size_t length, size_t size) {
    static const char begin[] = "(wd now: ";
    size_t left = length - size;
    if (memcmp(line + size, begin, left < sizeof begin - 1 ? left : sizeof begin - 1) != 0)
        return size;
    const char *newline = memchr(line + size, '\n', left);
    if (!newline)
        return length < longest_notice ? 0 : size;
    const char *end = newline[-1] == '\r' ? newline - 1 : newline;
    return end[-1] == ')' ? (size_t)(newline + 1 - line) : size;
}

/* In zsh and mksh each program of a pipeline has a number; bash names the last alone. */
static size_t skip_numbers(const notices *n, const char *text, size_t length, size_t from) {
    bool several = n->pipes && !n->stops;
    for (;;) {
        from = skip_set(text, length, from, "0123456789");
        if (!several || from == length || text[from] != ' ')
            return from;
        if (from + 1 == length)
            return length;
        if (text[from + 1] < '0' || text[from + 1] > '9')
            return from;
        from++;
    }
}

/* zsh and mksh give each program of a pipeline a line, where one has ended otherwise than another: "false |". */
static bool more_of_pipeline(const char *line, size_t length, size_t size) {
    enum { least_indent = 6 };
    size_t end = size;
    while (end && strchr("\r\n ", line[end - 1]))
        end--;
    size_t indent = skip_set(line, length, size, " ") - size;
    return end && line[end - 1] == '|' && (indent >= least_indent || size + indent == length);
}

/* What the notice of a job that begins at `line` takes; 0: more must come.  bash and dash show a compound command on
 * several lines, behind a status that is followed by more blanks than are in it. */
static size_t whole_notice(const notices *n, const char *line, size_t length, size_t status, size_t first) {
    const char *command = memmem(line + status, first - status, "  ", 2);
    if (!command)
        return first;
    size_t begin = skip_set(line, first, (size_t)(command - line), " ");
    for (size_t size = first;;) {
        if (n->stops && names_directory(line + begin, size - begin))
            return with_new_directory(line, length, size);
        bool more = n->stops || begin == command_column ? unfinished(line + begin, size - begin)
                                                        : more_of_pipeline(line, length, size);
        if (!more)
            return size;
        const char *newline = size < length ? memchr(line + size, '\n', length - size) : NULL;
        if (!newline && length < longest_notice)
            return 0;
        if (!newline || newline + 1 - line > longest_notice)
            return first;
        size = (size_t)(newline + 1 - line);
    }
}

/* Whether it begins with "[1]", and what is behind that. */
static look job_number(const char *text, size_t length, size_t *ret_end) {
    size_t at = skip_set(text, length, 1, "0123456789");
    if (at == length)
        return at < longest_notice ? MAY_BE : IS_TEXT;
    *ret_end = at + 1;
    return at > 1 && text[at] == ']' ? IS_NOTICE : IS_TEXT;
}

static bool is_at_column(const char *line, size_t length, size_t marks, size_t status) {
    return status == marks + 3 && length > command_column && line[command_column] != ' ' &&
           memcmp(line + command_column - 2, "  ", 2) == 0;
}

/* "[1] 4711" as a job is started, "[1]+  Done ...", "[1] + Done ..." or "[1]   Done ..." as it ends. */
static look job_notice(const notices *n, const char *line, size_t length, size_t *ret_length) {
    size_t marks = 0;
    look number = job_number(line, length, &marks);
    if (number != IS_NOTICE)
        return number;
    size_t at = skip_set(line, length, marks, "+- \t");
    const char *newline = memchr(line, '\n', length);
    if (!newline)
        return length < longest_notice ? MAY_BE : IS_TEXT;
    size_t size = (size_t)(newline + 1 - line);
    size_t digits = skip_numbers(n, line, size, at);
    size_t end = skip_set(line, size, digits, "\r");
    bool starts = n->starts && at == marks + 1 && digits > at && end + 1 == size;
    /* A current job has a mark, another three blanks: a numbered list has fewer. */
    bool ends = at > marks + 2 || (at == marks + 2 && (line[marks] == '+' || line[marks + 1] == '+' ||
                                                       line[marks] == '-' || line[marks + 1] == '-'));
    if (size > longest_notice || !(starts || ends) || (n->late && !is_at_column(line, size, marks, at)))
        return IS_TEXT;
    *ret_length = starts ? size : whole_notice(n, line, length, at, size);
    return *ret_length ? IS_NOTICE : MAY_BE;
}

/* "bash: [4711: 2 (255)] tcsetattr: Inappropriate ioctl for device": bash without a terminal, after a child that a
 * signal ended; the reason is in the user's language. */
static look complaint(const char *line, size_t length, size_t *ret_length) {
    static const char begin[] = "bash: [";
    size_t compare = length < sizeof begin - 1 ? length : sizeof begin - 1;
    if (memcmp(line, begin, compare) != 0)
        return IS_TEXT;
    const char *newline = memchr(line, '\n', length);
    if (!newline)
        return length < longest_notice ? MAY_BE : IS_TEXT;
    size_t size = (size_t)(newline + 1 - line);
    *ret_length = size;
    return memmem(line, size, "] tcsetattr: ", 13) ? IS_NOTICE : IS_TEXT;
}

/* bash begins a new line before it tells that a job was stopped. */
static look stop_notice(const notices *n, const char *line, size_t length, size_t *ret_length) {
    if (length == 1)
        return MAY_BE;
    if (line[1] != '[')
        return IS_TEXT;
    look what = job_notice(n, line + 1, length - 1, ret_length);
    ++*ret_length;
    return what == IS_NOTICE && !memmem(line, *ret_length, "Stopped", 7) ? IS_TEXT : what;
}

/* How much of the beginning of `line` the text is; what is missing may still come. */
static look begins_with(const char *line, size_t length, const char *text, size_t *ret_length) {
    size_t size = strlen(text);
    size_t compare = length < size ? length : size;
    *ret_length = compare;
    return memcmp(line, text, compare) != 0 ? IS_TEXT : compare < size ? MAY_BE : IS_NOTICE;
}

/* What the shell says of a program that our SIGKILL or SIGQUIT ended: "Killed", "Quit (core dumped)". */
static look kill_notice(const notices *n, const char *line, size_t length, size_t *ret_length) {
    size_t at = 0, core = 0;
    look what = n->killed ? begins_with(line, length, "Killed", &at) : IS_TEXT;
    if (what == IS_TEXT && n->quit)
        what = begins_with(line, length, "Quit", &at);
    if (what != IS_NOTICE)
        return what;
    what = begins_with(line + at, length - at, " (core dumped)", &core);
    at += what == IS_NOTICE ? core : 0;
    at = skip_set(line, length, at, " \r");
    if (at == length || what == MAY_BE)
        return MAY_BE;
    *ret_length = at + 1;
    return line[at] == '\n' ? IS_NOTICE : IS_TEXT;
}

/* The same where it ends the text, behind what the program left without a newline; its length. */
static size_t kill_notice_at_end(const notices *n, const char *text, size_t length, bool whole) {
    enum { longest = 40 };
    if (!n->killed && !n->quit)
        return 0;
    for (size_t size = length < longest ? length : longest; size > 0; size--) {
        size_t taken = 0;
        look what = kill_notice(n, text + length - size, size, &taken);
        if ((what == MAY_BE && !whole) || (what == IS_NOTICE && taken == size))
            return size;
    }
    return 0;
}

/* "zsh: suspended  sleep 1000", of the job that Ctrl+Z has stopped for us. */
static look suspension_notice(const char *line, size_t length, size_t *ret_length) {
    look what = begins_with(line, length, "zsh: suspended  ", ret_length);
    if (what != IS_NOTICE)
        return what;
    const char *newline = memchr(line, '\n', length);
    if (!newline)
        return length < longest_notice ? MAY_BE : IS_TEXT;
    *ret_length = (size_t)(newline + 1 - line);
    return IS_NOTICE;
}

static look line_notice(const notices *n, const char *line, size_t length, size_t *ret_length) {
    if (line[0] == '\n')
        return n->stops && n->jobs ? stop_notice(n, line, length, ret_length) : IS_TEXT;
    if (line[0] == '[')
        return n->jobs ? job_notice(n, line, length, ret_length) : IS_TEXT;
    if ((n->killed && line[0] == 'K') || (n->quit && line[0] == 'Q'))
        return kill_notice(n, line, length, ret_length);
    if (line[0] == 'z' && n->jobs && n->answers)
        return suspension_notice(line, length, ret_length);
    return n->complaints ? complaint(line, length, ret_length) : IS_TEXT;
}

/* Behind "[1]": " 4711". */
static look start_form(const notices *n, const char *rest, size_t length) {
    if (length == 0)
        return MAY_BE;
    bool blank = rest[0] == ' ' || rest[0] == '\t';
    size_t end = blank ? skip_numbers(n, rest, length, 1) : 0;
    if (end == length)
        return length < longest_notice ? MAY_BE : IS_TEXT;
    return end > 2 && rest[end] == '\n' ? IS_NOTICE : IS_TEXT;
}

/* Behind "[1]": "+  Done                    sleep 1" of bash, "  + done       sleep 1" of zsh. */
static look end_form(const char *rest, size_t length) {
    size_t status = skip_set(rest, length, 0, "+- ");
    if (status == length)
        return status <= 4 ? MAY_BE : IS_TEXT;
    bool bash = status == 3 && rest[1] == ' ' && rest[2] == ' ';
    bool zsh = status == 4 && rest[0] == ' ' && rest[1] == ' ' && rest[3] == ' ';
    if (!bash && !zsh)
        return IS_TEXT;
    const char *newline = memchr(rest, '\n', length);
    if (!newline)
        return length < longest_notice ? MAY_BE : IS_TEXT;
    return memmem(rest + status, (size_t)(newline - rest) - status, "  ", 2) ? IS_NOTICE : IS_TEXT;
}

/* In the middle of a line shells tell of a job, too.  There the blanks count, since a program may print what looks like
 * it. */
static look inner_notice(const notices *n, const char *text, size_t length, size_t *ret_length) {
    size_t rest = 0;
    look what = job_number(text, length, &rest);
    if (what != IS_NOTICE)
        return what;
    what = n->starts ? start_form(n, text + rest, length - rest) : IS_TEXT;
    if (what == IS_TEXT)
        what = end_form(text + rest, length - rest);
    return what == IS_NOTICE ? job_notice(n, text, length, ret_length) : what;
}

/* In [*at, line_end); where it begins is told in any case but IS_TEXT. */
static look find_inner(const notices *n, char **at, const char *line_end, const char *end, size_t *ret_length) {
    for (char *from = *at; (from = memchr(from, '[', (size_t)(line_end - from))) != NULL; from++) {
        look what = inner_notice(n, from, (size_t)(end - from), ret_length);
        if (what != IS_TEXT) {
            *at = from;
            return what;
        }
    }
    return IS_TEXT;
}

static size_t newlines_at_end(const char *data, size_t length) {
    size_t count = 0;
    while (count < length && data[length - count - 1] == '\n')
        count++;
    return count;
}

/* What a program says of its end ends with one newline of the shell's; where nothing else came, each is an answer. */
static void note_newlines(notices *n, const char *data, size_t length) {
    if (!n->answers || !length)
        return;
    n->spoke |= newlines_at_end(data, length) < length;
    n->newlines = n->spoke ? 1 : n->newlines + length;
}

/* How many of the last bytes may be answers to interrupts. */
static size_t answers_at_end(const notices *n, const char *data, size_t length) {
    size_t most = n->newlines < n->answers ? n->newlines : n->answers;
    size_t count = most ? newlines_at_end(data, length) : 0;
    return count < most ? count : most;
}

void notices_interrupted(notices *n) {
    /* A newline that is kept back may answer a signal. */
    if (bytes_length(&n->held))
        return;
    n->newlines = 0;
    n->spoke = false;
}

/* How many of the last bytes may be the beginning, or the whole, of the shell's last word. */
static size_t last_word(const notices *n, const char *data, size_t length) {
    size_t count = answers_at_end(n, data, length);
    size_t killed = kill_notice_at_end(n, data, length - count, false);
    if (killed || count || !n->exits)
        return killed + count;
    size_t longest = 0;
    for (size_t w = 0; w < last_word_count; w++) {
        size_t size = strlen(last_words[w]);
        for (size_t part = size < length ? size : length; part > longest; part--) {
            bool begins_line = part < length ? data[length - part - 1] == '\n' : !n->in_line;
            if ((begins_line || n->exit_word) && memcmp(data + length - part, last_words[w], part) == 0)
                longest = part;
        }
    }
    return longest;
}

static void emit(notices *n, const char *data, size_t length) {
    if (!length)
        return;
    n->in_line = data[length - 1] != '\n';
    n->on_data(n->owner, data, length);
}

/* Passes on [from, at), where a notice begins, but for what may be answers at its end: whether they are shows what
 * comes behind the notice, up to which they are moved.  Returns how many there are. */
static size_t pass_before(notices *n, char *from, char *at, size_t size, size_t noted) {
    size_t length = (size_t)(at - from);
    if (length > noted)
        note_newlines(n, from + noted, length - noted);
    size_t tail = answers_at_end(n, from, length);
    emit(n, from, length - tail);
    memmove(at + size - tail, at - tail, tail);
    return tail;
}

bool notices_feed(notices *n, const char *data, size_t length) {
    n->jobs |= n->late && n->answers;
    if (!n->jobs && !n->complaints && !n->killed && !n->quit && !n->exits && !n->answers && !bytes_length(&n->held)) {
        emit(n, data, length);
        return true;
    }
    bytes all = n->held;
    if (!bytes_append(&all, data, length)) {
        n->held = all;
        return false;
    }
    size_t noted = n->noted;
    n->held = (bytes){0};
    n->noted = 0;
    char *at = bytes_front(&all);
    char *end = at + bytes_length(&all);
    char *from = at;
    bool by_line = n->jobs || n->complaints || n->killed || n->quit;
    while (by_line && at < end) {
        size_t size = 0;
        char *newline = memchr(at, '\n', (size_t)(end - at));
        char *next = newline ? newline + 1 : end;
        look what = n->in_line && at == from ? IS_TEXT : line_notice(n, at, (size_t)(end - at), &size);
        bool inside = what == IS_TEXT && n->jobs;
        if (inside)
            what = find_inner(n, &at, next, end, &size);
        if (what == MAY_BE)
            break;
        if (what == IS_NOTICE) {
            noted = pass_before(n, from, at, size, noted);
            at += size;
            from = at - noted;
            n->in_line &= inside;
            continue;
        }
        at = next;
    }
    if (!by_line)
        at = end;
    size_t ready = (size_t)(at - from);
    /* The newline that begins the notice of a stopped job may have been noted. */
    if (ready > noted) {
        note_newlines(n, from + noted, ready - noted);
        noted = ready;
    }
    size_t word = at == end ? last_word(n, from, ready) : answers_at_end(n, from, ready);
    emit(n, from, ready - word);
    bool right = bytes_append(&n->held, at - word, word + (size_t)(end - at));
    n->noted = right ? noted - (ready - word) : 0;
    bytes_free(&all);
    return right;
}

/* What a shell says of a program that we ended, and the answers behind that. */
static size_t said_last(const notices *n, const char *text, size_t length, size_t answers) {
    for (size_t behind = 0; behind <= answers; behind++) {
        size_t size = kill_notice_at_end(n, text, length - behind, true);
        if (size)
            return size + behind;
    }
    return answers;
}

/* ksh93 tells of a job that it stopped or killed for us without a newline where that has no name, as an eval has none:
 * "[1] + Stopped" and blanks.  The length of the last of them, which ends the text. */
static size_t nameless_job_at_end(const notices *n, const char *text, size_t length) {
    enum { status_width = 25 };
    const char *begin = n->jobs ? memrchr(text, '[', length) : NULL;
    size_t size = begin ? (size_t)(text + length - begin) : 0;
    size_t marks = 0, word = 0;
    if (!begin || job_number(begin, size, &marks) != IS_NOTICE || size != marks + 3 + status_width ||
        memcmp(begin + marks, " + ", 3) != 0)
        return 0;
    const char *status = begin + marks + 3;
    if (begins_with(status, status_width, "Stopped", &word) != IS_NOTICE &&
        begins_with(status, status_width, "Killed", &word) != IS_NOTICE)
        return 0;
    return skip_set(status, status_width, word, " ") == status_width ? size : 0;
}

void notices_finish(notices *n, notices_end how) {
    size_t length = bytes_length(&n->held);
    if (!length)
        return;
    const char *held = bytes_front(&n->held);
    note_newlines(n, held + n->noted, length - n->noted);
    bool whole = held[length - 1] == '\n';
    size_t answers = how == NOTICES_INTERRUPTED ? answers_at_end(n, held, length) : 0;
    size_t shells = how == NOTICES_EXITED && n->exits && whole ? length : said_last(n, held, length, answers);
    size_t nameless;
    while ((nameless = nameless_job_at_end(n, held, length - shells)) > 0)
        shells += nameless;
    emit(n, held, length - shells);
    bytes_clear(&n->held);
    n->noted = 0;
}

size_t notices_find_exit(const char *text, size_t length, size_t *ret_start) {
    for (size_t start = length; start-- > 0;) {
        if (start > 0 && text[start - 1] != '\n')
            continue;
        for (size_t w = 0; w < last_word_count; w++) {
            size_t size = strlen(last_words[w]);
            if (size <= length - start && memcmp(text + start, last_words[w], size) == 0) {
                *ret_start = start;
                return size;
            }
        }
    }
    return 0;
}

void notices_free(notices *n) {
    bytes_free(&n->held);
}
