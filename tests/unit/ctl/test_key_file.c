/* The steps of a rotation. Letters stand for keys. */
#include "../../assert_str.h"

#include "ctl/key_file.h"

#define NOW STR("2026-11-21T18:05:53Z")
#define OPENS "# bffctl: opens since 2026-11-21T18:05:53Z\n"
#define SEALS "# bffctl: seals since 2026-11-21T18:05:53Z\n"

static int make(void **state)
{
    static struct arena arena;
    arena = arena_make(64 * 1024);
    *state = &arena;
    return 0;
}

static int destroy(void **state)
{
    arena_free(*state);
    return 0;
}

static void a_rotation_goes_by_three_steps(void **state)
{
    struct str text = STR("# our first\nAAAA\n"), out;
    assert_int_equal(key_file_state(text).stage, KEYS_ALONE);
    assert_true(key_file_add(text, STR("BBBB"), NOW, *state, &out));
    assert_str(out, STR("# our first\nAAAA\n" OPENS "BBBB\n"));
    assert_int_equal(key_file_state(out).stage, KEYS_ADDED);
    assert_str(key_file_state(out).since, NOW);
    assert_true(key_file_use(out, NOW, *state, &out));
    assert_str(out, STR(SEALS "BBBB\n# our first\nAAAA\n"));
    assert_int_equal(key_file_state(out).stage, KEYS_USED);
    assert_str(key_file_state(out).since, NOW);
    assert_true(key_file_drop(out, *state, &out));
    assert_str(out, STR("BBBB\n"));
    assert_int_equal(key_file_state(out).stage, KEYS_ALONE);
}

static void the_next_rotation_begins_where_the_last_one_stopped(void **state)
{
    struct str text = STR(SEALS "BBBB\n\n  AAAA  "), out;
    assert_true(key_file_add(text, STR("CCCC"), NOW, *state, &out));
    assert_str(out, STR(SEALS "BBBB\n\n  AAAA  \n" OPENS "CCCC\n"));
    assert_int_equal(key_file_state(out).stage, KEYS_ADDED);
    assert_int_equal(key_file_state(out).n_keys, 3);
    assert_true(key_file_use(out, NOW, *state, &out));
    assert_str(out, STR(SEALS "CCCC\nBBBB\n\nAAAA\n"));
    assert_int_equal(key_file_state(out).stage, KEYS_USED);
}

static void keys_without_a_comment_of_ours_are_no_rotation(void **state)
{
    (void)state;
    assert_int_equal(key_file_state(STR("AAAA\nBBBB\n")).stage, KEYS_OTHER);
    assert_int_equal(key_file_state(STR("AAAA\n#BBBB\n")).stage, KEYS_ALONE);
    assert_int_equal(key_file_state(STR("AAAA\n" SEALS)).stage, KEYS_ALONE);
    assert_int_equal(key_file_state(STR("AAAA\n" SEALS "BBBB")).stage, KEYS_OTHER);
}

/* Its time is an older one: by that, the new key would seal before every host knows it. */
static void a_comment_whose_key_was_taken_away_says_nothing_of_the_next(void **state)
{
    struct str text = STR("AAAA\n# bffctl: opens since 2025-01-01T00:00:00Z\n"), out;
    assert_true(key_file_add(text, STR("BBBB"), NOW, *state, &out));
    assert_int_equal(key_file_state(out).stage, KEYS_ADDED);
    assert_str(key_file_state(out).since, NOW);
}

static void without_memory_there_is_no_text(void **state)
{
    (void)state;
    struct arena none = arena_make(0);
    struct str out;
    assert_false(key_file_add(STR("AAAA"), STR("BBBB"), NOW, &none, &out));
    assert_false(key_file_use(STR("AAAA"), NOW, &none, &out));
    assert_false(key_file_drop(STR("AAAA"), &none, &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_rotation_goes_by_three_steps, make, destroy),
        cmocka_unit_test_setup_teardown(the_next_rotation_begins_where_the_last_one_stopped, make,
                                        destroy),
        cmocka_unit_test_setup_teardown(keys_without_a_comment_of_ours_are_no_rotation, make,
                                        destroy),
        cmocka_unit_test_setup_teardown(a_comment_whose_key_was_taken_away_says_nothing_of_the_next,
                                        make, destroy),
        cmocka_unit_test_setup_teardown(without_memory_there_is_no_text, make, destroy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
