/* SPDX-License-Identifier: MIT */
#include "model.h"

#include "fuzz.h"

#include <inttypes.h>
#include <string.h>

#define RS "\036" MODEL_TOKEN

static void say(model *m, hostsession_stream stream, const char *text) {
    fuzz_must(bytes_append_text(&m->printed[stream], text), "memory");
}

void model_free(model *m) {
    bytes_free(&m->typed);
    bytes_free(&m->line);
    bytes_free(&m->printed[0]);
    bytes_free(&m->printed[1]);
}

/* ---- What the shell prints by itself ----------------------------------------------------------------------------- */

static hostsession_stream prompt_stream(const model *m) {
    return m->tty || m->shell == MODEL_ASH ? HOSTSESSION_STREAM_OUTPUT : HOSTSESSION_STREAM_ERROR;
}

static void print_prompt(model *m) {
    char text[96];
    if (m->exited)
        return;
    bool quiet = m->shell == MODEL_BASH && m->taught && (m->line_status == 0 || !m->tty) && !m->shows_prompts;
    if (m->silent || quiet)
        return;
    if (!m->taught) {
        say(m, prompt_stream(m), "$ ");
        return;
    }
    bool bash = m->shell == MODEL_BASH;
    snprintf(text, sizeof text, RS ";P;%" PRIu64 ";%d" RS "\n", bash ? 0 : m->line_number,
             bash ? m->line_status : m->status);
    say(m, prompt_stream(m), text);
}

static void print_begin(model *m, uint64_t number) {
    char text[96];
    snprintf(text, sizeof text, RS ";B;%" PRIu64 RS "\n", number);
    say(m, HOSTSESSION_STREAM_OUTPUT, text);
    if (!m->tty)
        say(m, HOSTSESSION_STREAM_ERROR, text);
}

/* `whole`: in bash, too. */
static void print_end(model *m, uint64_t number, int status, bool whole) {
    char text[128];
    bool bash = m->shell == MODEL_BASH;
    bool brief = bash && m->told && !whole;
    snprintf(text, sizeof text, RS ";%c;%" PRIu64 ";%d;%s/home" RS "\n", brief ? 'F' : 'E', number, status,
             brief  ? ""
             : bash ? "himB0;1;30;2;"
                    : "himB;1;30;2;");
    say(m, HOSTSESSION_STREAM_OUTPUT, text);
    if (m->end_on_both)
        say(m, HOSTSESSION_STREAM_ERROR, text);
    m->told = true;
    m->shows_prompts &= !whole;
    m->line_status = 0;
}

static void print_answer(model *m, uint64_t number) {
    static const char *const fields[] = {"5.2;;;A", ";5.9;;A", ";;93u+m;A", ";;MIRBSD;A", ";;;A", ";;;$A"};
    char text[128];
    snprintf(text, sizeof text, RS ";A;%" PRIu64 ";%s;me;100;himB;/home" RS "\n", number, fields[m->shell]);
    say(m, HOSTSESSION_STREAM_OUTPUT, text);
}

/* ---- Lines --------------------------------------------------------------------------------------------------------*/

static uint64_t number_at(model *m, const char *text) {
    uint64_t number = strtoull(text, NULL, 10);
    if (number > m->highest)
        m->highest = number;
    return number;
}

/* Behind `call` in the line; NULL when it is not there. */
static const char *behind(const char *line, const char *call) {
    const char *at = strstr(line, call);
    return at ? at + strlen(call) : NULL;
}

/* The number that END is called with. */
static const char *find_end(const model *m, const char *line, bool *ret_whole) {
    const char *first = strncmp(line, "_hs_n=", 6) == 0 ? line + 6 : NULL;
    const char *whole = first ? first : behind(line, "_hs_f \"");
    *ret_whole = whole && *whole >= '0' && *whole <= '9';
    return *ret_whole ? whole : behind(line, m->shell == MODEL_BASH ? "_hs_e \"" : "_hs_e ");
}

