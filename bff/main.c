/* bffd(8): the command line. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "backend/http.h"
#include "base/crash_point.h"
#include "base/dump.h"
#include "base/wipe.h"
#include "codec/json.h"
#include "codec/seal.h"
#include "doctor/command.h"
#include "server/confine.h"
#include "server/setup.h"
#include "server/supervisor.h"
#include "store/store.h"

enum { EXIT_OK = 0, EXIT_RUN = 1, EXIT_USAGE = 2 };

static const char usage[] =
    "usage: bffd -c FILE                  serve, in the foreground\n"
    "       bffd -c FILE --check          check FILE and what it names; say what would be done\n"
    "       bffd -c FILE --print-config   every key, its value and where it comes from\n"
    "       bffd -c FILE --print-nginx    the paths that nginx hands to bffd, for its map\n"
    "       bffd doctor -c FILE           sign in at the backend; say what to change in FILE\n"
    "         [--user NAME] [--path PATH] [--origin URL] [--try-throttle]\n"
    "       bffd keygen                   make a server key: bffd keygen > /etc/bffd/key\n"
    "       bffd --print-manual           the options, for bff.conf(5)\n"
    "       bffd --help | --version\n";

static int keygen(int argc, char **argv)
{
    (void)argv;
    if (argc != 1) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    char line[SEAL_KEY_LINE + 1];
    keyring_generate(line);
    int written = printf("%s\n", line);
    wipe(line, sizeof line);
    return written > 0 && fflush(stdout) == 0 ? EXIT_OK : EXIT_RUN;
}

static int complain(const char *message)
{
    fprintf(stderr, "bffd: %s\n", message);
    return EXIT_USAGE;
}

static int print_config(const char *path)
{
    struct arena arena = arena_make(4 * 1024 * 1024);
    struct str text, message;
    bool ok = setup_read_file(&arena, path, &text, &message) &&
              config_print(&arena, path, text, stdout, &message);
    if (!ok)
        fprintf(stderr, "bffd: %.*s\n", STR_ARG(message));
    arena_free(&arena);
    return ok ? EXIT_OK : EXIT_USAGE;
}

static int print_nginx(const char *path)
{
    struct arena arena = arena_make(4 * 1024 * 1024);
    struct config config;
    struct str text, message;
    bool ok = setup_read_file(&arena, path, &text, &message) &&
              config_parse(&arena, path, text, &config, &message);
    if (ok)
        config_print_nginx(&config, path, stdout);
    else
        fprintf(stderr, "bffd: %.*s\n", STR_ARG(message));
    arena_free(&arena);
    return ok ? EXIT_OK : EXIT_USAGE;
}

/* What a Redis says of itself; `sentence` when it cannot be used or does not answer. */
static enum bff_err ask_redis(const struct setup *setup, char *sentence, size_t size)
{
    struct store_options options = {
        .config = &setup->config,
        .keys = setup->keys,
        .password = setup->password,
        .sentinel_password = setup->sentinel_password,
    };
    struct store *store = store_open(&options);
    if (!store)
        return BFF_ERR_NO_MEMORY;
    enum bff_err err = store_check(store);
    snprintf(sentence, size, "%s", store_last_error(store));
    store_close(store);
    return err;
}

static void describe_call(const char *what, const struct config_call *call)
{
    if (call->method.n > 0)
        printf("  %-8s %.*s %.*s\n", what, STR_ARG(call->method), STR_ARG(call->path));
    else
        printf("  %-8s not configured\n", what);
}

static void describe_captures(const struct config *c)
{
    for (size_t i = 0; i < c->n_captures; i++)
        printf("  capture  %.*s %.*s (%.*s)\n", STR_ARG(c->captures[i].request.method),
               STR_ARG(c->captures[i].request.path), STR_ARG(c->captures[i].name));
}

/* How bffd shows itself to the backend, and what it does for a frontend that is as it was. */
static void describe_client_and_compat(const struct config *c)
{
    bool in_form = c->client.auth == CLIENT_FORM || c->client.secret_file.n == 0;
    if (c->client.id.n > 0)
        printf("  as the   OAuth client %.*s, %s a secret, %s\n", STR_ARG(c->client.id),
               c->client.secret_file.n > 0 ? "with" : "without",
               in_form ? "in the form" : "in the header Authorization");
    if (c->compat.enabled)
        printf("and answer those paths to a frontend that expects tokens, with placeholders.\n");
}

static void describe_sandbox(const struct config *c)
{
    struct confine_kernel kernel = confine_kernel();
    if (!c->server.sandbox)
        printf("Workers would not be confined: server.sandbox is no.\n");
    else
        printf("Workers would be confined: files %s, system calls %s.\n",
               kernel.landlock > 0 ? "by Landlock" : "not, this kernel has no Landlock",
               kernel.seccomp ? "by seccomp" : "not, this kernel has no seccomp");
}

