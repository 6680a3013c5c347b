/* SPDX-License-Identifier: BSL-1.0
 * test_service.c - layers never go down, each chat is told ours, and every service message does what it says, both ways. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "puppet.h"
#include "vault.h"
#include "world.h"

static world *w;
static int32_t chat;
static puppet *p; /* in the place of Alice's peer */

static int set_up(void **state) {
  (void)state;
  w = world_new(61, 3);
  chat = world_chat(w, 0, 1);
  world_forget(w);
  p = puppet_new(w->peers[0].manager, chat);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  puppet_free(p);
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
static schat_chat_info info(void) {
  return world_info(w, 0, chat);
}

/* What was sent ----------------------------------------------------------------------------------------------------------------- */

#define SEEN_MAX 16

static struct {
  puppet_seen seen[SEEN_MAX];
  int32_t method[SEEN_MAX];
  int64_t random_id[SEEN_MAX];
  size_t count;
} sent;

static void keep_seen(void *arg, const schat_request *request, const puppet_seen *seen) {
  (void)arg;
  assert_true(sent.count < SEEN_MAX);
  sent.method[sent.count] = request->type;
  sent.random_id[sent.count] = request->random_id;
  sent.seen[sent.count++] = *seen;
}

static size_t collect(void) {
  sent.count = 0;
  return puppet_collect(p, alice(), keep_seen, NULL);
}

/* The one service message that has just been sent. */
static const schat__action *only_action(schat__action_type type) {
  assert_int_equal(collect(), 1);
  assert_int_equal(sent.count, 1);
  assert_int_equal(sent.method[0], SCHAT_REQUEST_SEND_SERVICE);
  assert_int_equal(sent.seen[0].action.type, type);
  assert_int_equal(sent.seen[0].action.random_id, sent.random_id[0]);
  assert_true(sent.random_id[0] != 0);
  return &sent.seen[0].action;
}

/* Our layer --------------------------------------------------------------------------------------------------------------------- */

#define TAPS 64
static struct {
  int device;
  int32_t chat_id, type;
  uint8_t *bytes;
  size_t size;
} taps[TAPS];
static size_t tap_count;

static void tap(void *user_data, const relay_sent *message) {
  (void)user_data;
  if (tap_count == TAPS) return;
  taps[tap_count].device = message->device;
  taps[tap_count].chat_id = message->chat_id;
  taps[tap_count].type = message->request_type;
  taps[tap_count].size = message->bytes.size;
  taps[tap_count].bytes = malloc(message->bytes.size);
  assert_non_null(taps[tap_count].bytes);
  memcpy(taps[tap_count++].bytes, message->bytes.data, message->bytes.size);
}

static void forget_taps(void) {
  while (tap_count > 0) free(taps[--tap_count].bytes);
}

/* The n-th message a peer has sent in a chat, opened; 0 when there is none. */
static int tapped(size_t peer, int32_t chat_id, size_t n, puppet *reader, puppet_seen *seen) {
  size_t i;
  for (i = 0; i < tap_count; i++) {
    if (taps[i].device != w->peers[peer].device || taps[i].chat_id != chat_id || n-- > 0) continue;
    assert_int_equal(taps[i].type, SCHAT_REQUEST_SEND_SERVICE);
    {
      const schat_bytes data = {taps[i].bytes, taps[i].size};
      assert_true(puppet_read(reader, data, seen));
    }
    return 1;
  }
  return 0;
}

/* R-LAY-03 accept: right after the key exchange each side says its layer, under its first number. Reject: before that nothing is sent. */
static void each_side_begins_with_its_layer(void **state) {
  int32_t other = 0;
  size_t side;
  (void)state;
  relay_tap(w->relay, tap, NULL);
  assert_int_equal(schat_chat_create(alice(), w->peers[1].user_id, w->now, &other), SCHAT_OK);
  assert_int_equal(world_text(w, 0, other, "early", NULL), SCHAT_E_STATE);
  world_run(w);
  assert_int_equal(world_text(w, 0, other, "early", NULL), SCHAT_E_STATE);
  assert_int_equal(world_text(w, 1, other, "early", NULL), SCHAT_E_STATE);
  assert_int_equal(tap_count, 0);
  assert_int_equal(schat_chat_accept(w->peers[1].manager, other, w->now), SCHAT_OK);
  world_run(w);
  for (side = 0; side < 2; side++) {
    puppet *reader = puppet_new(w->peers[side].manager, other);
    puppet_seen seen;
    assert_true(tapped(side, other, 0, reader, &seen));
    assert_int_equal(seen.out_raw, 0);
    assert_int_equal(seen.action.type, SCHAT__ACTION_NOTIFY_LAYER);
    assert_int_equal(seen.action.layer, SCHAT_LAYER);
    assert_false(tapped(side, other, 1, reader, &seen)); /* once */
    puppet_free(reader);
  }
  forget_taps();
}

/* The stored notified_layer of a chat becomes that of an older library. */
static void pretend_older_library(int32_t chat_id, int32_t layer) {
  schat__chat c;
  schat__reader r;
  schat__writer writer;
  uint8_t out[1024];
  size_t size = 0;
  uint8_t *plain = vault_get(store(), SCHAT_RECORD_CHAT, chat_id, 0, &size);
  assert_non_null(plain);
  memset(&c, 0, sizeof c);
  memset(&r, 0, sizeof r);
  r.data = plain;
  r.size = size;
  assert_int_equal(schat__chat_read(&r, &c), SCHAT_OK);
  c.notified_layer = layer;
  writer.data = out;
  writer.capacity = sizeof out;
  writer.size = 0;
  schat__chat_write(&writer, &c);
  vault_put(store(), SCHAT_RECORD_CHAT, chat_id, 0, out, writer.size);
  free(plain);
}

/* R-LAY-04 accept: after an upgrade every open chat is told, once. Reject: closed and unanswered chats, and later openings, are not. */
static void after_an_upgrade_every_chat_is_told_once(void **state) {
  int32_t second = world_chat(w, 0, 2), closed = world_chat(w, 0, 1), invited = 0, ids[4];
  size_t i;
  (void)state;
  assert_int_equal(schat_chat_discard(alice(), closed, 0, w->now), SCHAT_OK);
  assert_int_equal(schat_chat_create(w->peers[1].manager, w->peers[0].user_id, w->now, &invited), SCHAT_OK);
  world_run(w);
  ids[0] = chat;
  ids[1] = second;
  ids[2] = closed;
  ids[3] = invited;
  schat_close(alice());
  w->peers[0].manager = NULL;
  pretend_older_library(chat, 101);
  pretend_older_library(second, SCHAT_LAYER - 1);
  pretend_older_library(closed, 73);
  world_restart(w, 0, 0);
  relay_tap(w->relay, tap, NULL);
  world_run(w);
  for (i = 0; i < 4; i++) {
    puppet_seen seen;
    puppet *reader;
    if (i >= 2) {
      size_t j;
      for (j = 0; j < tap_count; j++) assert_int_not_equal(taps[j].chat_id, ids[i]);
      continue;
    }
    reader = puppet_new(alice(), ids[i]);
    assert_true(tapped(0, ids[i], 0, reader, &seen));
    assert_int_equal(seen.action.type, SCHAT__ACTION_NOTIFY_LAYER);
    assert_int_equal(seen.action.layer, SCHAT_LAYER);
    assert_false(tapped(0, ids[i], 1, reader, &seen));
    puppet_free(reader);
  }
  forget_taps();
  world_restart(w, 0, 1);
  world_run(w);
  assert_int_equal(tap_count, 0);
  forget_taps();
}

/* R-LAY-04: the notice survives a crash right after it was made. */
static void the_notice_of_an_upgrade_survives_a_crash(void **state) {
  (void)state;
  schat_close(alice());
  w->peers[0].manager = NULL;
  pretend_older_library(chat, 101);
  w->peers[0].hold = 1;
  world_restart(w, 0, 0);
  world_drain(w, 0);
  world_restart(w, 0, 1);
  world_drain(w, 0);
  assert_int_equal(puppet_slot(alice(), chat)->chat.notified_layer, SCHAT_LAYER);
  w->peers[0].hold = 0;
  world_forget(w);
  world_restart(w, 0, 1);
  world_run(w);
  assert_int_equal(world_requests(w, 0, SCHAT_REQUEST_SEND_SERVICE), 1);
  world_restart(w, 0, 1);
  world_forget(w);
  world_run(w);
  assert_int_equal(world_requests(w, 0, SCHAT_REQUEST_SEND_SERVICE), 0);
}

/* The peer's layer -------------------------------------------------------------------------------------------------------------- */

static void set_layers(int32_t peer_layer, int32_t stated) {
  puppet_slot(alice(), chat)->chat.peer_layer = peer_layer;
  puppet_slot(alice(), chat)->chat.stated_layer = stated;
}

/* R-LAY-01: 46 until the peer says more; then the highest, kept through restarts. */
static void a_peers_layer_begins_at_46_and_is_kept(void **state) {
  int32_t other = 0;
  (void)state;
  assert_int_equal(schat_chat_create(alice(), w->peers[2].user_id, w->now, &other), SCHAT_OK);
  world_run(w);
  w->peers[2].deaf = 1; /* hears nothing of Alice but answers of the server */
  assert_int_equal(schat_chat_accept(w->peers[2].manager, other, w->now), SCHAT_OK);
  world_run(w);
  assert_int_equal(world_info(w, 2, other).state, SCHAT_STATE_READY);
  assert_int_equal(world_info(w, 2, other).peer_layer, 46);
  assert_int_equal(world_info(w, 2, other).layer, 73);
  assert_int_equal(schat_chat_supports(w->peers[2].manager, other, SCHAT_FEATURE_NEW_ENTITIES), 0);
  w->peers[2].deaf = 0;
  world_catch_up(w, 2);
  assert_int_equal(world_info(w, 2, other).peer_layer, 144);
  assert_int_equal(world_info(w, 2, other).layer, 144);
  world_restart(w, 2, 1);
  assert_int_equal(world_info(w, 2, other).peer_layer, 144);
}

/* R-LAY-02 accept: any wrapper with a higher layer raises it at once, and what we state with it. */
static void a_higher_wrapper_layer_counts_at_once(void **state) {
  static const struct {
    int32_t wrapper, peer, stated;
  } cases[] = {{8, 46, 73},    {45, 46, 73},    {46, 46, 73},    {47, 47, 73},    {72, 72, 73},    {73, 73, 73},
               {100, 100, 73}, {101, 101, 101}, {143, 143, 101}, {144, 144, 144}, {145, 145, 144}, {INT32_MAX, INT32_MAX, 144}};
  size_t i;
  (void)state;
  set_layers(46, 73);
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    p->layer = cases[i].wrapper;
    assert_int_equal(puppet_send_text(p, alice(), 100 + (int64_t)i, "text", 0, w->now), SCHAT_OK);
    assert_int_equal(info().peer_layer, cases[i].peer);
    assert_int_equal(info().layer, cases[i].stated);
    collect();
    assert_int_equal(world_text(w, 0, chat, "answer", NULL), SCHAT_OK);
    assert_int_equal(collect(), 1);
    assert_int_equal(sent.seen[0].wrapper.layer, cases[i].stated);
    puppet_forget(p);
  }
}

