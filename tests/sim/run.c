/* SPDX-License-Identifier: BSL-1.0
 * run.c - one schedule: its profile and classes, its steps, and the recovery in which everything must come together (I4). */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define ROUNDS 14
#define QUIET_STEPS 4000

typedef struct {
  const char *name;
  int steps;
  uint8_t always[6], often[16]; /* classes, plus one; often: with probability 1/2 */
  uint8_t deliver, act, pass, other; /* weights of steps */
} family;

#define C(name) (SIM_##name + 1)
static const family families[SIM_PROFILES] = {
    [SIM_LOSSY] = {"lossy", 90, {C(LOSS)}, {C(GONE), C(ERRORS), C(RESTART), C(OFFLINE), C(DELETE), C(FILES), C(BATCH), C(REKEY), C(DISCARD), C(NESTED)}, 50, 25, 18, 7},
    [SIM_HOSTILE] = {"hostile", 90, {C(LIES)}, {C(MALICE), C(LOSS), C(GONE), C(ERRORS), C(CRASH), C(REKEY), C(DELETE), C(TIMERS), C(DEVICES), C(CLOCK), C(LIMITS)}, 45, 22, 13, 20},
    [SIM_FAULTS] = {"faults", 90, {C(CRASH)}, {C(LOSS), C(ERRORS), C(STORE), C(ASYNC), C(MEMORY), C(RANDOM), C(RESTART), C(BATCH), C(REKEY), C(DELETE), C(TIMERS), C(FILES), C(NESTED), C(OFFLINE), C(CLOCK)}, 48, 24, 14, 14},
    [SIM_TIMED] = {"timers", 90, {C(TIMERS), C(DELETE)}, {C(CRASH), C(RESTART), C(LOSS), C(DISCARD), C(STORE), C(MEMORY), C(FILES), C(OFFLINE), C(BATCH), C(ASYNC)}, 42, 34, 16, 8},
    [SIM_TWO_CHATS] = {"both", 80, {C(BOTH)}, {C(LOSS), C(ERRORS), C(CRASH), C(RESTART), C(DEVICES), C(DISCARD), C(ASYNC), C(OFFLINE), C(NESTED), C(RANDOM), C(MEMORY), C(STORE)}, 50, 25, 15, 10},
    [SIM_STORM] = {"storm", 100, {C(REKEY)}, {C(LOSS), C(GONE), C(CRASH), C(RESTART), C(ASYNC), C(STORE), C(ERRORS), C(LIES), C(MEMORY), C(RANDOM), C(OFFLINE), C(LIMITS)}, 55, 30, 10, 5},
    [SIM_YEAR] = {"year", 365, {C(RESTART)}, {C(LOSS), C(OFFLINE)}, 0, 0, 0, 0},
};

const char *sim_profile_name(int profile) { return profile >= 0 && profile < SIM_PROFILES ? families[profile].name : "any"; }

const char *sim_class_name(int class) {
  static const char *const names[] = {
#define SIM_CLASS_NAME(name, text) #name,
      SIM_CLASSES(SIM_CLASS_NAME)
#undef SIM_CLASS_NAME
  };
  return class >= 0 && class < SIM_CLASS_COUNT ? names[class] : "";
}

/* Beginning ----------------------------------------------------------------------------------------------------------------------------- */

/* Where a client of other people may stand on the other side, and what may go wrong there: no more than they can bear. */
#define BIT(name) (UINT32_C(1) << SIM_##name)
#define FOREIGN_PROFILES_OF (BIT(LOSSY) | BIT(FAULTS) | BIT(STORM))
#define FOREIGN_CLASSES                                                                                                                        \
  (BIT(LOSS) | BIT(GONE) | BIT(ERRORS) | BIT(CRASH) | BIT(RESTART) | BIT(STORE) | BIT(ASYNC) | BIT(MEMORY) | BIT(RANDOM) | BIT(OFFLINE) |      \
   BIT(BATCH) | BIT(REKEY) | BIT(NESTED) | BIT(ROLLBACK))

