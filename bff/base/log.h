/*
 * Structured log lines on standard error: an event and named fields, as logfmt or JSON (one object
 * a line). A line never holds a token, a cookie, a body or a raw session id: fields are
 * chosen at the call, nothing is dumped.
 */
#ifndef BFF_BASE_LOG_H
#define BFF_BASE_LOG_H

#include "base/str.h"

enum log_severity { SEVERITY_DEBUG, SEVERITY_INFO, SEVERITY_WARN, SEVERITY_ERROR };

#define LOG_LINE_MAX 2048 /* a longer line loses its last fields */

struct log_field {
    const char *name;
    struct str text;
    int64_t number;
    bool is_number, is_optional;
};

#define LOG_TEXT(field, value) ((struct log_field){.name = (field), .text = (value)})
/* Left out when it is empty. */
#define LOG_OPTIONAL(field, value)                                                                 \
    ((struct log_field){.name = (field), .text = (value), .is_optional = true})
#define LOG_NUMBER(field, value)                                                                   \
    ((struct log_field){.name = (field), .number = (int64_t)(value), .is_number = true})

/* What is written from now on. Call before threads start. */
void log_setup(enum log_severity least, bool as_json);
bool log_wants(enum log_severity severity);

void log_fields(enum log_severity severity, const char *event, const struct log_field *fields,
                size_t n);

/* log_event(SEVERITY_INFO, "refreshed", LOG_TEXT("session", id), LOG_NUMBER("generation", 2)) */
#define log_event(severity, event, ...)                                                            \
    log_fields(severity, event, (const struct log_field[]){__VA_ARGS__},                           \
               sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

/* From now on this thread's lines are kept until log_flush(), or until 32 KiB are full: the hot
 * lane writes once for each turn of its loop. */
void log_buffer_this_thread(void);
void log_flush(void);

#endif
