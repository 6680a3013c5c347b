/* SPDX-License-Identifier: BSL-1.0
 * device.c - an account of the library with its host: callbacks that may be the last thing it does, calls that are judged, crashes, openings. */
#include <string.h>

#include "note.h"

static const uint8_t storage_key[SCHAT_STORAGE_KEY_SIZE] = {7, 1, 2, 3, 4, 5, 6, 7, 8, 9};

int64_t sim_clock(const sim_device *d) { return d->sim->now + d->clock; }

schat__slot *sim_slot(const sim_device *d, int32_t chat_id) {
  const schat_manager *m = d->m != NULL ? d->m : d->opening;
  return m == NULL ? NULL : schat__table_find(&m->env.table, chat_id);
}

/* Callbacks ------------------------------------------------------------------------------------------------------------------ */

/* 1 when the device does not live to see what follows. */
static int crash_point(sim_device *d) {
  if (d->dead) return 1;
  if (d->crash_in == 0 || --d->crash_in > 0) return 0;
  d->dead = 1;
  d->sim->result->crashes++;
  return 1;
}

static int on_commit(void *user_data, const schat_batch *batch) {
  sim_device *d = user_data;
  sim_batch_note *note;
  if (d->dead || crash_point(d)) return SCHAT_E_STORE;
  if (d->commit_in > 0 && --d->commit_in == 0) {
    d->injected++;
    return d->commit_status;
  }
  d->sim->result->commits++;
  if (d->m == NULL) d->opening = d->pool.first; /* the handle is the first thing that schat_open takes */
  note = sim_note_batch(d, batch);
  if (d->async) {
    store_wait(&d->store, batch, note);
    (void)crash_point(d);
    return SCHAT_PENDING;
  }
  if (note_has_messages(note) && sim_plants(d->sim, SIM_PLANT_EARLY_SEND)) return SCHAT_OK;
  store_apply(&d->store, batch->records, batch->record_count);
  d->store.generation = batch->generation;
  sim_note_durable(d, note);
  sim_note_free(note);
  (void)crash_point(d);
  return SCHAT_OK;
}

static int on_scan(void *user_data, schat_record_fn fn, void *arg) {
  sim_device *d = user_data;
  if (d->commit_in == 1 && d->m == NULL) {
    d->commit_in = 0;
    d->injected++;
    return d->commit_status;
  }
  return store_scan(&d->store, (d->sim->options.seed & 1) != 0, fn, arg);
}

static uint64_t on_generation(void *user_data) {
  const sim_device *d = user_data;
  return sim_plants(d->sim, SIM_PLANT_ROLLED_BACK) ? 0 : d->counter;
}

static int on_random(void *user_data, uint8_t *out, size_t size) {
  sim_device *d = user_data;
  dice x = {d->random};
  if (d->random_in > 0 && --d->random_in == 0) {
    d->injected++;
    return -1;
  }
  for (size_t i = 0; i < size; i += 8) {
    uint64_t v = dice_next(&x);
    memcpy(out + i, &v, size - i < 8 ? size - i : 8);
  }
  if (!d->dead) d->random = x.state;
  return 0;
}

static void open_request(sim_device *d, const schat_request *request) {
  if (d->open_count == SIM_OPEN_REQUESTS) {
    d->open_count--;
    memmove(d->open, d->open + 1, d->open_count * sizeof *d->open);
  }
  d->open[d->open_count].token = request->token;
  d->open[d->open_count].type = request->type;
  d->open[d->open_count++].at = d->sim->now;
}