static int check(const struct setup *setup)
{
    const struct config *c = &setup->config;
    char sentence[512];
    printf("The file is valid. bffd would\n");
    printf("  listen   on %.*s, ", STR_ARG(c->server.listen));
    if (c->server.workers > 0)
        printf("with %u workers of %u I/O threads\n", c->server.workers, c->server.io_threads);
    else
        printf("with one worker for each processor, of %u I/O threads\n", c->server.io_threads);
    printf("  store    sessions in %.*s, as %.*s*\n", STR_ARG(c->redis.url),
           STR_ARG(c->redis.prefix));
    if (str_starts(c->redis.url, STR("redis+cluster://")))
        printf("  ask      Redis for every request: what is in a cluster is not cached\n");
    if (c->server.microcache.n > 0)
        printf("  let      nginx keep a yes in %.*s, for %u to %u s\n",
               STR_ARG(c->server.microcache), c->server.microcache_s, c->server.microcache_s + 1);
    printf("  end them after %u s without activity, %u s at the latest\n", c->session.idle_s,
           c->session.absolute_s);
    printf("and call the backend %.*s (preset %.*s) with\n", STR_ARG(c->backend.url),
           STR_ARG(c->backend.preset));
    describe_call("login", &c->login.request);
    describe_call("refresh", &c->refresh.request);
    describe_call("revoke", &c->revoke.request);
    describe_captures(c);
    describe_client_and_compat(c);
    describe_sandbox(c);
    enum bff_err err = ask_redis(setup, sentence, sizeof sentence);
    if (err == BFF_OK)
        printf("Redis answers and keeps what it is given.\n");
    else
        printf("Redis: %s\n", sentence);
    return err == BFF_OK ? EXIT_OK : EXIT_RUN;
}

/* A Redis that evicts would sign people out at random, so it stops the start. One that does not
 * answer yet does not: requests get 503 until it is there. */
static int serve(const char *path, struct setup *setup)
{
    char sentence[512];
    enum bff_err err = ask_redis(setup, sentence, sizeof sentence);
    if (err == BFF_ERR_MALFORMED) {
        setup_free(setup);
        return complain(sentence);
    }
    if (err != BFF_OK)
        fprintf(stderr, "bffd: Redis does not answer yet: %s\n", sentence);
    return supervisor_run(path, setup);
}

static int with_config(const char *path, bool only_check)
{
    char message[SETUP_MESSAGE_MAX];
    struct setup *setup = setup_load(path, message);
    if (!setup)
        return complain(message);
    if (!only_check)
        return serve(path, setup);
    int status = check(setup);
    setup_free(setup);
    return status;
}

static bool init_libraries(void)
{
    json_init();
    return signal(SIGPIPE, SIG_IGN) != SIG_ERR && seal_init() && backend_init();
}

static int doctor(int argc, char **argv)
{
    struct doctor_arguments arguments;
    char message[SETUP_MESSAGE_MAX];
    if (!doctor_read_arguments(argc, argv, &arguments)) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (!dump_forbid())
        return complain("core files cannot be forbidden, and this asks for a password");
    struct setup *setup = setup_load_backend(arguments.file, message);
    if (!setup)
        return complain(message);
    int status = doctor_command(&arguments, &setup->config, setup->client_secret);
    setup_free(setup);
    return status;
}

/* `bffd NAME ...`: argv[0] of a command is its name. */
struct command {
    const char *name;
    int (*run)(int argc, char **argv);
};
static const struct command commands[] = {
    {"doctor", doctor},
    {"keygen", keygen},
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; name && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    return NULL;
}

enum option_value { OPT_CHECK = 256, OPT_PRINT_CONFIG, OPT_PRINT_NGINX, OPT_PRINT_MANUAL };
enum task { SERVE, CHECK, PRINT_CONFIG, PRINT_NGINX };

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"check", no_argument, NULL, OPT_CHECK},
    {"print-config", no_argument, NULL, OPT_PRINT_CONFIG},
    {"print-nginx", no_argument, NULL, OPT_PRINT_NGINX},
    {"print-manual", no_argument, NULL, OPT_PRINT_MANUAL},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

/* What was to be printed is written, or that is the failure: on a disk that is full, half a file
 * would be what nginx reads. */
static int when_written(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    complain("standard output cannot be written");
    return EXIT_RUN;
}

static int do_task(enum task task, const char *path)
{
    switch (task) {
    case PRINT_CONFIG:
        return when_written(print_config(path));
    case PRINT_NGINX:
        return when_written(print_nginx(path));
    case CHECK:
    case SERVE:
        break;
    }
    if (!init_libraries())
        return complain("a library cannot be initialised");
    return with_config(path, task == CHECK);
}

static int run_command(const struct command *command, int argc, char **argv)
{
    if (!init_libraries())
        return complain("a library cannot be initialised");
    return command->run(argc, argv);
}

int main(int argc, char **argv)
{
    const struct command *command = find_command(argc > 1 ? argv[1] : NULL);
#ifdef BFF_CRASH_POINTS
    if (argc == 2 && strcmp(argv[1], "--print-crash-points") == 0)
        return crash_point_print();
#endif
    if (command)
        return run_command(command, argc - 1, argv + 1);
    const char *path = NULL;
    enum task task = SERVE;
    int o;
    while ((o = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
        switch (o) {
        case 'c':
            path = optarg;
            break;
        case OPT_CHECK:
            task = CHECK;
            break;
        case OPT_PRINT_CONFIG:
            task = PRINT_CONFIG;
            break;
        case OPT_PRINT_NGINX:
            task = PRINT_NGINX;
            break;
        case OPT_PRINT_MANUAL:
            config_print_manual(stdout);
            return when_written(EXIT_OK);
        case 'h':
            fputs(usage, stdout);
            return EXIT_OK;
        case 'V':
            puts("bffd " BFF_VERSION);
            return EXIT_OK;
        default:
            fputs(usage, stderr);
            return EXIT_USAGE;
        }
    }
    if (optind < argc || !path) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    return do_task(task, path);
}
