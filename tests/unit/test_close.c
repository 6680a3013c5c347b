/* SPDX-License-Identifier: BSL-1.0
 * test_close.c - the end of a chat, by whomever: nothing secret stays, the server is told until it has heard, and the history goes with it
 * where somebody asked for that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "desk.h"
#include "manager/manager.h"

/* Hands over everything; -1 when there was no discard, otherwise its delete_history. */
static int take_discard(desk *d) {
  schat_effect effect;
  int found = -1;
  SCHAT_INIT(effect);
  while (schat_peek(desk_manager(d), &effect) == SCHAT_OK) {
    if (effect.request != NULL && effect.request->type == SCHAT_REQUEST_DISCARD_ENCRYPTION) {
      assert_int_equal(effect.request->chat_id, d->chat_id);
      found = effect.request->delete_history;
    }
    schat_pop(desk_manager(d));
  }
  return found;
}

static int discard(desk *d, uint32_t flags) {
  return schat_chat_discard(desk_manager(d), d->chat_id, flags, d->w->now);
}

static void nothing_is_left(const desk *d) {
  static const uint8_t none[256];
  const schat__slot *slot = desk_slot(d);
  int kind;
  assert_int_equal(slot->chat.state, SCHAT_STATE_CLOSED);
  assert_null(slot->secrets);
  assert_memory_equal(slot->chat.key, none, sizeof none);
  for (kind = 0; kind < SCHAT__ITEM_KINDS; kind++) assert_int_equal(schat__count(slot, (schat__item_kind)kind), 0);
  assert_int_equal(memstore_count(d->w->peers[0].store, SCHAT_RECORD_OUTBOX), 0);
  assert_int_equal(memstore_count(d->w->peers[0].store, SCHAT_RECORD_GAP), 0);
  assert_int_equal(memstore_count(d->w->peers[0].store, SCHAT_RECORD_TIMER), 0);
  assert_true(schat__chat_check(slot));
}

/* Our discard ------------------------------------------------------------------------------------------------------------------- */

/* R-LIFE-02 accept: from every state, with the history or without; the server hears of what it may know of. Reject: not twice. */
static void a_chat_may_be_discarded_in_every_state(void **state) {
  static const int states[] = {SCHAT_STATE_REQUESTING, SCHAT_STATE_WAITING_PEER, SCHAT_STATE_READY,
                               SCHAT_STATE_INVITED,    SCHAT_STATE_ACCEPTING,    SCHAT_STATE_READY};
  uint32_t flags;
  size_t i;
  (void)state;
  for (i = 0; i < 12; i++) {
    desk *d = desk_new(1 + i);
    flags = i % 2 ? SCHAT_DISCARD_HISTORY : 0;
    desk_begin(d, i < 6, states[i / 2]);
    if (states[i / 2] == SCHAT_STATE_READY) assert_int_equal(world_text(d->w, 0, d->chat_id, "unsent", NULL), SCHAT_OK);
    assert_int_equal(discard(d, flags), SCHAT_OK);
    assert_int_equal(take_discard(d), flags != 0);
    nothing_is_left(d);
    assert_int_equal(world_info(d->w, 0, d->chat_id).close_reason, SCHAT_CLOSE_BY_US);
    assert_int_equal(discard(d, flags), SCHAT_E_STATE);
    assert_int_equal(schat_chat_accept(desk_manager(d), d->chat_id, d->w->now), SCHAT_E_STATE);
    assert_int_equal(world_text(d->w, 0, d->chat_id, "x", NULL), SCHAT_E_STATE);
    desk_free(d);
  }
}

/* A chat the server has never been asked for is gone without a word. */
static void before_anything_was_asked_there_is_nothing_to_discard(void **state) {
  desk *d = desk_new(20);
  (void)state;
  desk_create(d);
  assert_int_equal(discard(d, SCHAT_DISCARD_HISTORY), SCHAT_OK);
  assert_int_equal(take_discard(d), -1);
  nothing_is_left(d);
  assert_int_equal(desk_config(d), SCHAT_OK);
  assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_REQUEST_ENCRYPTION), 0);
  assert_int_equal(schat_chat_forget(desk_manager(d), d->chat_id, d->w->now), SCHAT_OK);
  assert_int_equal(discard(d, 0), SCHAT_E_NO_CHAT);
  desk_free(d);
}