static void on_request(void *user_data, const schat_request *request) {
  sim_device *d = user_data;
  schat_request altered = *request;
  uint8_t bytes[4096];
  if (crash_point(d)) return;
  if (request->data.size <= sizeof bytes && request->type == SCHAT_REQUEST_SEND_ENCRYPTED && sim_plants(d->sim, SIM_PLANT_OTHER_CIPHERTEXT)) {
    memcpy(bytes, request->data.data, request->data.size);
    bytes[request->data.size - 1] ^= (uint8_t)d->sim->step;
    altered.data.data = bytes;
    request = &altered;
  }
  sim_note(d->sim, (uint64_t)request->type, sim_hash(request->data.data, request->data.size, (uint64_t)request->random_id));
  sim_trace(d->sim, "%d <- %s chat %d token %llu after %llu", d->index, schat_api_method_name(request->type), (int)request->chat_id,
            (unsigned long long)request->token, (unsigned long long)request->after);
  sim_request(d, request);
  open_request(d, request);
  if (!d->offline) (void)relay_request(d->sim->relay, d->at, request, d->sim->now);
  (void)crash_point(d);
}

static void on_event(void *user_data, const schat_event *event) {
  sim_device *d = user_data;
  if (crash_point(d)) return;
  sim_note(d->sim, (uint64_t)event->type << 32 ^ event->id, (uint64_t)event->random_id);
  sim_event(d, event);
  if (d->callbacks && sim_has(d->sim, SIM_NESTED) && !d->sim->recovering) sim_nested(d, event);
  (void)crash_point(d);
}

/* Opening and closing -------------------------------------------------------------------------------------------------------- */

static int try_open(sim_device *d) {
  schat_allocator allocator = pool_allocator(&d->pool);
  schat_store disk = {sizeof disk, d, on_commit, on_scan, sim_has(d->sim, SIM_ROLLBACK) ? on_generation : NULL};
  int is_old = d->store.generation < d->counter;
  schat_host host;
  schat_config config;
  schat_manager *m = NULL;
  int status;
  SCHAT_INIT(host);
  host.user_data = d;
  host.random = on_random;
  if (d->callbacks) {
    host.request = on_request;
    host.event = on_event;
  }
  SCHAT_INIT(config);
  config.store = &disk;
  config.host = &host;
  config.policy = &d->policy;
  config.allocator = &allocator;
  config.storage_key = storage_key;
  config.user_id = d->user_id;
  d->injected = 0;
  d->pool.failed = 0;
  status = schat_open(&config, sim_clock(d), &m);
  if (is_old && status >= 0) sim_fail(d->sim, "X-15", "device %d takes an old disk for the last one", d->index);
  if (status < 0 && !d->dead && d->injected == 0 && d->pool.failed == 0 && !(is_old && status == SCHAT_E_ROLLED_BACK)) {
    sim_fail(d->sim, "OPEN", "device %d does not open: %s", d->index, schat_status_name(status));
  }
  d->pool.fail_in = 0;
  d->opening = NULL;
  d->m = m;
  return status;
}

/* What a crash leaves of commits that were not durable yet: the oldest of them, however many. */
static void lose_pending(sim_device *d, dice *x) {
  size_t kept = d->store.pending_count == 0 ? 0 : (size_t)dice_below(x, d->store.pending_count + 1);
  sim_batch_note *note;
  for (; d->store.pending_count > 0; kept -= kept > 0) {
    int durable = kept > 0;
    if (store_settle(&d->store, durable, &note) == 0) break;
    if (durable) sim_note_durable(d, note);
    sim_note_free(note);
  }
}

static void shut(sim_device *d, int crash, dice *x) {
  sim_batch_note *note;
  d->dead = crash;
  d->crash_in = d->commit_in = d->random_in = 0;
  schat_close(d->m);
  d->m = NULL;
  if (crash) lose_pending(d, x);
  while (store_settle(&d->store, 1, &note) != 0) { /* a clean end waits for the disk */
    sim_note_durable(d, note);
    sim_note_free(note);
  }
  sim_check_keys(d);
  pool_reset(&d->pool);
  d->dead = 0;
  d->depth = 0;
  d->open_count = 0;
  sim_gone_forget(d);
}

