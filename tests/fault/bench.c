/* SPDX-License-Identifier: BSL-1.0
 * bench.c - the life of the account on the bench: opened, called, crashed, recovered, brought to rest. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#include "applog.h"
#include "ending.h"
#include "hostcalls.h"
#include "memory.h"
#include "puppet.h"
#include "plant.h"
#include "state.h"
#include "trail.h"

#define HOUR INT64_C(3600000)
#define ROUNDS 5000 /* of anything that must come to an end */

plant planted;

static bench the_bench;

bench *bench_now(void) { return &the_bench; }

schat__slot *bench_slot(const bench *b) { return b->m == NULL ? NULL : puppet_slot(b->m, b->chat); }
schat__slot *bench_peer_slot(const bench *b) { return puppet_slot(b->w->peers[1].manager, b->chat); }

void bench_name(bench *b, int64_t random_id, const char *text) {
  size_t i;
  for (i = 0; i < b->name_count; i++) {
    if (b->names[i].random_id == random_id) return;
  }
  MUST(b->name_count < BENCH_NAMES, "too many messages");
  b->names[b->name_count].random_id = random_id;
  snprintf(b->names[b->name_count++].text, sizeof b->names[0].text, "%s", text);
}

const char *bench_name_of(const bench *b, int64_t random_id) {
  size_t i;
  for (i = 0; i < b->name_count; i++) {
    if (b->names[i].random_id == random_id) return b->names[i].text;
  }
  return "?";
}

/* Crashing ----------------------------------------------------------------------------------------------------------------------- */

static void crash(bench *b, fault_mode mode) {
  longjmp(b->jump, (int)mode);
}

fault_mode bench_site(bench *b, site_kind kind) {
  const fault_mode mode = explore_site(kind, memstore_pending(b->store) > 0);
  if (mode == MODE_CRASH_BEFORE) crash(b, mode);
  return mode;
}

void bench_crash_after(bench *b, fault_mode mode) {
  if (mode >= MODE_CRASH_AFTER) crash(b, mode);
}

/* The process is gone. What was on its way to the disk came there as far as `mode` says; what was on its way through the network did not. */
static void fall(bench *b, fault_mode mode) {
  size_t pending = memstore_pending(b->store), keep = mode == MODE_CRASH_ALL ? pending : mode == MODE_CRASH_HALF ? (pending + 1) / 2 : 0;
  memstore *image;
  memory_inside = 0;
  while (keep-- > 0) (void)memstore_complete(b->store, SCHAT_OK);
  image = memstore_clone(b->store);
  memstore_free(b->store);
  b->store = image;
  memory_crash();
  b->m = NULL;
  b->fail_next_commit = 0;
  relay_disconnect(b->w->relay, b->w->peers[0].device);
}

/* Calls -------------------------------------------------------------------------------------------------------------------------- */

static void check_status(int status) {
  static const int expected[SITE_KINDS] = {SCHAT_E_NOMEM, SCHAT_E_RANDOM, SCHAT_E_FULL, SCHAT_E_STORE, 0, 0, 0, 0, 0, SCHAT_E_CRYPTO, SCHAT_E_NOMEM};
  const site_kind kind = explore_failing();
  MUST(explore_met(), "a call fails with %s, and nothing was to fail", schat_status_name(status));
  if (kind == SITE_OPENSSL && (status == SCHAT_E_NOMEM || status == SCHAT_E_RANDOM)) return;
  MUST(status == expected[kind], "a call fails with %s", schat_status_name(status));
}

static void check_unchanged(bench *b, const state *before, int status) {
  state *after;
  const char *what;
  if (plant_is(PLANT_MEMORY_AHEAD) && bench_slot(b) != NULL) bench_slot(b)->chat.ttl++;
  after = state_look(b);
  what = state_differs(before, after);
  MUST(what == NULL, "a call fails with %s and has changed %s", schat_status_name(status), what);
  MUST(b->callbacks == 0, "a call fails with %s after callbacks", schat_status_name(status));
  state_free(after);
}

static int was_done(const bench *b, int status) {
  return b->redo && (status == SCHAT_E_EXISTS || status == SCHAT_E_STATE || status == SCHAT_E_NO_CHAT);
}

/* Nothing is kept from earlier calls that would spare this one a request for memory; and the journal has room for a few entries and copies,
 * for others in each call and under each seed. So whatever grows, and may not, does so in some call. */
