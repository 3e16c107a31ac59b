/* SPDX-License-Identifier: MIT */
#include "engine/notices.h"

#include "engine/unfinished.h"

#include <string.h>

enum { longest_notice = 2000, last_word_count = 4 };

static const char *const last_words[last_word_count] = {"exit\n", "logout\n", "exit\r\n", "logout\r\n"};

void notices_start(notices *n, const notices_config *config, hints h) {
    n->answers = n->newlines = 0;
    n->spoke = n->killed = false;
    n->in_line = false;
    bytes_clear(&n->held);
    /* A program that takes the shell's place says nothing for it. */
    n->exits = config->says_exit && !(h & HINT(EXEC));
    n->exit_word = n->exits && (h & HINT(EXIT));
    /* The user who asks for the jobs shall see them. */
    bool gives = config->gives && !(h & HINT(JOBS));
    n->starts = gives && (config->starts || (h & HINT(BACKGROUND)));
    n->pipes = n->starts && (config->starts || (h & HINT(PIPE)));
    n->jobs = gives && (config->jobs || n->starts);
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
    enum { dash_column = 33 };
    const char *command = memmem(line + status, first - status, "  ", 2);
    if (!command)
        return first;
    size_t begin = skip_set(line, first, (size_t)(command - line), " ");
    for (size_t size = first;;) {
        if (n->stops && names_directory(line + begin, size - begin))
            return with_new_directory(line, length, size);
        bool more = n->stops || begin == dash_column ? unfinished(line + begin, size - begin)
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
    if (size > longest_notice || !(starts || ends))
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

/* What the shell says of a program that SIGKILL ended. */
static look kill_notice(const char *line, size_t length, size_t *ret_length) {
    static const char word[] = "Killed";
    size_t compare = length < sizeof word - 1 ? length : sizeof word - 1;
    if (memcmp(line, word, compare) != 0)
        return IS_TEXT;
    size_t at = skip_set(line, length, compare, " \r");
    if (at == length)
        return MAY_BE;
    *ret_length = at + 1;
    return line[at] == '\n' ? IS_NOTICE : IS_TEXT;
}

static look line_notice(const notices *n, const char *line, size_t length, size_t *ret_length) {
    if (line[0] == '\n')
        return n->stops && n->jobs ? stop_notice(n, line, length, ret_length) : IS_TEXT;
    if (line[0] == '[')
        return n->jobs ? job_notice(n, line, length, ret_length) : IS_TEXT;
    if (n->killed && line[0] == 'K')
        return kill_notice(line, length, ret_length);
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

/* In [from, line_end); where it begins is told in any case but IS_TEXT. */
static look find_inner(const notices *n, const char *from, const char *line_end, const char *end, const char **ret_at,
                       size_t *ret_length) {
    for (const char *at = from; (at = memchr(at, '[', (size_t)(line_end - at))) != NULL; at++) {
        look what = inner_notice(n, at, (size_t)(end - at), ret_length);
        if (what != IS_TEXT) {
            *ret_at = at;
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
    n->spoke |= newlines_at_end(data, length) < length;
    n->newlines = n->spoke ? 1 : n->newlines + length;
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
    size_t most = n->newlines < n->answers ? n->newlines : n->answers;
    size_t count = most ? newlines_at_end(data, length) : 0;
    if (count)
        return count < most ? count : most;
    if (!n->exits)
        return 0;
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

bool notices_feed(notices *n, const char *data, size_t length) {
    if (n->answers)
        note_newlines(n, data, length);
    if (!n->jobs && !n->complaints && !n->killed && !n->exits && !n->answers && !bytes_length(&n->held)) {
        emit(n, data, length);
        return true;
    }
    bytes all = n->held;
    n->held = (bytes){0};
    if (!bytes_append(&all, data, length)) {
        n->held = all;
        return false;
    }
    const char *at = bytes_front(&all);
    const char *end = at + bytes_length(&all);
    const char *from = at;
    bool by_line = n->jobs || n->complaints || n->killed;
    while (by_line && at < end) {
        size_t size = 0;
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *next = newline ? newline + 1 : end;
        look what = n->in_line && at == from ? IS_TEXT : line_notice(n, at, (size_t)(end - at), &size);
        bool inside = what == IS_TEXT && n->jobs;
        if (inside)
            what = find_inner(n, at, next, end, &at, &size);
        if (what == MAY_BE)
            break;
        if (what == IS_NOTICE) {
            emit(n, from, (size_t)(at - from));
            at += size;
            from = at;
            n->in_line &= inside;
            continue;
        }
        at = next;
    }
    if (!by_line)
        at = end;
    size_t tail = at == end ? last_word(n, from, (size_t)(end - from)) : (size_t)(end - at);
    emit(n, from, (size_t)(end - from) - tail);
    bool right = bytes_append(&n->held, end - tail, tail);
    bytes_free(&all);
    return right;
}

void notices_finish(notices *n, notices_end how) {
    size_t length = bytes_length(&n->held);
    const char *held = bytes_front(&n->held);
    bool whole = length && held[length - 1] == '\n';
    bool shells = (how == NOTICES_EXITED && n->exits) ||
                  (how == NOTICES_INTERRUPTED && n->answers && newlines_at_end(held, length) == length);
    if (length && !(shells && whole))
        emit(n, held, length);
    bytes_clear(&n->held);
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
