#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

#define BUFFERED_BYTES (32 * 1024)

static enum log_severity least_severity = SEVERITY_INFO;
static bool json_lines;

static _Thread_local bool is_buffered;
static _Thread_local size_t held;
static _Thread_local char hold[BUFFERED_BYTES];

void log_setup(enum log_severity least, bool as_json)
{
    least_severity = least;
    json_lines = as_json;
}

bool log_wants(enum log_severity severity)
{
    return severity >= least_severity;
}

/* A log that cannot be written has nowhere to be reported: the rest of the line is given up. */
static void write_all(const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(STDERR_FILENO, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return;
        p += done;
        n -= (size_t)done;
    }
}

void log_buffer_this_thread(void)
{
    is_buffered = true;
}

void log_flush(void)
{
    write_all(hold, held);
    held = 0;
}

static void emit(struct str line)
{
    if (!is_buffered) {
        write_all(line.p, line.n);
        return;
    }
    struct buf b = {.p = hold, .n = held, .cap = sizeof hold};
    buf_add(&b, line);
    if (b.overflowed) {
        log_flush();
        b = (struct buf){.p = hold, .cap = sizeof hold};
        buf_add(&b, line);
    }
    held = b.n;
}

static void add_time(struct buf *b)
{
    struct timespec now;
    struct tm tm;
    char text[40];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    buf_add(b, (struct str){text, n});
    int m = snprintf(text, sizeof text, ".%03ldZ", now.tv_nsec / 1000000);
    buf_add(b, (struct str){text, (size_t)m});
}

/* logfmt wants quotes around what is empty or holds a blank, a quote or '='. */
static bool needs_quotes(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7F)
            return true;
    }
    return s.n == 0;
}

static void add_field(struct buf *b, const struct log_field *f)
{
    buf_add(b, json_lines ? STR(",\"") : STR(" "));
    buf_add(b, str_from(f->name));
    buf_add(b, json_lines ? STR("\":") : STR("="));
    if (f->is_number) {
        buf_add_i64(b, f->number);
        return;
    }
    bool quoted = json_lines || needs_quotes(f->text);
    if (quoted)
        buf_add_char(b, '"');
    buf_add_json(b, f->text);
    if (quoted)
        buf_add_char(b, '"');
}

static const struct str severity_names[] = {
    [SEVERITY_DEBUG] = {"debug", 5},
    [SEVERITY_INFO] = {"info", 4},
    [SEVERITY_WARN] = {"warn", 4},
    [SEVERITY_ERROR] = {"error", 5},
};

void log_fields(enum log_severity severity, const char *event, const struct log_field *fields,
                size_t n)
{
    if (!log_wants(severity))
        return;
    char line[LOG_LINE_MAX];
    struct buf b = buf_make(line, sizeof line - sizeof("\"}\n"));
    buf_add(&b, json_lines ? STR("{\"ts\":\"") : STR("ts="));
    add_time(&b);
    buf_add(&b, json_lines ? STR("\",\"level\":\"") : STR(" level="));
    buf_add(&b, severity_names[severity]);
    buf_add(&b, json_lines ? STR("\",\"event\":\"") : STR(" event="));
    buf_add(&b, str_from(event));
    if (json_lines)
        buf_add_char(&b, '"');
    for (size_t i = 0; i < n; i++) {
        struct buf before = b;
        if (fields[i].is_optional && fields[i].text.n == 0)
            continue;
        add_field(&b, &fields[i]);
        if (b.overflowed)
            b = before;
    }
    b.cap = sizeof line;
    buf_add(&b, json_lines ? STR("}\n") : STR("\n"));
    emit(buf_str(&b));
}
