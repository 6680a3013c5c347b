/* SPDX-License-Identifier: BSL-1.0
 * test_events.c - events are never lost and never doubled unmarked: stored with their cause, in order, repeated after a crash. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager/manager.h"
#include "puppet.h"
#include "vault.h"
#include "world.h"

static world *w;
static int32_t chat;

static int set_up(void **state) {
  (void)state;
  w = world_new(51, 2);
  chat = world_chat(w, 0, 1);
  schat_tick(w->peers[0].manager, w->now); /* what was handed over until here is forgotten */
  world_run(w);
  world_forget(w);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  world_free(w);
  vault_close();
  return 0;
}

static schat_manager *alice(void) {
  return w->peers[0].manager;
}
static memstore *store(void) {
  return w->peers[0].store;
}

static int peek(schat_effect *effect) {
  SCHAT_INIT(*effect);
  return schat_peek(alice(), effect);
}

/* Peeks past requests. */
static const schat_event *next_event(schat_effect *effect) {
  while (peek(effect) == SCHAT_OK) {
    if (effect->event != NULL) return effect->event;
    schat_pop(alice());
  }
  return NULL;
}

static void text_of(const schat_event *event, char out[64]) {
  assert_non_null(event->message);
  assert_true(event->message->text.size < 64);
  memcpy(out, event->message->text.data, event->message->text.size);
  out[event->message->text.size] = '\0';
}

/* Which ------------------------------------------------------------------------------------------------------------------------- */

/* D-35: what an application cannot learn again is a record; what schat_chat_get_info tells, or what is of no use later, is not. */
static void what_cannot_be_learned_again_is_stored(void **state) {
  static const int32_t stored[] = {
      SCHAT_EVENT_CHAT_MOVED, SCHAT_EVENT_INVITED,     SCHAT_EVENT_CLOSED,     SCHAT_EVENT_MESSAGE, SCHAT_EVENT_UNSUPPORTED,
      SCHAT_EVENT_SENT,       SCHAT_EVENT_SEND_FAILED, SCHAT_EVENT_DELETED,    SCHAT_EVENT_EXPIRED, SCHAT_EVENT_HISTORY_FLUSHED,
      SCHAT_EVENT_OPENED,     SCHAT_EVENT_READ,        SCHAT_EVENT_SCREENSHOT, SCHAT_EVENT_TTL};
  static const int32_t passing[] = {SCHAT_EVENT_CHAT, SCHAT_EVENT_TYPING, SCHAT_EVENT_REJECTED, SCHAT_EVENT_REKEYED, SCHAT_EVENT_GAP};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof stored / sizeof stored[0]; i++) assert_true(schat__event_is_stored(stored[i]));
  for (i = 0; i < sizeof passing / sizeof passing[0]; i++) assert_false(schat__event_is_stored(passing[i]));
}

/* D-35 reject: events that are not stored have no id, leave no record and do not come again. */
static void passing_events_are_not_repeated(void **state) {
  schat_effect effect;
  const schat_event *event;
  size_t records = memstore_count(store(), SCHAT_RECORD_EVENT);
  (void)state;
  assert_int_equal(schat_input_typing(alice(), chat, w->now), SCHAT_OK);
  assert_int_equal(schat_chat_set_verified(alice(), chat, 1, w->now), SCHAT_OK);
  assert_int_equal(memstore_count(store(), SCHAT_RECORD_EVENT), records);
  event = next_event(&effect);
  assert_non_null(event);
  assert_int_equal(event->type, SCHAT_EVENT_TYPING);
  assert_int_equal(event->id, 0);
  assert_int_equal(event->repeated, 0);
  world_restart(w, 0, 1);
  world_drain(w, 0);
  assert_int_equal(world_count(w, 0, SCHAT_EVENT_TYPING), 0);
}

/* Repeated ---------------------------------------------------------------------------------------------------------------------- */

static void texts_from_bob(size_t count) {
  size_t i;
  for (i = 0; i < count; i++) {
    char text[64];
    snprintf(text, sizeof text, "text %u", (unsigned)i);
    world_text(w, 1, chat, text, NULL);
  }
  world_deliver(w, 1);
}

/* Gives the first peer its updates without taking its events. */
static void feed_only(void) {
  const relay_item *item;
  while (relay_poll(w->relay, w->peers[0].device, w->now, &item)) {
    if (item->kind == RELAY_MESSAGE) assert_true(schat_input_message(alice(), &item->message, item->qts, w->now) >= 0);
    if (item->kind == RELAY_ANSWER) assert_true(schat_request_done(alice(), item->token, &item->answer, w->now) >= 0);
  }
}

