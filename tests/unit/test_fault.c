/* SPDX-License-Identifier: BSL-1.0
 * test_fault.c - whatever fails at whatever moment, memory, randomness or the store: the call says so, nothing has changed, nothing leaks,
 * and going on afterwards comes to the same end.
 *
 * Each scenario is run again and again, with the 1st, 2nd, 3rd ... request for memory, for random bytes, for a commit refused: once, or
 * from there on until the call has been seen to fail repeatedly; until a run comes to its end without meeting its failure. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "manager/manager.h"
#include "puppet.h"
#include "vault.h"
#include "world.h"

/* The failure ------------------------------------------------------------------------------------------------------------------- */

typedef enum { NOTHING, MEMORY, RANDOM, COMMIT } what_fails;

static struct {
  what_fails what;
  size_t n, count;
  int for_ever, met;
} fault;

static size_t live; /* allocations not given back */
static uint64_t random_state;

static int is_due(what_fails what) {
  if (fault.what != what) return 0;
  fault.count++;
  if (fault.count != fault.n && !(fault.for_ever && fault.count > fault.n)) return 0;
  fault.met = 1;
  return 1;
}

static void *take(void *user_data, size_t size) {
  void *p;
  (void)user_data;
  if (is_due(MEMORY)) return NULL;
  p = malloc(size);
  assert_non_null(p);
  live++;
  return p;
}

static void give(void *user_data, void *p) {
  (void)user_data;
  live--;
  free(p);
}

static int fill_random(void *user_data, uint8_t *out, size_t size) {
  size_t i;
  (void)user_data;
  if (is_due(RANDOM)) return -1;
  for (i = 0; i < size; i++) {
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    out[i] = (uint8_t)(random_state >> 33);
  }
  return 0;
}

/* The bench --------------------------------------------------------------------------------------------------------------------- */

static world *made; /* where the images come from */
static int32_t made_chat;
static memstore *fresh_image, *ready_image, *rich_image;
static schat__config dh; /* Telegram's prime */

static memstore *store;
static schat_manager *m;
static int64_t now;
static int32_t chat;
static puppet *peer;
static uint64_t last_token; /* of the latest request taken */
static int32_t last_type;
static uint8_t last_data[4096];
static size_t last_size;
static size_t taken_events[64], repeated_events; /* those that may have been taken before are counted apart */
static uint32_t policy_rekey;

static int (*inner_commit)(void *, const schat_batch *);

static int commit(void *user_data, const schat_batch *batch) {
  return is_due(COMMIT) ? SCHAT_E_FULL : inner_commit(user_data, batch);
}

static int open_bench(void) {
  schat_allocator allocator = {NULL, take, give};
  schat_config config;
  schat_policy policy;
  schat_host host;
  schat_store vtable = *memstore_store(store);
  inner_commit = vtable.commit;
  vtable.commit = commit;
  SCHAT_INIT(config);
  SCHAT_INIT(policy);
  SCHAT_INIT(host);
  policy.flags = SCHAT_POLICY_CHAIN_SENDS;
  policy.rekey_messages = policy_rekey;
  host.random = fill_random;
  config.store = &vtable;
  config.policy = &policy;
  config.host = &host;
  config.allocator = &allocator;
  config.storage_key = world_storage_key();
  config.user_id = made->peers[0].user_id;
  m = NULL;
  return schat_open(&config, now, &m);
}

/* Everything a manager holds, as bytes: what is stored, and what is not but may not change either. */
typedef struct {
  uint8_t *data;
  size_t size;
  memstore *image;
  schat_chat_info info;
} state_of_all;

