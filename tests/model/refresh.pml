/*
 * One session, its refresh scripts (bff/store/scripts), the workers that run them, and Django.
 *
 * Each script is one atomic step here because it is one in Redis. A time in the hash is only ever
 * compared with now, so it is a bit here ("not yet over"), which Clock clears at any moment at
 * which the real one could be over. The bits of work between the scripts interleave freely: that,
 * crashes and stalls are what is searched.
 *
 * README.md lists the macros that choose a variant.
 */

#ifndef WORKERS
#define WORKERS 3
#endif
#if WORKERS != 2 && WORKERS != 3
#error the lists of workers below are written out for two and three
#endif
#ifndef ASKS
#define ASKS 2       /* requests per worker that find the access token of no use */
#endif
#ifndef GENERATIONS
#define GENERATIONS 1 /* this many access tokens run out, one after the other */
#endif
#ifndef STALLS
#define STALLS 2     /* leases that run out although their holder lives */
#endif
#ifndef FAILURES
#define FAILURES 1   /* calls that get no answer */
#endif
#define TOKENS 12

/* --- what is asserted: `pan` names the flag, so a variant can fail for its own reason only --- */

bool session_lost, brought_back, dead_token_stored, refreshed_twice, left_alive_after_sign_out;

inline must(condition, broken)
{
    if
    :: (condition)
    :: else -> broken = true; assert(!broken)
    fi
}

/* --- the session's hash --- */

mtype = { idle, refreshing, rejected };

bool exists = true;
mtype state = idle;
byte generation = 1;
byte refresh = 1;   /* the stored token, by its number */
byte epoch;
byte commit;        /* who brought what is stored: stands for the name of an access token */
bool lease;         /* lease > now */
bool grace;         /* ambiguous > now */
bool backoff;       /* backoff > now */

/* --- Django --- */

bool valid[TOKENS];
byte successor[TOKENS];
byte next_token = 2;
bool user_disabled;

/*
 * With SERIALIZER the immediate predecessor is good for the same successor. "Immediate" ends when
 * the successor is rotated itself.
 */
#ifdef SERIALIZER
#define REDEEMABLE(t) (valid[t] || (successor[t] != 0 && valid[successor[t]]))
#else
#define REDEEMABLE(t) (valid[t])
#endif

/* --- what nobody but the model knows --- */

bool signed_out, revoked_at_sign_out;
bool alive[WORKERS];
bool overtaken[WORKERS]; /* lost its lease to another, and has not reported yet */
byte carriers;           /* live workers with a successor of the stored token in hand */
byte holder;             /* of the newest lease */
byte calls, run_out, unanswered; /* in this generation */
bool window;             /* the named one: a successor of the stored token died unstored */
bool anything_died;
byte stalls, failures;
byte finished;

#ifdef ONLY_PUBLISH
bool woken[WORKERS];
byte w_;
inline publish()
{
    w_ = 0;
    do
    :: w_ < WORKERS -> woken[w_] = true; w_++
    :: else -> w_ = 0; break
    od
}
#else
/* Nothing to do: a waiter that looks when its time has come sees at least as much. */
inline publish() { skip }
#endif

/* The hole that no client can close counts as one only where Django lets the old token die. */
inline successor_dies()
{
    anything_died = true;
#if defined(BLACKLIST) && !defined(SERIALIZER) && !defined(NO_EXCUSE)
    if :: my_generation == generation -> window = true :: else fi;
#endif
}

/*
 * The generation moved on, or the session is gone: what was counted is about the old one, and who
 * is late for the old one may be as late as it likes.
 */
inline forget_counts()
{
    calls = 0; run_out = 0; unanswered = 0; window = false; carriers = 0;
    overtaken[0] = false; overtaken[1] = false;
#if WORKERS > 2
    overtaken[2] = false
#else
    skip
#endif
}

inline delete_rejected()
{
    must(user_disabled || (window && carriers == 0), session_lost);
    exists = false; state = idle; lease = false; grace = false; backoff = false;
    forget_counts();
    publish()
}

/* What BEGIN answers with BUSY. An expired lease is not cleared by anything: BEGIN compares. */
#ifdef NO_LEASE
#define BUSY (state == rejected && grace)
#else
#define BUSY ((state == rejected && grace) || (state == refreshing && lease))
#endif

inline report() { overtaken[me] = false }

inline drop_carried()
{
    if :: my_generation == generation && exists && got != 0 -> carriers-- :: else fi
}

