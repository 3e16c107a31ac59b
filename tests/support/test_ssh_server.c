/* SPDX-License-Identifier: MIT */
#include "ssh_server.h"

#include "folder.h"
#include "process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void test_key(void **state) {
    (void)state;
    char folder[256];
    text why = {0};
    assert_true(folder_make_temporary(folder, "support"));
    ssh_server *s = ssh_server_start(folder, NULL, &why);
    if (!s)
        print_message("%s\n", text_data(&why));
    assert_non_null(s);
    for (size_t i = 0; ssh_server_user(s, i); i++) {
        char command[1000];
        snprintf(command, sizeof command, "%s ssh -F %s test-%s 'echo $0 $HOME; pwd; id'", ssh_server_client_env(s),
                 ssh_server_config(s), ssh_server_user(s, i));
        assert_int_equal(system(command), 0);
    }
    assert_true(ssh_server_stop(s));
    folder_remove(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_key)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
