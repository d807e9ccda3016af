#include <sys/stat.h>

#include "kept_directory.h"
#include "store/microcache.h"

#define NOW INT64_C(1000000)
#define LONGEST_MS 2000
#define PLACES 8 /* for sessions whose hashes fall together */

struct fixture {
    struct kept_directory *d;
    struct microcache *m;
};

static int set_up(void **state)
{
    struct fixture *f = malloc(sizeof *f);
    assert_non_null(f);
    make_directory((void **)&f->d);
    f->m = microcache_open(str_from(f->d->path), LONGEST_MS);
    assert_non_null(f->m);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    microcache_close(f->m);
    remove_directory((void **)&f->d);
    free(f);
    return 0;
}

/* Sessions 0 to 255 fall together. */
static struct session_name session(unsigned char n)
{
    static char cookies[256][2];
    struct session_name name = {.cookie = {cookies[n], 2}};
    cookies[n][0] = (char)('a' + n / 16);
    cookies[n][1] = (char)('a' + n % 16);
    name.hash[0] = n;
    return name;
}

static const char *file_of(const struct session_name *name)
{
    static char file[KEPT_FILE_NAME_MAX];
    kept_file_name(name->cookie, file);
    return file;
}

static struct session_name handed_out(const struct fixture *f, unsigned char n)
{
    struct session_name name = session(n);
    assert_true(microcache_hand_out(f->m, &name, NOW + LONGEST_MS, NOW));
    write_entry(f->d, file_of(&name));
    return name;
}

static void what_changed_is_taken_away_and_nothing_else(void **state)
{
    const struct fixture *f = *state;
    struct session_name one = handed_out(f, 1), other = handed_out(f, 2);
    microcache_forget_hash(f->m, one.hash, NOW);
    assert_false(is_kept(f->d, file_of(&one)));
    assert_true(is_kept(f->d, file_of(&other)));
    microcache_forget_all(f->m);
    assert_false(is_kept(f->d, file_of(&other)));
}

static void what_another_worker_handed_out_goes_by_its_cookie(void **state)
{
    const struct fixture *f = *state;
    struct session_name its = session(1);
    write_entry(f->d, file_of(&its));
    microcache_forget_hash(f->m, its.hash, NOW);
    assert_true(is_kept(f->d, file_of(&its)));
    microcache_forget(f->m, &its, NOW);
    assert_false(is_kept(f->d, file_of(&its)));
}

static void an_entry_that_comes_too_late_is_taken_away_again(void **state)
{
    const struct fixture *f = *state;
    struct session_name one = handed_out(f, 1);
    microcache_forget_hash(f->m, one.hash, NOW);
    int64_t due_ms = microcache_tend(f->m, NOW);
    assert_int_equal(due_ms, NOW + MICROCACHE_SETTLE_MS);
    int times = 0;
    while (due_ms != INT64_MAX) {
        write_entry(f->d, file_of(&one));
        microcache_tend(f->m, due_ms - 1);
        assert_true(is_kept(f->d, file_of(&one)));
        int64_t next_ms = microcache_tend(f->m, due_ms);
        assert_false(is_kept(f->d, file_of(&one)));
        assert_true(next_ms > due_ms);
        /* What nginx wrote this late is there for twice as long again, and a little. */
        if (next_ms != INT64_MAX)
            assert_true(next_ms - due_ms <= 2 * (due_ms - NOW) + MICROCACHE_SETTLE_MS);
        else
            assert_true(due_ms >= NOW + LONGEST_MS);
        due_ms = next_ms;
        times++;
    }
    assert_in_range(times, 3, 10);
}

static void what_is_over_needs_no_taking_away(void **state)
{
    const struct fixture *f = *state;
    struct session_name one = handed_out(f, 1);
    microcache_forget_hash(f->m, one.hash, NOW + LONGEST_MS);
    assert_int_equal(microcache_tend(f->m, NOW + LONGEST_MS), INT64_MAX);
}

static void more_than_can_be_noted_is_not_handed_out(void **state)
{
    const struct fixture *f = *state;
    for (unsigned char n = 0; n < PLACES; n++)
        handed_out(f, n);
    struct session_name known = session(3), fresh = session(PLACES);
    assert_false(microcache_hand_out(f->m, &fresh, NOW + LONGEST_MS, NOW));
    assert_true(microcache_hand_out(f->m, &known, NOW + 1 + LONGEST_MS, NOW + 1));
    /* When they are over there is room again; the one that was renewed is still known. */
    int64_t later = NOW + LONGEST_MS;
    for (unsigned char n = PLACES; n < 2 * PLACES - 1; n++) {
        fresh = session(n);
        assert_true(microcache_hand_out(f->m, &fresh, later + LONGEST_MS, later));
    }
    fresh = session(2 * PLACES);
    assert_false(microcache_hand_out(f->m, &fresh, later + LONGEST_MS, later));
    microcache_forget_hash(f->m, known.hash, later);
    assert_false(is_kept(f->d, file_of(&known)));
}

static void where_nginx_could_not_write_nothing_is_handed_out(void **state)
{
    const struct fixture *f = *state;
    struct session_name one = session(1);
    assert_true(microcache_hand_out(f->m, &one, NOW + LONGEST_MS, NOW));
    assert_int_equal(rmdir(f->d->path), 0);
    assert_false(microcache_hand_out(f->m, &one, NOW + 100 + LONGEST_MS, NOW + 100));
    assert_int_equal(mkdir(f->d->path, 0700), 0);
}

static void at_the_end_nothing_is_kept(void **state)
{
    struct fixture *f = *state;
    struct session_name one = handed_out(f, 1);
    microcache_close(f->m);
    f->m = NULL;
    assert_false(is_kept(f->d, file_of(&one)));
}

static void where_there_is_none_nothing_happens(void **state)
{
    (void)state;
    struct session_name one = session(1);
    microcache_forget(NULL, &one, NOW);
    microcache_forget_hash(NULL, one.hash, NOW);
    microcache_forget_all(NULL);
    assert_int_equal(microcache_tend(NULL, NOW), INT64_MAX);
    assert_null(microcache_open(STR("/proc"), LONGEST_MS));
}

int main(void)
{
#define WITH_ONE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_ONE(what_changed_is_taken_away_and_nothing_else),
        WITH_ONE(what_another_worker_handed_out_goes_by_its_cookie),
        WITH_ONE(an_entry_that_comes_too_late_is_taken_away_again),
        WITH_ONE(what_is_over_needs_no_taking_away),
        WITH_ONE(more_than_can_be_noted_is_not_handed_out),
        WITH_ONE(where_nginx_could_not_write_nothing_is_handed_out),
        WITH_ONE(at_the_end_nothing_is_kept),
        cmocka_unit_test(where_there_is_none_nothing_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
