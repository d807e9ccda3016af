/*
 * One session, its refresh scripts (bff/store/scripts), the workers that run them, and Django.
 *
 * Each script is one atomic step here because it is one in Redis. A time in the record is only ever
 * compared with now, so it is a bit here ("not yet over"), which Clock clears at any moment at
 * which the real one could be over. The bits of work between the scripts interleave freely: that,
 * crashes and stalls are what is searched.
 *
 * Macros choose a variant: `check` has them, README.md says what they are for.
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
bool ended_early, successor_refused, anothers_lease;

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
byte holder;        /* `owner` */
byte last_epoch;    /* Redis' clock, of which `epoch` is made: it does not go back with the record */

/* --- Django --- */

bool valid[TOKENS];
byte successor[TOKENS];
byte next_token = 2;
bool user_disabled;

/* The one token whose own life is over, by Django's clock and by Redis': they need not agree. */
byte ended, ended_in_redis;

/*
 * With SERIALIZER the immediate predecessor is good for the same successor. "Immediate" ends when
 * the successor is rotated itself.
 */
#define HAS_ENDED(t) (t != 0 && (t == ended || t == ended_in_redis))
#ifdef SERIALIZER
#define REDEEMABLE(t) (valid[t] || (t != ended && successor[t] != 0 && valid[successor[t]]))
#define OVER(t) (HAS_ENDED(t) || HAS_ENDED(successor[t]))
#else
#define REDEEMABLE(t) (valid[t])
#define OVER(t) HAS_ENDED(t)
#endif

/* --- what nobody but the model knows --- */

bool signed_out, revoked_at_sign_out;
bool limit_over;         /* the idle or the absolute one */
bool working[WORKERS];   /* lives, and has a lease of which it has not reported yet */
bool overtaken[WORKERS]; /* lost it to another */
byte carries[WORKERS];   /* has in hand what a refresh of this generation brought */
byte may_call = 1;       /* in this generation: once, and once more for each lease that ran out
                          * and for each FAIL */
bool window;             /* the named one: a successor of the stored token died unstored */
bool anything_lost;
bool write_lost, deletion_lost; /* by Redis, which had acknowledged it */
byte stalls, failures;
byte begun, finished;

#if WORKERS == 2
#define CARRIED (carries[0] == generation || carries[1] == generation)
#else
#define CARRIED (carries[0] == generation || carries[1] == generation || carries[2] == generation)
#endif

/* Why a session may end, or Redis hold a token that Django takes no more. Everything else is our
 * doing. */
#define ENDED_OR_LOST (user_disabled || OVER(refresh) || write_lost || deletion_lost)
#define EXCUSED (window || ENDED_OR_LOST)

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
    anything_lost = true;
#if defined(BLACKLIST) && !defined(SERIALIZER) && !defined(NO_EXCUSE)
    if :: my_generation == generation -> window = true :: else fi
#endif
}

/*
 * The generation moved on, or the session is gone: what was counted is about the old one, and who
 * is late for the old one may be as late as it likes.
 */
inline forget_counts()
{
    may_call = 1; window = false;
    overtaken[0] = false; overtaken[1] = false;
#if WORKERS > 2
    overtaken[2] = false
#else
    skip
#endif
}

inline delete()
{
    exists = false; state = idle; lease = false; grace = false; backoff = false;
    forget_counts();
    publish()
}

inline delete_rejected()
{
    must(ENDED_OR_LOST || (window && !CARRIED), session_lost);
    delete()
}

/* What BEGIN answers with BUSY. An expired lease is not cleared by anything: BEGIN compares. */
#ifdef NO_LEASE
#define BUSY (state == rejected && grace)
#else
#define BUSY ((state == rejected && grace) || (state == refreshing && lease))
#endif

/* Workers are alike, so who is first to BEGIN comes to the same: one order will do. */
inline take_turn()
{
    (begun >= me);
    if :: begun == me -> begun++ :: else fi
}

#ifdef EXACT_GENERATION
#define MOVED_ON (generation != my_generation)
#else
#define MOVED_ON (generation > my_generation)
#endif