/* R-LIFE-02: the discard is repeated, with its flag, through errors and restarts until the server confirms it, in whichever way. */
static void the_discard_is_repeated_until_it_is_confirmed(void **state) {
  static const char *const done[] = {"ENCRYPTION_ALREADY_DECLINED", "ENCRYPTION_DECLINED", "ENCRYPTION_ID_INVALID", "CHAT_ID_INVALID",
                                     "ENCRYPTION_ALREADY_ACCEPTED"};
  size_t i;
  (void)state;
  for (i = 0; i < 8; i++) {
    desk *d = desk_new(21 + i);
    desk_begin(d, 1, SCHAT_STATE_READY);
    assert_int_equal(discard(d, SCHAT_DISCARD_HISTORY), SCHAT_OK);
    world_drain(d->w, 0);
    assert_int_equal(desk_fail(d, SCHAT_REQUEST_DISCARD_ENCRYPTION, 500, "INTERNAL"), SCHAT_OK);
    assert_int_equal(schat_chat_forget(desk_manager(d), d->chat_id, d->w->now), SCHAT_E_STATE);
    d->w->now += 999;
    assert_int_equal(schat_tick(desk_manager(d), d->w->now), SCHAT_OK);
    assert_int_equal(take_discard(d), -1);
    d->w->now++;
    assert_int_equal(schat_tick(desk_manager(d), d->w->now), SCHAT_OK);
    assert_int_equal(take_discard(d), 1);
    world_restart(d->w, 0, 1);
    assert_true(world_info(d->w, 0, d->chat_id).flags & SCHAT_CHAT_DISCARD_PENDING);
    world_drain(d->w, 0);
    if (i < 5) assert_int_equal(desk_fail(d, SCHAT_REQUEST_DISCARD_ENCRYPTION, 400, done[i]), SCHAT_OK);
    if (i == 5) assert_int_equal(desk_fail(d, SCHAT_REQUEST_DISCARD_ENCRYPTION, 400, "SOMETHING_NEW"), SCHAT_OK);
    if (i == 6) assert_int_equal(desk_done(d, SCHAT_REQUEST_DISCARD_ENCRYPTION), SCHAT_OK);
    if (i == 7) assert_int_equal(desk_tell_type(d, SCHAT_CHAT_UPDATE_DISCARDED), SCHAT_OK);
    assert_false(world_info(d->w, 0, d->chat_id).flags & SCHAT_CHAT_DISCARD_PENDING);
    world_restart(d->w, 0, 1);
    world_pass(d->w, 100000);
    assert_int_equal(take_discard(d), -1);
    assert_int_equal(schat_chat_forget(desk_manager(d), d->chat_id, d->w->now), SCHAT_OK);
    assert_int_equal(memstore_count(d->w->peers[0].store, SCHAT_RECORD_CHAT), 0);
    assert_int_equal(memstore_count(d->w->peers[0].store, SCHAT_RECORD_KEYS), 0);
    desk_free(d);
  }
}

/* What was to be sent and never will be is told, once each; the service messages of the library are nobody's business. */
static void unsent_messages_fail_with_the_chat(void **state) {
  desk *d = desk_new(30);
  int64_t random_id[3];
  size_t i;
  (void)state;
  desk_begin(d, 1, SCHAT_STATE_READY);
  for (i = 0; i < 3; i++) assert_int_equal(world_text(d->w, 0, d->chat_id, "lost", &random_id[i]), SCHAT_OK);
  assert_int_equal(desk_tell_type(d, SCHAT_CHAT_UPDATE_DISCARDED), SCHAT_CHAT_CLOSED);
  assert_int_equal(world_count(d->w, 0, SCHAT_EVENT_SEND_FAILED), 3);
  for (i = 0; i < 3; i++) assert_true(world_nth(d->w, 0, SCHAT_EVENT_SEND_FAILED, i)->random_id == random_id[i]);
  assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_DISCARD_ENCRYPTION), 0); /* the server closed it */
  nothing_is_left(d);
  desk_free(d);
}