static void choose_classes(sim *s) {
  dice x = {s->options.seed ^ UINT64_C(0x51a7e5)}, y = {s->options.seed ^ UINT64_C(0x0ff5e7)};
  const family *f;
  (void)dice_next(&x);
  s->profile = (int)dice_below(&x, SIM_YEAR);
  if (s->options.profile >= 0) s->profile = s->options.profile;
  f = &families[s->profile];
  for (size_t i = 0; i < sizeof f->always && f->always[i] != 0; i++) s->classes |= UINT32_C(1) << (f->always[i] - 1);
  for (size_t i = 0; i < sizeof f->often && f->often[i] != 0; i++) {
    if (dice_next(&x) % 2 == 0) s->classes |= UINT32_C(1) << (f->often[i] - 1);
  }
  if ((sim_has(s, SIM_CRASH) || sim_has(s, SIM_RESTART)) && dice_one_in(&y, 4)) s->classes |= UINT32_C(1) << SIM_ROLLBACK;
  if (s->profile <= SIM_STORM && (FOREIGN_PROFILES_OF >> s->profile & 1u) && dice_one_in(&y, 6) && !(s->options.off >> SIM_FOREIGN & 1u)) {
    s->classes = (s->classes & FOREIGN_CLASSES) | UINT32_C(1) << SIM_FOREIGN;
  }
  s->classes &= ~s->options.off;
  s->deep = dice_one_in(&x, 24);
  s->watched = dice_one_in(&x, 4) && !sim_has(s, SIM_FOREIGN) && !sim_has(s, SIM_CLOCK) && !sim_has(s, SIM_LIMITS);
  s->steps = s->options.steps > 0 ? s->options.steps : f->steps;
  s->result->used = s->classes;
  s->denied = sim_has(s, SIM_MALICE) || sim_has(s, SIM_LIMITS);
}

static void set_faults(sim *s) {
  relay_faults f;
  dice x = sim_dice(s, 1);
  memset(&f, 0, sizeof f);
  if (!s->recovering && sim_has(s, SIM_LOSS)) {
    f.drop_update = (double)dice_below(&x, 30) / 100;
    f.duplicate = (double)dice_below(&x, 30) / 100;
    f.reorder = (double)dice_below(&x, 40) / 100;
    f.delay_ms_max = dice_between(&x, 0, 3000);
  }
  if (!s->recovering && sim_has(s, SIM_GONE)) f.drop_for_good = (double)dice_below(&x, 25) / 100;
  if (!s->recovering && sim_has(s, SIM_ERRORS)) {
    f.lost_request = (double)dice_below(&x, 10) / 100;
    f.lost_answer = (double)dice_below(&x, 10) / 100;
    f.error_420 = (double)dice_below(&x, 10) / 100;
    f.error_500 = (double)dice_below(&x, 10) / 100;
    f.error_after_effect = (double)dice_below(&x, 10) / 100;
    f.duplicate_error = dice_one_in(&x, 2);
  }
  if (dice_one_in(&x, 3)) f.difference_messages = 1 + (size_t)dice_below(&x, 6);
  relay_set_faults(s->relay, &f);
}

static void begin(sim *s) {
  dice x = sim_dice(s, 2);
  int64_t alice, bob;
  s->now = SIM_START + (int64_t)dice_below(&x, (uint64_t)SIM_DAY);
  s->relay = relay_new(dice_next(&x));
  alice = relay_add_user(s->relay);
  bob = relay_add_user(s->relay);
  if (sim_has(s, SIM_FOREIGN)) sim_guest_new(s, bob);
  sim_device_new(s, alice);
  if (s->guest == NULL) sim_device_new(s, bob);
  if (sim_has(s, SIM_DEVICES)) sim_device_new(s, bob);
}

/* Time ------------------------------------------------------------------------------------------------------------------------------------ */

