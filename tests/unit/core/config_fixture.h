/* A file that is accepted. */
#ifndef TESTS_UNIT_CORE_CONFIG_FIXTURE_H
#define TESTS_UNIT_CORE_CONFIG_FIXTURE_H

#include "../../assert_str.h"

#include <stdlib.h>

#include "core/config.h"

#define MINIMAL                                                                                    \
    "[server]\nkey_file = /etc/bff/key\n"                                                          \
    "[redis]\nurl = unix:///run/redis/redis-server.sock\n"                                         \
    "[backend]\nurl = http://127.0.0.1:8000\n"

static int arena_setup(void **state)
{
    struct arena *arena = malloc(sizeof *arena);
    *arena = arena_make(8 * CONFIG_MAX_BYTES);
    *state = arena;
    return 0;
}

static int arena_teardown(void **state)
{
    arena_free(*state);
    free(*state);
    return 0;
}

static inline struct config parse(struct arena *arena, const char *text)
{
    struct config config;
    struct str message = {NULL, 0};
    if (!config_parse(arena, "bff.conf", str_from(text), &config, &message))
        fail_msg("%.*s", STR_ARG(message));
    return config;
}

#endif
