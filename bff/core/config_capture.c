/* [capture NAME]: sections that a file has any number of, with the rows of [login]. */
#include <string.h>

#include "core/config_internal.h"

/* How a section of this kind begins. */
#define OPENING STR("capture ")

struct str config_capture_name(struct str section)
{
    if (!str_starts(section, OPENING))
        return (struct str){NULL, 0};
    return (struct str){section.p + OPENING.n, section.n - OPENING.n};
}

bool config_is_capture_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-')
            return false;
    }
    return name.n > 0 && name.n <= CONFIG_CAPTURE_NAME_MAX;
}

struct config_raw_capture *config_find_capture(struct config_reading *reading, struct str section)
{
    for (size_t i = 0; i < reading->n_captures; i++)
        if (str_eq(reading->captures[i].section, section))
            return &reading->captures[i];
    return NULL;
}

struct config_raw_capture *config_open_capture(struct config_reading *reading, struct str section,
                                               unsigned line)
{
    struct config_raw_capture *capture = config_find_capture(reading, section);
    if (capture)
        return capture;
    if (reading->n_captures == CONFIG_MAX_CAPTURES) {
        config_refuse(reading, line,
                      "[%.*s]: at most %d captures are allowed, those of the preset included",
                      STR_ARG(section), CONFIG_MAX_CAPTURES);
        return NULL;
    }
    capture = &reading->captures[reading->n_captures];
    *capture = (struct config_raw_capture){.line = line};
    if (!arena_copy(reading->arena, section, &capture->section)) {
        config_refuse(reading, line, "there is no memory left to read this file");
        return NULL;
    }
    reading->n_captures++;
    return capture;
}

bool config_merge_captures(struct config_reading *reading, const struct config_reading *preset)
{
    for (size_t i = 0; i < preset->n_captures; i++) {
        const struct config_raw_capture *from = &preset->captures[i];
        struct config_raw_capture *to = config_open_capture(reading, from->section, 0);
        if (!to)
            return false;
        for (size_t j = 0; j < LOGIN_COUNT; j++)
            if (to->raw[j].origin == FROM_DEFAULT)
                to->raw[j] = from->raw[j];
    }
    return true;
}

void config_inherit_captures(struct config_reading *reading)
{
    for (size_t i = 0; i < reading->n_captures; i++)
        for (size_t j = 0; j < LOGIN_COUNT; j++) {
            struct config_raw *raw = &reading->captures[i].raw[j];
            if (raw->origin == FROM_DEFAULT && j == LOGIN_request)
                raw->line = reading->captures[i].line;
            else if (raw->origin == FROM_DEFAULT)
                *raw = (struct config_raw){reading->raw[LOGIN_FIRST + j].text, FROM_LOGIN, 0};
        }
}