/* The disk comes back as it was some time ago: it is refused and left as it is, and whoever has the last one puts that back. */
static void roll_back(sim_device *d, dice *x) {
  store last;
  uint64_t digest;
  if (!sim_has(d->sim, SIM_ROLLBACK) || d->sim->recovering) return;
  if (d->image.generation == 0 || !dice_one_in(x, 3)) {
    if (d->image.generation == 0 || dice_one_in(x, 4)) store_copy(&d->image, &d->store);
    return;
  }
  last = d->store;
  d->store = d->image;
  d->counter = last.generation;
  digest = d->store.digest;
  if (d->store.generation < d->counter) {
    int status = try_open(d);
    sim_trace(d->sim, "%d: its disk is rolled back from %llu to %llu: %s", d->index, (unsigned long long)d->counter,
              (unsigned long long)d->store.generation, schat_status_name(status));
    d->sim->result->rolled_back++;
    if (d->m != NULL) schat_close(d->m);
    d->m = NULL;
    pool_reset(&d->pool);
    if (d->store.digest != digest) sim_fail(d->sim, "X-15", "device %d writes to an old disk", d->index);
  }
  d->image = d->store;
  d->store = last;
}

/* A crash may come again while it opens. */
static void reopen(sim_device *d, dice *x) {
  int tries = 0;
  for (;; tries++) {
    int status;
    if (!d->sim->recovering && tries < 3) {
      if (sim_has(d->sim, SIM_CRASH) && dice_one_in(x, 6)) d->crash_in = 1 + (int)dice_below(x, 3);
      if (sim_has(d->sim, SIM_MEMORY) && dice_one_in(x, 6)) d->pool.fail_in = 1 + (unsigned)dice_below(x, 60);
      if (sim_has(d->sim, SIM_STORE) && dice_one_in(x, 6)) {
        d->commit_in = 1;
        d->commit_status = SCHAT_E_BUSY;
      }
    }
    status = try_open(d);
    if (d->sim->result->failed && d->m == NULL) return;
    if (d->m != NULL && !d->dead) break;
    sim_trace(d->sim, "%d opens: %s%s", d->index, schat_status_name(status), d->dead ? ", crash" : "");
    shut(d, d->dead, x);
  }
  d->crash_in = d->commit_in = 0;
}

void sim_restart(sim_device *d, int crash) {
  const relay_item *nothing;
  dice x = sim_dice(d->sim, 100 + (uint64_t)d->index);
  sim_trace(d->sim, "%d %s", d->index, crash ? "CRASH" : "restart");
  sim_note(d->sim, 77, (uint64_t)d->index);
  if (d->m != NULL) shut(d, crash, &x);
  d->life++;
  relay_disconnect(d->sim->relay, d->at);
  (void)relay_poll(d->sim->relay, d->at, d->sim->now, &nothing);
  d->offline = 0;
  roll_back(d, &x);
  if (d->sim->result->failed) return;
  d->counter = d->store.generation;
  reopen(d, &x);
  if (d->m == NULL) return;
  sim_tick(d);
  sim_catch_up(d);
}