static void finish_line(model *m) {
    if (!m->drain_number)
        print_prompt(m);
}

static void note_end(model *m, int status, bool normally) {
    m->runs = m->blocked = m->asks = false;
    m->ended_command = m->command;
    m->ended_status = m->status = status;
    m->ended_normally = normally;
}

static void end_command(model *m, int status, bool normally) {
    note_end(m, status, normally);
    print_end(m, m->number, status, false);
    m->drain_number = m->drains ? m->number : 0;
    finish_line(m);
}

static void abort_command(model *m, int status, bool normally) {
    note_end(m, status, normally);
    m->line_status = status ? status : 1;
    finish_line(m);
}

static void start_command(model *m, const char *line, const char *end) {
    const char *name = behind(line, "cmd");
    m->runs = true;
    m->blocked = m->asks = false;
    m->stubborn = MODEL_DIES;
    m->command = name ? (unsigned)strtoul(name, NULL, 10) : m->command;
    m->number = number_at(m, end);
    m->drains = strstr(end, ";_hs_i ") != NULL;
}

static void run_line(model *m, const char *line) {
    bool whole;
    const char *end = find_end(m, line, &whole);
    const char *number;
    m->line_status = 0;
    if ((number = behind(line, "_hs_k=")) && *number != '0')
        m->line_number = number_at(m, number);
    if (m->tty && strstr(line, "-echo"))
        m->echo = false;
    if (strcmp(line, "PS1=") == 0)
        m->silent = true;
    if (strncmp(line + strspn(line, " "), "PS1=$", 5) == 0 || strstr(line, "eval 'PS1=")) {
        m->taught = true;
        m->silent = m->told = m->shows_prompts = false;
    }
    if ((number = behind(line, ";A;")) && strstr(line, "BASH_VERSION")) {
        print_answer(m, number_at(m, number));
    } else if (strstr(line, ";E;%s;0;;1;;;")) {
        char text[96];
        number = behind(line, "\\n' ");
        snprintf(text, sizeof text, RS ";E;%" PRIu64 ";0;;1;;;" RS "\n", number ? number_at(m, number) : 0);
        say(m, HOSTSESSION_STREAM_OUTPUT, text);
    } else if (strncmp(line + strspn(line, " "), "_hs_v=", 6) == 0) {
        /* A piece of a long text, which begins with the command's name. */
        const char *name = behind(line, "cmd");
        m->command = name ? (unsigned)strtoul(name, NULL, 10) : m->command;
    } else if (end && *end >= '0' && *end <= '9') {
        if ((number = behind(line, "_hs_b ")) && *number >= '0' && *number <= '9')
            print_begin(m, number_at(m, number));
        if (strstr(line, "eval ") || strstr(line, "{ cmd")) {
            start_command(m, line, end);
            return;
        }
        print_end(m, number_at(m, end), m->status, whole);
    } else if (strstr(line, "_hs_q=();}")) {
        m->shows_prompts = true;
    } else if (strstr(line, "kill -9 %%")) {
        m->stopped = false;
    }
    finish_line(m);
}

bool model_can_read(const model *m) {
    bool reads = !m->exited && (!m->runs || m->asks);
    return reads && bytes_length(&m->typed) && memchr(bytes_front(&m->typed), '\n', bytes_length(&m->typed));
}

static void read_line(model *m, const char *line) {
    char wanted[48];
    snprintf(wanted, sizeof wanted, ": _hs_i %" PRIu64, m->drain_number);
    if (m->drain_number) {
        if (!strstr(line, wanted))
            return;
        m->drain_number = 0;
        m->line_status = 0;
        print_prompt(m);
    } else if (m->runs) {
        m->asks = false;
    } else {
        run_line(m, line);
    }
}