static void write_slot(schat__writer *writer, const schat__slot *slot) {
  int kind;
  size_t i;
  schat__chat_write(writer, &slot->chat);
  schat__keys_write(writer, slot);
  schat__write64(writer, slot->chat.ask.token);
  schat__write64(writer, (uint64_t)slot->chat.ask.retry_at);
  schat__write8(writer, slot->chat.ask.type);
  schat__write8(writer, slot->chat.ask.tries);
  schat__write64(writer, slot->chat.read_token);
  schat__write64(writer, slot->chat.last_send);
  schat__write32(writer, (uint32_t)slot->chat.pump_from);
  for (kind = 0; kind < SCHAT__ITEM_KINDS; kind++) {
    for (i = 0; i < schat__count(slot, (schat__item_kind)kind); i++) {
      const schat__item *item = schat__item_at(slot, (schat__item_kind)kind, i);
      schat__write64(writer, (uint64_t)item->key);
      schat__item_write(writer, item);
      if (kind == SCHAT__OUTBOX) schat__write64(writer, item->u.out.token);
      if (kind == SCHAT__OUTBOX) schat__write8(writer, item->u.out.tries);
    }
  }
}

static void write_all(schat__writer *writer) {
  const schat__env *env = &m->env;
  const schat__effect *effect;
  const schat__slot *slot;
  size_t at = 0, i;
  schat__account_write(writer, &env->account);
  schat__write64(writer, env->stored_events);
  schat__write32(writer, (uint32_t)m->acked_qts);
  for (i = 0; i < env->config_count; i++) schat__config_write(writer, &env->configs[i]);
  for (i = 0; i < env->flight_count; i++) schat__write64(writer, env->flights[i].token);
  for (effect = env->first_effect; effect != NULL; effect = effect->next) {
    schat__write64(writer, effect->token ^ effect->event_id << 32);
    schat__write32(writer, effect->type);
    schat__write8(writer, effect->dropped);
    schat__write_raw(writer, effect->data, effect->size);
  }
  schat__write_raw(writer, &env->stats, sizeof env->stats);
  while ((slot = schat__table_next(&env->table, &at)) != NULL) write_slot(writer, slot);
}

static state_of_all look(void) {
  state_of_all s;
  schat__writer writer = {NULL, 0, 0};
  memset(&s, 0, sizeof s);
  s.image = memstore_clone(store);
  if (m == NULL) return s;
  write_all(&writer);
  s.size = writer.capacity = writer.size;
  s.data = writer.data = malloc(s.size);
  assert_non_null(s.data);
  writer.size = 0;
  write_all(&writer);
  SCHAT_INIT(s.info);
  schat_chat_get_info(m, chat, &s.info);
  return s;
}

static void forget(state_of_all *s) {
  free(s->data);
  memstore_free(s->image);
}

static void assert_same(const state_of_all *a, const state_of_all *b) {
  assert_int_equal(a->size, b->size);
  if (a->size > 0) assert_memory_equal(a->data, b->data, a->size);
  assert_memory_equal(&a->info, &b->info, sizeof a->info);
  assert_true(memstore_equal(a->image, b->image));
}

static void assert_right_failure(int status) {
  static const int expected[] = {0, SCHAT_E_NOMEM, SCHAT_E_RANDOM, SCHAT_E_FULL};
  assert_int_equal(status, expected[fault.what]);
  assert_true(fault.met);
}

typedef int (*call)(void *arg);

/* Makes the call until it succeeds. A failure that lasts is repaired after the third time. */
static int attempt(call fn, void *arg) {
  int failures = 0;
  for (;;) {
    state_of_all before = look(), after;
    int status = fn(arg);
    if (status >= 0) {
      forget(&before);
      return status;
    }
    assert_right_failure(status);
    after = look();
    assert_same(&before, &after);
    forget(&before);
    forget(&after);
    if (++failures == 3) fault.what = NOTHING;
    assert_true(failures < 4);
  }
}

/* Calls ------------------------------------------------------------------------------------------------------------------------- */

static int call_open(void *arg) {
  size_t before = live;
  int status = open_bench();
  (void)arg;
  if (status < 0) assert_int_equal(live, before); /* nothing leaks */
  if (status < 0) assert_null(m);
  return status;
}

