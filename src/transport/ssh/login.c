/* SPDX-License-Identifier: MIT */
#include "transport/ssh/login.h"

#include "base/bytes.h"
#include "base/failure.h"
#include "loop/loop.h"
#include "transport/ssh/agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum {
    answer_bytes = 1024,
    most_steps = 8,
    passphrase_attempts = 3,
};

/* What is to be tried, in order. */
typedef enum step {
    STEP_NONE, /* to be told what the host accepts */
    STEP_AGENT,
    STEP_KEYS,
    STEP_KEYBOARD,
    STEP_PASSWORD,
} step;

struct ssh_login {
    hostsession_loop *loop;
    ssh_session session;
    const ssh_settings *settings;
    identities *ids;
    ssh_login_host host;
    void *owner;
    char name[200]; /* user@host, for messages */

    step plan[most_steps];
    size_t plan_length;
    size_t at;
    int methods; /* that the host accepts, SSH_AUTH_METHOD_...; -1: not told yet */
    bool told;   /* it was asked, by "none" */

    /* STEP_KEYS. */
    size_t key;
    bool offered;             /* the host would take the key whose passphrase we lack */
    bool without_certificate; /* it does not take the key's */
    /* STEP_KEYS, _KEYBOARD, _PASSWORD. */
    unsigned attempt;
    bool asked; /* in this attempt */
    char answer[answer_bytes];
    bool answered; /* `answer` is on its way */

    agent *agent;
    int agent_result;
    bool agent_answered;
    bool opened; /* the thread's result: the passphrase was right */
    loop_job *job;
    bool has_session; /* the job has it */

    char tried[300];
};

/* ---- what is tried ---- */

static bool has_usable_file(const identities *ids) {
    for (size_t i = 0; i < ids->count; i++)
        if (ids->items[i].key)
            return true;
    return false;
}

static void start_agent(ssh_login *l) {
    int descriptor = -1;
    char *path = agent_path(l->settings);
    if (path)
        l->agent =
            agent_new(l->loop, path, l->ids, ssh_settings_flag(l->settings, "identitiesonly", false), &descriptor);
    free(path);
    if (l->agent && ssh_set_agent_socket(l->session, descriptor) != SSH_OK) {
        close(descriptor);
        agent_free(l->agent);
        l->agent = NULL;
    }
}

/* "unbound" and "host-bound" are ways of yes. */
static bool wants_keys(const ssh_login *l) {
    const char *said = ssh_settings_text(l->settings, "pubkeyauthentication");
    return !said || ssh_settings_flag(l->settings, "pubkeyauthentication", true) || strstr(said, "bound");
}

static void plan_method(ssh_login *l, const char *method, size_t length) {
    bool keys = length == 9 && strncmp(method, "publickey", length) == 0;
    bool keyboard = length == 20 && strncmp(method, "keyboard-interactive", length) == 0;
    bool password = length == 8 && strncmp(method, "password", length) == 0;
    if (l->plan_length + 2 > most_steps)
        return;
    if (keys && wants_keys(l)) {
        if (l->agent)
            l->plan[l->plan_length++] = STEP_AGENT;
        if (l->ids->count)
            l->plan[l->plan_length++] = STEP_KEYS;
    }
    if (keyboard && ssh_settings_flag(l->settings, "kbdinteractiveauthentication", true))
        l->plan[l->plan_length++] = STEP_KEYBOARD;
    if (password && ssh_settings_flag(l->settings, "passwordauthentication", true))
        l->plan[l->plan_length++] = STEP_PASSWORD;
}

/* A key in the clear is sent at once: the host's answer tells what it accepts as well as that to "none" would, a round
 * trip earlier. */
static void make_plan(ssh_login *l) {
    const char *wanted = ssh_settings_text(l->settings, "preferredauthentications");
    if (!wanted)
        wanted = "publickey,keyboard-interactive,password";
    bool keys_first = strncmp(wanted, "publickey", 9) == 0 && wants_keys(l);
    if (!(keys_first && (l->agent || has_usable_file(l->ids)))) {
        l->plan[l->plan_length++] = STEP_NONE;
        l->told = true;
    }
    for (const char *at = wanted; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ','))
        plan_method(l, at, strcspn(at, ","));
}

static void note_tried(ssh_login *l, const char *what, const char *which) {
    size_t used = strlen(l->tried);
    snprintf(l->tried + used, sizeof l->tried - used, "%s%s%s%s%s", used ? ", " : "", what, which ? " (" : "",
             which ? which : "", which ? ")" : "");
}

