#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixtures.h"
#include "kept_directory.h"
#include "store/kept_file.h"

#define ENTRY "0cc175b9c0f1b6a831c399e269772661"

static void a_name_is_the_md5_of_the_cookie(void **state)
{
    (void)state;
    char name[KEPT_FILE_NAME_MAX];
    kept_file_name(STR("a"), name);
    assert_string_equal(name, ENTRY);
}

static void assert_unfit(const char *path, const char *says)
{
    const char *why;
    assert_int_equal(kept_directory_open(path, &why), -1);
    if (!strstr(why, says))
        fail_msg("%s: %s", path, why);
}

static void a_directory_that_would_give_tokens_away_is_refused(void **state)
{
    const struct kept_directory *d = *state;
    char file[96];
    assert_unfit("/proc", "tmpfs");
    assert_unfit("/nonexistent", strerror(ENOENT));
    write_entry(d, ENTRY);
    snprintf(file, sizeof file, "%s/" ENTRY, d->path);
    assert_unfit(file, strerror(ENOTDIR));
    assert_int_equal(chmod(d->path, 0775), 0);
    assert_unfit(d->path, "chmod 0770");
    assert_int_equal(chmod(d->path, 01770), 0);
    assert_unfit(d->path, "sticky");
    assert_int_equal(chmod(d->path, 0770), 0);
}

static void an_entry_becomes_an_empty_one_in_a_single_step(void **state)
{
    const struct kept_directory *d = *state;
    struct stat st;
    write_entry(d, ENTRY);
    kept_file_empty(d->fd, ENTRY);
    assert_false(is_kept(d, ENTRY));
    /* nginx, whoever it is, reads enough of it to see that it is none, and finds it to remove. */
    assert_int_equal(fstatat(d->fd, ENTRY, &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    assert_int_equal(st.st_size, 4096);
    assert_int_equal(st.st_blocks, 0);
    assert_int_equal(count_files(d), 1);
}

static void where_there_is_none_none_is_made(void **state)
{
    const struct kept_directory *d = *state;
    kept_file_empty(d->fd, ENTRY);
    assert_int_equal(count_files(d), 0);
}

static void an_entry_that_cannot_be_replaced_is_deleted(void **state)
{
    const struct kept_directory *d = *state;
    struct rlimit before, none;
    write_entry(d, ENTRY);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    kept_file_empty(d->fd, ENTRY);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(count_files(d), 0);
}

static void a_directory_that_is_full_or_gone_has_no_room(void **state)
{
    const struct kept_directory *d = *state;
    assert_true(kept_directory_has_room(d->fd, 1, 4096));
    assert_false(kept_directory_has_room(d->fd, UINT64_MAX, 4096));
    assert_false(kept_directory_has_room(d->fd, 1, UINT64_MAX));
    assert_int_equal(rmdir(d->path), 0);
    assert_false(kept_directory_has_room(d->fd, 1, 4096));
    assert_int_equal(mkdir(d->path, 0700), 0);
}

static void make_old(const struct kept_directory *d, const char *name)
{
    const struct timespec long_ago[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    assert_int_equal(utimensat(d->fd, name, long_ago, 0), 0);
}

static void all_are_emptied_and_others_files_are_left_alone(void **state)
{
    const struct kept_directory *d = *state;
    static const char *const others[] = {"README", ENTRY "0", ENTRY ".123", ENTRY ".0000000001x",
                                         "0cc175b9c0f1b6a831c399e26977266g"};
    size_t n = sizeof others / sizeof *others;
    write_entry(d, ENTRY);
    for (size_t i = 0; i < n; i++) {
        write_entry(d, others[i]);
        make_old(d, others[i]);
    }
    kept_files_empty_all(d->fd);
    assert_false(is_kept(d, ENTRY));
    for (size_t i = 0; i < n; i++)
        assert_true(is_kept(d, others[i]));
    assert_int_equal(count_files(d), n + 1);
}

static void what_was_begun_goes_when_it_is_left_behind(void **state)
{
    const struct kept_directory *d = *state;
    static const char *const begun[] = {ENTRY ".0000000001", "bffd.1.2"};
    for (size_t i = 0; i < 2; i++) {
        write_entry(d, begun[i]);
        kept_files_empty_all(d->fd);
        assert_true(is_kept(d, begun[i])); /* somebody may be at it */
        make_old(d, begun[i]);
        kept_files_empty_all(d->fd);
        assert_int_equal(count_files(d), 0);
    }
}

int main(void)
{
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_the_md5_of_the_cookie),
        IN_DIRECTORY(a_directory_that_would_give_tokens_away_is_refused),
        IN_DIRECTORY(a_directory_that_is_full_or_gone_has_no_room),
        IN_DIRECTORY(an_entry_becomes_an_empty_one_in_a_single_step),
        IN_DIRECTORY(where_there_is_none_none_is_made),
        IN_DIRECTORY(an_entry_that_cannot_be_replaced_is_deleted),
        IN_DIRECTORY(all_are_emptied_and_others_files_are_left_alone),
        IN_DIRECTORY(what_was_begun_goes_when_it_is_left_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
