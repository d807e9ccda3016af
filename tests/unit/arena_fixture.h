/* One arena for the tests of a program: made before each of them or all, and wiped after. */
#ifndef TESTS_ARENA_FIXTURE_H
#define TESTS_ARENA_FIXTURE_H

#include "base/arena.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_make(8 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

#endif
