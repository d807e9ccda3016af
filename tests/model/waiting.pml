/*
 * Requests that wait in one worker for the refresh of one session (bff/server/waiting.c): they are
 * parked in a task, which runs in a lane, sleeps, or rests, and must all be answered.
 *
 * refresh.pml has what the task does in Redis and at Django; here that is only its result. The hot
 * thread's handlers are the atomic steps: it does one thing at a time. `Elsewhere` is every other
 * worker together.
 *
 * Macros choose a variant: `check` has them, README.md says what they are for.
 */

#ifndef REQUESTS
#define REQUESTS 2
#endif
#ifndef EXPIRIES
#define EXPIRIES 2 /* access tokens that run out, one after the other */
#endif
#ifndef TURNS
#define TURNS 2    /* refreshes elsewhere */
#endif
#define FAILURES 1 /* of Redis or Django */
#ifndef PATIENCE
#define PATIENCE 2 /* how often a request is put off before it is answered */
#endif

bool forgotten;   /* a task is freed while a request waits in it */
bool asked_twice; /* two refreshes go out in the name of one request */

inline must(condition, broken)
{
    if
    :: (condition)
    :: else -> broken = true; assert(!broken)
    fi
}

/* --- the session as Redis has it --- */

bool exists = true;
bool busy;       /* a lease is held elsewhere */
bool backoff;
byte generation = 1;
byte expired = 1; /* access tokens up to this generation */

/* --- the worker --- */

mtype = { no_task, running, sleeping, resting };
mtype = { not_yet, parked, taken, answered };
mtype = { none, session, ended, later, put_off, unavailable, store_down };

mtype task = no_task;
bool woken, due;
bool has_run;     /* the lane is done with it */
mtype result;
bool granted;
byte task_seen, task_got;
byte task_for = REQUESTS; /* in whose name it asks; REQUESTS: of one that has had its answer */

mtype state[REQUESTS];
byte seen[REQUESTS];
byte times_put_off[REQUESTS];
bool has_asked[REQUESTS];

#if REQUESTS > 2
#define SOMEBODY_WAITS (state[0] == parked || state[1] == parked || state[2] == parked)
#else
#define SOMEBODY_WAITS (state[0] == parked || state[1] == parked)
#endif

/* --- the world --- */

bool message;
byte failures, turns, n_answered;

inline publish()
{
    if
    :: message = true
    :: skip /* lost */
    fi
}

inline answer(r) { state[r] = answered; seen[r] = 0; times_put_off[r] = 0; n_answered++ }

inline submit()
{
    task = running; woken = false; due = false; has_run = false; result = none; granted = false;
    task_got = 0
}

inline remove()
{
    task = no_task; woken = false; due = false; has_run = false; task_seen = 0;
    task_for = REQUESTS
}

/* waiting_park(). A lane may be full, and patience over. */
inline park(r, g)
{
    if
    :: task == resting -> answer(r)
    :: task == resting && times_put_off[r] < PATIENCE ->
        times_put_off[r]++;
#ifndef ASKS_IN_OLD_NAME
        if :: !SOMEBODY_WAITS -> task_for = r :: else fi;
#endif
        state[r] = parked; seen[r] = g
    :: task == running || task == sleeping -> state[r] = parked; seen[r] = g
    :: task == no_task -> submit(); task_seen = g; task_for = r; state[r] = parked; seen[r] = g
    :: task == no_task -> answer(r)
    fi
}

/* resume() and dispatch_settle(): what the task found is as good as nothing when its token has run
 * out meanwhile, unless it was granted for this very request. */
inline resume(r)
{
    if
    :: found != session -> answer(r)
    :: found == session &&
       (found_generation > expired || (was_granted && found_generation > seen[r])) -> answer(r)
    :: else -> park(r, found_generation)
    fi
}

inline take_parked(r) { if :: state[r] == parked -> state[r] = taken :: else fi }
inline resume_taken(r) { if :: state[r] == taken -> resume(r) :: else fi }

inline resume_all()
{
    found = result; found_generation = task_got; was_granted = granted;
    result = none; task_got = 0; granted = false;
    take_parked(0); take_parked(1);
#if REQUESTS > 2
    take_parked(2);
#endif
    if :: task == running -> remove() :: else fi;
    resume_taken(0); resume_taken(1);
#if REQUESTS > 2
    resume_taken(2);
#endif
    found = none; found_generation = 0; was_granted = false
}

/* refuse_impatient() for one request, and in whose name the task asks next. */
inline stay_or_answer(r)
{
    if
    :: state[r] == parked && times_put_off[r] < PATIENCE ->
        times_put_off[r]++;
        if :: task_for == REQUESTS -> task_for = r :: else fi
    :: state[r] == parked -> answer(r)
    :: else
    fi
}