proctype Worker(byte me)
{
    byte seen, my_generation, my_epoch, token, got, asks = ASKS;
    bool is_repeated, was_valid;

ask:
    atomic {
        is_repeated = false; my_generation = 0; my_epoch = 0; token = 0; got = 0;
        if
        :: !exists || asks == 0 || generation > GENERATIONS -> goto end_of_worker
        :: else -> asks--; seen = generation
        fi
    }

look:
    atomic {
        my_generation = 0; my_epoch = 0; token = 0; got = 0; is_repeated = false;
#ifdef ONLY_PUBLISH
        woken[me] = false;
#endif
        /* BEGIN */
        if
        :: !exists -> printf("%d BEGIN: NONE\n", me); goto ask
        :: exists && generation != seen -> printf("%d BEGIN: FRESH\n", me); goto ask
        :: exists && generation == seen && BUSY -> printf("%d BEGIN: BUSY\n", me); goto wait
        :: exists && generation == seen && !BUSY ->
            if
            :: state == rejected ->
                printf("%d BEGIN: REJECTED\n", me);
                delete_rejected();
                goto ask
            :: state == idle && backoff -> printf("%d BEGIN: BACKOFF\n", me); goto ask
            :: else
            fi;
            if
            :: state == refreshing -> grace = true; overtaken[holder] = alive[holder]
            :: else
            fi;
            epoch++; state = refreshing; lease = true; holder = me; overtaken[me] = false;
            my_generation = generation; my_epoch = epoch; token = refresh;
            printf("%d BEGIN: GO epoch %d generation %d\n", me, epoch, generation);
            must(calls <= run_out + unanswered, refreshed_twice);
            calls++;
            must(REDEEMABLE(refresh) || carriers > 0 || window || user_disabled, dead_token_stored)
        fi
    }

call:
    /* Between any two steps the worker may die; Clock lets the lease run out at any of them. */
    if
    :: skip
#ifdef CRASH
    :: goto die
#endif
    fi;
#ifdef RACY
    /* Two requests may both pass simplejwt's check before either of them blacklists. */
    was_valid = valid[token];
#endif
    atomic {
        if
#ifdef RACY
        :: was_valid && !user_disabled ->
#else
        :: valid[token] && !user_disabled ->
#endif
            got = next_token; next_token++; valid[got] = true; successor[token] = got;
#ifdef BLACKLIST
            valid[token] = false;
#endif
            printf("%d Django: granted %d for %d\n", me, got, token)
#ifdef SERIALIZER
        :: !valid[token] && !user_disabled && REDEEMABLE(token) ->
            got = successor[token]; printf("%d Django: %d again for %d\n", me, got, token)
#endif
        :: else -> printf("%d Django: rejected %d\n", me, token)
        fi;
        was_valid = false;
        if :: got != 0 && my_generation == generation && exists -> carriers++ :: else fi
    }
    if
    :: got != 0 -> goto store
    :: got == 0 -> goto reject
    :: atomic { failures < FAILURES -> failures++ }; goto fail
#ifdef CRASH
    :: goto die
#endif
    fi;

store:
    atomic {
        /* COMMIT */
        if
#ifdef COMMIT_CREATES
        :: false
#else
        :: !exists ->
            printf("%d COMMIT: GONE\n", me);
            goto revoke
#endif
        :: exists && generation == my_generation + 1 && commit == me + 1 ->
            printf("%d COMMIT: STORED already\n", me)
#ifndef NO_GENERATION
        :: exists && generation != my_generation &&
           !(generation == my_generation + 1 && commit == me + 1) ->
            printf("%d COMMIT: STALE\n", me); report(); goto wait
#endif
#ifdef EPOCH_FENCE
        :: exists && generation == my_generation && epoch != my_epoch ->
            printf("%d COMMIT: not the newest lease\n", me);
            carriers--; report(); goto wait
#endif
        :: else ->
            must(!signed_out, brought_back);
            exists = true; generation = my_generation + 1; refresh = got; commit = me + 1;
            state = idle; lease = false; grace = false; backoff = false;
            forget_counts();
            printf("%d COMMIT: STORED generation %d token %d\n", me, generation, got);
            must(REDEEMABLE(refresh) || user_disabled, dead_token_stored);
            publish()
        fi;
        /* Redis did it, but its answer was lost: the worker sends the same again. */
        if
        :: report(); goto ask
        :: !is_repeated -> is_repeated = true; goto store_later
        fi
    }
store_later:
    goto store;

revoke:
    atomic {
#ifndef NO_REVOKE
        valid[got] = false;
#endif
        report(); goto ask
    }

fail:
    /*
     * Whether Django rotated before the answer was lost or does so after FAIL comes to the same:
     * nobody will ever bring that successor.
     */
    atomic {
        drop_carried();
        if :: got != 0 -> printf("%d answer lost\n", me); successor_dies() :: else fi;
        got = 0
    }
    atomic {
        /* FAIL */
        if
        :: exists && generation == my_generation && epoch == my_epoch && state == refreshing ->
            printf("%d FAIL: BACKOFF\n", me);
            state = idle; lease = false; backoff = true; unanswered++;
#ifdef FAIL_ENDS_GRACE
            grace = false;
#endif
            publish()
        :: else -> printf("%d FAIL: SUPERSEDED\n", me)
        fi;
        report(); goto ask
    }

reject:
    atomic {
        /* REJECT */
        if
#ifdef REJECT_BY_ANYBODY
        :: exists && generation == my_generation && state != idle ->
#else
        :: exists && generation == my_generation && epoch == my_epoch && state != idle ->
#endif
            if
#ifndef NO_GRACE
            :: grace ->
                printf("%d REJECT: WAIT\n", me);
                state = rejected; lease = false; publish(); report(); goto wait
#endif
            :: else ->
                printf("%d REJECT: ENDED\n", me);
                delete_rejected(); report(); goto ask
            fi
        :: else -> printf("%d REJECT: SUPERSEDED\n", me); report(); goto wait
        fi
    }

wait:
    atomic {
        is_repeated = false; my_generation = 0; my_epoch = 0; token = 0; got = 0
#ifdef ONLY_PUBLISH
        ; (woken[me] || !exists || generation != seen);
#else
        /* The time that BUSY and WAIT tell is over, or a message came: to look any earlier gets
         * the same answer again. */
        ; (!exists || generation != seen || !BUSY);
#endif
        goto look
    }

die:
    atomic {
        printf("%d dies\n", me);
        drop_carried();
        if :: got != 0 -> successor_dies() :: else fi;
        alive[me] = false; report()
    }

end_of_worker:
    atomic {
        is_repeated = false; my_generation = 0; my_epoch = 0; token = 0; got = 0;
        seen = 0; asks = 0;
        finished++
    }
}