void sim_device_new(sim *s, int64_t user_id) {
  sim_device *d = &s->devices[s->device_count];
  dice x = sim_dice(s, 10 + (uint64_t)s->device_count);
  d->sim = s;
  d->index = s->device_count++;
  d->user_id = user_id;
  d->at = relay_add_device(s->relay, user_id);
  d->random = dice_next(&x);
  d->callbacks = (int)dice_below(&x, 2);
  d->async = sim_has(s, SIM_ASYNC) && !dice_one_in(&x, 4);
  SCHAT_INIT(d->policy);
  if (dice_below(&x, 4) != 0) d->policy.flags |= SCHAT_POLICY_CHAIN_SENDS;
  if (dice_one_in(&x, 2)) d->policy.flags |= SCHAT_POLICY_EVENTS_IN_COMMIT;
  if (dice_one_in(&x, 4)) d->policy.flags |= SCHAT_POLICY_PAD_BUCKETS;
  if (sim_has(s, SIM_REKEY)) d->policy.rekey_messages = 1 + (uint32_t)dice_below(&x, dice_one_in(&x, 2) ? 6 : 30);
  if (sim_has(s, SIM_LIMITS)) {
    d->policy.max_waiting_messages = 3 + (uint32_t)dice_below(&x, 20);
    d->policy.max_resend_span = 5 + (uint32_t)dice_below(&x, 20);
    if (dice_one_in(&x, 2)) d->policy.keep_acked = 1 + (uint32_t)dice_below(&x, 20);
    if (dice_one_in(&x, 4)) d->policy.flags |= SCHAT_POLICY_STRICT_REKEY;
  }
  if (dice_one_in(&x, 8)) {
    d->policy.flags |= SCHAT_POLICY_ACCEPT_AFTER;
    d->policy.accept_after_ms = (uint32_t)dice_below(&x, 5000);
  }
  if (sim_plants(s, SIM_PLANT_OLD_KEY_USED)) d->policy.rekey_seconds = 40 * 86400;
  if (sim_plants(s, SIM_PLANT_WORN_KEY)) d->policy.rekey_messages = 1000;
  if (s->guest != NULL) d->policy.flags |= sim_guest_policy(s);
  if (d->pool.memory == NULL) pool_open(&d->pool, 1u << 20);
  if (dice_one_in(&x, 2)) relay_set_qts(s->relay, d->at, (int32_t)dice_below(&x, 100000));
  reopen(d, &x);
  if (d->m != NULL) sim_tick(d);
}

void sim_device_free(sim_device *d) {
  dice x = {1};
  if (d->m != NULL) shut(d, 1, &x);
}

/* Calls ------------------------------------------------------------------------------------------------------------------------ */

/* Hands over what waits where the host has no callbacks. */
static void drain(sim_device *d) {
  schat_effect effect;
  if (d->callbacks || d->m == NULL) return;
  SCHAT_INIT(effect);
  while (!d->dead && schat_peek(d->m, &effect) == SCHAT_OK) {
    if (effect.event != NULL) on_event(d, effect.event);
    if (effect.request != NULL) on_request(d, effect.request);
    if (!d->dead) (void)schat_pop(d->m);
  }
}

static int is_refusal(int status) {
  switch (status) {
    case SCHAT_E_STATE:
    case SCHAT_E_NO_CHAT:
    case SCHAT_E_EXISTS:
    case SCHAT_E_UNSUPPORTED:
    case SCHAT_E_LIMIT:
      return 1;
    default:
      return 0;
  }
}

/* Rule 2 of the public header. */
static void judge(sim_device *d, int status, int is_input) {
  if (status >= 0 || d->injected > 0 || d->pool.failed > 0 || status == SCHAT_E_POISONED) return;
  if (!is_input && is_refusal(status)) return;
  sim_fail(d->sim, "RULE2", "device %d: %s without a failure of ours", d->index, schat_status_name(status));
}

/* I10, and that what fails changes nothing. */
static void check_unchanged(sim_device *d, int status) {
  size_t at = 0;
  schat__slot *slot;
  if (status == SCHAT_REJECTED && !d->dead && (slot = schat__table_next(&d->m->env.table, &at)) != NULL && sim_plants(d->sim, SIM_PLANT_REJECT_WRITES)) {
    slot->chat.unread_count++;
  }
  int refused = status == SCHAT_REJECTED && d->nothing_due;
  if (d->before == 0 || d->dead || status == SCHAT_E_POISONED || (status >= 0 && !refused)) return;
  if (sim_state_digest(d) != d->before) sim_fail(d->sim, "I10", "device %d: %s, and the state has changed", d->index, schat_status_name(status));
}

