/* What a configuration file names is read, and refused where it is open to others. */
#include "../../assert_str.h"
#include "server/setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct files {
    char directory[64], config[96], key[96], secret[96];
};

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static int set_up(void **state)
{
    struct files *files = calloc(1, sizeof *files);
    char line[SEAL_KEY_LINE + 1], text[512];
    if (!files || !seal_init())
        return -1;
    strcpy(files->directory, "/tmp/bff-setup-XXXXXX");
    if (!mkdtemp(files->directory))
        return -1;
    snprintf(files->config, sizeof files->config, "%s/bff.conf", files->directory);
    snprintf(files->key, sizeof files->key, "%s/key", files->directory);
    snprintf(files->secret, sizeof files->secret, "%s/secret", files->directory);
    keyring_generate(line);
    write_file(files->key, line, 0600);
    snprintf(text, sizeof text,
             "[server]\nkey_file = %s\n[redis]\nurl = redis://localhost\n"
             "[backend]\nurl = http://127.0.0.1:8000\npreset = oauth-toolkit\n"
             "[client]\nid = web\nsecret_file = %s\n",
             files->key, files->secret);
    write_file(files->config, text, 0644);
    *state = files;
    return 0;
}

static int tear_down(void **state)
{
    struct files *files = *state;
    unlink(files->config);
    unlink(files->key);
    unlink(files->secret);
    rmdir(files->directory);
    free(files);
    return 0;
}

static void the_clients_secret_is_the_first_line_of_its_file(void **state)
{
    const struct files *files = *state;
    char message[SETUP_MESSAGE_MAX];
    write_file(files->secret, "s3cret:%& \r\n# not this\n", 0640);
    struct setup *setup = setup_load(files->config, message);
    assert_non_null(setup);
    assert_str(setup->client_secret, STR("s3cret:%&"));
    assert_int_equal(setup->password.n, 0);
    setup_free(setup);
}

static void expect_refusal(const struct files *files, const char *reason)
{
    char message[SETUP_MESSAGE_MAX], expected[256];
    snprintf(expected, sizeof expected, "client.secret_file: %s: %s", files->secret, reason);
    assert_null(setup_load(files->config, message));
    assert_string_equal(message, expected);
}

static void a_secret_that_others_may_read_is_refused(void **state)
{
    write_file(((struct files *)*state)->secret, "s3cret\n", 0644);
    expect_refusal(*state, "holds a secret but others may read it (or its group may write it): "
                           "chmod 0640 or stricter");
}

static void a_secret_that_is_not_there_is_refused(void **state)
{
    expect_refusal(*state, "No such file or directory");
}

/* It would make a public client of a confidential one. */
static void an_empty_secret_is_refused(void **state)
{
    write_file(((struct files *)*state)->secret, " \n", 0600);
    expect_refusal(*state, "holds nothing");
}

/* systemd puts a copy there that only we can read, of a file that only root can. */
static void a_credential_is_read_in_place_of_the_file_of_its_name(void **state)
{
    const struct files *files = *state;
    char message[SETUP_MESSAGE_MAX], directory[96], credential[128];
    snprintf(directory, sizeof directory, "%s/credentials", files->directory);
    snprintf(credential, sizeof credential, "%s/secret", directory);
    assert_int_equal(mkdir(directory, 0700), 0);
    setenv("CREDENTIALS_DIRECTORY", directory, 1);

    /* There is none for the key, nor yet for the secret. */
    expect_refusal(files, "No such file or directory");
    write_file(credential, "s3cret\n", 0400);
    struct setup *setup = setup_load(files->config, message);
    assert_non_null(setup);
    assert_str(setup->client_secret, STR("s3cret"));
    setup_free(setup);

    /* No other is looked for when it is refused. */
    write_file(files->secret, "another\n", 0600);
    assert_int_equal(chmod(credential, 0444), 0);
    assert_null(setup_load(files->config, message));
    assert_non_null(strstr(message, credential));

    unsetenv("CREDENTIALS_DIRECTORY");
    unlink(credential);
    rmdir(directory);
}

static void a_micro_cache_that_is_not_in_memory_is_refused(void **state)
{
    const struct files *files = *state;
    char message[SETUP_MESSAGE_MAX], text[512];
    write_file(files->secret, "s3cret\n", 0640);
    snprintf(text, sizeof text,
             "[server]\nkey_file = %s\nmicrocache = /proc\n[redis]\nurl = redis://localhost\n"
             "[backend]\nurl = http://127.0.0.1:8000\n",
             files->key);
    write_file(files->config, text, 0644);
    assert_null(setup_load(files->config, message));
    assert_string_equal(message, "server.microcache: /proc: is not on a tmpfs, and access tokens "
                                 "must not reach a disk");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        T(the_clients_secret_is_the_first_line_of_its_file),
        T(a_secret_that_others_may_read_is_refused),
        T(a_secret_that_is_not_there_is_refused),
        T(an_empty_secret_is_refused),
        T(a_credential_is_read_in_place_of_the_file_of_its_name),
        T(a_micro_cache_that_is_not_in_memory_is_refused),
#undef T
    };
    return cmocka_run_group_tests_name("setup", tests, NULL, NULL);
}