/*
 * `refresh.grace` is a bound that the model must be given: a worker that was overtaken reports, or
 * is dead, before the grace is over. LATER_THAN_GRACE takes it away.
 */
#ifdef LATER_THAN_GRACE
#define LATECOMER false
#elif WORKERS == 2
#define LATECOMER (overtaken[0] || overtaken[1])
#else
#define LATECOMER (overtaken[0] || overtaken[1] || overtaken[2])
#endif

inline end_lease()
{
    printf("lease runs out\n");
    lease = false; run_out++;
#ifdef FORGETFUL
    /* Django's memory of what it gave is shorter than the lease. */
    successor[refresh] = 0;
#endif
}

proctype Clock()
{
end:
    do
    :: atomic { state == refreshing && lease && !alive[holder] -> end_lease() }
    :: atomic { state == refreshing && lease && alive[holder] && stalls < STALLS ->
                stalls++; end_lease() }
    :: atomic { grace && !LATECOMER -> printf("grace ends\n"); grace = false }
    :: atomic { backoff -> backoff = false }
    od
}

#ifdef ENDS
/* The session's time is over, the person signs out, or the user is disabled: one of them, ever. */
proctype Ending()
{
    byte told;
    if
    :: atomic { exists -> printf("TTL is over\n"); exists = false; forget_counts(); publish() }
    /* Django is told of the token that was deleted, and only after that. */
    :: atomic { exists -> printf("LOGOUT\n"); told = refresh; signed_out = true; exists = false;
                forget_counts(); publish() };
       atomic { valid[told] = false; told = 0; revoked_at_sign_out = true }
    :: atomic { printf("user is disabled\n"); user_disabled = true }
    :: skip
    fi
}
#endif

init
{
    byte i;
    atomic {
        valid[1] = true;
        i = 0;
        do
        :: i < WORKERS -> alive[i] = true; run Worker(i); i++
        :: else -> i = 0; break
        od;
        run Clock();
#ifdef ENDS
        run Ending()
#endif
    }
    atomic {
        finished == WORKERS ->
        must(!exists || REDEEMABLE(refresh) || window || user_disabled, dead_token_stored);
        must(!signed_out || !exists, brought_back);
#if defined(BLACKLIST) && !defined(RACY)
        /* Whatever a worker was given and could not store, it has revoked. (A racy Django may
         * also have made a token that came second, which nobody has any more.) */
        i = 1;
        do
        :: i < next_token && revoked_at_sign_out && !anything_died ->
            must(!valid[i], left_alive_after_sign_out); i++
        :: else -> i = 0; break
        od
#endif
    }
}

#ifdef LIVENESS
/* Nobody's request depends on its own deadline: every worker that lives has its answers. */
ltl answered { <> (finished == WORKERS) }
#endif