/* A crash at the moment of closing: the commit before it, or all of it. */
static void closing_is_one_commit(void **state) {
  desk *d = desk_new(31);
  memstore *before;
  (void)state;
  desk_begin(d, 0, SCHAT_STATE_READY);
  assert_int_equal(world_text(d->w, 0, d->chat_id, "unsent", NULL), SCHAT_OK);
  world_drain(d->w, 0);
  before = desk_image(d);
  memstore_fail_commit(d->w->peers[0].store, 1, SCHAT_E_STORE, 0);
  assert_int_equal(discard(d, 0), SCHAT_E_STORE);
  assert_int_equal(desk_state(d), SCHAT_STATE_READY);
  assert_memory_equal(desk_slot(d)->chat.key, d->key, 256);
  assert_true(memstore_equal(before, d->w->peers[0].store));
  memstore_sync(d->w->peers[0].store);
  assert_int_equal(discard(d, 0), SCHAT_OK);
  assert_int_equal(memstore_unsynced(d->w->peers[0].store), 1);
  world_restart(d->w, 0, 1);
  nothing_is_left(d);
  memstore_free(before);
  desk_free(d);
}

/* Flush first --------------------------------------------------------------------------------------------------------------------- */

/* SCHAT_DISCARD_FLUSH_FIRST: FlushHistory, the server's word, two seconds, the discard; the peer's client removes all, then the chat. */
static void flushing_first_gives_the_peer_two_seconds(void **state) {
  int crash;
  (void)state;
  for (crash = 0; crash < 3; crash++) {
    uint32_t flags = crash == 2 ? SCHAT_DISCARD_FLUSH_FIRST : SCHAT_DISCARD_FLUSH_FIRST | SCHAT_DISCARD_HISTORY;
    world *w = world_new(40 + (uint64_t)crash, 2);
    int32_t id = world_chat(w, 0, 1);
    assert_true(world_text(w, 0, id, "to be forgotten", NULL) >= 0);
    world_run(w);
    world_forget(w);
    if (crash == 1) w->peers[0].hold = 1; /* it falls before the flush has left */
    assert_int_equal(schat_chat_discard(w->peers[0].manager, id, flags, w->now), SCHAT_OK);
    assert_int_equal(schat_chat_discard(w->peers[0].manager, id, flags, w->now), SCHAT_E_STATE);
    assert_int_equal(world_text(w, 0, id, "x", NULL), SCHAT_E_STATE);
    assert_int_equal(schat_history_flush(w->peers[0].manager, id, 0, w->now), SCHAT_E_STATE);
    if (crash == 1) {
      world_restart(w, 0, 1);
      w->peers[0].hold = 0;
    }
    world_run(w);
    assert_int_equal(world_count(w, 1, SCHAT_EVENT_HISTORY_FLUSHED), 1);
    assert_int_equal(world_requests(w, 0, SCHAT_REQUEST_DISCARD_ENCRYPTION), 0);
    if (crash == 2) world_restart(w, 0, 1);
    world_pass(w, 1999);
    assert_int_equal(world_info(w, 0, id).state, SCHAT_STATE_READY);
    world_pass(w, 1);
    assert_int_equal(world_info(w, 0, id).state, SCHAT_STATE_CLOSED);
    assert_int_equal(world_info(w, 0, id).close_reason, SCHAT_CLOSE_BY_US);
    assert_int_equal(world_requests(w, 0, SCHAT_REQUEST_DISCARD_ENCRYPTION), 1);
    assert_int_equal(world_info(w, 1, id).close_reason, SCHAT_CLOSE_BY_PEER);
    assert_int_equal((world_info(w, 1, id).flags & SCHAT_CHAT_HISTORY_DELETED) != 0, crash != 2);
    world_free(w);
  }
}

/* The flush is refused by nobody's silence: a peer that confirms it counts as the server's word; who cannot wait discards at once; before a
 * chat is ready there is nothing to flush. */