static int64_t next_deadline(const sim *s) {
  int64_t next = relay_next(s->relay), deadline;
  if (s->guest != NULL && sim_guest_deadline(s) < next) next = sim_guest_deadline(s);
  for (int i = 0; i < s->device_count; i++) {
    const sim_device *d = &s->devices[i];
    if (d->m == NULL || schat_next_deadline(d->m, &deadline) != SCHAT_OK || deadline == INT64_MAX) continue;
    deadline -= d->clock;
    if (deadline < next) next = deadline;
  }
  return next;
}

static void tick_due(sim *s) {
  if (s->guest != NULL && sim_guest_deadline(s) <= s->now) (void)sim_guest_run(s);
  for (int i = 0; i < s->device_count && !s->result->failed; i++) {
    sim_device *d = &s->devices[i];
    int64_t deadline;
    if (d->m != NULL && schat_next_deadline(d->m, &deadline) == SCHAT_OK && deadline <= sim_clock(d)) sim_tick(d);
  }
}

static void pass(sim *s, dice *x) {
  int64_t next = next_deadline(s), step;
  switch (dice_below(x, 8)) {
    case 0:
      step = dice_between(x, 1, 90000);
      break;
    case 1:
      step = dice_between(x, 1, 3600000);
      break;
    default:
      step = next == INT64_MAX ? dice_between(x, 1, 10000) : next - s->now + (int64_t)dice_below(x, 2);
  }
  if (step > 2 * SIM_DAY) step = SIM_DAY;
  s->now += step > 0 ? step : 1;
  tick_due(s);
}

/* A clock is set, by up to ten years. */
static void jump(sim_device *d, dice *x) {
  static const int64_t jumps[] = {INT64_C(3650) * SIM_DAY, SIM_DAY, INT64_C(3600000), 1500};
  int64_t by = jumps[dice_below(x, 4)];
  d->clock += dice_one_in(x, 2) ? by : -by;
  if (sim_clock(d) < SIM_DAY) d->clock = 0;
  sim_trace(d->sim, "%d: its clock is %lld s off", d->index, (long long)(d->clock / 1000));
}

/* Steps -------------------------------------------------------------------------------------------------------------------------------------- */

static void connect(sim_device *d) {
  d->offline = 0;
  sim_expire_requests(d, 0, -503);
  if (d->m != NULL) sim_catch_up(d);
}

static void disconnect(sim_device *d) {
  relay_disconnect(d->sim->relay, d->at);
  d->offline = 1;
  sim_trace(d->sim, "%d is offline", d->index);
}

static void together(sim_device *d, dice *x) {
  sim_open_request open[SIM_OPEN_REQUESTS];
  size_t open_count = d->open_count;
  int status;
  uint64_t before = sim_state_digest(d);
  unsigned life = d->life;
  if (schat_begin(d->m) != SCHAT_OK) return;
  memcpy(open, d->open, sizeof open);
  d->depth = 1;
  for (uint64_t n = 2 + dice_below(x, 4); n > 0 && d->life == life; n--) {
    if (dice_one_in(x, 2)) sim_act(d, x);
    else (void)sim_deliver(d);
  }
  if (d->life != life || d->m == NULL) return;
  sim_begin(d, 0);
  d->before = before; /* a refused end undoes all of it */
  d->depth = 0;
  status = schat_end(d->m, sim_clock(d));
  if (status < 0) { /* answers that were given are not */
    memcpy(d->open, open, sizeof open);
    d->open_count = open_count;
  }
  (void)sim_done(d, status, 0);
}

static void other_thing(sim_device *d, dice *x) {
  const sim *s = d->sim;
  switch (dice_below(x, 7)) {
    case 0:
      if (sim_has(s, SIM_RESTART)) sim_restart(d, 0);
      break;
    case 1:
      if (sim_has(s, SIM_CRASH)) sim_restart(d, 1);
      break;
    case 2:
      if (!sim_has(s, SIM_OFFLINE)) break;
      if (d->offline) connect(d);
      else disconnect(d);
      break;
    case 3:
      if (sim_has(s, SIM_BATCH)) together(d, x);
      break;
    case 4:
      if (sim_has(s, SIM_CLOCK)) jump(d, x);
      break;
    case 5:
      sim_catch_up(d);
      break;
    default:
      sim_expire_requests(d, 60000, dice_one_in(x, 2) ? -503 : 500);
  }
}