static void draw_failures(sim_device *d, dice *x) {
  const sim *s = d->sim;
  static const int refusals[] = {SCHAT_E_STORE, SCHAT_E_FULL, SCHAT_E_BUSY};
  if (sim_has(s, SIM_MEMORY) && dice_one_in(x, 12)) {
    d->pool.fail_in = 1 + (unsigned)dice_below(x, 40);
    d->pool.for_ever = dice_one_in(x, 3);
  }
  if (sim_has(s, SIM_RANDOM) && dice_one_in(x, 24)) d->random_in = 1 + (int)dice_below(x, 6);
  if (sim_has(s, SIM_STORE) && dice_one_in(x, 12)) {
    d->commit_in = 1;
    d->commit_status = refusals[dice_below(x, 3)];
  }
  if (sim_has(s, SIM_CRASH) && dice_one_in(x, 16)) d->crash_in = 1 + (int)dice_below(x, 5);
}

void sim_begin(sim_device *d, int lie) {
  dice x = sim_dice(d->sim, 200 + d->sim->result->events);
  if (lie && d->depth == 0) sim_tick(d);
  d->injected = 0;
  d->pool.failed = 0;
  d->crash_in = 0;
  if (!d->sim->recovering) draw_failures(d, &x);
  d->nothing_due = lie && d->depth == 0;
  d->before = lie || d->pool.fail_in > 0 || d->random_in > 0 || d->commit_in > 0 ? sim_state_digest(d) : 0;
}

int sim_done(sim_device *d, int status, int is_input) {
  sim_note(d->sim, (uint64_t)(int64_t)status, (uint64_t)d->index);
  if (!d->dead) {
    judge(d, status, is_input);
    check_unchanged(d, status);
    if (d->depth == 0) sim_gone_settle(d, status);
    d->pool.fail_in = 0;
    d->pool.for_ever = 0;
    d->commit_in = d->random_in = 0;
    drain(d);
    d->crash_in = 0;
  }
  if (!d->dead) sim_check_step(d);
  if (d->dead || status == SCHAT_E_POISONED) sim_restart(d, 1);
  return status;
}

void sim_settle_one(sim_device *d, int status) {
  sim_batch_note *note;
  uint64_t ticket = store_settle(&d->store, status == SCHAT_OK, &note);
  if (ticket == 0) return;
  if (status == SCHAT_OK) sim_note_durable(d, note);
  sim_note_free(note);
  while (status != SCHAT_OK && store_settle(&d->store, 0, &note) != 0) sim_note_free(note);
  sim_begin(d, 0);
  d->injected = status != SCHAT_OK;
  (void)sim_done(d, schat_commit_done(d->m, ticket, status), 1);
  if (d->more && d->m != NULL && d->store.pending_count == 0) sim_catch_up(d);
}

void sim_settle_all(sim_device *d) {
  while (d->m != NULL && d->store.pending_count > 0 && !d->sim->result->failed) sim_settle_one(d, SCHAT_OK);
}

/* Requests nobody has answered: the host gives up waiting. */
void sim_expire_requests(sim_device *d, int64_t older_than, int32_t code) {
  size_t i = 0;
  while (i < d->open_count && d->m != NULL && !d->sim->result->failed) {
    sim_open_request o = d->open[i];
    unsigned life = d->life;
    int status;
    if (d->sim->now - o.at < older_than) {
      i++;
      continue;
    }
    memmove(d->open + i, d->open + i + 1, (d->open_count - i - 1) * sizeof *d->open);
    d->open_count--;
    sim_begin(d, 0);
    status = schat_request_failed(d->m, o.token, code, "Timeout", sim_clock(d));
    sim_trace(d->sim, "%d waits no longer for token %llu: %s", d->index, (unsigned long long)o.token, schat_status_name(status));
    (void)sim_done(d, status, 1);
    if (status < 0 && d->life == life) { /* a failure of our own: it is told again later */
      d->open[d->open_count++] = o;
      return;
    }
  }
}