static void flushing_first_does_not_hang(void **state) {
  world *w = world_new(43, 2);
  int32_t id = world_chat(w, 0, 1), other;
  relay_faults faults;
  (void)state;
  memset(&faults, 0, sizeof faults);
  faults.lost_answer = 1;
  relay_set_faults(w->relay, &faults);
  assert_int_equal(schat_chat_discard(w->peers[0].manager, id, SCHAT_DISCARD_FLUSH_FIRST, w->now), SCHAT_OK);
  world_run(w);
  faults.lost_answer = 0;
  relay_set_faults(w->relay, &faults);
  world_pass(w, 10000);
  assert_int_equal(world_info(w, 0, id).state, SCHAT_STATE_READY);
  world_restart(w, 1, 1); /* its own answers were lost as well */
  assert_true(world_text(w, 1, id, "seen", NULL) >= 0);
  world_run(w);
  world_pass(w, 2500);
  assert_int_equal(world_info(w, 0, id).state, SCHAT_STATE_CLOSED);
  id = world_chat(w, 0, 1);
  w->peers[0].hold = 1;
  assert_int_equal(schat_chat_discard(w->peers[0].manager, id, SCHAT_DISCARD_FLUSH_FIRST, w->now), SCHAT_OK);
  w->peers[0].hold = 0;
  assert_int_equal(schat_chat_discard(w->peers[0].manager, id, 0, w->now), SCHAT_OK);
  world_run(w);
  assert_int_equal(world_info(w, 1, id).state, SCHAT_STATE_CLOSED);
  assert_int_equal(schat_chat_create(w->peers[0].manager, w->peers[1].user_id, w->now, &other), SCHAT_OK);
  world_run(w);
  assert_int_equal(schat_chat_discard(w->peers[0].manager, other, SCHAT_DISCARD_FLUSH_FIRST, w->now), SCHAT_OK);
  assert_int_equal(world_info(w, 0, other).state, SCHAT_STATE_CLOSED);
  world_free(w);
}

/* The history --------------------------------------------------------------------------------------------------------------------- */

/* R-LIFE-01 accept: messages that nobody has looked at yet go with the history; the event and the info say so, through a restart. Reject:
 * without the flag they are handed over. */
static void the_history_goes_when_the_peer_says_so(void **state) {
  int history;
  (void)state;
  for (history = 0; history < 2; history++) {
    desk *d = desk_new(50 + (uint64_t)history);
    schat_encrypted_message m;
    schat_chat_update u;
    size_t size;
    uint8_t *text;
    desk_begin(d, 1, SCHAT_STATE_READY);
    text = desk_text(d, 0, "unread", &size);
    SCHAT_INIT(m);
    m.chat_id = d->chat_id;
    m.date = d->date;
    m.bytes.data = text;
    m.bytes.size = size;
    assert_int_equal(schat_input_message(desk_manager(d), &m, 1, d->w->now), SCHAT_OK); /* not handed over yet */
    assert_int_equal(memstore_count(d->w->peers[0].store, SCHAT_RECORD_EVENT), 1);
    u = desk_view(d, SCHAT_CHAT_UPDATE_DISCARDED);
    u.history_deleted = history;
    assert_int_equal(schat_input_chat(desk_manager(d), &u, d->w->now), SCHAT_CHAT_CLOSED);
    assert_int_equal(memstore_count(d->w->peers[0].store, SCHAT_RECORD_EVENT), history ? 1 : 2);
    world_restart(d->w, 0, 1);
    world_drain(d->w, 0);
    assert_int_equal(world_count(d->w, 0, SCHAT_EVENT_MESSAGE), history ? 0 : 1);
    assert_int_equal(world_last(d->w, 0, SCHAT_EVENT_CLOSED)->value, history);
    assert_int_equal((world_info(d->w, 0, d->chat_id).flags & SCHAT_CHAT_HISTORY_DELETED) != 0, history);
    nothing_is_left(d);
    free(text);
    desk_free(d);
  }
}