/* R-LAY-02 reject: it never goes down, whatever wrappers and notices say later, and a layer below 8 is no layer. */
static void layers_never_go_down(void **state) {
  static const int32_t lower[] = {8, 17, 46, 73, 101, 143};
  schat__action action;
  size_t i;
  (void)state;
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_NOTIFY_LAYER;
  for (i = 0; i < sizeof lower / sizeof lower[0]; i++) {
    p->layer = lower[i];
    assert_int_equal(puppet_send_text(p, alice(), 100 + (int64_t)i, "text", 0, w->now), SCHAT_OK);
    action.layer = lower[i];
    assert_int_equal(puppet_send_action(p, alice(), &action, w->now), SCHAT_OK);
    assert_int_equal(info().peer_layer, 144);
    assert_int_equal(info().layer, 144);
  }
  p->layer = 7;
  assert_int_equal(puppet_send_raw(p, alice(), p->in_raw, p->out_raw, puppet_text(p, 200, "text", 0), w->now), SCHAT_REJECTED);
  assert_int_equal(info().peer_layer, 144);
  collect();
  assert_int_equal(world_text(w, 0, chat, "answer", NULL), SCHAT_OK);
  collect();
  assert_int_equal(sent.seen[0].wrapper.layer, 144);
}

/* R-LAY-02: "any packet": also one behind a gap; but neither a repeat nor one that is not authentic. */
static void a_layer_counts_behind_a_gap_but_not_from_a_repeat(void **state) {
  size_t size;
  uint8_t *sealed;
  (void)state;
  set_layers(46, 73);
  p->layer = 46;
  assert_int_equal(puppet_send_text(p, alice(), 1, "text", 0, w->now), SCHAT_OK);
  p->layer = 101;
  assert_int_equal(puppet_send_raw(p, alice(), p->in_raw, p->out_raw - 1, puppet_text(p, 1, "text", 0), w->now), SCHAT_DUPLICATE);
  assert_int_equal(info().peer_layer, 46);
  sealed = puppet_seal(p, schat__wire_in(p->in_raw, p->originator), schat__wire_out(p->out_raw, p->originator), puppet_text(p, 2, "x", 0),
                       &size);
  sealed[size - 1] ^= 1;
  assert_int_equal(puppet_feed(alice(), chat, sealed, size, w->now), SCHAT_REJECTED);
  free(sealed);
  assert_int_equal(info().peer_layer, 46);
  assert_int_equal(puppet_send_raw(p, alice(), p->in_raw, p->out_raw + 1, puppet_text(p, 2, "text", 0), w->now), SCHAT_WAITING);
  assert_int_equal(info().peer_layer, 101);
}

