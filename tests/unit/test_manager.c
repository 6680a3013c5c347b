/* SPDX-License-Identifier: BSL-1.0
 * test_manager.c - the life of a manager: opened, asked, closed, wiped; and that nothing it is given ends the program. */
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

static world *w;
static int32_t chat;

static int set_up(void **state) {
  (void)state;
  w = world_new(91, 3);
  chat = world_chat(w, 0, 1);
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

/* Sizes and arguments ----------------------------------------------------------------------------------------------------------- */

typedef struct {
  memstore *store;
  schat_store vtable;
  schat_host host;
  schat_policy policy;
  schat_config config;
  schat_manager *manager;
} opening;

static void prepare(opening *o) {
  memset(o, 0, sizeof *o);
  o->store = memstore_new();
  o->vtable = *memstore_store(o->store);
  SCHAT_INIT(o->host);
  SCHAT_INIT(o->policy);
  SCHAT_INIT(o->config);
  o->config.store = &o->vtable;
  o->config.host = &o->host;
  o->config.policy = &o->policy;
  o->config.storage_key = world_storage_key();
}

/* What opening answers; a manager that opened is closed again, and only then is there one. */
static int try_open(opening *o, int64_t now) {
  int status;
  o->manager = NULL;
  status = schat_open(&o->config, now, &o->manager);
  assert_int_equal(o->manager != NULL, status >= 0);
  schat_close(o->manager);
  return status;
}

/* X-17, rule 7 reject: structs of sizes that this version does not know, and lacking parts. Accept: sizes that it does. */
static void structs_of_unknown_sizes_are_refused(void **state) {
  opening o;
  size_t *sizes[4], i;
  (void)state;
  prepare(&o);
  sizes[0] = &o.config.size;
  sizes[1] = &o.vtable.size;
  sizes[2] = &o.host.size;
  sizes[3] = &o.policy.size;
  assert_int_equal(try_open(&o, w->now), SCHAT_OK);
  for (i = 0; i < 4; i++) {
    size_t right = *sizes[i];
    static const int off[] = {-8, -1, 1, 8};
    size_t j;
    for (j = 0; j < 4; j++) {
      *sizes[i] = right + (size_t)off[j];
      assert_int_equal(try_open(&o, w->now), SCHAT_E_ABI);
    }
    *sizes[i] = 0;
    assert_int_equal(try_open(&o, w->now), SCHAT_E_ABI);
    *sizes[i] = SIZE_MAX;
    assert_int_equal(try_open(&o, w->now), SCHAT_E_ABI);
    *sizes[i] = right;
  }
  o.config.host = NULL; /* what is optional may be missing */
  o.config.policy = NULL;
  assert_int_equal(try_open(&o, w->now), SCHAT_OK);
  memstore_free(o.store);
}

static void *no_memory(void *user_data, size_t size) {
  (void)user_data;
  (void)size;
  return NULL;
}

static void release_none(void *user_data, void *memory) {
  (void)user_data;
  (void)memory;
}

static int scan_nothing(void *user_data, schat_record_fn fn, void *arg) {
  const schat_record record = {SCHAT_RECORD_CHAT, 1, 0, {NULL, 100}};
  (void)user_data;
  return fn(arg, &record);
}

/* A store that names a record and gives no bytes. */
static void a_record_without_bytes_is_a_damaged_one(void **state) {
  opening o;
  (void)state;
  prepare(&o);
  o.vtable.scan = scan_nothing;
  assert_true(try_open(&o, w->now) < 0);
  memstore_free(o.store);
}

/* Wiping takes what is being looked at. */
static void nothing_is_popped_after_a_wipe(void **state) {
  schat_effect effect;
  (void)state;
  SCHAT_INIT(effect);
  assert_int_equal(schat_typing(alice(), chat, 1, w->now), SCHAT_OK);
  assert_int_equal(schat_peek(alice(), &effect), SCHAT_OK);
  assert_int_equal(schat_wipe(alice(), w->now), SCHAT_OK);
  assert_int_equal(schat_pop(alice()), SCHAT_EMPTY);
}

/* Policies and dates beyond all bounds are taken as the most there is. */
static void what_is_beyond_all_bounds_is_the_most_there_is(void **state) {
  opening o;
  (void)state;
  prepare(&o);
  o.policy.keep_acked = UINT32_MAX;
  o.policy.flags |= SCHAT_POLICY_KEEP_ACKED;
  o.policy.max_message_bytes = UINT32_MAX;
  o.policy.rekey_messages = 1;
  assert_int_equal(schat_open(&o.config, SCHAT__NOW_MAX, &o.manager), SCHAT_OK);
  assert_int_equal(o.manager->env.policy.keep_acked, SCHAT__KEEP_ACKED_MAX);
  assert_int_equal(o.manager->env.policy.rekey_messages, 2);
  assert_int_equal(o.manager->env.account.wall, SCHAT__NOW_MAX);
  assert_int_equal(schat_wipe(o.manager, SCHAT__NOW_MAX), SCHAT_OK); /* of an account that has nothing */
  schat_close(o.manager);
  memstore_free(o.store);
}

/* X-17 reject: openings that lack what they need. */
static void openings_that_lack_a_part_are_refused(void **state) {
  static const int64_t bad[] = {0, -1, INT64_MIN, INT64_MAX, SCHAT__NOW_MAX + 1};
  schat_allocator allocator = {NULL, no_memory, release_none};
  schat_manager *manager = NULL;
  opening o;
  size_t i;
  (void)state;
  prepare(&o);
  assert_int_equal(schat_open(NULL, w->now, &manager), SCHAT_E_INVALID);
  assert_int_equal(schat_open(&o.config, w->now, NULL), SCHAT_E_INVALID);
  for (i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_int_equal(try_open(&o, bad[i]), SCHAT_E_INVALID);
  assert_int_equal(try_open(&o, 1), SCHAT_OK);
  o.config.allocator = &allocator;
  assert_int_equal(try_open(&o, w->now), SCHAT_E_NOMEM);
  allocator.release = NULL;
  assert_int_equal(try_open(&o, w->now), SCHAT_E_INVALID);
  allocator.release = release_none;
  allocator.allocate = NULL;
  assert_int_equal(try_open(&o, w->now), SCHAT_E_INVALID);
  o.config.allocator = NULL;
  o.config.storage_key = NULL;
  assert_int_equal(try_open(&o, w->now), SCHAT_E_INVALID);
  o.config.storage_key = world_storage_key();
  o.vtable.commit = NULL;
  assert_int_equal(try_open(&o, w->now), SCHAT_E_INVALID);
  o.vtable = *memstore_store(o.store);
  o.vtable.scan = NULL;
  assert_int_equal(try_open(&o, w->now), SCHAT_E_INVALID);
  o.config.store = NULL;
  assert_int_equal(try_open(&o, w->now), SCHAT_E_INVALID);
  schat_close(NULL);
  memstore_free(o.store);
}

/* X-17 reject: no manager, structs of other sizes, spans without bytes, at every function that takes them. */
static void inputs_that_are_no_inputs_are_refused(void **state) {
  schat_message message;
  schat_encrypted_message encrypted;
  schat_chat_update update;
  schat_difference difference;
  schat_answer answer;
  schat_chat_info info;
  schat_stats stats;
  schat_bytes none = {NULL, 4};
  size_t count;
  int32_t qts;
  int64_t now = w->now;
  (void)state;
  schat_message_init(&message);
  SCHAT_INIT(encrypted);
  SCHAT_INIT(update);
  SCHAT_INIT(difference);
  SCHAT_INIT(answer);
  SCHAT_INIT(info);
  SCHAT_INIT(stats);
  message.size--;
  assert_int_equal(schat_send(alice(), chat, &message, NULL, now, NULL), SCHAT_E_ABI);
  assert_int_equal(schat_send(alice(), chat, NULL, NULL, now, NULL), SCHAT_E_INVALID);
  assert_int_equal(schat_send_object(alice(), chat, none, NULL, now, NULL), SCHAT_E_INVALID);
  encrypted.size++;
  assert_int_equal(schat_input_message(alice(), &encrypted, 0, now), SCHAT_E_ABI);
  encrypted.size--;
  encrypted.bytes = none;
  assert_int_equal(schat_input_message(alice(), &encrypted, 0, now), SCHAT_E_INVALID);
  assert_int_equal(schat_input_message(alice(), NULL, 0, now), SCHAT_E_INVALID);
  update.type = SCHAT_CHAT_UPDATE_DISCARDED + 1;
  assert_int_equal(schat_input_chat(alice(), &update, now), SCHAT_E_INVALID);
  update.type = 0;
  assert_int_equal(schat_input_chat(alice(), &update, now), SCHAT_E_INVALID);
  update.type = SCHAT_CHAT_UPDATE_EMPTY;
  update.size--;
  assert_int_equal(schat_input_chat(alice(), &update, now), SCHAT_E_ABI);
  update.size++;
  update.g_a = none;
  assert_int_equal(schat_input_chat(alice(), &update, now), SCHAT_E_INVALID);
  assert_int_equal(schat_input_chat(alice(), NULL, now), SCHAT_E_INVALID);
  difference.message_count = 1;
  assert_int_equal(schat_input_difference(alice(), &difference, now), SCHAT_E_INVALID);
  difference.messages = &encrypted;
  assert_int_equal(schat_input_difference(alice(), &difference, now), SCHAT_E_INVALID);
  difference.message_count = 0;
  difference.chat_count = 1;
  assert_int_equal(schat_input_difference(alice(), &difference, now), SCHAT_E_INVALID);
  difference.size--;
  difference.chat_count = 0;
  assert_int_equal(schat_input_difference(alice(), &difference, now), SCHAT_E_ABI);
  assert_int_equal(schat_input_difference(alice(), NULL, now), SCHAT_E_INVALID);
  answer.size--;
  assert_int_equal(schat_request_done(alice(), 1, &answer, now), SCHAT_E_ABI);
  assert_int_equal(schat_request_done(alice(), 1, NULL, now), SCHAT_E_INVALID);
  info.size--;
  assert_int_equal(schat_chat_get_info(alice(), chat, &info), SCHAT_E_ABI);
  assert_int_equal(schat_chat_get_info(alice(), chat, NULL), SCHAT_E_INVALID);
  stats.size--;
  assert_int_equal(schat_get_stats(alice(), &stats), SCHAT_E_ABI);
  assert_int_equal(schat_get_stats(alice(), NULL), SCHAT_E_INVALID);
  assert_int_equal(schat_chat_list(alice(), NULL, 1, &count), SCHAT_E_INVALID);
  assert_int_equal(schat_chat_list(alice(), NULL, 0, NULL), SCHAT_E_INVALID);
  assert_int_equal(schat_checkpoint(alice(), NULL, &qts), SCHAT_E_INVALID);
  assert_int_equal(schat_next_deadline(alice(), NULL), SCHAT_E_INVALID);
  assert_int_equal(schat_next_deadline(NULL, &now), SCHAT_E_INVALID);
  assert_int_equal(schat_tick(NULL, now), SCHAT_E_INVALID);
  assert_int_equal(schat_begin(NULL), SCHAT_E_INVALID);
  assert_int_equal(schat_end(NULL, now), SCHAT_E_INVALID);
  assert_int_equal(schat_commit_done(NULL, 1, SCHAT_OK), SCHAT_E_INVALID);
  assert_int_equal(schat_request_failed(alice(), 424242, 500, NULL, now), SCHAT_IGNORED); /* a token nobody holds */
}

/* Rule 1: a call that fails writes none of its outputs. */
static void calls_that_fail_write_nothing(void **state) {
  int32_t chat_id = 4711, qts = 4712, date = 4713;
  int64_t random_id = 4714;
  (void)state;
  memstore_fail_commit(store(), 1, SCHAT_E_FULL, 0);
  assert_int_equal(schat_chat_create(alice(), 5, w->now, &chat_id), SCHAT_E_FULL);
  assert_int_equal(chat_id, 4711);
  memstore_fail_commit(store(), 1, SCHAT_E_FULL, 0);
  assert_int_equal(world_text(w, 0, chat, "text", &random_id), SCHAT_E_FULL);
  assert_int_equal(random_id, 4714);
  w->peers[0].random_fails = 1;
  assert_int_equal(schat_chat_create(alice(), 5, w->now, &chat_id), SCHAT_E_RANDOM);
  assert_int_equal(world_text(w, 0, chat, "text", &random_id), SCHAT_E_RANDOM);
  w->peers[0].random_fails = 0;
  assert_int_equal(chat_id, 4711);
  assert_int_equal(random_id, 4714);
  assert_int_equal(schat_checkpoint(NULL, &qts, &date), SCHAT_E_INVALID);
  assert_int_equal(qts + date, 4712 + 4713);
}

/* Queries ----------------------------------------------------------------------------------------------------------------------- */

/* Ids come in growing order, all or none. */
static void chats_are_listed_in_order(void **state) {
  int32_t ids[8] = {0}, created = 0;
  size_t count = 0, i;
  (void)state;
  for (i = 0; i < 4; i++) assert_int_equal(schat_chat_create(alice(), 50 + (int64_t)i, w->now, &created), SCHAT_OK);
  assert_int_equal(schat_chat_list(alice(), ids, 4, &count), SCHAT_OK);
  assert_int_equal(count, 5);
  assert_int_equal(ids[0], 0); /* too small: nothing is written */
  assert_int_equal(schat_chat_list(alice(), ids, 8, &count), SCHAT_OK);
  assert_int_equal(count, 5);
  for (i = 1; i < 5; i++) assert_true(ids[i - 1] < ids[i]);
  assert_int_equal(ids[5], 0);
}

static void features_follow_the_peers_layer(void **state) {
  (void)state;
  assert_int_equal(schat_chat_supports(alice(), chat, SCHAT_FEATURE_SPOILERS), 1);
  puppet_slot(alice(), chat)->chat.stated_layer = 101;
  assert_int_equal(schat_chat_supports(alice(), chat, SCHAT_FEATURE_SPOILERS), 0);
  assert_int_equal(schat_chat_supports(alice(), chat, SCHAT_FEATURE_BIG_FILES), 0);
  assert_int_equal(schat_chat_supports(alice(), chat, SCHAT_FEATURE_NEW_ENTITIES), 1);
  puppet_slot(alice(), chat)->chat.stated_layer = 73;
  assert_int_equal(schat_chat_supports(alice(), chat, SCHAT_FEATURE_NEW_ENTITIES), 0);
  assert_int_equal(schat_chat_supports(alice(), chat, SCHAT_FEATURE_MESSAGES), 1);
  assert_int_equal(schat_chat_supports(alice(), chat, SCHAT_FEATURE_ALBUMS), 1);
  assert_int_equal(schat_chat_supports(alice(), chat, 0), SCHAT_E_INVALID);
  assert_int_equal(schat_chat_supports(alice(), chat, 99), SCHAT_E_INVALID);
  assert_int_equal(schat_chat_supports(alice(), chat ^ 1, SCHAT_FEATURE_MESSAGES), SCHAT_E_NO_CHAT);
}

/* Counters count what happened, and a chat at rest is small. */
static void counters_count_and_chats_are_small(void **state) {
  schat_stats before, after;
  puppet *p = puppet_new(alice(), chat);
  int32_t id = 0;
  size_t i;
  (void)state;
  SCHAT_INIT(before);
  SCHAT_INIT(after);
  assert_int_equal(schat_get_stats(alice(), &before), SCHAT_OK);
  puppet_send_text(p, alice(), 5, "new", 0, w->now);
  p->out_raw--;
  puppet_send_text(p, alice(), 5, "again", 0, w->now);
  puppet_feed(alice(), chat, p->key, 104, w->now);
  puppet_send_raw(p, alice(), p->in_raw, p->out_raw + 2, puppet_text(p, 6, "later", 0), w->now);
  world_text(w, 0, chat, "mine", NULL);
  assert_int_equal(schat_get_stats(alice(), &after), SCHAT_OK);
  assert_int_equal(after.received - before.received, 4);
  assert_int_equal(after.applied - before.applied, 1);
  assert_int_equal(after.duplicates - before.duplicates, 1);
  assert_int_equal(after.rejected - before.rejected, 1);
  assert_int_equal(after.resends_asked - before.resends_asked, 1);
  assert_int_equal(after.sent - before.sent, 2); /* mine, and the Resend */
  assert_true(after.commits > before.commits);
  assert_true(after.records > before.records);
  puppet_free(p);
  world_free(w);
  w = world_new(92, 2);
  schat_get_stats(alice(), &before);
  for (i = 0; i < 4; i++) {
    id = world_chat(w, 0, 1);
    world_text(w, 1, id, "so that all is confirmed", NULL);
    world_run(w);
    world_text(w, 0, id, "both ways", NULL);
    world_run(w);
    world_text(w, 1, id, "all of it", NULL);
    world_run(w);
  }
  schat_get_stats(alice(), &after);
  print_message("# memory of a chat at rest: %u bytes\n", (unsigned)((after.memory - before.memory) / 4));
  assert_true((after.memory - before.memory) / 4 < 2048);
}

/* Commands on chats ------------------------------------------------------------------------------------------------------------- */

/* What the user verified stays through restarts and new keys, and can be taken back. */
static void verified_stays_until_taken_back(void **state) {
  size_t i;
  int64_t fingerprint = world_info(w, 0, chat).key_fingerprint;
  (void)state;
  assert_false(world_info(w, 0, chat).flags & SCHAT_CHAT_VERIFIED);
  assert_int_equal(schat_chat_set_verified(alice(), chat, 1, w->now), SCHAT_OK);
  world_restart(w, 0, 1);
  assert_true(world_info(w, 0, chat).flags & SCHAT_CHAT_VERIFIED);
  for (i = 0; i < 110; i++) world_text(w, 0, chat, "text", NULL);
  world_run(w);
  world_text(w, 1, chat, "text", NULL);
  world_run(w);
  assert_true(world_info(w, 0, chat).key_fingerprint != fingerprint);
  assert_true(world_info(w, 0, chat).flags & SCHAT_CHAT_VERIFIED);
  assert_int_equal(schat_chat_set_verified(alice(), chat, 0, w->now), SCHAT_OK);
  world_restart(w, 0, 1);
  assert_false(world_info(w, 0, chat).flags & SCHAT_CHAT_VERIFIED);
}

/* A closed chat whose end the server knows can be forgotten; nothing of it stays. Reject: earlier. */
static void a_closed_chat_can_be_forgotten(void **state) {
  size_t i;
  schat_record record;
  (void)state;
  assert_int_equal(schat_chat_forget(alice(), chat, w->now), SCHAT_E_STATE);
  assert_int_equal(schat_chat_forget(alice(), chat ^ 1, w->now), SCHAT_E_NO_CHAT);
  world_text(w, 1, chat, "last words", NULL);
  world_run(w);
  w->peers[0].hold = 1;
  assert_int_equal(schat_chat_discard(alice(), chat, 0, w->now), SCHAT_OK);
  assert_true(world_info(w, 0, chat).flags & SCHAT_CHAT_DISCARD_PENDING);
  assert_int_equal(schat_chat_forget(alice(), chat, w->now), SCHAT_E_STATE); /* the server does not know yet */
  assert_int_equal(schat_chat_discard(alice(), chat, 0, w->now), SCHAT_E_STATE);
  w->peers[0].hold = 0;
  world_restart(w, 0, 1);
  world_run(w);
  assert_false(world_info(w, 0, chat).flags & SCHAT_CHAT_DISCARD_PENDING);
  memstore_fail_commit(store(), 1, SCHAT_E_FULL, 0);
  assert_int_equal(schat_chat_forget(alice(), chat, w->now), SCHAT_E_FULL);
  assert_int_equal(world_info(w, 0, chat).state, SCHAT_STATE_CLOSED);
  assert_int_equal(schat_chat_forget(alice(), chat, w->now), SCHAT_OK);
  assert_int_equal(world_info(w, 0, chat).state, SCHAT_STATE_NONE);
  for (i = 0; memstore_record(store(), i, &record); i++) assert_int_not_equal(record.chat_id, chat);
  world_restart(w, 0, 1);
  assert_int_equal(world_info(w, 0, chat).state, SCHAT_STATE_NONE);
}

/* Logging out: every chat ends, whatever state it is in, and the peers are told. */
static void all_chats_can_be_discarded_at_once(void **state) {
  int32_t second = world_chat(w, 0, 2), asked = 0, invited = 0, ids[8];
  size_t count = 0, i;
  (void)state;
  schat_chat_create(alice(), w->peers[2].user_id, w->now, &asked);
  world_run(w);
  schat_chat_create(w->peers[1].manager, w->peers[0].user_id, w->now, &invited);
  world_run(w);
  memstore_fail_commit(store(), 1, SCHAT_E_FULL, 0);
  assert_int_equal(schat_discard_all(alice(), SCHAT_DISCARD_HISTORY, w->now), SCHAT_E_FULL);
  assert_int_equal(world_info(w, 0, chat).state, SCHAT_STATE_READY);
  assert_int_equal(schat_discard_all(alice(), SCHAT_DISCARD_HISTORY, w->now), SCHAT_OK);
  world_run(w);
  schat_chat_list(alice(), ids, 8, &count);
  assert_int_equal(count, 4);
  for (i = 0; i < count; i++) {
    assert_int_equal(world_info(w, 0, ids[i]).state, SCHAT_STATE_CLOSED);
    assert_int_equal(world_info(w, 0, ids[i]).close_reason, SCHAT_CLOSE_BY_US);
    assert_int_equal(schat_chat_forget(alice(), ids[i], w->now), SCHAT_OK);
  }
  assert_int_equal(world_info(w, 1, chat).state, SCHAT_STATE_CLOSED);
  assert_true(world_info(w, 1, chat).flags & SCHAT_CHAT_HISTORY_DELETED);
  assert_int_equal(world_info(w, 2, second).state, SCHAT_STATE_CLOSED);
  assert_int_equal(schat_discard_all(alice(), 0, w->now), SCHAT_OK); /* none is left */
}

/* FLUSH_FIRST: the peer removes everything before the chat ends. */
static void discarding_may_flush_first(void **state) {
  (void)state;
  assert_int_equal(schat_discard_all(alice(), SCHAT_DISCARD_FLUSH_FIRST, w->now), SCHAT_OK);
  world_run(w);
  assert_int_equal(world_count(w, 1, SCHAT_EVENT_HISTORY_FLUSHED), 1);
  assert_int_equal(world_info(w, 0, chat).state, SCHAT_STATE_READY);
  assert_int_equal(world_text(w, 0, chat, "too late", NULL), SCHAT_E_STATE);
  world_pass(w, 2000);
  assert_int_equal(world_info(w, 0, chat).state, SCHAT_STATE_CLOSED);
  assert_int_equal(world_info(w, 1, chat).state, SCHAT_STATE_CLOSED);
}

static void spam_is_reported_and_the_chat_stays(void **state) {
  int32_t asked = 0;
  (void)state;
  assert_int_equal(schat_chat_report_spam(alice(), chat, w->now), SCHAT_OK);
  world_run(w);
  assert_int_equal(world_requests(w, 0, SCHAT_REQUEST_REPORT_SPAM), 1);
  assert_int_equal(world_info(w, 0, chat).state, SCHAT_STATE_READY);
  assert_int_equal(schat_chat_report_spam(alice(), chat ^ 1, w->now), SCHAT_E_NO_CHAT);
  schat_chat_create(alice(), 5, w->now, &asked);
  assert_int_equal(schat_chat_report_spam(alice(), asked, w->now), SCHAT_E_STATE); /* the server does not know it yet */
}

/* Wiping ------------------------------------------------------------------------------------------------------------------------ */

/* schat_wipe: no record is left, nothing is sent, and the manager can be used anew. */
static void wiping_leaves_nothing(void **state) {
  int32_t qts = 1, date = 0;
  size_t count = 1, i;
  puppet *p = puppet_new(alice(), chat);
  (void)state;
  world_text_ttl(w, 0, chat, "unsent", 50, NULL);
  puppet_send_text(p, alice(), 5, "unseen", 5, w->now);
  puppet_send_raw(p, alice(), p->in_raw, p->out_raw + 4, puppet_text(p, 6, "behind a gap", 0), w->now);
  for (i = 1; i <= 8; i++) assert_true(memstore_count(store(), (uint32_t)i) > 0);
  assert_int_equal(schat_begin(alice()), SCHAT_OK);
  assert_int_equal(schat_wipe(alice(), w->now), SCHAT_E_STATE);
  assert_int_equal(schat_end(alice(), w->now), SCHAT_OK);
  assert_int_equal(schat_wipe(alice(), w->now), SCHAT_OK);
  assert_int_equal(memstore_count(store(), 0), 0);
  schat_chat_list(alice(), NULL, 0, &count);
  assert_int_equal(count, 0);
  schat_checkpoint(alice(), &qts, &date);
  assert_int_equal(qts, 0);
  world_forget(w);
  world_drain(w, 0);
  assert_int_equal(w->peers[0].request_count + w->peers[0].event_count, 0);
  assert_int_equal(schat_wipe(alice(), w->now), SCHAT_OK); /* again */
  puppet_free(p);
}

/* Afterwards it is like a manager over a new store. */
static void a_wiped_manager_can_be_used_anew(void **state) {
  int32_t other;
  (void)state;
  assert_int_equal(schat_wipe(alice(), w->now), SCHAT_OK);
  other = world_chat(w, 0, 2);
  world_text(w, 0, other, "new life", NULL);
  world_run(w);
  assert_string_equal(world_last(w, 2, SCHAT_EVENT_MESSAGE)->text, "new life");
  world_restart(w, 0, 1);
  world_text(w, 0, other, "and on", NULL);
  world_run(w);
  assert_string_equal(world_last(w, 2, SCHAT_EVENT_MESSAGE)->text, "and on");
  assert_int_equal(world_info(w, 0, chat).state, SCHAT_STATE_NONE);
}

/* the key is in no memory that was given back: an allocator that looks. */
static uint8_t searched[32];
static size_t found, balance;

static void *counting_allocate(void *user_data, size_t size) {
  size_t *p = malloc(size + 16);
  (void)user_data;
  if (p == NULL) return NULL;
  p[0] = size;
  balance++;
  return (uint8_t *)p + 16;
}

static void looking_release(void *user_data, void *memory) {
  const uint8_t *bytes = memory;
  size_t *p = (size_t *)(void *)((uint8_t *)memory - 16);
  size_t i, size = p[0];
  (void)user_data;
  for (i = 0; i + sizeof searched <= size; i++) found += memcmp(bytes + i, searched, sizeof searched) == 0;
  balance--;
  free(p);
}

static void memory_is_wiped_before_it_is_given_back(void **state) {
  schat_allocator allocator = {NULL, counting_allocate, looking_release};
  schat_config config;
  schat_manager *m = NULL;
  int what;
  (void)state;
  SCHAT_INIT(config);
  config.storage_key = world_storage_key();
  config.allocator = &allocator;
  memcpy(searched, puppet_slot(alice(), chat)->chat.key + 100, sizeof searched);
  found = balance = 0;
  for (what = 0; what < 3; what++) { /* closed, discarded, wiped */
    memstore *image = world_image(w, 0);
    config.store = memstore_store(image);
    assert_int_equal(schat_open(&config, w->now, &m), SCHAT_OK);
    assert_memory_equal(puppet_slot(m, chat)->chat.key + 100, searched, sizeof searched);
    if (what == 1) assert_int_equal(schat_chat_discard(m, chat, 0, w->now), SCHAT_OK);
    if (what == 2) assert_int_equal(schat_wipe(m, w->now), SCHAT_OK);
    schat_close(m);
    assert_int_equal(found, 0);
    assert_int_equal(balance, 0);
    memstore_free(image);
  }
}

/* Checkpoint -------------------------------------------------------------------------------------------------------------------- */

/* D-31, X-14: where the queue stands is durable with what stood there, and acknowledged to the server only then. */
static void the_checkpoint_is_durable_with_its_messages(void **state) {
  int32_t qts = 0, date = 0, before = 0;
  (void)state;
  schat_checkpoint(alice(), &before, &date);
  world_text(w, 1, chat, "one", NULL);
  world_deliver(w, 1);
  memstore_fail_commit(store(), 1, SCHAT_E_STORE, 0);
  world_deliver(w, 0);
  schat_checkpoint(alice(), &qts, &date);
  assert_int_equal(qts, before);
  assert_int_equal(relay_queue_length(w->relay, w->peers[0].device), 1);
  world_catch_up(w, 0);
  schat_checkpoint(alice(), &qts, &date);
  assert_int_equal(qts, before + 1);
  world_run(w);
  assert_int_equal(relay_queue_length(w->relay, w->peers[0].device), 0);
  world_restart(w, 0, 1);
  schat_checkpoint(alice(), &qts, &date);
  assert_int_equal(qts, before + 1);
}

/* R-Q-01: a commit that is only on its way moves the checkpoint, and what getDifference names, when it is durable. */
static void the_checkpoint_waits_for_a_slow_commit(void **state) {
  int32_t qts = 0, date = 0, before = 0;
  (void)state;
  schat_checkpoint(alice(), &before, &date);
  world_text(w, 1, chat, "one", NULL);
  world_deliver(w, 1);
  memstore_set_pending(store(), 1);
  world_deliver(w, 0);
  schat_checkpoint(alice(), &qts, &date);
  assert_int_equal(qts, before);
  assert_int_equal(schat_commit_done(alice(), memstore_complete(store(), SCHAT_OK), SCHAT_OK), SCHAT_OK);
  schat_checkpoint(alice(), &qts, &date);
  assert_int_equal(qts, before + 1);
  memstore_set_pending(store(), 0);
}

/* D-31: a new account asks from the beginning; from then on the server's date is taken, also one that is less than the last. */
static void the_date_is_the_servers_alone(void **state) {
  static const int32_t told[] = {1790000000, 0, 1789996400, 0};
  schat_difference difference;
  int32_t qts = 0, date = 0, last = 1;
  size_t i;
  (void)state;
  schat_checkpoint(alice(), &qts, &date);
  assert_int_equal(date, last);
  SCHAT_INIT(difference);
  difference.qts = qts;
  for (i = 0; i < sizeof told / sizeof *told; i++) {
    difference.date = told[i];
    assert_int_equal(schat_input_difference(alice(), &difference, w->now), SCHAT_OK);
    schat_checkpoint(alice(), &qts, &date);
    if (told[i] != 0) last = told[i];
    assert_int_equal(date, last);
  }
  world_restart(w, 0, 1);
  schat_checkpoint(alice(), &qts, &date);
  assert_int_equal(date, last);
}

/* Randomness -------------------------------------------------------------------------------------------------------------------- */

static int weak(void *user_data, uint8_t *out, size_t size) {
  size_t *left = user_data;
  if (*left == 0) {
    memset(out, 0x55, size); /* half an answer, and a failure */
    return -1;
  }
  --*left;
  memset(out, (int)(*left & 0xff), size);
  return 0;
}

/* each answer of the source is looked at, from the first of opening on. */
static void a_source_that_fails_is_a_failure_wherever_it_fails(void **state) {
  size_t n, left = 0;
  opening o;
  (void)state;
  prepare(&o);
  o.host.random = weak;
  o.host.user_data = &left;
  for (n = 0;; n++) {
    int32_t id = 0;
    int status;
    left = n;
    status = schat_open(&o.config, w->now, &o.manager);
    if (status == SCHAT_OK) {
      status = schat_chat_create(o.manager, 5, w->now, &id);
      schat_close(o.manager);
    }
    if (status == SCHAT_OK) break;
    assert_int_equal(status, SCHAT_E_RANDOM);
    assert_int_equal(memstore_count(o.store, SCHAT_RECORD_CHAT), 0);
    assert_true(n < 20);
  }
  assert_true(n >= 2);
  memstore_free(o.store);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      T(what_is_beyond_all_bounds_is_the_most_there_is),
      T(a_record_without_bytes_is_a_damaged_one),
      T(nothing_is_popped_after_a_wipe),
      T(structs_of_unknown_sizes_are_refused),
      T(openings_that_lack_a_part_are_refused),
      T(inputs_that_are_no_inputs_are_refused),
      T(calls_that_fail_write_nothing),
      T(chats_are_listed_in_order),
      T(features_follow_the_peers_layer),
      T(counters_count_and_chats_are_small),
      T(verified_stays_until_taken_back),
      T(a_closed_chat_can_be_forgotten),
      T(all_chats_can_be_discarded_at_once),
      T(discarding_may_flush_first),
      T(spam_is_reported_and_the_chat_stays),
      T(wiping_leaves_nothing),
      T(a_wiped_manager_can_be_used_anew),
      T(memory_is_wiped_before_it_is_given_back),
      T(the_checkpoint_is_durable_with_its_messages),
      T(the_checkpoint_waits_for_a_slow_commit),
      T(the_date_is_the_servers_alone),
      T(a_source_that_fails_is_a_failure_wherever_it_fails),
  };
  return cmocka_run_group_tests_name("manager", tests, NULL, NULL);
}