static void tighten(bench *b) {
  const uint32_t drawn = (b->calls++ + 1u) * 2654435761u + explore_seed() * 40503u;
  const size_t room = (drawn >> 16) % 14u;
  schat__env *env = b->m != NULL ? &b->m->env : NULL;
  if (env == NULL || memory_inside > 0) return; /* within a batch it is as the call around left it */
  schat__effects_forget_spares(env);
  schat__lists_forget_spare(env);
  schat__arena_free(&env->arena);
  schat__arena_free(&b->m->commit_arena);
  schat__arena_reset(&env->journal_arena);
  if (env->journal_arena.first != NULL) (void)schat__arena_take(&env->journal_arena, (drawn >> 8) % 4096u);
  if (env->journal_capacity <= room) return;
  memset(env->journal + room, 0, (env->journal_capacity - room) * sizeof *env->journal); /* as it would come back */
  env->journal_capacity = room;
}

int attempt(bench *b, bench_call call, void *arg) {
  int failures = 0, status;
  for (;;) {
    state *before = state_look(b);
    b->callbacks = 0;
    tighten(b);
    memory_inside++;
    status = call(b, arg);
    memory_inside--;
    if (status >= 0 || was_done(b, status)) {
      state_free(before);
      return status;
    }
    check_status(status);
    check_unchanged(b, before, status);
    state_free(before);
    if (++failures == 3) explore_repair();
    MUST(failures < 5, "a call goes on failing with %s after the repair", schat_status_name(status));
  }
}

static int call_open(bench *b, void *arg) {
  const size_t live = memory_live();
  schat_config config;
  schat_host host;
  schat_store store;
  int status;
  (void)arg;
  SCHAT_INIT(config);
  hostcalls_host(b, &host);
  hostcalls_store(b, &store);
  config.host = &host;
  config.store = &store;
  config.policy = &b->policy;
  config.allocator = memory_allocator();
  config.storage_key = world_storage_key();
  config.user_id = b->w->peers[0].user_id;
  status = schat_open(&config, b->w->now, &b->m);
  if (status < 0) MUST(b->m == NULL && memory_live() == live, "an opening that fails with %s leaks", schat_status_name(status));
  return status;
}

static int call_tick(bench *b, void *arg) {
  (void)arg;
  return schat_tick(b->m, b->w->now);
}

static int call_feed(bench *b, void *arg) {
  const relay_item *item = arg;
  switch ((relay_kind)item->kind) {
    case RELAY_ANSWER:
      return schat_request_done(b->m, item->token, &item->answer, b->w->now);
    case RELAY_ERROR:
      return schat_request_failed(b->m, item->token, item->code, item->text, b->w->now);
    case RELAY_DIFFERENCE:
      return schat_input_difference(b->m, &item->difference, b->w->now);
    case RELAY_MESSAGE:
      return schat_input_message(b->m, &item->message, item->qts, b->w->now);
    case RELAY_CHAT:
      return schat_input_chat(b->m, &item->chat, b->w->now);
    case RELAY_READ:
      return schat_input_read(b->m, item->chat_id, item->max_date, item->date, b->w->now);
    case RELAY_TYPING:
      return schat_input_typing(b->m, item->chat_id, b->w->now);
  }
  return SCHAT_OK;
}

int bench_open(bench *b) { return attempt(b, call_open, NULL); }

void bench_close(bench *b) {
  memory_inside++;
  schat_close(b->m);
  memory_inside--;
  b->m = NULL;
  MUST(memory_live() == 0, "%zu blocks were not given back", memory_live());
  relay_disconnect(b->w->relay, b->w->peers[0].device);
}

/* Time --------------------------------------------------------------------------------------------------------------------------- */

/* The oldest commit is told to be durable, or never to have happened: then nothing may be done any more but to open again. */
static void complete_one(bench *b) {
  const fault_mode mode = bench_site(b, SITE_COMPLETE);
  const int lost = mode == MODE_ONCE || mode == MODE_FOR_EVER;
  const uint64_t ticket = memstore_complete(b->store, lost ? SCHAT_E_STORE : SCHAT_OK);
  int status;
  bench_crash_after(b, mode);
  memory_inside++;
  status = schat_commit_done(b->m, ticket, lost ? SCHAT_E_STORE : SCHAT_OK);
  memory_inside--;
  if (!lost) {
    MUST(status == SCHAT_OK, "a commit that is durable is answered with %s", schat_status_name(status));
    return;
  }
  MUST(status == SCHAT_E_POISONED && schat_tick(b->m, b->w->now) == SCHAT_E_POISONED, "a lost commit is not noticed");
  bench_close(b);
  crash(b, MODE_CRASH_BEFORE);
}

static void take_deliveries(bench *b) {
  const relay_item *item;
  int rounds = 0;
  while (relay_poll(b->w->relay, b->w->peers[0].device, b->w->now, &item)) {
    relay_item copy = *item;
    attempt(b, call_feed, &copy);
    if (memstore_pending(b->store) > 2) complete_one(b);
    MUST(++rounds < ROUNDS, "deliveries without end");
  }
}

