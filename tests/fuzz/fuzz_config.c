/*
 * config_parse() on any bytes: it accepts or says why not in one line that names the file, and what
 * it accepts is accepted again as config_print() writes it. What config_print_nginx() makes of it
 * is one quoted key on each line, that nothing in a path can leave.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/config.h"
#include "fuzz.h"

static void check_sentence(struct str message)
{
    demand(str_starts(message, STR("fuzz.conf:")));
    for (size_t i = 0; i < message.n; i++)
        demand(message.p[i] >= 0x20 || message.p[i] == '\t');
}

static void check_print(struct arena *arena, struct str text)
{
    char *printed = NULL;
    size_t size = 0;
    struct str message;
    struct config again;
    FILE *out = open_memstream(&printed, &size);
    demand(out != NULL);
    demand(config_print(arena, "fuzz.conf", text, out, &message));
    fclose(out);
    demand(config_parse(arena, "fuzz.conf", (struct str){printed, size}, &again, &message));
    free(printed);
}

/* What is before the ending of a line's expression. */
static struct str without_ending(struct str key)
{
    const struct str endings[] = {
        STR("(\\.[A-Za-z0-9]+)?/?(;|$)"),
        STR("/?(;|$)"),
        STR("([/;.]|$)"),
    };
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t n = endings[i].n;
        if (key.n > n && str_eq((struct str){key.p + key.n - n, n}, endings[i]))
            return (struct str){key.p, key.n - n};
    }
    return key;
}

/* "~^METHOD /PATH..." 1; # NAME (or 2), and in PATH no more than what a path is printed as. */
static void check_nginx_line(struct str line)
{
    struct str_cut open = str_cut(line, '"');
    demand(open.found && open.head.n == 0);
    struct str_cut close = str_cut(open.tail, '"');
    demand(close.found && !str_contains(close.tail, STR("\"")));
    demand(str_starts(close.tail, STR(" 1; # ")) || str_starts(close.tail, STR(" 2; # ")));
    demand(str_starts(close.head, STR("~^")));
    struct str_cut method = str_cut(without_ending(close.head), ' ');
    demand(method.found);
    struct str path = method.tail;
    if (str_starts(path, STR("]+"))) /* "[^ ]+" has a blank of its own */
        path = str_cut(path, ' ').tail;
    for (size_t i = 0; i < path.n; i++)
        demand(strchr("/-_~.\\", path.p[i]) || isalnum((unsigned char)path.p[i]));
}

static void check_nginx(const struct config *config)
{
    char *printed = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&printed, &size);
    demand(out != NULL);
    config_print_nginx(config, "fuzz.conf", out);
    fclose(out);
    struct str_cut cut = str_cut((struct str){printed, size}, '\n');
    demand(str_starts(cut.head, STR("# ")));
    for (cut = str_cut(cut.tail, '\n'); cut.head.n > 0; cut = str_cut(cut.tail, '\n'))
        check_nginx_line(cut.head);
    free(printed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_make(12 * CONFIG_MAX_BYTES);
    struct str text = {(const char *)data, size}, message = {NULL, 0};
    struct config config;
    if (config_parse(&arena, "fuzz.conf", text, &config, &message)) {
        check_print(&arena, text);
        check_nginx(&config);
    } else {
        check_sentence(message);
    }
    arena_free(&arena);
    return 0;
}