static void settle(sim *s, dice *x) {
  for (int i = 0; i < s->device_count; i++) {
    sim_device *d = &s->devices[i];
    if (d->m == NULL || d->store.pending_count == 0 || d->depth > 0) continue;
    if (dice_one_in(x, 150)) sim_settle_one(d, SCHAT_E_STORE);
    else if (dice_below(x, 3) != 0) sim_settle_one(d, SCHAT_OK);
  }
}

static void step(sim *s) {
  dice x = sim_dice(s, 3);
  sim_device *d = &s->devices[dice_below(&x, (uint64_t)s->device_count)];
  const family *f = &families[s->profile];
  uint64_t roll = dice_below(&x, (uint64_t)(f->deliver + f->act + f->pass + f->other));
  settle(s, &x);
  if (d->m == NULL) return;
  if (s->guest != NULL && dice_one_in(&x, 2)) {
    sim_guest_step(s);
    return;
  }
  if (roll < f->deliver) {
    for (uint64_t n = 1 + dice_below(&x, 3); n > 0; n--) {
      if (!sim_deliver(d)) break;
    }
  } else if (roll < (uint64_t)f->deliver + f->act) {
    sim_act(d, &x);
  } else if (roll < (uint64_t)f->deliver + f->act + f->pass) {
    pass(s, &x);
  } else if ((sim_has(s, SIM_LIES) || sim_has(s, SIM_MALICE)) && dice_below(&x, 4) != 0) {
    sim_lie(d, &x);
  } else {
    other_thing(d, &x);
  }
}

/* Recovery ----------------------------------------------------------------------------------------------------------------------------------- */

/* Everything that is under way arrives. */
void sim_run_quiet(sim *s) {
  int busy = 1;
  for (int steps = 0; busy && !s->result->failed; steps++) {
    busy = 0;
    for (int i = 0; i < s->device_count; i++) {
      sim_device *d = &s->devices[i];
      if (d->m == NULL) continue;
      sim_settle_all(d);
      while (!s->result->failed && sim_deliver(d)) busy = 1;
      sim_settle_all(d);
    }
    if (s->guest != NULL && sim_guest_run(s)) busy = 1;
    if (relay_next(s->relay) <= s->now) busy = 1;
    if (steps > QUIET_STEPS) sim_fail(s, "I4", "no end of messages");
  }
}

void sim_pass_quietly(sim *s, int64_t span) {
  int64_t until = s->now + span;
  for (int i = 0; i < 400 && s->now < until && !s->result->failed; i++) {
    int64_t next = next_deadline(s);
    if (next <= s->now) next = s->now + 1;
    s->now = next < until ? next : until;
    tick_due(s);
    sim_run_quiet(s);
  }
  if (s->now < until) s->now = until;
}

static void speak(sim *s) {
  dice x = sim_dice(s, 5);
  if (s->guest != NULL) sim_guest_speak(s);
  for (int i = 0; i < s->device_count; i++) {
    sim_device *d = &s->devices[i];
    schat__slot *slot;
    int32_t ids[SIM_VIEWS];
    size_t at = 0, n = 0;
    if (d->m == NULL) continue;
    while (n < SIM_VIEWS && (slot = schat__table_next(&d->m->env.table, &at)) != NULL) ids[n++] = slot->chat.chat_id;
    for (size_t k = 0; k < n && d->m != NULL; k++) {
      slot = sim_slot(d, ids[k]);
      if (slot == NULL) continue;
      if (slot->chat.state == SCHAT_STATE_INVITED) {
        sim_begin(d, 0);
        (void)sim_done(d, schat_chat_accept(d->m, ids[k], sim_clock(d)), 0);
      } else if (slot->chat.state == SCHAT_STATE_READY && slot->chat.flush_seq < 0) {
        (void)sim_say(d, ids[k], &x);
      }
    }
  }
}