/* R-LIFE-01: also when the chat had ended here before: both sides discard at once, and only the peer asks for the history. */
static void the_history_goes_when_the_peer_says_so_later(void **state) {
  int confirmed;
  (void)state;
  for (confirmed = 0; confirmed < 2; confirmed++) {
    desk *d = desk_new(52 + (uint64_t)confirmed);
    schat_chat_update u;
    desk_begin(d, 1, SCHAT_STATE_READY);
    assert_int_equal(discard(d, 0), SCHAT_OK);
    world_drain(d->w, 0);
    if (confirmed) assert_int_equal(desk_done(d, SCHAT_REQUEST_DISCARD_ENCRYPTION), SCHAT_OK);
    world_forget(d->w);
    u = desk_view(d, SCHAT_CHAT_UPDATE_DISCARDED);
    u.history_deleted = 1;
    assert_int_equal(desk_tell(d, &u), SCHAT_OK);
    assert_true(world_info(d->w, 0, d->chat_id).flags & SCHAT_CHAT_HISTORY_DELETED);
    assert_false(world_info(d->w, 0, d->chat_id).flags & SCHAT_CHAT_DISCARD_PENDING);
    assert_int_equal(world_count(d->w, 0, SCHAT_EVENT_CLOSED), 1); /* told once more, with the history */
    assert_int_equal(world_last(d->w, 0, SCHAT_EVENT_CLOSED)->value, 1);
    assert_int_equal(world_last(d->w, 0, SCHAT_EVENT_CLOSED)->reason, SCHAT_CLOSE_BY_US);
    assert_int_equal(world_info(d->w, 0, d->chat_id).close_reason, SCHAT_CLOSE_BY_US);
    assert_int_equal(desk_tell(d, &u), SCHAT_DUPLICATE);
    assert_int_equal(world_count(d->w, 0, SCHAT_EVENT_CLOSED), 1);
    desk_free(d);
  }
}

/* R-LIFE-01, R-LIFE-02: end to end, with the history and without. */
static void the_peer_learns_whether_the_history_goes(void **state) {
  uint32_t flags;
  (void)state;
  for (flags = 0; flags <= SCHAT_DISCARD_HISTORY; flags++) {
    world *w = world_new(54 + flags, 2);
    int32_t id = world_chat(w, 0, 1);
    assert_int_equal(schat_chat_discard(w->peers[1].manager, id, flags, w->now), SCHAT_OK);
    world_run(w);
    assert_int_equal(world_info(w, 0, id).close_reason, SCHAT_CLOSE_BY_PEER);
    assert_int_equal((world_info(w, 0, id).flags & SCHAT_CHAT_HISTORY_DELETED) != 0, flags != 0);
    assert_int_equal(world_last(w, 0, SCHAT_EVENT_CLOSED)->value, (int)flags);
    assert_int_equal(world_requests(w, 0, SCHAT_REQUEST_DISCARD_ENCRYPTION), 0);
    assert_int_equal(world_info(w, 1, id).flags & SCHAT_CHAT_DISCARD_PENDING, 0);
    world_free(w);
  }
}

/* Both end it at once: one CLOSED each, and both at rest. */
static void both_may_discard_at_once(void **state) {
  world *w = world_new(57, 2);
  int32_t id = world_chat(w, 0, 1);
  size_t i;
  (void)state;
  for (i = 0; i < 2; i++) assert_int_equal(schat_chat_discard(w->peers[i].manager, id, 0, w->now), SCHAT_OK);
  world_run(w);
  world_pass(w, 5000);
  for (i = 0; i < 2; i++) {
    assert_int_equal(world_info(w, i, id).close_reason, SCHAT_CLOSE_BY_US);
    assert_int_equal(world_info(w, i, id).flags & SCHAT_CHAT_DISCARD_PENDING, 0);
    assert_int_equal(world_count(w, i, SCHAT_EVENT_CLOSED), 1);
    assert_int_equal(schat_chat_forget(w->peers[i].manager, id, w->now), SCHAT_OK);
    assert_int_equal(world_info(w, i, id).state, SCHAT_STATE_NONE);
  }
  world_free(w);
}

/* After the end ------------------------------------------------------------------------------------------------------------------- */