inline report() { working[me] = false; overtaken[me] = false; carries[me] = 0 }

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
        take_turn();
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
            :: state == refreshing -> grace = true; overtaken[holder] = working[holder]
            :: else
            fi;
#ifdef COUNTED_EPOCH
            epoch++;
#else
            last_epoch++; epoch = last_epoch;
#endif
            state = refreshing; lease = true; holder = me; overtaken[me] = false;
            working[me] = true;
            my_generation = generation; my_epoch = epoch; token = refresh;
            printf("%d BEGIN: GO epoch %d generation %d\n", me, epoch, generation);
            must(may_call > 0, refreshed_twice);
            may_call--;
            must(REDEEMABLE(refresh) || CARRIED || EXCUSED, dead_token_stored)
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
#ifdef KEEPS
        :: valid[token] && !user_disabled ->
            got = token; printf("%d Django: granted, %d stays\n", me, got)
#else
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
#endif
#ifdef SERIALIZER
        :: !valid[token] && !user_disabled && REDEEMABLE(token) ->
            got = successor[token]; printf("%d Django: %d again for %d\n", me, got, token)
#endif
        :: else -> printf("%d Django: rejected %d\n", me, token)
        fi;
        was_valid = false;
        if :: got != 0 -> carries[me] = my_generation :: else fi
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
            carries[me] = 0;
            goto revoke
#endif
        :: exists && generation == my_generation + 1 && commit == me + 1 ->
            printf("%d COMMIT: STORED already\n", me)
#ifndef NO_GENERATION
        /* Less than ours: Redis went back, and what we bring is newer than all it has. */
        :: exists && MOVED_ON && !(generation == my_generation + 1 && commit == me + 1) ->
            printf("%d COMMIT: STALE\n", me); report();
            must(REDEEMABLE(refresh) || CARRIED || window || deletion_lost || user_disabled ||
                 OVER(refresh) || !REDEEMABLE(got), successor_refused);
            goto wait
#endif
#ifdef EPOCH_FENCE
        :: exists && generation == my_generation && epoch != my_epoch ->
            printf("%d COMMIT: not the newest lease\n", me);
            report(); goto wait
#endif
        :: exists && !MOVED_ON && got == ended_in_redis ->
            printf("%d COMMIT: GONE, what was granted is over already\n", me);
            delete(); carries[me] = 0;
            goto revoke
        :: else ->
            must(!signed_out, brought_back);
            exists = true; generation = my_generation + 1; refresh = got; commit = me + 1;
            state = idle; lease = false; grace = false; backoff = false;
            forget_counts();
            printf("%d COMMIT: STORED generation %d token %d\n", me, generation, got);
            must(REDEEMABLE(refresh) || EXCUSED, dead_token_stored);
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
        if :: got != 0 -> printf("%d answer lost\n", me); successor_dies() :: else fi;
        carries[me] = 0;
        got = 0
    }
    atomic {
        /* FAIL */
        if
        :: exists && generation == my_generation && epoch == my_epoch && state == refreshing ->
            printf("%d FAIL: BACKOFF\n", me);
            must(holder == me, anothers_lease);
            state = idle; lease = false; backoff = true; may_call++;
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
            must(holder == me, anothers_lease);
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
        if :: got != 0 -> successor_dies() :: else fi;
        report()
    }

end_of_worker:
    atomic {
        take_turn();
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
    lease = false; may_call++;
#ifdef FORGETFUL
    /* Django's memory of what it gave is shorter than the lease. */
    successor[refresh] = 0;
#endif
}

proctype Clock()
{
end:
    do
    :: atomic { state == refreshing && lease && !working[holder] -> end_lease() }
    :: atomic { state == refreshing && lease && working[holder] && stalls < STALLS ->
                stalls++; end_lease() }
    :: atomic { grace && !LATECOMER -> printf("grace ends\n"); grace = false }
    :: atomic { backoff -> backoff = false }
    od
}

#if defined(ENDS) || defined(TOKEN_ENDS)
inline end_at_django()
{
    atomic { printf("token %d ends at Django\n", told); ended = told; valid[told] = false }
}

