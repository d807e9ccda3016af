#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/arena.h"

static void what_is_handed_out_is_aligned_and_apart(void **state)
{
    (void)state;
    struct arena a = arena_make(1 << 20);
    char *before = NULL;
    for (size_t n = 0; n < 300; n++) {
        char *p = arena_alloc(&a, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        memset(p, (int)n, n);
        if (before)
            assert_int_equal((unsigned char)before[n - 2], (n - 1) & 255);
        before = n > 0 ? p : NULL;
    }
    arena_free(&a);
}

static void nothing_is_taken_before_it_is_used(void **state)
{
    (void)state;
    struct arena a = arena_make(100);
    assert_int_equal(a.taken, 0);
    arena_reset(&a);
    arena_free(&a);
}

static void the_limit_holds_and_exhaustion_is_an_answer(void **state)
{
    (void)state;
    for (size_t limit = 0; limit < 20000; limit += 997) {
        struct arena a = arena_make(limit);
        size_t given = 0;
        while (arena_alloc(&a, 100))
            given += 100;
        assert_true(given <= limit && a.taken <= limit);
        assert_null(arena_alloc(&a, 100));
        arena_free(&a);
        assert_int_equal(a.taken, 0);
    }
}

static void an_impossible_size_is_refused(void **state)
{
    (void)state;
    struct arena a = arena_make(1000);
    assert_null(arena_alloc(&a, 1001));
    assert_null(arena_alloc(&a, SIZE_MAX));
    arena_free(&a);
}

static void a_request_larger_than_a_block_gets_its_own(void **state)
{
    (void)state;
    struct arena a = arena_make(1 << 20);
    char *p = arena_alloc(&a, 500000);
    assert_non_null(p);
    memset(p, 1, 500000);
    assert_non_null(arena_alloc(&a, 10));
    arena_free(&a);
}

static void a_reset_arena_starts_again_in_wiped_memory(void **state)
{
    (void)state;
    struct arena a = arena_make(1 << 20);
    char *secret = arena_alloc(&a, 32);
    assert_non_null(secret);
    memset(secret, 's', 32);
    assert_non_null(arena_alloc(&a, 100000));
    arena_reset(&a);
    char *again = arena_alloc(&a, 32);
    assert_ptr_equal(again, secret);
    for (size_t i = 0; i < 32; i++)
        assert_int_equal(again[i], 0);
    assert_true(a.taken < 100000);
    arena_free(&a);
}

static void an_arena_can_be_used_forever(void **state)
{
    (void)state;
    struct arena a = arena_make(16384);
    for (size_t i = 0; i < 1000; i++) {
        assert_non_null(arena_alloc(&a, 9000));
        arena_reset(&a);
    }
    arena_free(&a);
    assert_non_null(arena_alloc(&a, 100));
    arena_free(&a);
}

static void copies_are_their_own(void **state)
{
    (void)state;
    struct arena a = arena_make(1 << 20);
    struct str original = STR("a\0b"), copy;
    assert_true(arena_copy(&a, original, &copy));
    assert_true(str_eq(copy, original));
    assert_ptr_not_equal(copy.p, original.p);
    assert_true(arena_copy(&a, (struct str){NULL, 0}, &copy));
    assert_int_equal(copy.n, 0);
    arena_free(&a);
}

static void a_c_string_holds_no_nul(void **state)
{
    (void)state;
    struct arena a = arena_make(1 << 20);
    assert_string_equal(arena_cstr(&a, STR("abc")), "abc");
    assert_string_equal(arena_cstr(&a, (struct str){NULL, 0}), "");
    assert_null(arena_cstr(&a, STR("a\0b")));
    arena_free(&a);
}

static void formatted_text_is_terminated(void **state)
{
    (void)state;
    struct arena a = arena_make(1 << 20);
    struct str out;
    assert_true(arena_printf(&a, &out, "%s-%d", "x", 7));
    assert_true(str_eq(out, STR("x-7")));
    assert_int_equal(out.p[out.n], 0);
    arena_free(&a);
}

static void without_room_nothing_is_copied(void **state)
{
    (void)state;
    struct arena a = arena_make(0);
    struct str out = STR("untouched");
    assert_false(arena_copy(&a, STR("abc"), &out));
    assert_false(arena_printf(&a, &out, "%s", "abc"));
    assert_null(arena_cstr(&a, STR("abc")));
    assert_true(str_eq(out, STR("untouched")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_handed_out_is_aligned_and_apart),
        cmocka_unit_test(nothing_is_taken_before_it_is_used),
        cmocka_unit_test(the_limit_holds_and_exhaustion_is_an_answer),
        cmocka_unit_test(an_impossible_size_is_refused),
        cmocka_unit_test(a_request_larger_than_a_block_gets_its_own),
        cmocka_unit_test(a_reset_arena_starts_again_in_wiped_memory),
        cmocka_unit_test(an_arena_can_be_used_forever),
        cmocka_unit_test(copies_are_their_own),
        cmocka_unit_test(a_c_string_holds_no_nul),
        cmocka_unit_test(formatted_text_is_terminated),
        cmocka_unit_test(without_room_nothing_is_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
