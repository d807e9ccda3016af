#include "core/reason.h"

static const struct {
    int status;
    struct str phrase;
} named[] = {
    {200, {"OK", 2}},
    {201, {"Created", 7}},
    {202, {"Accepted", 8}},
    {204, {"No Content", 10}},
    {205, {"Reset Content", 13}},
    {301, {"Moved Permanently", 17}},
    {302, {"Found", 5}},
    {303, {"See Other", 9}},
    {304, {"Not Modified", 12}},
    {307, {"Temporary Redirect", 18}},
    {308, {"Permanent Redirect", 18}},
    {400, {"Bad Request", 11}},
    {401, {"Unauthorized", 12}},
    {403, {"Forbidden", 9}},
    {404, {"Not Found", 9}},
    {405, {"Method Not Allowed", 18}},
    {409, {"Conflict", 8}},
    {410, {"Gone", 4}},
    {413, {"Content Too Large", 17}},
    {415, {"Unsupported Media Type", 22}},
    {422, {"Unprocessable Content", 21}},
    {429, {"Too Many Requests", 17}},
    {500, {"Internal Server Error", 21}},
    {501, {"Not Implemented", 15}},
    {502, {"Bad Gateway", 11}},
    {503, {"Service Unavailable", 19}},
    {504, {"Gateway Timeout", 15}},
};

static const struct str classes[] = {
    {"Unknown", 7},      {"Informational", 13}, {"Successful", 10},
    {"Redirection", 11}, {"Client Error", 12},  {"Server Error", 12},
};

struct str reason_phrase(int status)
{
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        if (named[i].status == status)
            return named[i].phrase;
    return classes[status >= 100 && status < 600 ? status / 100 : 0];
}