/* R-LAY-02, R-LAY-05 accept: NotifyLayer from 17 up raises it. Reject: 16 and below, zero and negative, are no layers. */
static void notices_below_17_are_ignored(void **state) {
  static const struct {
    int32_t notice, peer;
  } cases[] = {{INT32_MIN, 10}, {-1, 10}, {0, 10}, {16, 10}, {17, 17}, {16, 17}, {46, 46}, {100, 100}, {101, 101}, {144, 144}};
  schat__action action;
  size_t i;
  (void)state;
  set_layers(10, 73);
  p->layer = 8;
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_NOTIFY_LAYER;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    int32_t in_seq = puppet_slot(alice(), chat)->chat.in_seq;
    action.layer = cases[i].notice;
    assert_int_equal(puppet_send_action(p, alice(), &action, w->now), SCHAT_OK);
    assert_int_equal(info().peer_layer, cases[i].peer);
    assert_int_equal(puppet_slot(alice(), chat)->chat.in_seq, in_seq + 1); /* its number counts */
  }
  assert_int_equal(info().layer, 144);
}

/* R-LAY-02, R-DEC-09: a peer with a newer library is told of once; we go on in our own layer. */
static void a_newer_peer_is_told_of_once(void **state) {
  schat__action action;
  (void)state;
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_NOTIFY_LAYER;
  action.layer = SCHAT_LAYER + 1;
  assert_int_equal(puppet_send_action(p, alice(), &action, w->now), SCHAT_OK);
  action.layer = SCHAT_LAYER + 2;
  assert_int_equal(puppet_send_action(p, alice(), &action, w->now), SCHAT_OK);
  world_drain(w, 0);
  assert_int_equal(world_count(w, 0, SCHAT_EVENT_PEER_NEWER_LAYER), 1);
  assert_int_equal(world_last(w, 0, SCHAT_EVENT_PEER_NEWER_LAYER)->value, SCHAT_LAYER + 1);
  assert_true(info().flags & SCHAT_CHAT_PEER_NEWER);
  assert_int_equal(info().peer_layer, SCHAT_LAYER + 2);
  assert_int_equal(info().layer, SCHAT_LAYER);
  world_restart(w, 0, 1);
  assert_true(info().flags & SCHAT_CHAT_PEER_NEWER);
}