ssh_login *ssh_login_new(hostsession_loop *loop, ssh_session session, const ssh_settings *settings, identities *ids,
                         const ssh_login_host *host, void *owner) {
    ssh_login *l = calloc(1, sizeof *l);
    if (!l) {
        identities_free(ids);
        return NULL;
    }
    l->loop = loop;
    l->session = session;
    l->settings = settings;
    l->ids = ids;
    l->host = *host;
    l->owner = owner;
    l->methods = -1;
    l->attempt = 1;
    snprintf(l->name, sizeof l->name, "%s@%s", ssh_settings_user(settings), ssh_settings_host(settings));
    start_agent(l);
    make_plan(l);
    return l;
}

/* ---- asking the user ---- */

static bool ask(ssh_login *l, hostsession_question_kind kind, const char *subject, const char *prompt, bool echo) {
    char shown[300];
    hostsession_question question = {.struct_size = sizeof question,
                                     .kind = kind,
                                     .target = ssh_settings_host(l->settings),
                                     .user = ssh_settings_user(l->settings),
                                     .subject = subject,
                                     .prompt = failure_escape_tail(shown, sizeof shown, prompt, strlen(prompt)),
                                     .echo = echo,
                                     .attempt = l->attempt};
    if (ssh_settings_flag(l->settings, "batchmode", false))
        return false;
    l->asked = true;
    l->answered = l->host.ask(l->owner, &question, l->answer, sizeof l->answer);
    l->answer[sizeof l->answer - 1] = 0;
    return l->answered;
}

static void forget_answer(ssh_login *l) {
    explicit_bzero(l->answer, sizeof l->answer);
    l->answered = false;
}

/* ---- threads ---- */

/* Everything that a job touches; the login itself may be gone when it ends. */
typedef struct task {
    ssh_login *login;
    ssh_session session; /* for the agent */
    identities *ids;     /* for a passphrase */
    identity *id;
    char passphrase[answer_bytes];
    bool opened;
    int result;
} task;

static void task_free(task *t) {
    explicit_bzero(t->passphrase, sizeof t->passphrase);
    free(t);
}

static void work(void *data) {
    task *t = data;
    if (t->id)
        t->opened = identity_open(t->id, t->ids, t->passphrase);
    else
        t->result = ssh_userauth_agent(t->session, NULL);
}

static void work_done(void *data) {
    task *t = data;
    ssh_login *l = t->login;
    l->job = NULL;
    l->has_session = false;
    l->opened = t->opened;
    l->agent_result = t->result;
    l->agent_answered = t->id == NULL;
    task_free(t);
    l->host.go_on(l->owner);
}

static void work_discarded(void *data) {
    task *t = data;
    if (t->id)
        identities_free(t->ids);
    else
        ssh_free(t->session);
    task_free(t);
}

static bool start_work(ssh_login *l, identity *id) {
    /* An agent may ask its user. */
    static const loop_job_calls asking = {work, work_done, work_discarded, false};
    static const loop_job_calls opening = {work, work_done, work_discarded, true};
    task *t = calloc(1, sizeof *t);
    if (!t)
        return false;
    t->login = l;
    t->session = l->session;
    t->ids = l->ids;
    t->id = id;
    memcpy(t->passphrase, l->answer, sizeof t->passphrase);
    l->job = loop_job_start(l->loop, id ? &opening : &asking, t);
    if (!l->job)
        task_free(t);
    l->has_session = l->job && !id;
    return l->job != NULL;
}

bool ssh_login_free(ssh_login *l) {
    if (!l)
        return false;
    bool has_session = l->has_session;
    bool has_ids = l->job && !l->has_session;
    agent_free(l->agent);
    loop_job_abandon(l->job);
    if (!has_ids)
        identities_free(l->ids);
    forget_answer(l);
    free(l);
    return has_session;
}

/* ---- the steps ---- */

static void next_step(ssh_login *l) {
    l->at++;
    l->attempt = 1;
    l->asked = false;
    forget_answer(l);
}

/* A key that was part of the way is not taken twice. */
static void use_up_key(ssh_login *l) {
    identity_clear(&l->ids->items[l->key]);
}

/* After a method that was part of the way: the others in order again, without those that are used up. */
static void restart(ssh_login *l, step used) {
    size_t kept = 0;
    if (used == STEP_KEYS) {
        note_tried(l, l->ids->items[l->key].file, "accepted, and more is asked for");
        use_up_key(l);
    }
    for (size_t i = 0; i < l->plan_length; i++) {
        bool again = used == STEP_KEYS ? l->plan[i] != STEP_AGENT : l->plan[i] != used;
        if (again && l->plan[i] != STEP_NONE)
            l->plan[kept++] = l->plan[i];
    }
    l->plan_length = kept;
    l->at = 0;
    l->key = 0;
    l->attempt = 1;
    l->asked = l->offered = l->without_certificate = false;
    forget_answer(l);
}

