#include "doctor/command.h"

#include <getopt.h>

#include "base/wipe.h"
#include "codec/token.h"
#include "doctor/credentials.h"

enum option_value { OPT_USER = 256, OPT_PATH, OPT_ORIGIN, OPT_TRY_THROTTLE };

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"user", required_argument, NULL, OPT_USER},
    {"path", required_argument, NULL, OPT_PATH},
    {"origin", required_argument, NULL, OPT_ORIGIN},
    {"try-throttle", no_argument, NULL, OPT_TRY_THROTTLE},
    {NULL, 0, NULL, 0},
};

static bool complain(const char *sentence)
{
    fprintf(stderr, "bffd doctor: %s\n", sentence);
    return false;
}

/* The host and port of "https://app.example.com"; empty if it is no such thing. */
static struct str host_of(struct str origin)
{
    struct str_cut cut = str_cut(origin, ':');
    bool is_http = str_eq(cut.head, STR("http")) || str_eq(cut.head, STR("https"));
    if (!is_http || !str_starts(cut.tail, STR("//")) || !token_is_visible(origin))
        return (struct str){NULL, 0};
    struct str host = {cut.tail.p + 2, cut.tail.n - 2};
    return str_contains(host, STR("/")) ? (struct str){NULL, 0} : host;
}

static bool check(const struct doctor_arguments *a, int left)
{
    struct str path = str_from(a->path);
    if (left > 0)
        return complain("there is an argument too many");
    if (!a->file)
        return complain("-c FILE is missing");
    if (a->path && (path.n == 0 || path.p[0] != '/' || !token_is_visible(path)))
        return complain("--path is a path at the backend, such as /api/me/");
    if (a->origin && host_of(str_from(a->origin)).n == 0)
        return complain("--origin is the address of your site, such as https://app.example.com");
    return true;
}

bool doctor_read_arguments(int argc, char **argv, struct doctor_arguments *out)
{
    int o;
    *out = (struct doctor_arguments){.file = NULL};
    optind = 1;
    while ((o = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        switch (o) {
        case 'c':
            out->file = optarg;
            break;
        case OPT_USER:
            out->user = optarg;
            break;
        case OPT_PATH:
            out->path = optarg;
            break;
        case OPT_ORIGIN:
            out->origin = optarg;
            break;
        case OPT_TRY_THROTTLE:
            out->try_throttle = true;
            break;
        default:
            return false;
        }
    }
    return check(out, argc - optind);
}

int doctor_command(const struct doctor_arguments *arguments, const struct config *config,
                   struct str client_secret)
{
    struct credentials who;
    const char *wrong = credentials_ask(arguments->user, &who);
    if (wrong) {
        complain(wrong);
        return DOCTOR_NOT_ASKED;
    }
    const struct doctor_options walk = {
        .file = arguments->file,
        .config = config,
        .client_secret = client_secret,
        .user = {who.user, who.user_n},
        .password = {who.password, who.password_n},
        .path = str_from(arguments->path),
        .origin = str_from(arguments->origin),
        .try_throttle = arguments->try_throttle,
    };
    int status = (int)doctor_run(&walk, stdout);
    wipe(&who, sizeof who);
    return fflush(stdout) == 0 ? status : DOCTOR_NOT_ASKED;
}