/* Actions of ours --------------------------------------------------------------------------------------------------------------- */

static const int64_t three[3] = {INT64_MIN, 7, INT64_MAX};

static void assert_ids(const schat__action *action, const int64_t *ids, size_t count) {
  assert_int_equal(action->random_id_count, count);
  if (count > 0) assert_memory_equal(action->random_ids, ids, count * sizeof *ids);
}

/* R-TTL-06 accept: each command sends its own action, with the ids and the random_id that were given. */
static void each_command_sends_its_action(void **state) {
  const schat__action *action;
  (void)state;
  assert_int_equal(schat_chat_set_ttl(alice(), chat, 3600, 1001, w->now), SCHAT_OK);
  action = only_action(SCHAT__ACTION_SET_TTL);
  assert_int_equal(action->ttl, 3600);
  assert_int_equal(action->random_id, 1001);
  assert_int_equal(schat_messages_delete(alice(), chat, three, 3, 1002, w->now), SCHAT_OK);
  action = only_action(SCHAT__ACTION_DELETE);
  assert_ids(action, three, 3);
  assert_int_equal(action->random_id, 1002);
  assert_int_equal(schat_screenshot(alice(), chat, three, 3, 1003, w->now), SCHAT_OK);
  assert_ids(only_action(SCHAT__ACTION_SCREENSHOT), three, 3);
  assert_int_equal(schat_screenshot(alice(), chat, NULL, 0, 0, w->now), SCHAT_OK);
  assert_ids(only_action(SCHAT__ACTION_SCREENSHOT), three, 0);
  assert_int_equal(schat_history_flush(alice(), chat, 1004, w->now), SCHAT_OK);
  assert_int_equal(only_action(SCHAT__ACTION_FLUSH)->random_id, 1004);
  assert_int_equal(schat_messages_opened(alice(), chat, three, 1, w->now), SCHAT_OK);
  assert_ids(only_action(SCHAT__ACTION_READ), three, 1);
}