static int call_peek(void *arg) {
  return schat_peek(m, arg);
}
static int call_create(void *arg) {
  return schat_chat_create(m, *(int64_t *)arg, now, &chat);
}
static int call_accept(void *arg) {
  return schat_chat_accept(m, *(int32_t *)arg, now);
}
static int call_done(void *arg) {
  return schat_request_done(m, last_token, arg, now);
}
static int call_failed(void *arg) {
  return schat_request_failed(m, last_token, 400, arg, now);
}
static int call_chat(void *arg) {
  return schat_input_chat(m, arg, now);
}
static int call_message(void *arg) {
  return schat_input_message(m, arg, m->env.account.qts + 1, now);
}
static int call_difference(void *arg) {
  return schat_input_difference(m, arg, now);
}
static int call_read_by_peer(void *arg) {
  return schat_input_read(m, chat, *(int32_t *)arg, 5, now);
}
static int call_send(void *arg) {
  return schat_send(m, chat, arg, NULL, now, NULL);
}
static int call_set_ttl(void *arg) {
  return schat_chat_set_ttl(m, chat, *(int32_t *)arg, 0, now);
}
static int call_read(void *arg) {
  return schat_messages_read(m, chat, *(int32_t *)arg, now);
}
static int call_opened(void *arg) {
  return schat_messages_opened(m, chat, arg, 1, now);
}
static int call_closed(void *arg) {
  return schat_messages_closed(m, chat, arg, 1, now);
}
static int call_delete(void *arg) {
  return schat_messages_delete(m, chat, arg, 1, 0, now);
}
static int call_screenshot(void *arg) {
  return schat_screenshot(m, chat, arg, 1, 0, now);
}
static int call_flush(void *arg) {
  (void)arg;
  return schat_history_flush(m, chat, 0, now);
}
static int call_verify(void *arg) {
  (void)arg;
  return schat_chat_set_verified(m, chat, 1, now);
}
static int call_typing(void *arg) {
  (void)arg;
  return schat_typing(m, chat, 1, now);
}
static int call_tick(void *arg) {
  (void)arg;
  return schat_tick(m, now);
}
static int call_discard(void *arg) {
  (void)arg;
  return schat_chat_discard(m, chat, 0, now);
}
static int call_forget(void *arg) {
  (void)arg;
  return schat_chat_forget(m, chat, now);
}
static int call_wipe(void *arg) {
  (void)arg;
  return schat_wipe(m, now);
}

static int is_send(int32_t type) {
  return type >= SCHAT_REQUEST_SEND_ENCRYPTED && type <= SCHAT_REQUEST_SEND_SERVICE;
}

static void answer_sent(void) {
  schat_answer answer;
  SCHAT_INIT(answer);
  answer.type = SCHAT_ANSWER_SENT;
  answer.date = (int32_t)(now / 1000);
  attempt(call_done, &answer);
}

static void answer_plainly(void) {
  schat_answer answer;
  SCHAT_INIT(answer);
  answer.type = SCHAT_ANSWER_DONE;
  attempt(call_done, &answer);
}

/* Takes the next effect; 0 when there is none. */
static int take_effect(void) {
  schat_effect effect;
  SCHAT_INIT(effect);
  if (attempt(call_peek, &effect) != SCHAT_OK) return 0;
  last_type = 0;
  if (effect.event != NULL) {
    assert_in_range(effect.event->type, 1, 63);
    if (effect.event->repeated) {
      repeated_events++;
    } else {
      taken_events[effect.event->type]++;
    }
  } else {
    last_type = effect.request->type;
    last_token = effect.request->token;
    last_size = effect.request->data.size;
    assert_true(last_size <= sizeof last_data);
    if (last_size > 0) memcpy(last_data, effect.request->data.data, last_size);
  }
  assert_int_equal(schat_pop(m), SCHAT_OK);
  return 1;
}

/* Takes every effect; the server has what is sent. Stops at a request for a configuration or a handshake, which it returns. */
static int32_t run(void) {
  while (take_effect()) {
    if (is_send(last_type)) {
      answer_sent();
    } else if (last_type == SCHAT_REQUEST_READ_HISTORY || last_type == SCHAT_REQUEST_RECEIVED_QUEUE ||
               last_type == SCHAT_REQUEST_SET_TYPING || last_type == SCHAT_REQUEST_DISCARD_ENCRYPTION) {
      answer_plainly();
    } else if (last_type != 0) {
      return last_type;
    }
  }
  return 0;
}