/* Messages still on their way when a chat ends are no news, and their place in the queue counts (R-Q-01). */
static void what_comes_after_the_end_is_dropped(void **state) {
  desk *d = desk_new(60);
  size_t size;
  uint8_t *text;
  int32_t qts, date;
  (void)state;
  desk_begin(d, 0, SCHAT_STATE_READY);
  text = desk_text(d, 0, "late", &size);
  assert_int_equal(discard(d, 0), SCHAT_OK);
  assert_int_equal(desk_message(d, text, size, 41), SCHAT_IGNORED);
  assert_int_equal(world_count(d->w, 0, SCHAT_EVENT_MESSAGE), 0);
  assert_int_equal(schat_checkpoint(desk_manager(d), &qts, &date), SCHAT_OK);
  assert_int_equal(qts, 41);
  assert_int_equal(schat_input_read(desk_manager(d), d->chat_id, 5, 5, d->w->now), SCHAT_IGNORED);
  assert_int_equal(schat_input_typing(desk_manager(d), d->chat_id, d->w->now), SCHAT_IGNORED);
  assert_int_equal(desk_tell_type(d, SCHAT_CHAT_UPDATE_CHAT), SCHAT_IGNORED);
  nothing_is_left(d);
  free(text);
  desk_free(d);
}

typedef struct {
  int32_t code;
  const char *text;
  int closes;
} refusal;

/* D-18 accept: what the server says to a send when the other side is gone ends the chat, with nothing more to tell; reject: other errors
 * do not. */
static void a_send_that_finds_the_chat_gone_ends_it(void **state) {
  static const refusal refusals[] = {{400, "ENCRYPTION_DECLINED", 1},
                                     {400, "ENCRYPTION_ALREADY_DECLINED", 1},
                                     {400, "ENCRYPTION_ID_INVALID", 1},
                                     {400, "CHAT_ID_INVALID", 1},
                                     {400, "USER_IS_BLOCKED", 1},
                                     {403, "USER_IS_BLOCKED", 1},
                                     {403, "CHAT_WRITE_FORBIDDEN", 1},
                                     {500, "ENCRYPTION_DECLINED", 1},
                                     {400, "DATA_INVALID", 0},
                                     {400, "MSG_WAIT_FAILED", 0},
                                     {400, "RANDOM_ID_DUPLICATE", 0},
                                     {420, "FLOOD_WAIT_1", 0},
                                     {500, "INTERNAL", 0},
                                     {401, "AUTH_KEY_UNREGISTERED", 0}};
  desk *d = desk_new(61);
  memstore *image;
  size_t i;
  (void)state;
  desk_begin(d, 1, SCHAT_STATE_READY);
  assert_int_equal(desk_done(d, SCHAT_REQUEST_SEND_SERVICE), SCHAT_REJECTED); /* not the answer to a send */
  image = desk_image(d);
  for (i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
    world_forget(d->w);
    desk_rewind(d, image);
    assert_int_equal(desk_fail(d, SCHAT_REQUEST_SEND_SERVICE, refusals[i].code, refusals[i].text),
                     refusals[i].closes ? SCHAT_CHAT_CLOSED : SCHAT_OK);
    if (!refusals[i].closes) {
      assert_int_equal(desk_state(d), SCHAT_STATE_READY);
      assert_int_equal(world_count(d->w, 0, SCHAT_EVENT_ACCOUNT_GONE), refusals[i].code == 401);
      continue;
    }
    assert_int_equal(world_info(d->w, 0, d->chat_id).close_reason, SCHAT_CLOSE_BY_PEER);
    assert_int_equal(world_last(d->w, 0, SCHAT_EVENT_CLOSED)->error_code, refusals[i].code);
    assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_DISCARD_ENCRYPTION), 0);
    nothing_is_left(d);
  }
  memstore_free(image);
  desk_free(d);
}

