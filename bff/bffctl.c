/* bffctl(8): the command line. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/dump.h"
#include "codec/json.h"
#include "ctl/command.h"

static const char usage[] =
    "usage: bffctl [-c FILE] [--json] COMMAND\n"
    "       bffctl status                 the running workers, and what they are at\n"
    "       bffctl pending                revocations that the backend could not be told yet\n"
    "       bffctl list                   the sessions, or those of one user\n"
    "         [--user ID]\n"
    "       bffctl revoke                 end sessions: of one user, one, or all of them\n"
    "         --user ID | --session ID | --all\n"
    "       bffctl rotate-key             the server keys, and the next step of a rotation\n"
    "       bffctl rotate-key add         make a new key, which opens\n"
    "       bffctl rotate-key use         let it seal, once bffd has read it on every host\n"
    "       bffctl rotate-key drop        forget older keys, once no session needs them\n"
    "         [--now]                     or at once: sessions that they sealed end\n"
    "       bffctl --help | --version\n"
    "FILE is bffd's own configuration, " CTL_CONFIG " if it is not given.\n";

struct command {
    const char *name;
    enum ctl_status (*run)(struct ctl *ctl);
    bool needs_keys; /* and Redis' password */
    bool takes_step;
};

static const struct command commands[] = {
    {"status", ctl_show_status, false, false},
    {"pending", ctl_show_pending, false, false},
    {"list", ctl_list, true, false},
    {"revoke", ctl_revoke, true, false},
    {"rotate-key", ctl_rotate_key, true, true},
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    return NULL;
}

enum option_value { OPT_JSON = 256, OPT_NOW, OPT_USER, OPT_SESSION, OPT_ALL };

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"json", no_argument, NULL, OPT_JSON},
    {"now", no_argument, NULL, OPT_NOW},
    {"user", required_argument, NULL, OPT_USER},
    {"session", required_argument, NULL, OPT_SESSION},
    {"all", no_argument, NULL, OPT_ALL},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static bool load(struct ctl *ctl, bool with_keys)
{
    char sentence[SETUP_MESSAGE_MAX];
    struct str text, message;
    if (with_keys) {
        ctl->setup = setup_load(ctl->file, sentence);
        if (ctl->setup)
            ctl->config = ctl->setup->config;
        else
            ctl_complain(str_from(sentence));
        return ctl->setup != NULL;
    }
    if (setup_read_file(&ctl->arena, ctl->file, &text, &message) &&
        config_parse(&ctl->arena, ctl->file, text, &ctl->config, &message))
        return true;
    ctl_complain(message);
    return false;
}

static enum ctl_status run(struct ctl *ctl, const struct command *command)
{
    json_init();
    if (!seal_init() || (command->needs_keys && !dump_forbid()))
        return ctl_complain(STR("a library cannot be initialised"));
    ctl->arena = arena_make(8 * 1024 * 1024);
    enum ctl_status status = load(ctl, command->needs_keys) ? command->run(ctl) : CTL_USAGE;
    setup_free(ctl->setup);
    arena_free(&ctl->arena);
    return status;
}

/* A script would take half a list for the whole. */
static enum ctl_status when_written(enum ctl_status status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    return ctl_complain(STR("standard output cannot be written"));
}

static int misused(void)
{
    fputs(usage, stderr);
    return CTL_USAGE;
}

int main(int argc, char **argv)
{
    struct ctl ctl = {.file = CTL_CONFIG};
    int o;
    while ((o = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
        switch (o) {
        case 'c':
            ctl.file = optarg;
            break;
        case OPT_JSON:
            ctl.as_json = true;
            break;
        case OPT_NOW:
            ctl.now = true;
            break;
        case OPT_USER:
            ctl.user = optarg;
            break;
        case OPT_SESSION:
            ctl.session = optarg;
            break;
        case OPT_ALL:
            ctl.all = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return CTL_OK;
        case 'V':
            puts("bffctl " BFF_VERSION);
            return CTL_OK;
        default:
            return misused();
        }
    }
    const struct command *command = optind < argc ? find_command(argv[optind]) : NULL;
    if (command && command->takes_step && optind + 1 < argc)
        ctl.step = argv[++optind];
    if (!command || optind + 1 != argc)
        return misused();
    return (int)when_written(run(&ctl, command));
}