static void say(const char *text, int32_t ttl) {
  schat_message message;
  schat_message_init(&message);
  message.text.data = (const uint8_t *)text;
  message.text.size = strlen(text);
  message.ttl = ttl;
  attempt(call_send, &message);
}

/* Hears a message of the peer under raw numbers. */
static int hear_raw(int32_t in_raw, int32_t out_raw, schat_bytes object) {
  schat_encrypted_message message;
  size_t size;
  uint8_t *sealed = puppet_seal(peer, schat__wire_in(in_raw, peer->originator), schat__wire_out(out_raw, peer->originator), object, &size);
  int status;
  SCHAT_INIT(message);
  message.chat_id = chat;
  message.date = (int32_t)(now / 1000);
  message.bytes.data = sealed;
  message.bytes.size = size;
  status = attempt(call_message, &message);
  free(sealed);
  puppet_forget(peer);
  return status;
}

/* Hears the next message of a peer that has received everything of ours. */
static int hear(schat_bytes object) {
  peer->in_raw = puppet_slot(m, chat)->chat.out_seq;
  return hear_raw(peer->in_raw, peer->out_raw++, object);
}

static int hear_action(const schat__action *action) {
  return hear(puppet_action(peer, action));
}

/* Scenarios --------------------------------------------------------------------------------------------------------------------- */

static void answer_config(void) {
  schat_answer answer;
  static const uint8_t server_random[256] = {7};
  SCHAT_INIT(answer);
  answer.type = SCHAT_ANSWER_DH_CONFIG;
  answer.g = dh.g;
  answer.version = dh.version;
  answer.p.data = dh.p;
  answer.p.size = sizeof dh.p;
  answer.random.data = server_random;
  answer.random.size = sizeof server_random;
  attempt(call_done, &answer);
}

static schat_chat_update update_of(int32_t type, int we_began) {
  schat_chat_update update;
  SCHAT_INIT(update);
  update.type = type;
  update.chat_id = chat;
  update.access_hash = 99;
  update.date = 5;
  update.admin_id = we_began ? made->peers[0].user_id : 4242;
  update.participant_id = we_began ? 4242 : made->peers[0].user_id;
  return update;
}

static uint8_t peer_exponent[256], peer_value[256]; /* made once */

static int64_t fingerprint_with(const uint8_t value[256]) {
  uint8_t key[256];
  int64_t fingerprint = 0;
  assert_int_equal(schat__dh_key(peer->crypto, dh.p, value, peer_exponent, key), SCHAT_OK);
  assert_int_equal(schat__key_fingerprint(peer->crypto, key, &fingerprint), SCHAT_OK);
  puppet_use_key(peer, key);
  return fingerprint;
}

static void create_a_chat(void) {
  int64_t user = 4242;
  schat_answer answer;
  schat_chat_update update;
  attempt(call_open, NULL);
  attempt(call_create, &user);
  assert_int_equal(run(), SCHAT_REQUEST_GET_DH_CONFIG);
  answer_config();
  assert_int_equal(run(), SCHAT_REQUEST_REQUEST_ENCRYPTION);
  SCHAT_INIT(answer);
  answer.type = SCHAT_ANSWER_CHAT;
  answer.chat = update_of(SCHAT_CHAT_UPDATE_WAITING, 1);
  attempt(call_done, &answer);
  update = update_of(SCHAT_CHAT_UPDATE_CHAT, 1);
  update.g_a.data = peer_value;
  update.g_a.size = sizeof peer_value;
  update.key_fingerprint = fingerprint_with(last_data);
  attempt(call_chat, &update);
  assert_int_equal(run(), 0);
  assert_int_equal(puppet_slot(m, chat)->chat.state, SCHAT_STATE_READY);
  assert_memory_equal(puppet_slot(m, chat)->chat.key, peer->key, 256);
  say("the first", 0);
  assert_int_equal(run(), 0);
  assert_int_equal(taken_events[SCHAT_EVENT_SENT], 1);
}

