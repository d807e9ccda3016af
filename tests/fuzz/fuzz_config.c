/*
 * config_parse() on any bytes: it accepts or says why not in one line that names the file, and what
 * it accepts is accepted again as config_print() writes it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_sentence(struct str message)
{
    must(str_starts(message, STR("fuzz.conf:")));
    for (size_t i = 0; i < message.n; i++)
        must(message.p[i] >= 0x20 || message.p[i] == '\t');
}

static void check_print(struct arena *arena, struct str text)
{
    char *printed = NULL;
    size_t size = 0;
    struct str message;
    struct config again;
    FILE *out = open_memstream(&printed, &size);
    must(out != NULL);
    must(config_print(arena, "fuzz.conf", text, out, &message));
    fclose(out);
    must(config_parse(arena, "fuzz.conf", (struct str){printed, size}, &again, &message));
    free(printed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_make(12 * CONFIG_MAX_BYTES);
    struct str text = {(const char *)data, size}, message = {NULL, 0};
    struct config config;
    if (config_parse(&arena, "fuzz.conf", text, &config, &message))
        check_print(&arena, text);
    else
        check_sentence(message);
    arena_free(&arena);
    return 0;
}
