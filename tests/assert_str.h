/* cmocka in its proper order, and how views are compared. */
#ifndef TESTS_ASSERT_STR_H
#define TESTS_ASSERT_STR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

#define assert_str(actual, expected)                                                               \
    do {                                                                                           \
        const struct str str_a = (actual), str_e = (expected);                                     \
        assert_int_equal(str_a.n, str_e.n);                                                        \
        if (str_a.n > 0)                                                                           \
            assert_memory_equal(str_a.p, str_e.p, str_e.n);                                        \
    } while (0)

#endif
