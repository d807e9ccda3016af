#include "codec/backend.h"

static struct str skip(struct str s, size_t n)
{
    return (struct str){s.p + n, s.n - n};
}

/* Part by part, so that the time is linear in the text however often it says "eyJ". */
bool backend_shows_token(struct str text)
{
    while (text.n > 0) {
        size_t n = str_base64url_length(text);
        bool is_header = str_contains((struct str){text.p, n}, STR("eyJ"));
        text = skip(text, n);
        if (is_header && text.n > 0 && text.p[0] == '.') {
            struct str payload = skip(text, 1);
            n = str_base64url_length(payload);
            if (n > 0 && n < payload.n && payload.p[n] == '.')
                return true;
        }
        if (text.n > 0)
            text = skip(text, 1);
    }
    return false;
}