/* libssh has 0 before the host has refused anything. */
static void note_methods(ssh_login *l) {
    int methods = ssh_userauth_list(l->session, NULL);
    if (methods > 0)
        l->methods = methods;
}

static bool is_accepted(const ssh_login *l, step s) {
    static const int methods[] = {SSH_AUTH_METHOD_NONE, SSH_AUTH_METHOD_PUBLICKEY, SSH_AUTH_METHOD_PUBLICKEY,
                                  SSH_AUTH_METHOD_INTERACTIVE, SSH_AUTH_METHOD_PASSWORD};
    return s == STEP_NONE || l->methods < 0 || (l->methods & methods[s]) != 0;
}

static int do_agent(ssh_login *l) {
    if (!l->agent_answered)
        return start_work(l, NULL) ? SSH_AUTH_AGAIN : SSH_AUTH_DENIED;
    l->agent_answered = false;
    if (l->agent_result != SSH_AUTH_AGAIN)
        note_tried(l, "the agent's keys", agent_offers(l->agent) ? NULL : "it has none that may be used");
    return l->agent_result;
}

static void next_key(ssh_login *l) {
    l->key++;
    l->attempt = 1;
    l->offered = l->opened = l->without_certificate = false;
    forget_answer(l);
}

typedef int (*key_method)(ssh_session session, const char *user, const ssh_key key);

/* With its certificate, and then without: a host may know the key alone, or take no such certificate (any more).
 * `certified` is NULL where there is none, `key` where it is not known. */
static int try_key(ssh_login *l, ssh_key certified, ssh_key key, key_method method) {
    if (certified && !l->without_certificate) {
        int result = method(l->session, NULL, certified);
        if (result != SSH_AUTH_DENIED)
            return result;
        l->without_certificate = true;
    }
    return key ? method(l->session, NULL, key) : SSH_AUTH_SUCCESS;
}

/* A key whose passphrase we lack: the host says first whether it is worth asking for. */
static int open_key(ssh_login *l, identity *id) {
    if (!l->offered) {
        int result = try_key(l, id->certificate, id->public_part, ssh_userauth_try_publickey);
        if (result != SSH_AUTH_SUCCESS)
            return result;
    }
    l->offered = true;
    while (l->attempt <= passphrase_attempts && ask(l, HOSTSESSION_QUESTION_PASSPHRASE, id->file, "", false)) {
        l->attempt++;
        bool started = start_work(l, id);
        forget_answer(l);
        if (started)
            return SSH_AUTH_AGAIN;
    }
    id->problem = "its passphrase was not given";
    return SSH_AUTH_DENIED;
}

static int do_keys(ssh_login *l) {
    while (l->key < l->ids->count) {
        identity *id = &l->ids->items[l->key];
        int result = SSH_AUTH_DENIED;
        if (id->key)
            result = try_key(l, id->certified, id->key, ssh_userauth_publickey);
        else if (id->encrypted)
            result = open_key(l, id);
        if (result == SSH_AUTH_SUCCESS && !id->key)
            continue;
        if (result != SSH_AUTH_DENIED)
            return result;
        if (id->key || id->encrypted || id->problem)
            note_tried(l, id->file, id->problem);
        note_methods(l);
        next_key(l);
    }
    return SSH_AUTH_DENIED;
}

/* Returns whether all prompts were answered. */
static bool answer_prompts(ssh_login *l) {
    int count = ssh_userauth_kbdint_getnprompts(l->session);
    bool right = true;
    for (int i = 0; right && i < count && i < 32; i++) {
        char echo = 0;
        const char *prompt = ssh_userauth_kbdint_getprompt(l->session, (unsigned)i, &echo);
        /* One hidden question first is the password, in whatever language. */
        bool password = count == 1 && !echo && !l->asked;
        right = ask(l, password ? HOSTSESSION_QUESTION_PASSWORD : HOSTSESSION_QUESTION_OTHER, "", prompt ? prompt : "",
                    echo != 0) &&
                ssh_userauth_kbdint_setanswer(l->session, (unsigned)i, l->answer) == SSH_OK;
        forget_answer(l);
    }
    return right;
}

static int do_keyboard(ssh_login *l) {
    for (;;) {
        int result = ssh_userauth_kbdint(l->session, NULL, NULL);
        if (result == SSH_AUTH_INFO) {
            /* Unanswered, the host is left to say no. */
            if (!answer_prompts(l))
                l->attempt = UINT16_MAX;
            continue;
        }
        if (result != SSH_AUTH_DENIED)
            return result;
        bool again = l->asked && l->attempt < (unsigned)ssh_settings_number(l->settings, "numberofpasswordprompts", 3);
        if (!again) {
            note_tried(l, "keyboard-interactive", l->attempt == UINT16_MAX ? "not answered" : NULL);
            return result;
        }
        l->attempt++;
        l->asked = false;
    }
}