void bench_settle(bench *b) {
  int rounds = 0;
  do {
    take_deliveries(b);
    world_deliver(b->w, 1);
    attempt(b, call_tick, NULL);
    while (memstore_pending(b->store) > 0) complete_one(b);
    MUST(++rounds < ROUNDS, "no rest: something is always due");
  } while (relay_next(b->w->relay) <= b->w->now || memstore_pending(b->store) > 0);
}

static int64_t next_deadline(const bench *b) {
  int64_t next = relay_next(b->w->relay), deadline;
  if (schat_next_deadline(b->m, &deadline) == SCHAT_OK && deadline < next) next = deadline;
  if (schat_next_deadline(b->w->peers[1].manager, &deadline) == SCHAT_OK && deadline < next) next = deadline;
  return next;
}

void bench_pass(bench *b, int64_t milliseconds) {
  const int64_t until = b->w->now + milliseconds;
  int rounds = 0;
  while (b->w->now < until) {
    int64_t next = next_deadline(b);
    if (next <= b->w->now) next = b->w->now + 1;
    b->w->now = next < until ? next : until;
    attempt(b, call_tick, NULL);
    schat_tick(b->w->peers[1].manager, b->w->now);
    bench_settle(b);
    MUST(++rounds < ROUNDS, "something is due again and again");
  }
}

void bench_await(bench *b, bench_condition holds, const char *what) {
  const int64_t until = b->w->now + HOUR;
  bench_settle(b);
  while (!holds(b)) {
    MUST(b->w->now < until, "stuck: no %s within an hour", what);
    bench_pass(b, 1000);
    if (explore_lasting() && b->w->now > until - HOUR + 120000) explore_repair();
  }
}

/* The run ------------------------------------------------------------------------------------------------------------------------ */

void bench_catch_up(bench *b) {
  int more;
  do {
    int32_t qts, date;
    relay_item copy;
    schat_checkpoint(b->m, &qts, &date);
    copy = *relay_difference(b->w->relay, b->w->peers[0].device, qts, date, b->w->now);
    more = copy.more;
    attempt(b, call_feed, &copy);
  } while (more);
}

void bench_begin(bench *b) {
  const relay_item *nothing;
  bench_open(b);
  relay_poll(b->w->relay, b->w->peers[0].device, b->w->now, &nothing); /* connected */
  attempt(b, call_tick, NULL);
  bench_catch_up(b);
  bench_settle(b);
}

void bench_reopen(bench *b) {
  bench_close(b);
  bench_begin(b);
}

int bench_once(bench *b, unsigned mark) {
  const int first = (b->marks & 1u << mark) == 0;
  b->marks |= 1u << mark;
  return first;
}

/* One step, begun again as often as the process ends in it. */
static void live_through(bench *b, bench_step step) {
  volatile int falls = 0;
  const int how = setjmp(b->jump);
  if (how != 0) {
    if (++falls % 3 == 0) explore_repair();
    MUST(falls < 9, "the process ends again and again");
    fall(b, (fault_mode)how);
    b->redo = 1;
  }
  if (b->m == NULL) {
    explore_recovery(1);
    bench_begin(b);
    explore_recovery(0);
  }
  step(b);
  if (explore_lasting()) { /* a host that refuses for ever has done so for a while */
    if (explore_failing() == SITE_REQUEST) bench_pass(b, 120000);
    explore_repair();
    bench_settle(b);
  }
  b->redo = 0;
}

static void new_bench(bench *b) {
  memset(b, 0, sizeof *b);
  b->w = world_new(77, 2);
  schat_close(b->w->peers[0].manager);
  b->w->peers[0].manager = NULL;
  b->store = memstore_new();
  SCHAT_INIT(b->policy);
  b->policy.flags = SCHAT_POLICY_CHAIN_SENDS;
  b->random_state = 4711;
  applog_clear();
  trail_clear();
}

static void idle(bench *b) { (void)b; }

int bench_run(void *arg) {
  const scenario *s = arg;
  bench *b = &the_bench;
  size_t i;
  new_bench(b);
  if (s->prepare != NULL) s->prepare(b);
  explore_begin();
  for (i = 0; s->steps[i] != NULL; i++) live_through(b, s->steps[i]);
  live_through(b, ending_rest);
  explore_end();
  live_through(b, idle); /* there may be a crash to recover from */
  explore_repair();
  ending_check(b);
  free(b->scratch);
  memstore_free(b->store);
  world_free(b->w);
  return 0;
}