static void accept_a_chat(void) {
  schat_answer answer;
  schat_chat_update update;
  int32_t id = 777;
  attempt(call_open, NULL);
  chat = id;
  update = update_of(SCHAT_CHAT_UPDATE_REQUESTED, 0);
  update.g_a.data = peer_value;
  update.g_a.size = sizeof peer_value;
  attempt(call_chat, &update);
  assert_int_equal(run(), 0);
  assert_int_equal(taken_events[SCHAT_EVENT_INVITED], 1);
  attempt(call_accept, &id);
  assert_int_equal(run(), SCHAT_REQUEST_GET_DH_CONFIG);
  answer_config();
  assert_int_equal(run(), SCHAT_REQUEST_ACCEPT_ENCRYPTION);
  SCHAT_INIT(answer);
  answer.type = SCHAT_ANSWER_CHAT;
  answer.chat = update_of(SCHAT_CHAT_UPDATE_CHAT, 0);
  answer.chat.key_fingerprint = fingerprint_with(last_data);
  attempt(call_done, &answer);
  assert_int_equal(run(), 0);
  assert_int_equal(puppet_slot(m, chat)->chat.state, SCHAT_STATE_READY);
  attempt(call_verify, NULL);
  peer->chat_id = chat;
  peer->originator = 1;
  peer->out_raw = 0;
  hear(puppet_text(peer, 5, "hello", 0));
  assert_int_equal(run(), 0);
  assert_int_equal(taken_events[SCHAT_EVENT_MESSAGE], 1);
}

static void send_and_receive(void) {
  schat__action action;
  int32_t ttl = 60, date = (int32_t)(now / 1000);
  int64_t id = 500;
  attempt(call_open, NULL);
  say("one", SCHAT_TTL_OF_CHAT);
  attempt(call_set_ttl, &ttl);
  say("two", SCHAT_TTL_OF_CHAT);
  assert_int_equal(run(), 0);
  hear(puppet_text(peer, id, "three", 30));
  attempt(call_read, &date);
  attempt(call_screenshot, &id);
  attempt(call_typing, NULL);
  attempt(call_read_by_peer, &date);
  assert_int_equal(run(), 0);
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_SET_TTL;
  action.ttl = 5;
  hear_action(&action);
  attempt(call_tick, NULL);
  assert_int_equal(run(), 0);
  assert_int_equal(taken_events[SCHAT_EVENT_SENT], 4);
  assert_int_equal(taken_events[SCHAT_EVENT_DELIVERED], 2);
  assert_int_equal(taken_events[SCHAT_EVENT_MESSAGE], 1);
  assert_int_equal(taken_events[SCHAT_EVENT_TTL], 1);
  assert_int_equal(taken_events[SCHAT_EVENT_READ], 1);
  say("refused by the server", 0);
  while (take_effect()) {
    if (is_send(last_type)) break;
  }
  attempt(call_failed, (void *)(uintptr_t) "MESSAGE_EMPTY");
  assert_int_equal(run(), 0);
  assert_int_equal(taken_events[SCHAT_EVENT_SEND_FAILED], 1);
}

/* Opens the last send that was taken. */
static void open_last(puppet_seen *seen) {
  schat_bytes data = {last_data, last_size};
  assert_true(puppet_read(peer, data, seen));
}

static void take_action(schat__action_type type, puppet_seen *seen) {
  memset(seen, 0, sizeof *seen);
  while (take_effect()) {
    if (!is_send(last_type)) continue;
    open_last(seen);
    answer_sent();
    if (seen->action.type == type) return;
  }
  fail();
}

static void we_ask_for_a_new_key(void) {
  schat__action action;
  puppet_seen seen;
  uint8_t key[256];
  policy_rekey = 1;
  attempt(call_open, NULL);
  say("one", 0);
  say("two", 0);
  take_action(SCHAT__ACTION_REQUEST_KEY, &seen);
  assert_int_equal(schat__dh_key(peer->crypto, dh.p, seen.action.g.data, peer_exponent, key), SCHAT_OK);
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_ACCEPT_KEY;
  action.exchange_id = seen.action.exchange_id;
  action.g.data = peer_value;
  action.g.size = sizeof peer_value;
  assert_int_equal(schat__key_fingerprint(peer->crypto, key, &action.key_fingerprint), SCHAT_OK);
  hear_action(&action);
  take_action(SCHAT__ACTION_COMMIT_KEY, &seen);
  puppet_use_key(peer, key);
  hear(puppet_text(peer, 600, "under the new key", 0));
  assert_int_equal(run(), 0);
  assert_int_equal(taken_events[SCHAT_EVENT_REKEYED], 1);
  assert_null(puppet_slot(m, chat)->secrets);
  assert_memory_equal(puppet_slot(m, chat)->chat.key, key, sizeof key);
}

