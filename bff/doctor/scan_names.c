#include "doctor/scan_names.h"

#include <string.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool name_has(struct str name, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= name.n; i++) {
        size_t same = 0;
        while (same < n && lower(name.p[i + same]) == word[same])
            same++;
        if (same == n)
            return true;
    }
    return false;
}

static bool is_one_of(struct str name, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq_nocase(name, str_from(words[i])))
            return true;
    return false;
}

#define IS_ONE_OF(name, words) is_one_of(name, words, sizeof words / sizeof words[0])

bool name_suggests_token(struct str name, enum candidate_kind *kind)
{
    static const char *const others[] = {"csrf", "session", "expir", "type", "scope", "url"};
    static const char *const plain[] = {"token", "key",       "jwt",       "jwt-auth",
                                        "auth",  "authtoken", "auth_token"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (name_has(name, others[i]))
            return false;
    *kind = name_has(name, "refresh") ? CANDIDATE_REFRESH : CANDIDATE_ACCESS;
    return name_has(name, "refresh") || name_has(name, "access") || IS_ONE_OF(name, plain);
}

bool name_suggests_expiry(struct str name, bool *of_refresh)
{
    *of_refresh = name_has(name, "refresh");
    return name_has(name, "expir");
}

bool name_suggests_user(struct str name)
{
    static const char *const names[] = {"user", "account", "profile", "me"};
    return IS_ONE_OF(name, names);
}