/* run_again(): the lane may be full by now. */
inline run_again()
{
    if
    :: submit()
#ifdef FULL_IS_FORGOTTEN
    :: true -> must(!SOMEBODY_WAITS, forgotten); remove()
#else
    :: task = running; result = unavailable; resume_all()
#endif
    fi
}

proctype Request(byte me)
{
    /* What the cache knows may be old. */
    atomic {
        if
        :: !exists -> answer(me)
        :: exists && generation > expired -> answer(me)
        :: exists && generation > 1 && generation - 1 <= expired -> park(me, generation - 1)
        :: exists && generation <= expired -> park(me, generation)
        fi
    }
    if
    :: state[me] == answered
#ifdef DEADLINE
    :: atomic { state[me] == parked -> answer(me) }
#endif
    fi
}

inline ask()
{
    if
    :: task_for < REQUESTS ->
        must(!has_asked[task_for], asked_twice);
        has_asked[task_for] = true
    :: else
    fi
}

/* renewal_run() */
proctype Lane()
{
end:
    do
    :: task == running && !has_run && result == none ->
        atomic {
            if
            :: !exists -> result = ended
            :: exists && generation != task_seen -> result = session; task_got = generation
            :: exists && generation == task_seen && busy -> result = later
            :: exists && generation == task_seen && !busy && backoff -> result = put_off
            :: exists && generation == task_seen && !busy && !backoff ->
                ask();
                if
                :: generation++; result = session; granted = true; task_got = generation; publish()
                :: exists = false; result = ended; publish()
                :: failures < FAILURES ->
                    failures++; backoff = true; result = unavailable; publish()
                :: failures < FAILURES -> failures++; result = store_down
                fi
            fi
        }
        has_run = true
    od
}

/* What the loop calls. One process is fair enough: no two of these can go on for ever. */
proctype Hot()
{
    mtype found = none;
    byte found_generation;
    bool was_granted;
end:
    do
    /* task_done() */
    :: atomic {
        task == running && has_run ->
        if
        :: result == later && woken && SOMEBODY_WAITS -> run_again()
        :: result == later && !(woken && SOMEBODY_WAITS) ->
            task = sleeping; due = false; has_run = false; result = none
        :: result == unavailable ->
            task = resting; due = false; has_run = false;
            resume_all();
            result = none
        :: result == put_off ->
            task = resting; due = woken; has_run = false; result = none;
            task_for = REQUESTS;
            stay_or_answer(0); stay_or_answer(1);
#if REQUESTS > 2
            stay_or_answer(2);
#endif
            skip
        :: else -> resume_all()
        fi
       }
    /* waiting_timers() */
    :: atomic {
        (task == sleeping || task == resting) && due ->
        if
#ifdef ONLY_MESSAGES
        :: task == sleeping && SOMEBODY_WAITS -> due = false
#else
        :: task == sleeping && SOMEBODY_WAITS -> run_again()
#endif
#ifndef RESTS_PARKED
        :: task == resting && SOMEBODY_WAITS -> run_again()
#endif
        :: else -> must(!SOMEBODY_WAITS, forgotten); remove()
        fi
       }
    /* waiting_refreshed() */
    :: atomic {
        message -> message = false;
        if
        :: task == running -> woken = true
#ifdef ONLY_MESSAGES
        :: task == sleeping -> submit()
        :: task == no_task || task == resting
#else
        :: task == sleeping || task == resting -> due = true
        :: task == no_task
#endif
        fi
       }
    od
}

proctype Elsewhere()
{
end:
    do
    :: atomic { turns < TURNS && exists && !busy && !backoff -> turns++; busy = true }
#ifndef STUCK
    :: atomic {
        busy -> busy = false;
        if
        :: generation++; publish()
        :: exists = false; publish()
        :: backoff = true; publish()
        :: skip /* its worker died */
        fi
       }
#endif
    od
}

proctype Clock()
{
end:
    do
    :: atomic { (task == sleeping || task == resting) && !due -> due = true }
    :: atomic { backoff -> backoff = false }
    :: atomic { expired < generation && expired < EXPIRIES -> expired++ }
    od
}

init
{
    byte i;
    atomic {
        i = 0;
        do
        :: i < REQUESTS -> state[i] = not_yet; run Request(i); i++
        :: else -> i = 0; break
        od;
        /* waiting_renew_ahead() may have begun while nobody waited. */
        if :: submit(); task_seen = generation :: skip fi;
        run Lane(); run Hot(); run Elsewhere(); run Clock()
    }
}

ltl answered_all { <> (n_answered == REQUESTS) }