static void the_peer_asks_for_a_new_key(void) {
  schat__action action;
  puppet_seen seen;
  uint8_t key[256];
  attempt(call_open, NULL);
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_REQUEST_KEY;
  action.exchange_id = 55;
  action.g.data = peer_value;
  action.g.size = sizeof peer_value;
  hear_action(&action);
  take_action(SCHAT__ACTION_ACCEPT_KEY, &seen);
  assert_int_equal(schat__dh_key(peer->crypto, dh.p, seen.action.g.data, peer_exponent, key), SCHAT_OK);
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_COMMIT_KEY;
  action.exchange_id = 55;
  assert_int_equal(schat__key_fingerprint(peer->crypto, key, &action.key_fingerprint), SCHAT_OK);
  hear_action(&action);
  puppet_use_key(peer, key);
  hear(puppet_text(peer, 601, "under the new key", 0));
  assert_int_equal(run(), 0);
  assert_int_equal(taken_events[SCHAT_EVENT_REKEYED], 1);
  assert_int_equal(taken_events[SCHAT_EVENT_MESSAGE], 1);
  assert_memory_equal(puppet_slot(m, chat)->chat.key, key, sizeof key);
}

static void gap_and_resend(void) {
  schat__action action;
  int32_t first = peer->out_raw, in_raw, ours;
  size_t i;
  attempt(call_open, NULL);
  in_raw = puppet_slot(m, chat)->chat.out_seq;
  ours = in_raw;
  say("may be asked for again", 0);
  assert_int_equal(run(), 0);
  assert_int_equal(hear_raw(in_raw, first + 3, puppet_text(peer, 703, "3", 0)), SCHAT_WAITING);
  assert_int_equal(hear_raw(in_raw, first + 1, puppet_text(peer, 701, "1", 0)), SCHAT_WAITING);
  assert_int_equal(run(), 0);
  now += 61000;
  attempt(call_tick, NULL); /* asked again */
  assert_int_equal(run(), 0);
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_RESEND;
  action.start = action.end = schat__wire_out(ours, !peer->originator);
  assert_int_equal(hear_raw(in_raw, first + 4, puppet_action(peer, &action)), SCHAT_WAITING);
  assert_int_equal(run(), 0);
  hear_raw(in_raw, first, puppet_text(peer, 700, "0", 0));
  hear_raw(in_raw, first + 2, puppet_text(peer, 702, "2", 0));
  assert_int_equal(run(), 0);
  peer->out_raw = first + 5;
  for (i = 0; i < 2; i++) hear(puppet_text(peer, 710 + (int64_t)i, "all is well", 0));
  assert_int_equal(run(), 0);
  assert_int_equal(taken_events[SCHAT_EVENT_MESSAGE], 6);
  assert_int_equal(taken_events[SCHAT_EVENT_GAP], 2); /* open, and closed */
  assert_int_equal(puppet_slot(m, chat)->chat.in_seq, first + 7);
}