static void assert_texts(size_t from, size_t to, int repeated) {
  uint64_t last = 0;
  size_t i, seen = 0;
  for (i = 0; i < w->peers[0].event_count; i++) {
    const world_event *e = &w->peers[0].events[i];
    char text[64];
    if (e->type != SCHAT_EVENT_MESSAGE) continue;
    snprintf(text, sizeof text, "text %u", (unsigned)(from + seen++));
    assert_string_equal(e->text, text);
    assert_int_equal(e->repeated, repeated);
    assert_true(e->id > last);
    last = e->id;
  }
  assert_int_equal(seen, to - from);
}

/* D-35 accept: an event that nobody has taken is there after a crash, in its order, marked, with the id it had. */
static void events_nobody_took_come_again_after_a_crash(void **state) {
  schat_effect effect;
  uint64_t id;
  int reverse;
  (void)state;
  texts_from_bob(12);
  feed_only();
  id = next_event(&effect)->id;
  assert_int_equal(memstore_count(store(), SCHAT_RECORD_EVENT), 12);
  for (reverse = 0; reverse < 2; reverse++) {
    memstore_reverse(store(), reverse); /* a store may give its records in any order */
    world_restart(w, 0, 0);
    memstore_reverse(store(), 0);
    assert_int_equal(next_event(&effect)->id, id);
  }
  world_restart(w, 0, 1);
  world_drain(w, 0);
  assert_texts(0, 12, 1);
}

/* D-35: one that was taken comes no more once a commit has said so; before that a crash repeats it, marked. */
static void taken_events_are_forgotten_with_the_next_commit(void **state) {
  (void)state;
  texts_from_bob(5);
  feed_only();
  world_drain(w, 0);
  assert_texts(0, 5, 0);
  world_forget(w);
  world_restart(w, 0, 1);
  world_drain(w, 0);
  assert_texts(0, 5, 1);
  assert_int_equal(schat_tick(alice(), w->now), SCHAT_OK);
  assert_int_equal(memstore_count(store(), SCHAT_RECORD_EVENT), 0);
  world_forget(w);
  world_restart(w, 0, 1);
  world_drain(w, 0);
  assert_int_equal(world_count(w, 0, SCHAT_EVENT_MESSAGE), 0);
}

/* A clean shutdown says so itself. */
static void taken_events_are_forgotten_when_the_manager_is_closed(void **state) {
  schat_effect effect;
  size_t i;
  (void)state;
  texts_from_bob(6);
  feed_only();
  for (i = 0; i < 4;) {
    assert_int_equal(peek(&effect), SCHAT_OK);
    i += effect.event != NULL && effect.event->type == SCHAT_EVENT_MESSAGE;
    schat_pop(alice());
  }
  world_restart(w, 0, 0);
  assert_int_equal(memstore_count(store(), SCHAT_RECORD_EVENT), 2);
  world_drain(w, 0);
  assert_texts(4, 6, 1);
}

/* A closing whose commit fails loses nothing: they come again. */
static void a_closing_commit_that_fails_repeats_events(void **state) {
  (void)state;
  texts_from_bob(3);
  feed_only();
  world_drain(w, 0);
  world_forget(w);
  memstore_fail_commit(store(), 1, SCHAT_E_FULL, 0);
  world_restart(w, 0, 0);
  world_drain(w, 0);
  assert_texts(0, 3, 1);
}

/* New events after a restart have ids above all there were, also when all of those are forgotten. */
static void ids_grow_across_restarts(void **state) {
  schat_effect effect;
  uint64_t last = 0;
  size_t round;
  (void)state;
  for (round = 0; round < 4; round++) {
    texts_from_bob(2);
    feed_only();
    assert_non_null(next_event(&effect));
    assert_true(effect.event->id > last);
    last = effect.event->id + 1;
    world_drain(w, 0);
    world_restart(w, 0, round % 2 == 0 ? 0 : 1);
    if (round % 2 == 1) schat_tick(alice(), w->now);
    world_drain(w, 0);
    schat_tick(alice(), w->now);
  }
}

