#include "doctor/report.h"

#include <stdarg.h>

#include "codec/backend.h"

#define SENTENCE_MAX 1024
#define WIDTH 96
#define INDENT 10

struct report report_make(struct arena *arena)
{
    return (struct report){.arena = arena};
}

static struct str keep(struct report *r, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void add(struct report *r, enum chapter chapter, enum severity severity, const char *format,
                va_list args) __attribute__((format(printf, 4, 0)));

static struct str keep(struct report *r, const char *format, va_list args)
{
    char text[SENTENCE_MAX];
    struct str kept = STR("(no memory for this sentence)");
    int n = vsnprintf(text, sizeof text, format, args);
    size_t length = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    /* Names of members, paths and cookies come from the backend, which may put anything there. */
    if (backend_shows_token((struct str){text, length}))
        return STR("(This sentence would have shown a token.)");
    if (!arena_copy(r->arena, (struct str){text, length}, &kept))
        r->lost++;
    return kept;
}

static void add(struct report *r, enum chapter chapter, enum severity severity, const char *format,
                va_list args)
{
    r->is_last_lost = r->n == REPORT_MAX;
    if (r->is_last_lost) {
        r->lost++;
        return;
    }
    struct str says = keep(r, format, args);
    r->findings[r->n++] = (struct finding){.chapter = chapter, .severity = severity, .says = says};
}

#define ADD(severity)                                                                              \
    va_list args;                                                                                  \
    va_start(args, format);                                                                        \
    add(r, chapter, severity, format, args);                                                       \
    va_end(args)

void report_ok(struct report *r, enum chapter chapter, const char *format, ...)
{
    ADD(FINDING_OK);
}

void report_note(struct report *r, enum chapter chapter, const char *format, ...)
{
    ADD(FINDING_NOTE);
}

void report_change(struct report *r, enum chapter chapter, const char *format, ...)
{
    ADD(FINDING_CHANGE);
}

void report_remedy(struct report *r, const char *format, ...)
{
    va_list args;
    if (r->n == 0 || r->is_last_lost)
        return;
    va_start(args, format);
    r->findings[r->n - 1].remedy = keep(r, format, args);
    va_end(args);
}

size_t report_count(const struct report *r, enum severity severity)
{
    size_t count = 0;
    for (size_t i = 0; i < r->n; i++)
        count += r->findings[i].severity == severity;
    return count;
}

static void put_word(FILE *out, struct str word)
{
    for (size_t i = 0; i < word.n; i++)
        fputc(word.p[i] >= ' ' && word.p[i] < 0x7F ? word.p[i] : '?', out);
}

/* The first line is indented already; further ones begin below it. */
static void put_wrapped(FILE *out, struct str text)
{
    size_t column = INDENT;
    struct str_cut rest = {.tail = text, .found = true};
    while (rest.found) {
        rest = str_cut(rest.tail, ' ');
        if (rest.head.n == 0)
            continue;
        if (column > INDENT && column + 1 + rest.head.n > WIDTH) {
            fprintf(out, "\n%*s", INDENT, "");
            column = INDENT;
        } else if (column > INDENT) {
            fputc(' ', out);
            column++;
        }
        put_word(out, rest.head);
        column += rest.head.n;
    }
    fputc('\n', out);
}

static void put_finding(FILE *out, const struct finding *f)
{
    static const char *const marks[] = {
        [FINDING_OK] = "ok", [FINDING_NOTE] = "note", [FINDING_CHANGE] = "change"};
    fprintf(out, "  %-*s", INDENT - 2, marks[f->severity]);
    put_wrapped(out, f->says);
    if (f->remedy.n > 0) {
        fprintf(out, "%*s", INDENT, f->severity == FINDING_CHANGE ? "    ->    " : "");
        put_wrapped(out, f->remedy);
    }
}

void report_print(const struct report *r, FILE *out)
{
    static const char *const headings[] = {
#define X(name, heading) [CHAPTER_##name] = heading,
        CHAPTERS(X)
#undef X
    };
    for (size_t c = 0; c < sizeof headings / sizeof headings[0]; c++) {
        bool headed = false;
        for (size_t i = 0; i < r->n; i++) {
            if (r->findings[i].chapter != c)
                continue;
            if (!headed)
                fprintf(out, "\n%s\n", headings[c]);
            headed = true;
            put_finding(out, &r->findings[i]);
        }
    }
    if (r->lost > 0)
        fprintf(out, "\n(%zu more findings had no room here.)\n", r->lost);
}