/* M5: one receipt a message. */
static void several_opened_messages_are_told_one_by_one(void **state) {
  size_t i;
  (void)state;
  assert_int_equal(schat_messages_opened(alice(), chat, three, 3, w->now), SCHAT_OK);
  assert_int_equal(collect(), 3);
  for (i = 0; i < 3; i++) {
    assert_int_equal(sent.seen[i].action.type, SCHAT__ACTION_READ);
    assert_ids(&sent.seen[i].action, &three[i], 1);
  }
}

/* Rule 1 reject: arguments that no command takes, chats that are not there or not ready. */
static void commands_refuse_what_is_not_lawful(void **state) {
  int32_t other = 0;
  int64_t used = 0;
  (void)state;
  assert_int_equal(schat_messages_delete(alice(), chat, NULL, 1, 0, w->now), SCHAT_E_INVALID);
  assert_int_equal(schat_messages_delete(alice(), chat, three, 0, 0, w->now), SCHAT_E_INVALID);
  assert_int_equal(schat_messages_opened(alice(), chat, NULL, 1, w->now), SCHAT_E_INVALID);
  assert_int_equal(schat_messages_opened(alice(), chat, three, 0, w->now), SCHAT_E_INVALID);
  assert_int_equal(schat_messages_closed(alice(), chat, three, 0, w->now), SCHAT_E_INVALID);
  assert_int_equal(schat_screenshot(alice(), chat, NULL, 1, 0, w->now), SCHAT_E_INVALID);
  assert_int_equal(schat_chat_set_ttl(alice(), chat, -1, 0, w->now), SCHAT_E_INVALID);
  assert_int_equal(schat_chat_create(alice(), 0, w->now, &other), SCHAT_E_INVALID);
  assert_int_equal(schat_chat_create(alice(), 5, w->now, NULL), SCHAT_E_INVALID);
  assert_int_equal(schat_history_flush(alice(), chat ^ 1, 0, w->now), SCHAT_E_NO_CHAT);
  assert_int_equal(schat_chat_create(alice(), 5, w->now, &other), SCHAT_OK);
  assert_int_equal(schat_history_flush(alice(), other, 0, w->now), SCHAT_E_STATE);
  assert_int_equal(schat_chat_set_verified(alice(), other, 1, w->now), SCHAT_E_STATE);
  world_text(w, 0, chat, "mine", &used);
  assert_int_equal(schat_history_flush(alice(), chat, used, w->now), SCHAT_E_EXISTS);
  assert_int_equal(schat_chat_discard(alice(), chat, 0, w->now), SCHAT_OK);
  assert_int_equal(schat_history_flush(alice(), chat, 0, w->now), SCHAT_E_STATE);
  assert_int_equal(schat_messages_read(alice(), chat, 5, w->now), SCHAT_OK); /* what is shown of a closed chat can be read */
}