/* Every stored kind survives with all that it says. */
static void each_kind_says_the_same_after_a_crash(void **state) {
  static const int64_t ids[3] = {1, INT64_MIN, INT64_MAX};
  puppet *p = puppet_new(alice(), chat);
  schat__action action;
  world_event *before;
  size_t count, i, compared = 0;
  int64_t sent = 0;
  (void)state;
  world_text(w, 0, chat, "mine", &sent);
  world_run(w); /* SENT */
  puppet_follow(p, alice());
  puppet_send_text(p, alice(), 501, "theirs", 3, w->now);
  memset(&action, 0, sizeof action);
  action.random_ids = ids;
  action.random_id_count = 3;
  for (i = 0; i < 4; i++) {
    static const schat__action_type types[4] = {SCHAT__ACTION_READ, SCHAT__ACTION_SCREENSHOT, SCHAT__ACTION_DELETE, SCHAT__ACTION_SET_TTL};
    action.type = types[i];
    action.ttl = 99;
    action.random_id = 600 + (int64_t)i;
    assert_int_equal(puppet_send_action(p, alice(), &action, w->now), SCHAT_OK);
  }
  puppet_send(p, alice(), puppet_text(p, 0x7777, "x", 0), w->now);
  { /* an object that nobody can read */
    static const uint8_t unknown[] = {0xef, 0xbe, 0xad, 0xde, 1, 2, 3, 4};
    const schat_bytes object = {unknown, sizeof unknown};
    assert_int_equal(puppet_send(p, alice(), object, w->now), SCHAT_UNSUPPORTED_MESSAGE);
  }
  assert_int_equal(schat_input_read(alice(), chat, 5555555, 66, w->now), SCHAT_OK);
  world_forget(w);
  world_drain(w, 0);
  count = w->peers[0].event_count;
  before = calloc(count, sizeof *before);
  assert_non_null(before);
  memcpy(before, w->peers[0].events, count * sizeof *before);
  world_forget(w);
  world_restart(w, 0, 1);
  world_drain(w, 0);
  for (i = 0; i < count; i++) {
    size_t j;
    if (before[i].id == 0) continue;
    for (j = 0; j < w->peers[0].event_count && w->peers[0].events[j].id != before[i].id; j++) continue;
    assert_true(j < w->peers[0].event_count);
    before[i].repeated = 1;
    assert_memory_equal(&before[i], &w->peers[0].events[j], sizeof before[i]);
    compared++;
  }
  assert_true(compared >= 8);
  free(before);
  puppet_free(p);
}

/* peek and pop ------------------------------------------------------------------------------------------------------------------ */

static void peeking_shows_and_popping_takes(void **state) {
  schat_effect effect;
  schat_effect old = {0, NULL, NULL};
  char text[64];
  (void)state;
  world_drain(w, 0);
  assert_int_equal(peek(&effect), SCHAT_EMPTY);
  assert_int_equal(schat_pop(alice()), SCHAT_EMPTY);
  texts_from_bob(2);
  feed_only();
  assert_int_equal(schat_pop(alice()), SCHAT_EMPTY); /* only what was shown can be taken */
  next_event(&effect);
  text_of(effect.event, text);
  assert_string_equal(text, "text 0");
  assert_int_equal(peek(&effect), SCHAT_OK); /* the same again */
  text_of(effect.event, text);
  assert_string_equal(text, "text 0");
  assert_null(effect.request);
  assert_int_equal(schat_pop(alice()), SCHAT_OK);
  assert_int_equal(schat_pop(alice()), SCHAT_EMPTY);
  next_event(&effect);
  text_of(effect.event, text);
  assert_string_equal(text, "text 1");
  assert_int_equal(world_text(w, 0, chat, "in between", NULL), SCHAT_OK);
  assert_int_equal(schat_pop(alice()), SCHAT_OK); /* still what was shown */
  assert_int_equal(peek(&effect), SCHAT_OK);
  assert_non_null(effect.request);
  assert_int_equal(schat_peek(alice(), &old), SCHAT_E_ABI);
  assert_int_equal(schat_peek(alice(), NULL), SCHAT_E_INVALID);
  assert_int_equal(schat_peek(NULL, &effect), SCHAT_E_INVALID);
  assert_int_equal(schat_pop(NULL), SCHAT_E_INVALID);
}