static int do_password(ssh_login *l) {
    unsigned most = (unsigned)ssh_settings_number(l->settings, "numberofpasswordprompts", 3);
    while (l->attempt <= most) {
        if (!l->answered && !ask(l, HOSTSESSION_QUESTION_PASSWORD, "", "", false))
            break;
        int result = ssh_userauth_password(l->session, NULL, l->answer);
        if (result == SSH_AUTH_AGAIN)
            return result;
        forget_answer(l);
        if (result != SSH_AUTH_DENIED)
            return result;
        l->attempt++;
    }
    note_tried(l, "password", l->attempt > 1 ? NULL : "none was given");
    return SSH_AUTH_DENIED;
}

static int do_step(ssh_login *l) {
    switch (l->plan[l->at]) {
    case STEP_NONE:
        return ssh_userauth_none(l->session, NULL);
    case STEP_AGENT:
        return do_agent(l);
    case STEP_KEYS:
        return do_keys(l);
    case STEP_KEYBOARD:
        return do_keyboard(l);
    case STEP_PASSWORD:
        return do_password(l);
    }
    return SSH_AUTH_ERROR;
}

static void describe_methods(int methods, char *to, size_t size) {
    static const struct {
        int method;
        const char *name;
    } names[] = {{SSH_AUTH_METHOD_PUBLICKEY, "publickey"},
                 {SSH_AUTH_METHOD_INTERACTIVE, "keyboard-interactive"},
                 {SSH_AUTH_METHOD_PASSWORD, "password"},
                 {SSH_AUTH_METHOD_HOSTBASED, "hostbased"},
                 {SSH_AUTH_METHOD_GSSAPI_MIC, "gssapi-with-mic"}};
    to[0] = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (methods > 0 && (methods & names[i].method)) {
            size_t used = strlen(to);
            snprintf(to + used, size - used, "%s%s", used ? ", " : "", names[i].name);
        }
}

static ssh_login_verdict refuse(ssh_login *l, hostsession_failure *failure) {
    char accepted[120];
    describe_methods(l->methods, accepted, sizeof accepted);
    failure_set(
        failure, HOSTSESSION_ERROR_AUTH, 0, "auth",
        "%s: the host refused the login; tried: %s; it accepts: %s; give it a key (IdentityFile), an agent or a "
        "password that it knows",
        l->name, l->tried[0] ? l->tried : "nothing, there is no key and no password",
        accepted[0] ? accepted : "nothing that we have");
    return SSH_LOGIN_WRONG;
}

/* libssh goes on waiting for a host that has hung up, or whose bytes make no sense any more. */
static bool hung_up(const ssh_login *l) {
    return !ssh_is_connected(l->session) || (ssh_get_status(l->session) & (SSH_CLOSED | SSH_CLOSED_ERROR)) != 0;
}

static ssh_login_verdict break_off(const ssh_login *l, hostsession_failure *failure) {
    failure_set(failure, HOSTSESSION_ERROR_AUTH, 0, "auth", "%s: the login was broken off: %s; tried: %s", l->name,
                ssh_get_error(l->session), l->tried[0] ? l->tried : "nothing yet");
    return SSH_LOGIN_WRONG;
}

/* Where no key was offered that could be refused: whether the host takes an answer at all is asked before one is. */
static void ask_for_methods(ssh_login *l) {
    bool first = l->plan[l->at] > STEP_KEYS && l->methods < 0 && !l->told;
    if (!first || l->plan_length == most_steps)
        return;
    l->told = true;
    memmove(l->plan + l->at + 1, l->plan + l->at, (l->plan_length - l->at) * sizeof l->plan[0]);
    l->plan[l->at] = STEP_NONE;
    l->plan_length++;
}

ssh_login_verdict ssh_login_step(ssh_login *l, hostsession_failure *failure) {
    while (l->at < l->plan_length) {
        ask_for_methods(l);
        if (!is_accepted(l, l->plan[l->at])) {
            next_step(l);
            continue;
        }
        int result = do_step(l);
        if (l->job)
            return SSH_LOGIN_BUSY;
        switch (result) {
        case SSH_AUTH_SUCCESS:
            return SSH_LOGIN_RIGHT;
        case SSH_AUTH_AGAIN:
            return hung_up(l) ? break_off(l, failure) : SSH_LOGIN_WAITS;
        case SSH_AUTH_PARTIAL:
            note_methods(l);
            restart(l, l->plan[l->at]);
            break;
        case SSH_AUTH_DENIED:
            note_methods(l);
            next_step(l);
            break;
        default:
            return break_off(l, failure);
        }
    }
    return refuse(l, failure);
}