static int send_object(const schat__action *action, int64_t *random_id) {
  return schat_send_object(alice(), chat, puppet_action(p, action), NULL, w->now, random_id);
}

/* A host that encodes its own service messages gets the commands they stand for; the protocol's own messages are refused. */
static void encoded_actions_become_commands(void **state) {
  static const schat__action_type own[] = {SCHAT__ACTION_RESEND,     SCHAT__ACTION_NOTIFY_LAYER, SCHAT__ACTION_REQUEST_KEY,
                                           SCHAT__ACTION_ACCEPT_KEY, SCHAT__ACTION_ABORT_KEY,    SCHAT__ACTION_COMMIT_KEY,
                                           SCHAT__ACTION_NOOP};
  static const uint8_t value[256] = {1};
  schat__action action;
  int64_t random_id = 0;
  size_t i;
  (void)state;
  memset(&action, 0, sizeof action);
  action.random_id = 4242;
  action.type = SCHAT__ACTION_SET_TTL;
  action.ttl = 12;
  assert_int_equal(send_object(&action, &random_id), SCHAT_OK);
  assert_int_equal(random_id, 4242);
  assert_int_equal(info().ttl, 12);
  assert_int_equal(only_action(SCHAT__ACTION_SET_TTL)->ttl, 12);
  action.random_ids = three;
  action.random_id_count = 3;
  action.type = SCHAT__ACTION_DELETE;
  action.random_id = 4243;
  assert_int_equal(send_object(&action, &random_id), SCHAT_OK);
  assert_ids(only_action(SCHAT__ACTION_DELETE), three, 3);
  action.type = SCHAT__ACTION_SCREENSHOT;
  action.random_id = 4244;
  assert_int_equal(send_object(&action, &random_id), SCHAT_OK);
  assert_ids(only_action(SCHAT__ACTION_SCREENSHOT), three, 3);
  action.type = SCHAT__ACTION_READ;
  action.random_id_count = 1;
  assert_int_equal(send_object(&action, &random_id), SCHAT_OK);
  assert_ids(only_action(SCHAT__ACTION_READ), three, 1);
  action.type = SCHAT__ACTION_FLUSH;
  action.random_id = 4245;
  assert_int_equal(send_object(&action, &random_id), SCHAT_OK);
  only_action(SCHAT__ACTION_FLUSH);
  action.g.data = value;
  action.g.size = sizeof value;
  action.layer = 144;
  for (i = 0; i < sizeof own / sizeof own[0]; i++) {
    action.type = own[i];
    assert_int_equal(send_object(&action, &random_id), SCHAT_E_INVALID);
  }
  assert_int_equal(collect(), 0);
}

/* Actions of the peer ----------------------------------------------------------------------------------------------------------- */

/* R-TTL-06 accept: each action of the peer becomes its event, with its ids, also with none and with many. */
static void each_action_of_the_peer_becomes_its_event(void **state) {
  static const struct {
    schat__action_type type;
    int32_t event;
  } cases[] = {{SCHAT__ACTION_READ, SCHAT_EVENT_OPENED},           {SCHAT__ACTION_DELETE, SCHAT_EVENT_DELETED},
               {SCHAT__ACTION_SCREENSHOT, SCHAT_EVENT_SCREENSHOT}, {SCHAT__ACTION_FLUSH, SCHAT_EVENT_HISTORY_FLUSHED},
               {SCHAT__ACTION_SET_TTL, SCHAT_EVENT_TTL},           {SCHAT__ACTION_TYPING, SCHAT_EVENT_TYPING}};
  schat__action action;
  size_t i, count;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    for (count = 0; count <= 3; count += 3) {
      const world_event *e;
      int has_ids =
          cases[i].type == SCHAT__ACTION_READ || cases[i].type == SCHAT__ACTION_DELETE || cases[i].type == SCHAT__ACTION_SCREENSHOT;
      memset(&action, 0, sizeof action);
      action.type = cases[i].type;
      action.random_id = 70 + (int64_t)i;
      action.random_ids = three;
      action.random_id_count = has_ids ? count : 0;
      action.ttl = 33;
      action.typing = 1;
      world_forget(w);
      assert_int_equal(puppet_send_action(p, alice(), &action, w->now), SCHAT_OK);
      world_drain(w, 0);
      assert_int_equal(world_count(w, 0, cases[i].event), 1);
      e = world_last(w, 0, cases[i].event);
      assert_int_equal(e->random_id_count, action.random_id_count);
      if (e->random_id_count > 0) assert_memory_equal(e->random_ids, three, sizeof three);
      if (cases[i].event != SCHAT_EVENT_TYPING) assert_int_equal(e->date, w->now / 1000);
      if (cases[i].event == SCHAT_EVENT_TTL) assert_int_equal(e->value, 33);
      if (cases[i].event == SCHAT_EVENT_TTL) assert_int_equal(e->random_id, action.random_id);
    }
  }
}