/* What is deleted while it is shown is taken all the same, once. */
static void a_shown_event_may_be_deleted_before_it_is_taken(void **state) {
  schat_effect effect;
  int64_t id;
  (void)state;
  texts_from_bob(2);
  feed_only();
  id = next_event(&effect)->random_id;
  assert_int_equal(schat_messages_delete(alice(), chat, &id, 1, 0, w->now), SCHAT_OK);
  assert_int_equal(schat_pop(alice()), SCHAT_OK);
  world_drain(w, 0);
  assert_texts(1, 2, 0);
  assert_int_equal(schat_tick(alice(), w->now), SCHAT_OK);
  assert_int_equal(memstore_count(store(), SCHAT_RECORD_EVENT), 0);
}

/* What makes the next commit durable. */
static void store_is_done(void) { assert_int_equal(schat_commit_done(alice(), memstore_complete(store(), SCHAT_OK), SCHAT_OK), SCHAT_OK); }

/* D-35: an event that a deletion has taken back holds back those that follow until the deletion is durable. Had they been handed over and the
 * deletion been lost, the event would come after them with a lower id, as if the host had seen it. */
static void nothing_overtakes_an_event_whose_deletion_may_yet_be_lost(void **state) {
  schat_effect effect;
  const relay_item *item;
  int64_t first = 0;
  (void)state;
  for (int lost = 1; lost >= 0; lost--) {
    texts_from_bob(2);
    memstore_set_pending(store(), 1);
    while (relay_poll(w->relay, w->peers[0].device, w->now, &item)) {
      if (item->kind != RELAY_MESSAGE) continue;
      if (first == 0) first = item->message.random_id;
      assert_int_equal(schat_input_message(alice(), &item->message, item->qts, w->now), SCHAT_PENDING);
    }
    assert_int_equal(schat_messages_delete(alice(), chat, &first, 1, 0, w->now), SCHAT_PENDING);
    while (memstore_pending(store()) > 1) store_is_done();
    assert_null(next_event(&effect));
    if (!lost) store_is_done();
    memstore_set_pending(store(), 0);
    if (lost) world_restart(w, 0, 1);
    world_drain(w, 0);
    assert_texts(lost ? 0 : 1, 2, lost);
    world_forget(w);
    first = 0;
  }
}

/* Effects of each kind leave in the order they came about, requests among events. */
static void effects_leave_in_the_order_they_came_about(void **state) {
  schat_effect effect;
  puppet *p = puppet_new(alice(), chat);
  int32_t seen[8];
  size_t count = 0;
  (void)state;
  world_drain(w, 0);
  puppet_send_text(p, alice(), 1, "a", 0, w->now);
  world_text(w, 0, chat, "b", NULL);
  schat_input_typing(alice(), chat, w->now);
  schat_typing(alice(), chat, 1, w->now);
  puppet_send_text(p, alice(), 2, "c", 0, w->now);
  while (count < 8 && peek(&effect) == SCHAT_OK) {
    seen[count++] = effect.event != NULL ? effect.event->type : 100 + effect.request->type;
    schat_pop(alice());
  }
  assert_int_equal(count, 5);
  assert_int_equal(seen[0], SCHAT_EVENT_MESSAGE);
  assert_int_equal(seen[1], 100 + SCHAT_REQUEST_SEND_ENCRYPTED);
  assert_int_equal(seen[2], SCHAT_EVENT_TYPING);
  assert_int_equal(seen[3], 100 + SCHAT_REQUEST_SET_TYPING);
  assert_int_equal(seen[4], SCHAT_EVENT_MESSAGE);
  puppet_free(p);
}

/* Callbacks --------------------------------------------------------------------------------------------------------------------- */

static size_t called;
static memstore *crashed; /* the store as a crash inside the first callback leaves it */

static void take_request(void *user_data, const schat_request *request) {
  (void)user_data;
  relay_request(w->relay, w->peers[0].device, request, w->now);
}

static void take_event(void *user_data, const schat_event *event) {
  (void)user_data;
  if (event->type != SCHAT_EVENT_MESSAGE) return;
  called++;
  /* A command inside the callback commits; the event that is being handed over must survive that. */
  assert_int_equal(schat_chat_set_ttl(alice(), chat, (int32_t)called, 0, w->now), SCHAT_OK);
  if (crashed == NULL) crashed = world_image(w, 0);
}

