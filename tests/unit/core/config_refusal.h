/* A file that is refused, with the sentence that whoever wrote it reads. */
#ifndef TESTS_UNIT_CORE_CONFIG_REFUSAL_H
#define TESTS_UNIT_CORE_CONFIG_REFUSAL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/config.h"

/* Seven lines, so what a row adds starts in line 8. */
#define GOOD                                                                                       \
    "[server]\nkey_file = /etc/bff/key\n"                                                          \
    "[redis]\nurl = unix:///run/redis.sock\n"                                                      \
    "[backend]\nurl = http://127.0.0.1:8000\n\n"

struct refusal {
    const char *text, *sentence;
};

static inline void expect(const struct refusal *row, size_t length)
{
    struct arena arena = arena_make(4 * CONFIG_MAX_BYTES);
    struct config config;
    struct str message = {NULL, 0};
    char said[2048] = "(accepted)";
    if (!config_parse(&arena, "bff.conf", (struct str){row->text, length}, &config, &message))
        snprintf(said, sizeof said, "%.*s", STR_ARG(message));
    arena_free(&arena);
    if (strcmp(said, row->sentence) != 0)
        print_error("for: %s\n", row->text);
    assert_string_equal(said, row->sentence);
}

static inline void expect_all(const struct refusal *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        expect(&rows[i], strlen(rows[i].text));
}

#define EXPECT_ALL(rows) expect_all(rows, sizeof(rows) / sizeof(rows)[0])

#endif
