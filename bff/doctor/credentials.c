#include "doctor/credentials.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/wipe.h"
#include "doctor/interrupt.h"

enum line { LINE_READ, LINE_TOO_LONG, LINE_NONE };

/* Waits until there is something to read; false when a signal came first. Signals are let in only
 * while waiting: one that came between a look and a read would be overlooked. */
static bool wait_for_input(const sigset_t *while_waiting)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    while (!interrupt_came())
        if (ppoll(&in, 1, NULL, while_waiting) >= 0 || errno != EINTR)
            return !interrupt_came();
    return false;
}

/* Byte by byte and by no stream, whose buffer would keep a copy. */
static enum line read_bytes(char *to, size_t size, size_t *n, const sigset_t *while_waiting)
{
    char c = 0;
    *n = 0;
    for (;;) {
        if (!wait_for_input(while_waiting))
            return LINE_NONE;
        ssize_t got = read(STDIN_FILENO, &c, 1);
        if (got <= 0)
            return got == 0 && *n > 0 ? LINE_READ : LINE_NONE;
        if (c == '\n')
            return LINE_READ;
        if (*n == size)
            return LINE_TOO_LONG;
        to[(*n)++] = c;
    }
}

static enum line read_line(char *to, size_t size, size_t *n)
{
    sigset_t ends, before;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, &before);
    enum line line = read_bytes(to, size, n, &before);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (line == LINE_READ && *n > 0 && to[*n - 1] == '\r')
        (*n)--;
    return line;
}

/* NULL, or what is wrong with the line. */
static const char *take_line(char *to, size_t *n)
{
    enum line line = read_line(to, CREDENTIAL_MAX, n);
    if (line == LINE_TOO_LONG)
        return "the line is too long";
    return line == LINE_NONE || *n == 0 ? "nothing was given" : NULL;
}

static const char *ask(const char *prompt, char *to, size_t *n)
{
    fprintf(stderr, "%s", prompt);
    fflush(stderr);
    return take_line(to, n);
}

/* The echo is off before the prompt shows: what is typed at once is not seen either. */
static const char *ask_hidden(const char *prompt, char *to, size_t *n)
{
    struct termios before;
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return "the terminal's echo cannot be turned off";
    struct termios quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    if (tcsetattr(STDIN_FILENO, TCSADRAIN, &quiet) != 0)
        return "the terminal's echo cannot be turned off";
    const char *wrong = ask(prompt, to, n);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
    fputc('\n', stderr);
    return wrong;
}

const char *credentials_ask(const char *user, struct credentials *out)
{
    bool is_terminal = isatty(STDIN_FILENO) == 1;
    const char *wrong = NULL;
    interrupt_watch();
    *out = (struct credentials){.user_n = 0};
    if (user) {
        out->user_n = strlen(user);
        if (out->user_n == 0 || out->user_n > sizeof out->user)
            return "--user is empty or too long";
        memcpy(out->user, user, out->user_n);
    } else if (!is_terminal) {
        return "standard input is no terminal to ask for the name: give --user NAME";
    } else {
        wrong = ask("User: ", out->user, &out->user_n);
    }
    if (!wrong && is_terminal)
        wrong = ask_hidden("Password: ", out->password, &out->password_n);
    else if (!wrong)
        wrong = take_line(out->password, &out->password_n);
    if (wrong)
        wipe(out, sizeof *out);
    return wrong;
}