static int open_with(memstore *m, const schat_host *host, uint32_t flags, schat_manager **manager) {
  schat_config config;
  schat_policy policy;
  SCHAT_INIT(config);
  SCHAT_INIT(policy);
  policy.flags = flags | SCHAT_POLICY_CHAIN_SENDS;
  config.store = memstore_store(m);
  config.host = host;
  config.policy = &policy;
  config.storage_key = world_storage_key();
  config.user_id = w->peers[0].user_id;
  return schat_open(&config, w->now, manager);
}

/* D-35: an event counts as handed over when the callback has returned, so a crash inside it repeats it, whatever was committed there. */
static void a_crash_inside_the_callback_repeats_the_event(void **state) {
  schat_host host;
  schat_effect effect;
  schat_manager *later = NULL;
  size_t repeated = 0;
  (void)state;
  SCHAT_INIT(host);
  host.request = take_request;
  host.event = take_event;
  schat_close(alice());
  w->peers[0].manager = NULL;
  called = 0;
  crashed = NULL;
  assert_int_equal(open_with(store(), &host, 0, &w->peers[0].manager), SCHAT_OK);
  SCHAT_INIT(effect);
  assert_int_equal(schat_peek(alice(), &effect), SCHAT_E_STATE); /* callbacks or peeking, not both */
  assert_int_equal(schat_pop(alice()), SCHAT_EMPTY);
  texts_from_bob(3);
  world_run(w);
  assert_int_equal(called, 3);
  assert_non_null(crashed);
  assert_int_equal(open_with(crashed, NULL, 0, &later), SCHAT_OK);
  while (schat_peek(later, &effect) == SCHAT_OK) {
    if (effect.event != NULL && effect.event->type == SCHAT_EVENT_MESSAGE) {
      char text[64];
      text_of(effect.event, text);
      assert_string_equal(text, "text 0");
      assert_int_equal(effect.event->repeated, 1);
      repeated++;
    }
    schat_pop(later);
  }
  assert_int_equal(repeated, 1);
  schat_close(later);
  memstore_free(crashed);
}

static void a_host_with_one_callback_is_refused(void **state) {
  schat_host host;
  schat_manager *m = NULL;
  memstore *empty = memstore_new();
  (void)state;
  SCHAT_INIT(host);
  host.request = take_request;
  assert_int_equal(open_with(empty, &host, 0, &m), SCHAT_E_INVALID);
  host.request = NULL;
  host.event = take_event;
  assert_int_equal(open_with(empty, &host, 0, &m), SCHAT_E_INVALID);
  assert_null(m);
  memstore_free(empty);
}

/* Events in the commit ---------------------------------------------------------------------------------------------------------- */

/* How often each text and each SENT stands in the host's own table. */
static size_t rows(const memstore *m, int32_t type, const char *text) {
  size_t i, n = 0;
  for (i = 0; i < memstore_event_count(m); i++) {
    const memstore_event *e = memstore_event_at(m, i);
    n += e->type == type && (text == NULL || strcmp(e->text, text) == 0);
  }
  return n;
}

static void assert_rows_in_order(const memstore *m) {
  uint64_t last = 0;
  size_t i;
  for (i = 0; i < memstore_event_count(m); i++) {
    assert_true(memstore_event_at(m, i)->id > last);
    assert_int_equal(memstore_event_at(m, i)->repeated, 0);
    last = memstore_event_at(m, i)->id;
  }
}

/* D-35: a host that writes events in the commit has each exactly once, wherever it crashes: after every commit of a conversation. */
static void events_in_the_commit_come_exactly_once_wherever_it_crashes(void **state) {
  size_t crash, commits = 1;
  (void)state;
  for (crash = 0; crash <= commits; crash++) {
    size_t i, before;
    world_free(w);
    w = world_new(52, 2);
    schat_close(alice());
    w->peers[0].manager = NULL;
    w->peers[0].policy.flags |= SCHAT_POLICY_EVENTS_IN_COMMIT;
    world_restart(w, 0, 0);
    chat = world_chat(w, 0, 1);
    before = memstore_commits(store());
    memstore_fail_commit(store(), crash + 1, SCHAT_E_STORE, 1); /* it stops there */
    texts_from_bob(3);
    world_deliver(w, 0);
    for (i = 0; i < 2; i++) world_text(w, 0, chat, "mine", NULL);
    world_run(w);
    if (memstore_commits(store()) - before == crash) commits = crash + 1;
    schat_close(alice());
    w->peers[0].manager = NULL;
    memstore_fail_commit(store(), 0, 0, 0);
    world_restart(w, 0, 0);
    world_catch_up(w, 0);
    world_pass(w, 200000);
    assert_int_equal(memstore_count(store(), SCHAT_RECORD_EVENT), 0); /* the host has them */
    for (i = 0; i < 3; i++) {
      char text[64];
      snprintf(text, sizeof text, "text %u", (unsigned)i);
      assert_int_equal(rows(store(), SCHAT_EVENT_MESSAGE, text), 1);
    }
    assert_int_equal(rows(store(), SCHAT_EVENT_MESSAGE, NULL), 3);
    assert_int_equal(rows(store(), SCHAT_EVENT_SENT, NULL), world_count(w, 1, SCHAT_EVENT_MESSAGE));
    assert_rows_in_order(store());
    if (crash > 40) break;
  }
  assert_true(crash > 6);
}