/* Some hosts begin anew, with the usual limits; the others only give up on what was never answered. */
static void come_back(sim *s) {
  dice x = sim_dice(s, 6);
  int anew = sim_has(s, SIM_REKEY) || sim_has(s, SIM_LIMITS) || dice_one_in(&x, 2);
  for (int i = 0; i < s->device_count && !s->result->failed; i++) {
    sim_device *d = &s->devices[i];
    if (d->m == NULL) continue;
    sim_settle_all(d);
    d->policy.rekey_messages = 0;
    if (anew) sim_restart(d, dice_one_in(&x, 2));
    else connect(d);
  }
}

static void recover(sim *s) {
  int round;
  s->recovering = 1;
  s->classes &= ~(UINT32_C(1) << SIM_TIMERS | UINT32_C(1) << SIM_FILES);
  set_faults(s);
  come_back(s);
  sim_run_quiet(s);
  for (round = 0; round < ROUNDS && !s->result->failed; round++) {
    s->step++;
    if (round > 0 && sim_check_together(s, 0)) break;
    for (int i = 0; i < s->device_count; i++) sim_catch_up(&s->devices[i]);
    speak(s);
    sim_run_quiet(s);
    if (sim_check_together(s, 0)) break;
    /* Last of all the time after which a side may give up an exchange that the other one has forgotten (D-20). */
    if (round == ROUNDS - 3) sim_pass_quietly(s, 8 * SIM_DAY);
    else sim_pass_quietly(s, (INT64_C(70000) << round) < SIM_DAY / 2 ? INT64_C(70000) << round : SIM_DAY / 2);
  }
  if (!s->denied && !s->result->failed) (void)sim_check_together(s, 1);
  s->result->converged += (uint64_t)sim_check_together(s, 0);
  if (!s->result->failed && !s->denied) sim_check_end(s);
}

static void finish(sim *s) {
  for (int i = 0; i < s->device_count; i++) sim_device_free(&s->devices[i]);
  sim_guest_free(s);
  relay_free(s->relay);
  sim_unwatch(s);
  s->relay = NULL;
}

/* Devices keep their memory from schedule to schedule. */
static void clear(sim *s, const sim_options *options, sim_result *result) {
  static sim_device kept[SIM_DEVICE_MAX];
  memcpy(kept, s->devices, sizeof kept);
  for (int i = 0; i < SIM_RECORDED; i++) free(s->recorded[i].bytes);
  memset(s, 0, sizeof *s);
  for (int i = 0; i < SIM_DEVICE_MAX; i++) {
    s->devices[i].pool = kept[i].pool;
    s->devices[i].store = kept[i].store;
    s->devices[i].image = kept[i].image;
    store_clear(&s->devices[i].store);
    store_clear(&s->devices[i].image);
    for (size_t k = 0; k < SIM_VIEWS; k++) {
      s->devices[i].views[k].sent = kept[i].views[k].sent;
      s->devices[i].views[k].sent_capacity = kept[i].views[k].sent_capacity;
    }
  }
  s->options = *options;
  s->result = result;
}

void sim_run(const sim_options *options, sim_result *result) {
  static sim s;
  memset(result, 0, sizeof *result);
  clear(&s, options, result);
  choose_classes(&s);
  begin(&s);
  set_faults(&s);
  if (s.profile == SIM_YEAR) sim_year(&s);
  for (s.step = 1; s.profile != SIM_YEAR && s.step <= s.steps && !result->failed; s.step++) {
    step(&s);
    if (s.step == 30) result->midway = result->digest;
  }
  if (!result->failed) recover(&s);
  result->steps = s.steps;
  result->profile = s.profile;
  finish(&s);
}
