#include "doctor/doctor.h"

#include "doctor/interrupt.h"
#include "doctor/lines.h"
#include "doctor/walk.h"

#define KEPT_BYTES (8 * 1024 * 1024)
#define ANSWERS_MAX 12 /* of one step, all kept until its end */

/* "https://app.example.com" as the two headers that nginx makes of it. */
static void set_origin(struct walk *w)
{
    const struct config *config = w->options->config;
    struct str origin = w->options->origin;
    if (origin.n == 0 && config->csrf.origins.n > 0)
        origin = config->csrf.origins.words[0];
    struct str_cut cut = str_cut(origin, ':');
    if (!cut.found || !str_starts(cut.tail, STR("//")))
        return;
    w->proto = cut.head;
    w->host = (struct str){cut.tail.p + 2, cut.tail.n - 2};
}

void walk_captures(struct walk *w)
{
    const struct config *c = &w->plan;
    for (size_t i = 0; i < c->n_captures; i++)
        report_note(&w->report, CHAPTER_CAPTURES, "Not called: [capture %.*s] %.*s %.*s",
                    STR_ARG(c->captures[i].name), STR_ARG(c->captures[i].request.method),
                    STR_ARG(c->captures[i].request.path));
}

static void go(struct walk *w)
{
    if (walk_login(w)) {
        walk_calls(w);
        if (walk_goes_on(w))
            walk_refresh(w);
        if (walk_goes_on(w))
            walk_revoke(w);
    }
    if (report_count(&w->report, FINDING_CHANGE) > 0)
        walk_hint(w);
    walk_clean_up(w);
    if (w->is_signed_in && walk_goes_on(w))
        walk_throttle(w);
    walk_captures(w);
    if (interrupt_came())
        report_note(&w->report, CHAPTER_LEFT, "Interrupted: what follows was not checked.");
}

static void print_lines(struct walk *w, FILE *out)
{
    struct lines have, wanted;
    if (!w->is_signed_in && report_count(&w->report, FINDING_CHANGE) == 0)
        return;
    fputs("\nConfiguration\n", out);
    if (!lines_of(w->options->config, &w->kept, &have) || !lines_of(&w->plan, &w->kept, &wanted)) {
        fputs("  (no memory)\n", out);
        return;
    }
    fprintf(out, "; %s; other lines of %s stay as they are\n",
            w->is_signed_in ? "what fits, as this walk has shown it"
                            : "as far as the walk has come",
            w->options->file);
    lines_print(&wanted, &have, out);
}

static enum doctor_verdict verdict_of(const struct walk *w)
{
    if (w->is_unreached || (!w->is_signed_in && report_count(&w->report, FINDING_CHANGE) == 0))
        return DOCTOR_NOT_ASKED;
    return report_count(&w->report, FINDING_CHANGE) > 0 ? DOCTOR_CHANGE : DOCTOR_FINE;
}

static void print_sum(const struct walk *w, FILE *out)
{
    size_t changes = report_count(&w->report, FINDING_CHANGE);
    fputc('\n', out);
    if (!w->is_signed_in)
        fputs("The walk ended at the login.\n", out);
    if (changes > 0)
        fprintf(out, "%zu thing%s to change.\n", changes, changes == 1 ? "" : "s");
    else if (w->is_signed_in)
        fputs("Nothing to change.\n", out);
}

static void print_head(const struct walk *w, FILE *out)
{
    const struct config *config = w->options->config;
    fprintf(out, "File      %s (preset %.*s)\n", w->options->file, STR_ARG(config->backend.preset));
    fprintf(out, "Backend   %.*s", STR_ARG(config->backend.url));
    if (w->host.n > 0)
        fprintf(out, ", asked as %.*s://%.*s", STR_ARG(w->proto), STR_ARG(w->host));
    fprintf(out, "\nUser      %.*s\n", STR_ARG(w->options->user));
}

enum doctor_verdict doctor_run(const struct doctor_options *options, FILE *out)
{
    struct walk w = {
        .options = options,
        .plan = *options->config,
        .kept = arena_make(KEPT_BYTES),
        .call =
            arena_make((size_t)options->config->backend.answer_bytes * ANSWERS_MAX + KEPT_BYTES),
        .user_field = STR("username"),
        .refresh_life_s = -1,
    };
    enum doctor_verdict verdict = DOCTOR_NOT_ASKED;
    w.report = report_make(&w.kept);
    w.backend = backend_open(&w.plan);
    set_origin(&w);
    print_head(&w, out);
    if (w.backend) {
        interrupt_watch();
        go(&w);
        report_print(&w.report, out);
        print_lines(&w, out);
        print_sum(&w, out);
        verdict = verdict_of(&w);
    }
    backend_close(w.backend);
    arena_free(&w.call);
    arena_free(&w.kept);
    return verdict;
}