/* R-Q-03: a chat belongs to one authorisation. When it ends, the peer's chat is discarded, and the device itself hears that it is gone. */
static void a_lost_authorisation_takes_its_chats_along(void **state) {
  world *w = world_new(62, 2);
  size_t second = world_add_device(w, 1);
  int32_t id = world_chat(w, 0, 1);
  (void)state;
  assert_true(world_text(w, 0, id, "queued", NULL) >= 0);
  assert_int_equal(world_info(w, second, id).state, SCHAT_STATE_CLOSED); /* it never had that chat */
  assert_int_equal(world_text(w, second, id, "x", NULL), SCHAT_E_STATE);
  relay_log_out(w->relay, w->peers[1].device, w->now);
  world_run(w);
  assert_int_equal(world_info(w, 0, id).state, SCHAT_STATE_CLOSED);
  assert_int_equal(world_info(w, 0, id).close_reason, SCHAT_CLOSE_BY_PEER);
  assert_true(world_text(w, 1, id, "nobody listens", NULL) >= 0);
  world_run(w);
  assert_true(world_count(w, 1, SCHAT_EVENT_ACCOUNT_GONE) >= 1);
  assert_int_equal(world_info(w, 1, id).state, SCHAT_STATE_READY); /* what to do with it is the host's choice */
  assert_int_equal(schat_wipe(w->peers[1].manager, w->now), SCHAT_OK);
  assert_int_equal(world_info(w, 1, id).state, SCHAT_STATE_NONE);
  assert_int_equal(memstore_count(w->peers[1].store, SCHAT_RECORD_CHAT) + memstore_count(w->peers[1].store, SCHAT_RECORD_KEYS), 0);
  world_free(w);
}

/* R-Q-03: before logging out every chat is discarded, whatever its state, those that wait for a flush too. */
static void logging_out_discards_everything(void **state) {
  world *w = world_new(63, 3);
  int32_t ready = world_chat(w, 0, 1), invited = 0, waiting = 0, flushing = world_chat(w, 0, 2);
  size_t i;
  (void)state;
  assert_int_equal(schat_chat_create(w->peers[1].manager, w->peers[0].user_id, w->now, &invited), SCHAT_OK);
  assert_int_equal(schat_chat_create(w->peers[0].manager, w->peers[1].user_id, w->now, &waiting), SCHAT_OK);
  world_run(w);
  assert_int_equal(schat_chat_discard(w->peers[0].manager, flushing, SCHAT_DISCARD_FLUSH_FIRST, w->now), SCHAT_OK);
  assert_int_equal(schat_discard_all(w->peers[0].manager, SCHAT_DISCARD_HISTORY, w->now), SCHAT_OK);
  world_run(w);
  {
    const int32_t ids[] = {ready, invited, waiting, flushing};
    for (i = 0; i < 4; i++) {
      assert_int_equal(world_info(w, 0, ids[i]).state, SCHAT_STATE_CLOSED);
      assert_int_equal(world_info(w, 0, ids[i]).flags & SCHAT_CHAT_DISCARD_PENDING, 0);
      assert_int_equal(world_info(w, i == 3 ? 2 : 1, ids[i]).state, SCHAT_STATE_CLOSED);
    }
  }
  assert_int_equal(schat_discard_all(w->peers[0].manager, 0, w->now), SCHAT_OK);
  world_free(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_chat_may_be_discarded_in_every_state),
      cmocka_unit_test(before_anything_was_asked_there_is_nothing_to_discard),
      cmocka_unit_test(the_discard_is_repeated_until_it_is_confirmed),
      cmocka_unit_test(unsent_messages_fail_with_the_chat),
      cmocka_unit_test(closing_is_one_commit),
      cmocka_unit_test(flushing_first_gives_the_peer_two_seconds),
      cmocka_unit_test(flushing_first_does_not_hang),
      cmocka_unit_test(the_history_goes_when_the_peer_says_so),
      cmocka_unit_test(the_history_goes_when_the_peer_says_so_later),
      cmocka_unit_test(the_peer_learns_whether_the_history_goes),
      cmocka_unit_test(both_may_discard_at_once),
      cmocka_unit_test(what_comes_after_the_end_is_dropped),
      cmocka_unit_test(a_send_that_finds_the_chat_gone_ends_it),
      cmocka_unit_test(a_lost_authorisation_takes_its_chats_along),
      cmocka_unit_test(logging_out_discards_everything),
  };
  return cmocka_run_group_tests_name("close", tests, NULL, NULL);
}