/* D-27: typing inside the chat is accepted, and its end. */
static void typing_inside_the_chat_is_accepted(void **state) {
  schat__action action;
  (void)state;
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_TYPING;
  for (action.typing = 1; action.typing >= 0; action.typing--) {
    assert_int_equal(puppet_send_action(p, alice(), &action, w->now), SCHAT_OK);
    world_drain(w, 0);
    assert_int_equal(world_last(w, 0, SCHAT_EVENT_TYPING)->value, action.typing);
  }
  assert_int_equal(schat_input_typing(alice(), chat, w->now), SCHAT_OK);
  world_drain(w, 0);
  assert_int_equal(world_last(w, 0, SCHAT_EVENT_TYPING)->value, 1);
  assert_int_equal(schat_input_typing(alice(), chat ^ 1, w->now), SCHAT_IGNORED);
}

/* D-27 accept: at most one request in five seconds goes out, at 4,999 ms none, at 5,000 the next. */
static void typing_goes_out_at_most_every_five_seconds(void **state) {
  size_t i;
  (void)state;
  assert_int_equal(schat_typing(alice(), chat, 1, w->now), SCHAT_OK);
  for (i = 0; i < 50; i++) assert_int_equal(schat_typing(alice(), chat, 1, w->now + (int64_t)i * 100), SCHAT_IGNORED);
  assert_int_equal(schat_typing(alice(), chat, 1, w->now + 4999), SCHAT_IGNORED);
  assert_int_equal(schat_typing(alice(), chat, 1, w->now + 5000), SCHAT_OK);
  assert_int_equal(schat_typing(alice(), chat, 1, w->now + 9999), SCHAT_IGNORED);
  assert_int_equal(schat_typing(alice(), chat, 1, w->now + 10001), SCHAT_OK);
  world_drain(w, 0);
  assert_int_equal(world_requests(w, 0, SCHAT_REQUEST_SET_TYPING), 3);
  assert_int_equal(memstore_count(store(), SCHAT_RECORD_OUTBOX), 1); /* nothing but NotifyLayer: it goes beside the chat */
}

/* D-27 reject: starting and stopping in turns does not get around the five seconds. */
static void starting_and_stopping_does_not_get_around_the_limit(void **state) {
  size_t i;
  (void)state;
  assert_int_equal(schat_typing(alice(), chat, 1, w->now), SCHAT_OK);
  for (i = 1; i <= 24; i++) {
    assert_int_equal(schat_typing(alice(), chat, 0, w->now + (int64_t)i * 200), SCHAT_IGNORED);
    assert_int_equal(schat_typing(alice(), chat, 1, w->now + (int64_t)i * 200 + 100), SCHAT_IGNORED);
  }
  assert_int_equal(schat_typing(alice(), chat, 0, w->now + 5000), SCHAT_OK);
  world_drain(w, 0);
  assert_int_equal(world_requests(w, 0, SCHAT_REQUEST_SET_TYPING), 2);
}