static void lives_and_ends(void) {
  int32_t date = (int32_t)(now / 1000) + 100;
  int64_t id = 802, unseen = 803, at_once = 804;
  schat__action action;
  attempt(call_open, NULL);
  hear(puppet_text(peer, 801, "five seconds", 5));
  hear(puppet_text(peer, 802, "to be deleted", 50));
  hear(puppet_text(peer, 803, "never seen", 50));
  hear(puppet_text(peer, 804, "to be looked at", SCHAT_TTL_AT_ONCE));
  attempt(call_delete, &unseen);
  assert_int_equal(run(), 0);
  assert_int_equal(taken_events[SCHAT_EVENT_MESSAGE], 3);
  attempt(call_read, &date);
  attempt(call_opened, &at_once);
  attempt(call_closed, &at_once);
  now += 5000;
  attempt(call_tick, NULL);
  assert_int_equal(run(), 0);
  assert_int_equal(taken_events[SCHAT_EVENT_EXPIRED], 2);
  attempt(call_delete, &id);
  say("unsent", 10);
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_DELETE;
  action.random_ids = &id;
  action.random_id_count = 1;
  hear_action(&action);
  attempt(call_flush, NULL);
  assert_int_equal(run(), 0);
  action.type = SCHAT__ACTION_FLUSH;
  hear_action(&action);
  say("left behind", 10);
  attempt(call_discard, NULL);
  assert_int_equal(run(), 0);
  assert_int_equal(taken_events[SCHAT_EVENT_CLOSED], 1);
  attempt(call_forget, NULL);
  assert_int_equal(puppet_slot(m, chat) == NULL, 1);
  attempt(call_tick, NULL);
  assert_int_equal(memstore_count(store, SCHAT_RECORD_CHAT), 0);
  assert_int_equal(memstore_count(store, SCHAT_RECORD_TIMER), 0);
  assert_int_equal(memstore_count(store, SCHAT_RECORD_OUTBOX), 0);
}

static void open_again_and_catch_up(void) {
  schat_encrypted_message messages[4];
  schat_difference difference;
  uint8_t *sealed[4];
  size_t i;
  attempt(call_open, NULL);
  assert_int_equal(run(), 0);
  assert_int_equal(repeated_events, 2);
  peer->in_raw = puppet_slot(m, chat)->chat.out_seq;
  peer->out_raw = puppet_slot(m, chat)->chat.in_seq;
  SCHAT_INIT(difference);
  for (i = 0; i < 4; i++) {
    size_t size;
    sealed[i] = puppet_seal(peer, schat__wire_in(peer->in_raw, peer->originator), schat__wire_out(peer->out_raw++, peer->originator),
                            puppet_text(peer, 900 + (int64_t)i, "missed", 9), &size);
    SCHAT_INIT(messages[i]);
    messages[i].chat_id = chat;
    messages[i].date = 5;
    messages[i].bytes.data = sealed[i];
    messages[i].bytes.size = size;
  }
  difference.messages = messages;
  difference.message_count = 4;
  difference.qts = m->env.account.qts + 4;
  difference.date = m->env.account.date + 1;
  attempt(call_difference, &difference);
  assert_int_equal(run(), 0);
  assert_int_equal(taken_events[SCHAT_EVENT_MESSAGE], 4);
  for (i = 0; i < 4; i++) free(sealed[i]);
  puppet_forget(peer);
  attempt(call_wipe, NULL);
  assert_int_equal(memstore_count(store, 0), 0);
}

/* Running them ------------------------------------------------------------------------------------------------------------------ */

typedef void (*scenario)(void);

static void prepare(memstore *image) {
  store = memstore_clone(image);
  m = NULL;
  now = made->now;
  chat = made_chat;
  policy_rekey = 100;
  random_state = 4711;
  memset(taken_events, 0, sizeof taken_events);
  repeated_events = 0;
}

/* One run; 1 when it met its failure. */
static int run_once(scenario s, memstore *image, what_fails what, size_t n, int for_ever) {
  prepare(image);
  memset(&fault, 0, sizeof fault);
  fault.what = what;
  fault.n = n;
  fault.for_ever = for_ever;
  live = 0;
  s();
  fault.what = NOTHING;
  schat_close(m);
  m = NULL;
  assert_int_equal(live, 0);
  { /* what is stored can be opened */
    assert_int_equal(open_bench(), SCHAT_OK);
    schat_close(m);
    m = NULL;
  }
  assert_int_equal(live, 0);
  memstore_free(store);
  return fault.met;
}

static void start_peer(memstore *image) {
  schat_manager *keep = m;
  prepare(image);
  if (puppet_slot(made->peers[0].manager, made_chat) != NULL) peer = puppet_new(made->peers[0].manager, made_chat);
  memstore_free(store);
  m = keep;
}

