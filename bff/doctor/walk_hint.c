/* Which library it may be, by its usual paths: the preset knows what no single answer tells. */
#include "doctor/walk.h"

#define LITERAL(lit)                                                                               \
    {                                                                                              \
        "" lit, sizeof(lit) - 1                                                                    \
    }

static const struct {
    struct str path, library, preset;
} usual[] = {
    {LITERAL("/_allauth/"), LITERAL("django-allauth"), LITERAL("allauth-headless")},
    {LITERAL("/o/token"), LITERAL("django-oauth-toolkit"), LITERAL("oauth-toolkit")},
    {LITERAL("/jwt/create"), LITERAL("djoser"), LITERAL("djoser")},
    {LITERAL("/dj-rest-auth/"), LITERAL("dj-rest-auth"), LITERAL("dj-rest-auth")},
};

void walk_hint(struct walk *w)
{
    struct str path = w->plan.login.request.path, is = w->plan.backend.preset;
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        /* dj-rest-auth has a second preset that begins with the name of the first. */
        if (str_contains(path, usual[i].path) && !str_starts(is, usual[i].preset))
            report_note(&w->report, CHAPTER_LOGIN,
                        "The path is the usual one of %.*s. [backend] preset = %.*s knows its "
                        "other lines; begin with that.",
                        STR_ARG(usual[i].library), STR_ARG(usual[i].preset));
}