/* The same events are shown through the queue, with the same ids, so that a host can do without reading its table; after a crash they are
 * in the table and not repeated. */
static void events_in_the_commit_are_shown_once_and_not_repeated(void **state) {
  size_t i, matched = 0;
  (void)state;
  schat_close(alice());
  w->peers[0].policy.flags |= SCHAT_POLICY_EVENTS_IN_COMMIT;
  w->peers[0].manager = NULL;
  world_restart(w, 0, 0);
  world_drain(w, 0);
  world_forget(w);
  texts_from_bob(4);
  feed_only();
  world_drain(w, 0);
  for (i = 0; i < memstore_event_count(store()); i++) {
    const memstore_event *e = memstore_event_at(store(), i);
    size_t j;
    for (j = 0; j < w->peers[0].event_count; j++) matched += w->peers[0].events[j].id == e->id;
  }
  assert_int_equal(matched, 4);
  world_forget(w);
  world_restart(w, 0, 0);
  world_drain(w, 0);
  assert_int_equal(world_count(w, 0, SCHAT_EVENT_MESSAGE), 0);
}

/* a host that does not listen holds no more than a thousand of the events that anybody can cause. */
static void no_more_than_a_thousand_passing_events_wait(void **state) {
  static const uint8_t bytes[88];
  schat_encrypted_message message;
  schat_effect effect;
  schat_stats stats;
  size_t rejected = 0;
  (void)state;
  SCHAT_INIT(message);
  message.bytes.data = bytes;
  message.bytes.size = sizeof bytes;
  for (int round = 1; round <= 2; round++) {
    for (int32_t i = 0; i < 3000; i++) {
      message.chat_id = i % 2 ? chat : chat ^ 1;
      assert_int_equal(schat_input_message(alice(), &message, 0, w->now), SCHAT_REJECTED);
    }
    for (rejected = 0; peek(&effect) == SCHAT_OK; schat_pop(alice()))
      rejected += effect.event != NULL && effect.event->type == SCHAT_EVENT_REJECTED;
    assert_int_equal(rejected, 1000); /* and as many again once these have been taken */
    SCHAT_INIT(stats);
    assert_int_equal(schat_get_stats(alice(), &stats), SCHAT_OK);
    assert_int_equal(stats.rejected, 3000 * round);
  }
  for (int32_t i = 0; i < 2000; i++) assert_int_equal(schat_input_typing(alice(), chat, w->now), SCHAT_OK);
  assert_int_equal(alice()->env.passing_events, 1000);
  world_restart(w, 0, 1);
  assert_int_equal(alice()->env.passing_events, 0);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      T(what_cannot_be_learned_again_is_stored),
      T(passing_events_are_not_repeated),
      T(no_more_than_a_thousand_passing_events_wait),
      T(events_nobody_took_come_again_after_a_crash),
      T(taken_events_are_forgotten_with_the_next_commit),
      T(taken_events_are_forgotten_when_the_manager_is_closed),
      T(a_closing_commit_that_fails_repeats_events),
      T(ids_grow_across_restarts),
      T(each_kind_says_the_same_after_a_crash),
      T(peeking_shows_and_popping_takes),
      T(a_shown_event_may_be_deleted_before_it_is_taken),
      T(nothing_overtakes_an_event_whose_deletion_may_yet_be_lost),
      T(effects_leave_in_the_order_they_came_about),
      T(a_crash_inside_the_callback_repeats_the_event),
      T(a_host_with_one_callback_is_refused),
      T(events_in_the_commit_come_exactly_once_wherever_it_crashes),
      T(events_in_the_commit_are_shown_once_and_not_repeated),
  };
  return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