/* The key's end moved with the COMMIT of another token, so only the stored one takes it along. */
inline end_in_redis()
{
    atomic {
        printf("token %d ends in Redis\n", told);
        ended_in_redis = told;
        if
#ifdef OLD_END
        :: exists -> must(refresh == told, ended_early); delete()
#else
        :: exists && refresh == told -> delete()
#endif
        :: else
        fi
    }
}

/* One end, ever, at any moment: a limit, a token's own, sign-out, or the user's being disabled. */
proctype Ending()
{
    byte told;
    if
#ifdef ENDS
    :: atomic { exists -> printf("idle or absolute limit is over\n"); limit_over = true; delete() }
    /* Django is told of the token that was deleted, and only after that. */
    :: atomic { exists -> printf("LOGOUT: ENDED\n"); told = refresh; signed_out = true; delete() };
       atomic { valid[told] = false; revoked_at_sign_out = true }
    :: atomic { printf("user is disabled\n"); user_disabled = true }
    :: skip
#endif
    /* What is stored, or what a worker has just been given. */
    :: atomic { if :: told = refresh :: next_token - 1 != refresh -> told = next_token - 1 fi };
       if
       :: end_at_django(); end_in_redis()
       :: end_in_redis(); end_at_django()
       fi
    fi;
    told = 0
}
#endif

#ifdef FAILOVER
/*
 * Redis had acknowledged what it then no longer has: a replica that lagged was promoted, or it was
 * started again from an older dump. The session is as it was at an earlier moment, any.
 */
proctype Failover()
{
    bool had_session, had_lease, had_grace, had_backoff;
    mtype had_state;
    byte had_generation, had_refresh, had_epoch, had_commit, had_holder;
    atomic {
        had_session = exists; had_state = state; had_generation = generation;
        had_refresh = refresh; had_epoch = epoch; had_commit = commit; had_holder = holder;
        had_lease = lease; had_grace = grace; had_backoff = backoff
    }
    atomic {
        printf("Redis goes back to generation %d epoch %d\n", had_generation, had_epoch);
        had_session = had_session && !limit_over &&
                      (ended_in_redis == 0 || had_refresh != ended_in_redis);
        if
        :: !exists && had_session ->
#ifdef NO_EXCUSE
            must(!signed_out, brought_back);
#endif
            signed_out = false; deletion_lost = true
        :: else
        fi;
#if defined(BLACKLIST) && !defined(SERIALIZER) && !defined(NO_EXCUSE)
        if
        :: had_session && (had_generation != generation || had_epoch != epoch ||
                           had_state != state || !exists) -> write_lost = true
        :: else
        fi;
#endif
        if :: had_generation != generation -> anything_lost = true :: else fi;
        exists = had_session; state = had_state; generation = had_generation;
        refresh = had_refresh; epoch = had_epoch; commit = had_commit; holder = had_holder;
        lease = had_lease; grace = had_grace; backoff = had_backoff;
        if :: !exists -> state = idle; lease = false; grace = false; backoff = false :: else fi;
        /* A lease may be among what was lost. */
        may_call = 1;
        had_session = false; had_state = 0; had_generation = 0; had_refresh = 0; had_epoch = 0;
        had_commit = 0; had_holder = 0; had_lease = false; had_grace = false; had_backoff = false;
        publish()
    }
}
#endif

init
{
    byte i;
    atomic {
        valid[1] = true;
        i = 0;
        do
        :: i < WORKERS -> run Worker(i); i++
        :: else -> i = 0; break
        od;
        run Clock();
#if defined(ENDS) || defined(TOKEN_ENDS)
        run Ending();
#endif
#ifdef FAILOVER
        run Failover();
#endif
    }
    atomic {
        finished == WORKERS ->
        must(!exists || REDEEMABLE(refresh) || CARRIED || EXCUSED, dead_token_stored);
        must(!signed_out || !exists, brought_back);
#if defined(BLACKLIST) && !defined(RACY)
        /* Whatever a worker was given and could not store, it has revoked. (A racy Django may
         * also have made a token that came second, which nobody has any more.) */
        i = 1;
        do
        :: i < next_token && revoked_at_sign_out && !anything_lost && !deletion_lost ->
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
