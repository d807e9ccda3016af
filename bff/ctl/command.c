#include "ctl/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum ctl_status ctl_complain(struct str sentence)
{
    fprintf(stderr, "bffctl: %.*s\n", STR_ARG(sentence));
    return CTL_FAILED;
}

enum ctl_status ctl_print_json(json_t *value)
{
    bool ok = value && json_dumpf(value, stdout, JSON_COMPACT) == 0 && putchar('\n') != EOF;
    json_decref(value);
    return ok ? CTL_OK : ctl_complain(STR("out of memory, or standard output is closed"));
}

const char *ctl_duration(int64_t seconds, char text[CTL_DURATION_MAX])
{
    static const struct {
        int64_t seconds;
        char letter;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    size_t i = 0;
    if (seconds < 0)
        seconds = 0;
    while (i < 3 && seconds < units[i].seconds)
        i++;
    int n = snprintf(text, CTL_DURATION_MAX, "%" PRId64 "%c", seconds / units[i].seconds,
                     units[i].letter);
    int64_t rest = seconds % units[i].seconds;
    if (i < 3 && rest / units[i + 1].seconds > 0)
        snprintf(text + n, CTL_DURATION_MAX - (size_t)n, " %" PRId64 "%c",
                 rest / units[i + 1].seconds, units[i + 1].letter);
    return text;
}
