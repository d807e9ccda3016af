/*
 * How long one session lasts: the three limits, and the scripts that move its end. refresh.pml has
 * the races of a refresh, where a limit only is "over" at any moment; here time is a number, and
 * one COMMIT after the other is all there is of a refresh.
 *
 * Every script is an atomic step with the name it has in bff/store/scripts, and so is the GET with
 * which a session is loaded; IS_OVER, READABLE and move_key_end() are ends_at() and read() of
 * session.lua, and record_is_over() of record.c. What a session's life should be is written down a
 * second time, in the variables that nobody but the model knows, and each answer is held against
 * that.
 *
 * Macros choose a variant: `check` has them, README.md says what they are for.
 */

#define LAST 6     /* the clock stops here */
#define ABSOLUTE 5
#define LONG_IDLE 3
#define SHORT_IDLE 1 /* after a reload, for sessions too that began before it */
#define TOUCH 1    /* session.touch_interval */
#define UNKNOWN 0  /* a token whose end is not known */

/* --- what is asserted: `pan` names the flag --- */

bool outlived, ended_early, replaced;

inline must(condition, broken)
{
    if
    :: (condition)
    :: else -> broken = true; assert(!broken)
    fi
}

/* --- Redis: its clock, and the session's record with the time at which the key goes --- */

byte now = 1;
byte idle_limit = LONG_IDLE;
bool exists;
byte key_end;
byte created, seen, refresh_exp;

/* --- what nobody but the model knows --- */

bool is_signed_in;
byte began, used, token_end;

#define PAST(t) (t != UNKNOWN && now >= t)
#define IS_OVER (now >= created + ABSOLUTE || now >= seen + idle_limit || PAST(refresh_exp))
#define SHOULD_BE_OVER (now >= began + ABSOLUTE || now >= used + idle_limit || PAST(token_end))

#ifdef NO_LOOK
#define READABLE (exists)
#else
#define READABLE (exists && !IS_OVER)
#endif

/* PEXPIREAT ends_at */
inline move_key_end()
{
    key_end = created + ABSOLUTE;
    if :: seen + idle_limit < key_end -> key_end = seen + idle_limit :: else fi;
    if :: refresh_exp != UNKNOWN && refresh_exp < key_end -> key_end = refresh_exp :: else fi
}

inline answered_with_it() { must(is_signed_in && !SHOULD_BE_OVER, outlived) }
inline answered_without() { must(!is_signed_in || SHOULD_BE_OVER, ended_early) }

inline delete() { exists = false; key_end = 0; created = 0; seen = 0; refresh_exp = 0 }

inline is_over() { is_signed_in = false; began = 0; used = 0; token_end = 0 }

/* A token's end as Django gives it: not known, over already, or ahead. */
inline some_end(t)
{
    if
    :: t = UNKNOWN
    :: t = now
    :: t = now + 1
    :: t = now + 3
    fi
}

proctype Login()
{
    byte end_of_token;
end:
    do
    /* A cookie is drawn anew for every session, so this finds a key only where chance or an attack
     * gives the same one twice. */
    :: atomic {
        now < LAST ->
        some_end(end_of_token);
        if
#ifndef CREATE_REPLACES
        :: exists -> printf("CREATE: EXISTS\n")
        :: !exists && end_of_token == now -> printf("CREATE: ENDED\n")
        :: !exists && end_of_token != now ->
#else
        :: end_of_token == now -> skip
        :: end_of_token != now ->
#endif
            must(!exists, replaced);
            created = now; seen = now; refresh_exp = end_of_token; exists = true;
            move_key_end();
            is_signed_in = true;
            began = now; used = now; token_end = end_of_token;
            printf("CREATE: CREATED, token ends at %d\n", end_of_token)
        fi;
        end_of_token = 0
       }
    od
}

/* A worker: loads, and touches where that was due when it loaded. Anything may come in between. */
proctype Page()
{
    bool is_due;
end:
    do
    :: atomic {
        if
        :: !READABLE -> printf("a load finds nothing\n"); answered_without()
        :: READABLE && now - seen >= TOUCH -> is_due = true
        /* Not due, or only looked at. */
        :: READABLE -> printf("a load, at %d\n", now); answered_with_it()
        fi
       };
       if
       :: is_due ->
            atomic {
                is_due = false;
                if
                :: !READABLE -> printf("TOUCH: NONE\n"); answered_without()
                :: READABLE ->
                    answered_with_it();
                    seen = now; used = now;
#ifndef TOUCH_KEEPS_KEY
                    move_key_end();
#endif
                    printf("TOUCH: FOUND, at %d\n", now)
                /* Somebody else just has; or Redis is full, and still says who is signed in. */
                :: READABLE -> printf("TOUCH: FOUND, nothing is written\n"); answered_with_it()
                fi
            }
       :: else
       fi
    od
}

proctype Refresher()
{
    byte end_of_token;
end:
    do
    :: atomic {
        now < LAST ->
        if
        :: !READABLE -> printf("COMMIT: GONE\n"); answered_without()
        :: READABLE ->
            if
            :: some_end(end_of_token);
               refresh_exp = end_of_token; token_end = end_of_token
            :: printf("the refresh token is kept\n");
#ifdef KEPT_FORGETS_END
               refresh_exp = UNKNOWN
#else
               skip
#endif
            fi;
#ifdef COMMIT_IS_ACTIVITY
            seen = now;
#endif
            if
            :: IS_OVER ->
                printf("COMMIT: GONE, what was granted is over already\n");
                answered_without(); delete(); is_over()
            :: else ->
                answered_with_it();
#ifndef COMMIT_KEEPS_KEY
                move_key_end();
#endif
                printf("COMMIT: STORED at %d, token ends at %d\n", now, token_end)
            fi
        fi;
        end_of_token = 0
       }
    od
}

proctype SignOut()
{
    atomic {
        if
        :: !READABLE -> printf("LOGOUT: NONE\n"); answered_without()
        :: READABLE -> printf("LOGOUT: ENDED\n"); answered_with_it()
        fi;
        delete(); is_over()
    }
}

/* A reload may shorten a limit; who lengthens one waits for the next touch or COMMIT. */
proctype Reload()
{
    atomic { printf("the idle limit is shortened\n"); idle_limit = SHORT_IDLE }
}

proctype Clock()
{
end:
    do
    :: atomic {
        now < LAST ->
        now++;
        if
        :: exists && key_end <= now -> printf("the key goes, at %d\n", now);
            answered_without(); delete()
        :: else
        fi;
        /* So that those which ended at different times are one state. */
        if :: is_signed_in && SHOULD_BE_OVER && !exists -> is_over() :: else fi
       }
    od
}

init
{
    atomic { run Login(); run Page(); run Refresher(); run SignOut(); run Reload(); run Clock() }
}