void model_read(model *m) {
    if (!model_can_read(m))
        return;
    const char *newline = memchr(bytes_front(&m->typed), '\n', bytes_length(&m->typed));
    size_t length = (size_t)(newline - bytes_front(&m->typed));
    bool goes_on = !m->runs && !m->drain_number && length && newline[-1] == '\\';
    fuzz_must(bytes_append(&m->line, bytes_front(&m->typed), goes_on ? length - 1 : length), "memory");
    bytes_consume(&m->typed, length + 1);
    if (goes_on)
        return;
    fuzz_must(bytes_append(&m->line, "", 1), "memory");
    bytes line = m->line;
    m->line = (bytes){0};
    read_line(m, bytes_front(&line));
    bytes_free(&line);
}

/* ---- Signals and the terminal
 * --------------------------------------------------------------------------------------*/

static void interrupt_shell(model *m) {
    m->drain_number = 0;
    bytes_clear(&m->line);
    m->status = m->line_status = 130;
    if (m->shell != MODEL_KSH93)
        say(m, prompt_stream(m), "\n");
    print_prompt(m);
}

static void take_signal(model *m, hostsession_signal signal, int status) {
    bool dies = signal == HOSTSESSION_SIGNAL_KILL ||
                (signal == HOSTSESSION_SIGNAL_QUIT && m->stubborn < MODEL_IGNORES_SIGNALS) ||
                m->stubborn < MODEL_IGNORES_INT;
    if (m->exited)
        return;
    if (!m->runs && signal == HOSTSESSION_SIGNAL_INTERRUPT)
        interrupt_shell(m);
    else if (m->runs && dies && signal == HOSTSESSION_SIGNAL_INTERRUPT && m->stubborn == MODEL_DIES)
        abort_command(m, status, false);
    else if (m->runs && dies)
        end_command(m, status, false);
}

void model_signal(model *m, hostsession_signal signal) {
    take_signal(m, signal, signal == HOSTSESSION_SIGNAL_KILL ? 137 : signal == HOSTSESSION_SIGNAL_QUIT ? 131 : 130);
}

static void stop_program(model *m) {
    if (!m->runs || m->stubborn == MODEL_IGNORES_SIGNALS)
        return;
    m->stopped = true;
    end_command(m, 148, false);
}

static void type_control(model *m, char control) {
    if (m->flushes)
        bytes_clear(&m->typed);
    if (m->echo)
        say(m, HOSTSESSION_STREAM_OUTPUT, control == 3 ? "^C" : control == 0x1a ? "^Z" : "^\\");
    if (control == 0x1a)
        stop_program(m);
    else
        model_signal(m, control == 3 ? HOSTSESSION_SIGNAL_INTERRUPT : HOSTSESSION_SIGNAL_QUIT);
}

void model_type(model *m, const char *data, size_t length) {
    for (size_t i = 0; i < length && !m->exited; i++) {
        char byte = m->tty && data[i] == '\r' ? '\n' : data[i];
        if (m->tty && (byte == 3 || byte == 0x1a || byte == 0x1c)) {
            type_control(m, byte);
            continue;
        }
        fuzz_must(bytes_append(&m->typed, &byte, 1), "memory");
        if (m->echo)
            fuzz_must(bytes_append(&m->printed[HOSTSESSION_STREAM_OUTPUT], byte == '\n' ? "\r\n" : &byte,
                                   byte == '\n' ? 2 : 1),
                      "memory");
    }
}

/* ---- Steps of the program
 * ------------------------------------------------------------------------------------------*/

void model_print(model *m, hostsession_stream stream, const char *data, size_t length) {
    fuzz_must(bytes_append(&m->printed[stream], data, length), "memory");
}

void model_end(model *m, int status) {
    end_command(m, status, true);
}

void model_abort(model *m, int status) {
    abort_command(m, status, true);
}

void model_exit(model *m, int status) {
    note_end(m, status, true);
    m->exited = true;
    m->exit_status = status;
}