static void survive(scenario s, memstore *image) {
  static const char *const names[] = {"", "allocations", "random calls", "commits"};
  int what, for_ever;
  for (what = MEMORY; what <= COMMIT; what++) {
    for (for_ever = 0; for_ever < 2; for_ever++) {
      size_t n = 0;
      int met;
      do {
        n++;
        start_peer(image);
        met = run_once(s, image, (what_fails)what, n, for_ever);
        puppet_free(peer);
        assert_true(n < 5000);
      } while (met);
      if (!for_ever) print_message("# %u %s\n", (unsigned)n - 1, names[what]);
      assert_true(n > 1);
    }
  }
}

/* rule 2, for each scenario. */
static void creating_a_chat_survives_every_failure(void **state) {
  (void)state;
  survive(create_a_chat, fresh_image);
}

static void accepting_a_chat_survives_every_failure(void **state) {
  (void)state;
  survive(accept_a_chat, fresh_image);
}

static void sending_and_receiving_survives_every_failure(void **state) {
  (void)state;
  survive(send_and_receive, ready_image);
}

static void asking_for_a_new_key_survives_every_failure(void **state) {
  (void)state;
  survive(we_ask_for_a_new_key, ready_image);
}

static void being_asked_for_a_new_key_survives_every_failure(void **state) {
  (void)state;
  survive(the_peer_asks_for_a_new_key, ready_image);
}

static void gaps_and_resends_survive_every_failure(void **state) {
  (void)state;
  survive(gap_and_resend, ready_image);
}

static void lives_and_ends_survive_every_failure(void **state) {
  (void)state;
  survive(lives_and_ends, ready_image);
}

static void opening_and_catching_up_survives_every_failure(void **state) {
  (void)state;
  survive(open_again_and_catch_up, rich_image);
}

/* An image with something of everything, whose peer numbers are those of the ready one. */
static void make_rich_image(void) {
  prepare(ready_image);
  peer = puppet_new(made->peers[0].manager, made_chat);
  memset(&fault, 0, sizeof fault);
  assert_int_equal(open_bench(), SCHAT_OK);
  say("unsent", 60);
  hear_raw(puppet_slot(m, chat)->chat.peer_in_seq, peer->out_raw, puppet_text(peer, 77, "unseen", 600));
  hear_raw(puppet_slot(m, chat)->chat.peer_in_seq, peer->out_raw + 1, puppet_text(peer, 78, "unseen too", 0));
  {
    int32_t date = INT32_MAX - 1;
    attempt(call_read, &date);
  }
  rich_image = memstore_clone(store);
  schat_close(m);
  m = NULL;
  puppet_free(peer);
  memstore_free(store);
}

static int set_up(void **state) {
  memstore *empty = memstore_new();
  (void)state;
  fresh_image = empty;
  made = world_new(101, 2);
  made_chat = world_chat(made, 0, 1);
  world_text(made, 1, made_chat, "so that all is confirmed", NULL);
  world_run(made);
  schat_tick(made->peers[0].manager, made->now);
  ready_image = world_image(made, 0);
  dh = made->peers[0].manager->env.configs[0];
  peer = puppet_new(made->peers[0].manager, made_chat);
  assert_int_equal(schat__dh_generate(peer->crypto, dh.p, dh.g, NULL, 0, peer_exponent, peer_value), SCHAT_OK);
  puppet_free(peer);
  make_rich_image();
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  memstore_free(fresh_image);
  memstore_free(ready_image);
  memstore_free(rich_image);
  world_free(made);
  vault_close();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(creating_a_chat_survives_every_failure),
      cmocka_unit_test(accepting_a_chat_survives_every_failure),
      cmocka_unit_test(sending_and_receiving_survives_every_failure),
      cmocka_unit_test(asking_for_a_new_key_survives_every_failure),
      cmocka_unit_test(being_asked_for_a_new_key_survives_every_failure),
      cmocka_unit_test(gaps_and_resends_survive_every_failure),
      cmocka_unit_test(lives_and_ends_survive_every_failure),
      cmocka_unit_test(opening_and_catching_up_survives_every_failure),
  };
  return cmocka_run_group_tests_name("fault", tests, set_up, tear_down);
}
