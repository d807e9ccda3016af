#include "core/config_internal.h"

#define LITERAL(lit)                                                                               \
    {                                                                                              \
        "" lit, sizeof(lit) - 1                                                                    \
    }

/* Each preset is data in the language of the file: a new one needs no code. */
const struct config_preset config_presets[] = {
    {LITERAL("simplejwt"), LITERAL("[backend]\n"
                                   "attach = header Authorization \"Bearer $access\"\n"
                                   "[login]\n"
                                   "request = POST /api/token/\n"
                                   "access = json:/access\n"
                                   "refresh = json:/refresh\n"
                                   "success = 200 201\n"
                                   "[refresh]\n"
                                   "request = POST /api/token/refresh/\n"
                                   "send = json {\"refresh\": \"$refresh\"}\n"
                                   "access = json:/access\n"
                                   "refresh = json:/refresh\n"
                                   "dead = 400 401 403\n"
                                   "[revoke]\n"
                                   "request = POST /api/token/blacklist/\n"
                                   "send = json {\"refresh\": \"$refresh\"}\n"
                                   "auth = none\n")},
};
const size_t config_n_presets = sizeof config_presets / sizeof config_presets[0];

const struct config_preset *config_find_preset(struct str name)
{
    for (size_t i = 0; i < config_n_presets; i++)
        if (str_eq(config_presets[i].name, name))
            return &config_presets[i];
    return NULL;
}