/* R-TTL-06 reject: ids nobody knows, ids given twice, and actions repeated change nothing else. */
static void unknown_and_repeated_ids_do_no_harm(void **state) {
  static int64_t many[1000];
  schat__action action;
  int64_t mine = 0;
  size_t i, timers;
  (void)state;
  world_text_ttl(w, 0, chat, "mine", 60, &mine);
  world_drain(w, 0);
  timers = memstore_count(store(), SCHAT_RECORD_TIMER);
  for (i = 0; i < 1000; i++) many[i] = (int64_t)i + 1000000;
  memset(&action, 0, sizeof action);
  action.random_ids = many;
  action.random_id_count = 1000;
  for (action.type = SCHAT__ACTION_READ; action.type <= SCHAT__ACTION_SCREENSHOT; action.type = (schat__action_type)(action.type + 1)) {
    assert_int_equal(puppet_send_action(p, alice(), &action, w->now), SCHAT_OK);
    assert_int_equal(puppet_send_action(p, alice(), &action, w->now), SCHAT_OK);
    puppet_forget(p);
  }
  assert_int_equal(memstore_count(store(), SCHAT_RECORD_TIMER), timers);
  many[0] = many[1] = many[2] = mine;
  action.type = SCHAT__ACTION_DELETE;
  action.random_id_count = 3;
  assert_int_equal(puppet_send_action(p, alice(), &action, w->now), SCHAT_OK);
  assert_int_equal(memstore_count(store(), SCHAT_RECORD_TIMER), timers - 1);
  assert_int_equal(puppet_send_action(p, alice(), &action, w->now), SCHAT_OK);
  assert_int_equal(schat_messages_delete(alice(), chat, many, 3, 0, w->now), SCHAT_OK);
  assert_int_equal(info().state, SCHAT_STATE_READY);
  world_text(w, 0, chat, "goes on", NULL);
  world_restart(w, 0, 1);
  assert_int_equal(info().state, SCHAT_STATE_READY);
}

/* R-TTL-06: a flush of the peer leaves what is still on its way to it alive. */
static void a_flush_of_the_peer_leaves_what_is_on_its_way(void **state) {
  schat__action action;
  int64_t old = 0, fresh = 0;
  (void)state;
  world_text_ttl(w, 0, chat, "old", 60, &old);
  world_drain(w, 0);
  p->in_raw = puppet_slot(alice(), chat)->chat.out_seq; /* the peer has it */
  world_text_ttl(w, 0, chat, "fresh words", 60, &fresh);
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_FLUSH;
  assert_int_equal(puppet_send_action(p, alice(), &action, w->now), SCHAT_OK);
  assert_null(schat__item_find(puppet_slot(alice(), chat), SCHAT__TIMER, old));
  assert_non_null(schat__item_find(puppet_slot(alice(), chat), SCHAT__TIMER, fresh));
  assert_int_equal(vault_find_text(store(), "fresh words"), 1);
  assert_int_equal(info().unread_count, 0);
}

/* Noop and a Resend, NotifyLayer and keys say nothing to the application. */
static void protocol_messages_are_no_events_of_the_user(void **state) {
  schat__action action;
  (void)state;
  world_drain(w, 0);
  world_forget(w);
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_NOOP;
  assert_int_equal(puppet_send_action(p, alice(), &action, w->now), SCHAT_OK);
  world_drain(w, 0);
  assert_int_equal(w->peers[0].event_count, 0);
  assert_int_equal(info().unread_count, 0);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      T(each_side_begins_with_its_layer),
      T(after_an_upgrade_every_chat_is_told_once),
      T(the_notice_of_an_upgrade_survives_a_crash),
      T(a_peers_layer_begins_at_46_and_is_kept),
      T(a_higher_wrapper_layer_counts_at_once),
      T(layers_never_go_down),
      T(a_layer_counts_behind_a_gap_but_not_from_a_repeat),
      T(notices_below_17_are_ignored),
      T(a_newer_peer_is_told_of_once),
      T(each_command_sends_its_action),
      T(several_opened_messages_are_told_one_by_one),
      T(commands_refuse_what_is_not_lawful),
      T(encoded_actions_become_commands),
      T(each_action_of_the_peer_becomes_its_event),
      T(typing_inside_the_chat_is_accepted),
      T(typing_goes_out_at_most_every_five_seconds),
      T(starting_and_stopping_does_not_get_around_the_limit),
      T(unknown_and_repeated_ids_do_no_harm),
      T(a_flush_of_the_peer_leaves_what_is_on_its_way),
      T(protocol_messages_are_no_events_of_the_user),
  };
  return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
