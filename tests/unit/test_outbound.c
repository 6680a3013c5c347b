/* SPDX-License-Identifier: BSL-1.0
 * test_outbound.c - our messages on the wire and until they are confirmed: numbers, padding, names, order, refusals, deletions; and that
 * nothing that strict peers close a chat for is ever sent. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "manager/manager.h"
#include "stage.h"

static stage *with_policy(uint64_t seed, int role, uint32_t flags) {
  schat_policy policy;
  SCHAT_INIT(policy);
  policy.flags = flags;
  return stage_new(seed, role, &policy);
}

static void say(stage *s, const char *text) {
  assert_true(world_text(s->w, 0, s->chat_id, text, NULL) >= 0);
}

static size_t sends(const stage *s) {
  return world_requests(s->w, 0, SCHAT_REQUEST_SEND_ENCRYPTED) + world_requests(s->w, 0, SCHAT_REQUEST_SEND_ENCRYPTED_FILE) +
         world_requests(s->w, 0, SCHAT_REQUEST_SEND_SERVICE);
}

/* The n-th send that was handed over. */
static const world_request *nth_send(const stage *s, size_t n) {
  size_t i;
  for (i = 0; i < s->w->peers[0].request_count; i++) {
    const world_request *r = &s->w->peers[0].requests[i];
    if (r->type >= SCHAT_REQUEST_SEND_ENCRYPTED && r->type <= SCHAT_REQUEST_SEND_SERVICE && n-- == 0) return r;
  }
  fail();
  return NULL;
}

/* On the wire ------------------------------------------------------------------------------------------------------------ */

/* R-ENC-01..04, R-ENC-08, D-12, D-13 accept: for texts of every length: a wrapper of layer 73 or more, 31 random bytes, 12 to 1024 bytes of
 * padding up to a multiple of 16, of which 0 to 15 blocks are there by chance, each as often as the others */
static void every_message_is_wrapped_and_padded(void **state) {
  enum { COUNT = 2048, LONGEST = 4096 };
  stage *s = stage_new(1, 1, NULL);
  static char text[LONGEST + 1];
  size_t extra[16] = {0}, i;
  puppet_seen seen;
  (void)state;
  memset(text, 'x', LONGEST);
  for (i = 0; i < COUNT; i++) {
    size_t length = i % 1024 * 4 + 1, object_size, least;
    text[length] = 0;
    say(s, text);
    text[length] = 'x';
    world_run(s->w);
    assert_int_equal(s->sent_count, 1);
    assert_true(stage_read(s, 0, &seen));
    assert_true(seen.wrapper.layer >= 73);
    assert_int_equal(seen.wrapper.random_bytes.size, 31);
    assert_in_range(seen.padding, 12, 1024);
    assert_int_equal((s->sent[0].size - 24) % 16, 0);
    assert_int_equal(seen.message.text.size, length);
    object_size = s->sent[0].size - 24 - 4 - seen.padding;
    least = (4 + object_size + 12 + 15) / 16 * 16;
    assert_true(s->sent[0].size - 24 >= least && s->sent[0].size - 24 <= least + 15 * 16);
    extra[(s->sent[0].size - 24 - least) / 16]++;
    stage_acknowledge(s);
    stage_forget(s);
  }
  for (i = 0; i < 16; i++) assert_in_range(extra[i], COUNT / 16 - 56, COUNT / 16 + 56); /* five times the deviation of chance */
  stage_free(s);
}

/* R-ENC-02, R-ENC-04, D-13 accept: random bytes and padding are new for every message, and every value as frequent as any other */
static void random_bytes_and_padding_are_random(void **state) {
  enum { COUNT = 1500 };
  stage *s = stage_new(2, 1, NULL);
  static uint8_t firsts[COUNT][8], plain[4096];
  size_t frequency[256] = {0}, total = 0, i, j;
  (void)state;
  for (i = 0; i < COUNT; i++) {
    const uint8_t *object;
    size_t size;
    puppet_seen seen;
    say(s, "the same text");
    world_run(s->w);
    assert_true(stage_read(s, 0, &seen));
    memcpy(firsts[i], seen.wrapper.random_bytes.data, 8);
    for (j = 0; j < i && i < 300; j++) assert_memory_not_equal(firsts[i], firsts[j], 8);
    assert_int_equal(schat__envelope_open(s->p->crypto, s->p->key, s->p->key_fingerprint, 2, 1, s->sent[0].bytes, s->sent[0].size, plain,
                                          &object, &size),
                     1);
    for (j = 4 + size; j < s->sent[0].size - 24; j++) frequency[plain[j]]++, total++;
    stage_acknowledge(s);
    stage_forget(s);
  }
  for (i = 0; i < 256; i++) assert_in_range(frequency[i], total / 256 * 7 / 10, total / 256 * 13 / 10);
  stage_free(s);
}

/* R-ENC-02, R-ENC-04 reject: without randomness nothing is sent, and nothing has happened */
static void without_randomness_nothing_is_sent(void **state) {
  stage *s = stage_new(3, 1, NULL);
  memstore *before = world_image(s->w, 0);
  (void)state;
  s->w->peers[0].random_fails = 1;
  assert_int_equal(world_text(s->w, 0, s->chat_id, "text", NULL), SCHAT_E_RANDOM);
  assert_int_equal(schat_chat_set_ttl(stage_manager(s), s->chat_id, 5, 77, s->w->now), SCHAT_E_RANDOM);
  world_run(s->w);
  assert_int_equal(s->sent_count, 0);
  assert_int_equal(stage_slot(s)->chat.out_seq, 1);
  assert_int_equal(stage_info(s).ttl, 0);
  assert_true(stage_same(before, s->w->peers[0].store));
  s->w->peers[0].random_fails = 0;
  say(s, "text");
  world_run(s->w);
  assert_int_equal(s->sent_count, 1);
  memstore_free(before);
  stage_free(s);
}

/* D-12 accept: under the policy only TDLib's sizes */
static void the_bucket_policy_gives_tdlibs_sizes(void **state) {
  static const size_t buckets[] = {64, 128, 192, 256, 384, 512, 768, 1024, 1280, 1728, 2176, 2624, 3072, 3520, 3968, 4416};
  stage *s = with_policy(4, 0, SCHAT_POLICY_CHAIN_SENDS | SCHAT_POLICY_PAD_BUCKETS);
  static char text[4000];
  size_t length, i, seen_sizes[16] = {0};
  puppet_seen seen;
  (void)state;
  memset(text, 'x', sizeof text);
  for (length = 1; length < 3900; length += 19) {
    text[length] = 0;
    say(s, text);
    text[length] = 'x';
    world_run(s->w);
    assert_true(stage_read(s, 0, &seen));
    for (i = 0; i < 16 && buckets[i] != s->sent[0].size - 24; i++) continue;
    assert_true(i < 16);
    assert_true(i == 0 || 4 + (s->sent[0].size - 28 - seen.padding) + 12 > buckets[i - 1]); /* the least that fits */
    assert_in_range(seen.padding, 12, 1024);
    seen_sizes[i]++;
    stage_acknowledge(s);
    stage_forget(s);
  }
  for (i = 2; i < 14; i++) assert_true(seen_sizes[i] > 0);
  stage_free(s);
}

/* D-11 accept / reject: a message as large as the policy allows, and a larger one */
static void a_message_over_the_limit_is_not_made(void **state) {
  schat_policy policy;
  stage *s;
  size_t length, sent = 0;
  static char text[4096];
  (void)state;
  SCHAT_INIT(policy);
  policy.flags = SCHAT_POLICY_CHAIN_SENDS;
  policy.max_message_bytes = 1000;
  s = stage_new(5, 1, &policy);
  memset(text, 'x', sizeof text);
  for (length = 1; length < 2000; length += 100) {
    int status;
    text[length] = 0;
    status = world_text(s->w, 0, s->chat_id, text, NULL);
    text[length] = 'x';
    assert_true(status >= 0 || status == SCHAT_E_TOO_LARGE);
    assert_true(status >= 0 || length > 500);
    assert_true(status < 0 || length < 900);
    sent += status >= 0;
    world_run(s->w);
    assert_int_equal(s->sent_count, sent);
    assert_int_equal(stage_slot(s)->chat.out_seq, 1 + sent);
    if (sent > 0) assert_true(s->sent[sent - 1].size <= 1000);
  }
  stage_free(s);
}

/* Names ------------------------------------------------------------------------------------------------------------------ */

static void expect_equal_names(stage *s) {
  puppet_seen seen;
  size_t i;
  for (i = 0; i < s->sent_count; i++) {
    int64_t inner;
    assert_true(stage_read(s, i, &seen));
    inner = seen.action.type == SCHAT__ACTION_NONE ? seen.message.random_id : seen.action.random_id;
    assert_int_not_equal(inner, 0);
    assert_int_equal(inner, s->sent[i].random_id);
  }
}

/* R-ENC-10, D-26, D-25 accept: messages, commands, answers, Noops and erased messages are named alike inside and outside, never 0; texts go
 * through sendEncrypted, files through sendEncryptedFile, all that is service through sendEncryptedService */
static void names_are_the_same_inside_and_outside(void **state) {
  stage *s = stage_new(6, 1, NULL);
  schat_message message;
  schat_input_file file;
  static const uint8_t key[32] = {1};
  static const int64_t ids[2] = {4, 5};
  int64_t id = 0, first;
  puppet_seen seen;
  size_t i;
  (void)state;
  assert_true(world_text(s->w, 0, s->chat_id, "text", &id) >= 0);
  assert_int_not_equal(id, 0);
  first = id;
  schat_message_init(&message);
  message.random_id = 123456789;
  message.text.data = (const uint8_t *)"named";
  message.text.size = 5;
  assert_true(schat_send(stage_manager(s), s->chat_id, &message, NULL, s->w->now, &id) >= 0);
  assert_int_equal(id, 123456789);
  assert_int_equal(schat_send(stage_manager(s), s->chat_id, &message, NULL, s->w->now, &id), SCHAT_E_EXISTS);
  message.random_id = 42;
  message.media.type = SCHAT_MEDIA_DOCUMENT;
  message.media.size = 100;
  message.media.key.data = message.media.iv.data = key;
  message.media.key.size = message.media.iv.size = sizeof key;
  memset(&file, 0, sizeof file);
  file.type = SCHAT_INPUT_FILE_EXISTING;
  file.id = 3;
  s->w->peers[0].hold = 1; /* the relay has no such file */
  assert_true(schat_send(stage_manager(s), s->chat_id, &message, &file, s->w->now, &id) >= 0);
  world_run(s->w);
  assert_int_equal(world_requests(s->w, 0, SCHAT_REQUEST_SEND_ENCRYPTED), 2);
  assert_int_equal(world_requests(s->w, 0, SCHAT_REQUEST_SEND_ENCRYPTED_FILE), 1);
  assert_int_equal(world_last_request(s->w, 0, SCHAT_REQUEST_SEND_ENCRYPTED_FILE)->random_id, 42);
  stage_free(s);

  s = stage_new(6, 1, NULL);
  assert_true(world_text(s->w, 0, s->chat_id, "text", &first) >= 0);
  assert_true(schat_chat_set_ttl(stage_manager(s), s->chat_id, 5, 1001, s->w->now) >= 0);
  assert_true(schat_messages_opened(stage_manager(s), s->chat_id, ids, 2, s->w->now) >= 0);
  assert_true(schat_screenshot(stage_manager(s), s->chat_id, ids, 2, 0, s->w->now) >= 0);
  world_run(s->w);
  assert_int_equal(s->sent_count, 5); /* one receipt for each message that was opened */
  assert_int_equal(s->sent[0].type, SCHAT_REQUEST_SEND_ENCRYPTED);
  for (i = 1; i < 5; i++) assert_int_equal(s->sent[i].type, SCHAT_REQUEST_SEND_SERVICE);
  assert_int_equal(s->sent[1].random_id, 1001);
  assert_true(schat_messages_delete(stage_manager(s), s->chat_id, &first, 1, 1002, s->w->now) >= 0);
  world_run(s->w);
  assert_int_equal(s->sent[5].random_id, 1002);
  assert_true(schat_history_flush(stage_manager(s), s->chat_id, 0, s->w->now) >= 0);
  world_run(s->w);
  assert_int_equal(stage_resend(s, 1, s->p->out_raw++, 0, 6), SCHAT_OK); /* a Noop, an erased message, and the others */
  assert_int_equal(s->sent_count, 14);
  assert_true(stage_read(s, 7, &seen));
  assert_int_equal(seen.action.type, SCHAT__ACTION_NOOP);
  assert_true(stage_read(s, 8, &seen));
  assert_int_equal(seen.action.type, SCHAT__ACTION_DELETE);
  expect_equal_names(s);
  stage_free(s);
}

/* D-26 reject: a name in use is refused, and 0 never leaves */
static void chosen_names_are_never_zero_and_never_in_use(void **state) {
  stage *s = stage_new(7, 1, NULL);
  int64_t ids[500];
  size_t i, j;
  (void)state;
  for (i = 0; i < 500; i++) {
    assert_true(world_text(s->w, 0, s->chat_id, "text", &ids[i]) >= 0);
    assert_int_not_equal(ids[i], 0);
    for (j = 0; j < i; j++) assert_int_not_equal(ids[i], ids[j]);
  }
  assert_int_equal(schat_chat_set_ttl(stage_manager(s), s->chat_id, 5, ids[7], s->w->now), SCHAT_E_EXISTS);
  assert_int_equal(stage_info(s).ttl, 0);
  stage_free(s);
}

/* D-29 accept / reject: names count within one chat: the same one may stand in another, and what is done there stays there */
static void a_name_means_something_in_its_chat_alone(void **state) {
  world *w = world_new(8, 3);
  int32_t one = world_chat(w, 0, 1), other = world_chat(w, 0, 2);
  schat_message message;
  int64_t id = 99;
  int32_t chats[2];
  size_t i;
  (void)state;
  chats[0] = one;
  chats[1] = other;
  for (i = 0; i < 2; i++) {
    schat_message_init(&message);
    message.random_id = id;
    message.ttl = 100;
    message.text.data = (const uint8_t *)"SECRET CONTENT";
    message.text.size = 14;
    w->peers[1].deaf = w->peers[2].deaf = 1;
    assert_true(schat_send(w->peers[0].manager, chats[i], &message, NULL, w->now, NULL) >= 0);
  }
  world_run(w);
  assert_true(schat_messages_delete(w->peers[0].manager, one, &id, 1, 0, w->now) >= 0);
  for (i = 0; i < 2; i++) {
    const schat__slot *slot = puppet_slot(w->peers[0].manager, chats[i]);
    assert_int_equal(schat__out_by_random_id(slot, id)->u.out.erased, i == 0);
    assert_int_equal(schat__item_find(slot, SCHAT__TIMER, id) == NULL, i == 0);
  }
  world_free(w);
}

/* Order ------------------------------------------------------------------------------------------------------------------ */

/* R-SEQ-07, D-25 accept: a host that can chain gets everything at once, each with the token of the one before */
static void chained_sends_name_their_predecessor(void **state) {
  stage *s = with_policy(9, 1, SCHAT_POLICY_CHAIN_SENDS);
  uint64_t last = 0;
  size_t i;
  (void)state;
  s->w->peers[0].hold = 1;
  for (i = 0; i < 10; i++) say(s, "text");
  world_run(s->w);
  assert_int_equal(sends(s), 10);
  for (i = 0; i < 10; i++) {
    assert_int_equal(nth_send(s, i)->after, last);
    last = nth_send(s, i)->token;
  }
  stage_free(s);

  s = with_policy(9, 1, SCHAT_POLICY_CHAIN_SENDS);
  for (i = 0; i < 3; i++) {
    say(s, "text");
    world_run(s->w); /* the server has answered */
    assert_int_equal(nth_send(s, i)->after, 0);
  }
  stage_free(s);
}

/* R-SEQ-07, D-25 reject: a message is confirmed before its request has left (here: the commit is not durable yet), so that it never leaves:
 * the next one names no token that the host has not seen, and no request is waited for for ever */
static void a_send_that_never_left_is_nobodys_predecessor(void **state) {
  stage *s = with_policy(33, 1, SCHAT_POLICY_CHAIN_SENDS);
  memstore *store = s->w->peers[0].store;
  uint64_t ticket;
  (void)state;
  stage_acknowledge(s);
  world_run(s->w);
  stage_forget(s);
  memstore_set_pending(store, 1);
  say(s, "confirmed at once");
  say(s, "the next");
  s->p->in_raw = stage_slot(s)->chat.out_seq - 1;
  assert_int_equal(puppet_send_text(s->p, stage_manager(s), 41, "I have the first", 0, s->w->now), SCHAT_PENDING);
  assert_int_equal(schat__count(stage_slot(s), SCHAT__OUTBOX), 1);
  while ((ticket = memstore_complete(store, SCHAT_OK)) != 0) assert_int_equal(schat_commit_done(stage_manager(s), ticket, SCHAT_OK), SCHAT_OK);
  memstore_set_pending(store, 0);
  s->w->peers[0].hold = 1;
  world_drain(s->w, 0);
  assert_int_equal(sends(s), 1);
  assert_int_equal(nth_send(s, 0)->after, 0);
  assert_int_equal(stage_manager(s)->env.flight_count, 1);
  s->w->peers[0].hold = 0;
  stage_free(s);
}

/* R-SEQ-07, D-25 reject: one that cannot gets the next send when the server has taken the one before, and not earlier */
static void unchained_sends_wait_for_their_predecessor(void **state) {
  stage *s = with_policy(10, 1, 0);
  schat_answer answer;
  size_t i;
  (void)state;
  s->w->peers[0].hold = 1;
  for (i = 0; i < 5; i++) say(s, "text");
  assert_true(schat_chat_set_ttl(stage_manager(s), s->chat_id, 5, 0, s->w->now) >= 0);
  SCHAT_INIT(answer);
  answer.type = SCHAT_ANSWER_SENT;
  answer.date = 1;
  for (i = 0; i < 6; i++) {
    world_pass(s->w, 1000);
    assert_int_equal(sends(s), i + 1);
    assert_int_equal(nth_send(s, i)->after, 0);
    assert_true(schat_request_done(stage_manager(s), nth_send(s, i)->token, &answer, s->w->now) >= 0);
    world_run(s->w);
  }
  assert_int_equal(sends(s), 6);
  stage_free(s);
}

/* R-SEQ-07, D-25: what waits for an answer waits for no time: the host is not told to come back at a moment that has passed */
static void what_waits_for_an_answer_has_no_deadline(void **state) {
  stage *s = with_policy(21, 1, 0);
  int64_t deadline;
  (void)state;
  say(s, "first");
  world_run(s->w);
  assert_int_equal(stage_resend(s, 1, s->p->out_raw++, 1, 1), SCHAT_OK);
  assert_int_equal(stage_resend(s, 1, s->p->out_raw++, 1, 1), SCHAT_OK); /* in five seconds, once more */
  assert_int_equal(s->sent_count, 2);
  s->w->peers[0].hold = 1;
  say(s, "no answer comes for this one");
  world_drain(s->w, 0);
  assert_int_equal(schat_next_deadline(stage_manager(s), &deadline), SCHAT_OK);
  assert_int_equal(deadline, s->w->now + 5000);
  world_pass(s->w, 10000);
  assert_int_equal(schat_next_deadline(stage_manager(s), &deadline), SCHAT_OK);
  assert_true(deadline > s->w->now);
  stage_free(s);
}

/* R-SEQ-07 accept: failures, pauses and a network that overtakes do not change the order in which the server takes the messages */
static void the_server_takes_messages_in_order(void **state) {
  int chained;
  (void)state;
  for (chained = 0; chained < 2; chained++) {
    stage *s = with_policy(11, 1, chained ? SCHAT_POLICY_CHAIN_SENDS : 0);
    relay_faults faults;
    int32_t highest = 0;
    puppet_seen seen;
    size_t i;
    memset(&faults, 0, sizeof faults);
    faults.reorder = 0.3;
    faults.error_420 = 0.1;
    faults.error_500 = 0.1;
    faults.error_after_effect = 0.05;
    faults.delay_ms_max = 500;
    relay_set_faults(s->w->relay, &faults);
    for (i = 0; i < 200; i++) {
      say(s, "text");
      if (i % 3 == 0) world_pass(s->w, 100);
    }
    world_pass(s->w, 3600000);
    for (i = 0; i < s->sent_count; i++) {
      assert_true(stage_read(s, i, &seen));
      if (seen.out_raw <= highest) continue; /* once more, after an error that was none */
      assert_int_equal(seen.out_raw, highest + 1);
      highest = seen.out_raw;
    }
    assert_int_equal(highest, 200);
    assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_SENT), 200);
    stage_free(s);
  }
}

/* Counters --------------------------------------------------------------------------------------------------------------- */

static void set_out_seq(stage *s, int32_t out_seq) {
  schat__chat *chat = &stage_slot(s)->chat;
  stage_acknowledge(s);
  chat->out_seq = out_seq;
  chat->peer_in_seq = out_seq;
  chat->pump_from = 0;
  s->p->in_raw = out_seq;
}

/* R-SEQ-23 accept / reject: the last number an int32 can carry is used, the next one ends the chat, and the message is reported lost */
static void the_last_number_ends_the_chat(void **state) {
  int role;
  (void)state;
  for (role = 0; role < 2; role++) {
    stage *s = stage_new(12, role, NULL);
    int64_t id = 0;
    puppet_seen seen;
    int i;
    set_out_seq(s, SCHAT__SEQ_MAX - 1);
    stage_forget(s);
    say(s, "one before the last");
    say(s, "the last");
    world_run(s->w);
    assert_int_equal(s->sent_count, 2);
    for (i = 0; i < 2; i++) {
      assert_true(stage_read(s, (size_t)i, &seen));
      assert_int_equal(seen.wrapper.out_seq_no, INT_MAX - (role ? 0 : 1) - 2 * (1 - i));
    }
    assert_int_equal(stage_info(s).state, SCHAT_STATE_READY);
    (void)world_text(s->w, 0, s->chat_id, "one too many", &id);
    world_run(s->w);
    assert_int_equal(s->sent_count, 2);
    assert_int_equal(stage_info(s).state, SCHAT_STATE_CLOSED);
    assert_int_equal(stage_info(s).close_reason, SCHAT_CLOSE_COUNTER_EXHAUSTED);
    assert_int_equal(world_requests(s->w, 0, SCHAT_REQUEST_DISCARD_ENCRYPTION), 1);
    assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_SEND_FAILED), 1);
    assert_int_equal(world_last(s->w, 0, SCHAT_EVENT_SEND_FAILED)->random_id, id);
    stage_free(s);
  }
}

/* Deleted before it is confirmed ----------------------------------------------------------------------------------------- */

static void expect_self_deletion(stage *s, size_t i, int32_t out_raw, int32_t in_raw, int32_t layer, int64_t id) {
  puppet_seen seen;
  assert_true(i < s->sent_count);
  assert_true(stage_read(s, i, &seen));
  assert_int_equal(seen.action.type, SCHAT__ACTION_DELETE);
  assert_int_equal(seen.action.random_id_count, 1);
  assert_int_equal(seen.action.random_ids[0], id);
  assert_int_equal(seen.action.random_id, id);
  assert_int_equal(s->sent[i].random_id, id);
  assert_int_equal(s->sent[i].type, SCHAT_REQUEST_SEND_SERVICE);
  assert_int_equal(seen.out_raw, out_raw);
  assert_int_equal(seen.in_raw, in_raw);
  assert_int_equal(seen.wrapper.layer, layer);
}

/* R-SEQ-21, D-09 accept: the kept copy becomes DeleteMessages of its own name under its own numbers, a new message deletes it at the
 * peer, and nothing of the content stays in the store with that commit */
static void deleting_an_unconfirmed_message_destroys_it(void **state) {
  stage *s = stage_new(13, 1, NULL);
  int64_t ids[3];
  puppet_seen seen;
  memstore *image;
  size_t commits;
  (void)state;
  assert_true(world_text(s->w, 0, s->chat_id, "ONE REMAINS", &ids[0]) >= 0);
  assert_true(world_text(s->w, 0, s->chat_id, "SECRET CONTENT", &ids[1]) >= 0);
  assert_true(world_text(s->w, 0, s->chat_id, "ONE REMAINS", &ids[2]) >= 0);
  world_run(s->w);
  assert_int_equal(stage_text(s, 1, "theirs"), SCHAT_OK);
  image = world_image(s->w, 0);
  assert_int_equal(stage_find_plain(image, "SECRET CONTENT", 14), 1);
  memstore_free(image);
  stage_forget(s);
  commits = memstore_commits(s->w->peers[0].store);
  assert_true(schat_messages_delete(stage_manager(s), s->chat_id, &ids[1], 1, 0, s->w->now) >= 0);
  assert_int_equal(memstore_commits(s->w->peers[0].store), commits + 1);
  image = world_image(s->w, 0);
  assert_int_equal(stage_find_plain(image, "SECRET CONTENT", 14), 0);
  assert_int_equal(stage_find_plain(image, "ONE REMAINS", 11), 2);
  memstore_free(image);
  world_run(s->w);
  assert_int_equal(s->sent_count, 1); /* the new deletion, under a new number */
  assert_true(stage_read(s, 0, &seen));
  assert_int_equal(seen.action.type, SCHAT__ACTION_DELETE);
  assert_int_equal(seen.action.random_ids[0], ids[1]);
  assert_int_equal(seen.out_raw, 4);
  assert_int_not_equal(seen.action.random_id, ids[1]);
  stage_forget(s);
  world_restart(s->w, 0, 1);
  assert_int_equal(stage_resend(s, 1, s->p->out_raw++, 1, 4), SCHAT_OK);
  assert_int_equal(s->sent_count, 4);
  expect_self_deletion(s, 1, 2, 1, 144, ids[1]);
  assert_true(stage_read(s, 0, &seen));
  assert_int_equal(seen.message.text.size, 11);
  assert_true(stage_read(s, 3, &seen));
  assert_int_equal(seen.action.type, SCHAT__ACTION_DELETE);
  stage_free(s);
}

/* R-SEQ-21 accept: a message that has not left yet leaves as its own deletion */
static void deleting_an_unsent_message_sends_no_content(void **state) {
  stage *s = with_policy(14, 0, 0); /* unchained: the second waits for the first */
  int64_t first, second;
  puppet_seen seen;
  size_t i;
  (void)state;
  assert_true(world_text(s->w, 0, s->chat_id, "first", &first) >= 0);
  assert_true(world_text(s->w, 0, s->chat_id, "SECRET CONTENT", &second) >= 0);
  assert_true(schat_messages_delete(stage_manager(s), s->chat_id, &second, 1, 0, s->w->now) >= 0);
  world_run(s->w);
  assert_int_equal(s->sent_count, 3);
  expect_self_deletion(s, 1, 2, 1, 144, second);
  for (i = 0; i < 3; i++) {
    assert_true(stage_read(s, i, &seen));
    assert_int_equal(seen.out_raw, 1 + (int32_t)i);
    assert_true(i == 0 || seen.message.text.size == 0);
  }
  stage_free(s);
}

/* R-SEQ-21 reject: what is confirmed, what is the peer's and what is unknown is deleted at the peer and changes no message of ours */
static void deleting_anything_else_erases_nothing(void **state) {
  stage *s = stage_new(15, 1, NULL);
  int64_t ids[4];
  (void)state;
  assert_true(world_text(s->w, 0, s->chat_id, "confirmed", &ids[0]) >= 0);
  world_run(s->w);
  stage_acknowledge(s);
  assert_true(world_text(s->w, 0, s->chat_id, "KEPT CONTENT", &ids[3]) >= 0);
  assert_int_equal(stage_text(s, 555, "theirs"), SCHAT_OK);
  ids[1] = 555;
  ids[2] = 777; /* nobody's */
  stage_forget(s);
  assert_true(schat_messages_delete(stage_manager(s), s->chat_id, ids, 3, 0, s->w->now) >= 0);
  world_run(s->w);
  assert_int_equal(stage_count(s, SCHAT__ACTION_DELETE), 1);
  assert_int_equal(stage_find_plain(s->w->peers[0].store, "KEPT CONTENT", 12), 1);
  assert_int_equal(schat__out_by_random_id(stage_slot(s), ids[3])->u.out.erased, 0);
  stage_free(s);
}

/* An allocator whose blocks can be searched. */
typedef struct block {
  struct block *next, *before;
  size_t size;
  size_t pad;
} block;
static block blocks = {&blocks, &blocks, 0, 0};

static void *take_block(void *user_data, size_t size) {
  block *b = malloc(sizeof *b + size);
  (void)user_data;
  if (b == NULL) return NULL;
  memset(b + 1, 0, size);
  b->size = size;
  b->next = &blocks;
  b->before = blocks.before;
  blocks.before->next = b;
  blocks.before = b;
  return b + 1;
}

static void give_block(void *user_data, void *memory) {
  block *b = (block *)memory - 1;
  (void)user_data;
  b->next->before = b->before;
  b->before->next = b->next;
  free(b);
}

static size_t in_memory(const char *needle) {
  size_t length = strlen(needle), count = 0, at;
  const block *b;
  for (b = blocks.next; b != &blocks; b = b->next) {
    for (at = 0; at + length <= b->size; at++) count += memcmp((const uint8_t *)(b + 1) + at, needle, length) == 0;
  }
  return count;
}

static void pop_all(schat_manager *m) {
  schat_effect effect;
  SCHAT_INIT(effect);
  while (schat_peek(m, &effect) == SCHAT_OK) schat_pop(m);
}

/* R-SEQ-21, D-09 accept: nor does anything of it stay in the memory of the library */
static void deleting_an_unconfirmed_message_destroys_it_in_memory(void **state) {
  stage *s = stage_new(16, 1, NULL);
  memstore *store = world_image(s->w, 0);
  schat_allocator allocator = {NULL, take_block, give_block};
  schat_config config;
  schat_manager *m;
  schat_message message;
  int64_t id;
  (void)state;
  SCHAT_INIT(config);
  config.store = memstore_store(store);
  config.storage_key = world_storage_key();
  config.allocator = &allocator;
  assert_int_equal(schat_open(&config, s->w->now, &m), SCHAT_OK);
  schat_message_init(&message);
  message.text.data = (const uint8_t *)"SECRET CONTENT";
  message.text.size = 14;
  message.ttl = 50;
  assert_int_equal(schat_send(m, s->chat_id, &message, NULL, s->w->now, &id), SCHAT_OK);
  pop_all(m);
  assert_true(in_memory("SECRET CONTENT") > 0);
  assert_int_equal(schat_messages_delete(m, s->chat_id, &id, 1, 0, s->w->now), SCHAT_OK);
  assert_int_equal(in_memory("SECRET CONTENT"), 0);
  pop_all(m);
  assert_int_equal(in_memory("SECRET CONTENT"), 0);
  schat_close(m);
  assert_ptr_equal(blocks.next, &blocks);
  memstore_free(store);
  stage_free(s);
}

/* D-37, R-SEQ-21 accept: an erased message states the layer it was made with: a higher one would make those after it too low for the
 * peer */
static void an_erased_message_keeps_its_layer(void **state) {
  stage *s = stage_new(17, 1, NULL);
  int64_t id;
  puppet_seen seen;
  size_t i;
  (void)state;
  stage_slot(s)->chat.peer_layer = 46;
  stage_slot(s)->chat.stated_layer = 73;
  assert_true(world_text(s->w, 0, s->chat_id, "SECRET CONTENT", &id) >= 0);
  say(s, "made with layer 73 as well");
  world_run(s->w);
  s->p->layer = 144;
  assert_int_equal(stage_text(s, 1, "can do more"), SCHAT_OK);
  assert_int_equal(stage_info(s).layer, 144);
  assert_true(schat_messages_delete(stage_manager(s), s->chat_id, &id, 1, 0, s->w->now) >= 0);
  world_run(s->w);
  stage_forget(s);
  assert_int_equal(stage_resend(s, 1, s->p->out_raw++, 1, 3), SCHAT_OK);
  expect_self_deletion(s, 0, 1, 1, 73, id);
  for (i = 1; i < 3; i++) {
    assert_true(stage_read(s, i, &seen));
    assert_int_equal(seen.wrapper.layer, i == 1 ? 73 : 144);
  }
  stage_free(s);
}

/* Refused by the server -------------------------------------------------------------------------------------------------- */

/* D-08 accept: the content is lost and reported, the number is not: it goes out as the deletion of its own name; what follows follows */
static void a_refused_message_leaves_its_number(void **state) {
  int chained;
  (void)state;
  for (chained = 0; chained < 2; chained++) {
    stage *s = with_policy(18, 1, chained ? SCHAT_POLICY_CHAIN_SENDS : 0);
    const world_event *failed;
    int64_t ids[3];
    puppet_seen seen;
    size_t i;
    int32_t next = 1;
    relay_fail_next(s->w->relay, s->w->peers[0].device, SCHAT_REQUEST_SEND_ENCRYPTED, 400, "MESSAGE_REFUSED");
    assert_true(world_text_ttl(s->w, 0, s->chat_id, "SECRET CONTENT", 60, &ids[0]) >= 0);
    assert_true(world_text(s->w, 0, s->chat_id, "second", &ids[1]) >= 0);
    world_run(s->w);
    assert_true(world_text(s->w, 0, s->chat_id, "third", &ids[2]) >= 0);
    world_pass(s->w, 60000);
    assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_SEND_FAILED), 1);
    failed = world_last(s->w, 0, SCHAT_EVENT_SEND_FAILED);
    assert_int_equal(failed->random_id, ids[0]);
    assert_int_equal(failed->error_code, 400);
    assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_SENT), 2); /* of the two others */
    for (i = 0; i < s->sent_count; i++) {
      assert_true(stage_read(s, i, &seen));
      if (seen.out_raw < next) continue;
      assert_int_equal(seen.out_raw, next);
      if (next == 1) expect_self_deletion(s, i, 1, 1, 144, ids[0]);
      next++;
    }
    assert_int_equal(next, 4);
    assert_int_equal(stage_find_plain(s->w->peers[0].store, "SECRET CONTENT", 14), 0);
    assert_int_equal(schat__count(stage_slot(s), SCHAT__TIMER), 0);
    assert_int_equal(stage_info(s).state, SCHAT_STATE_READY);
    stage_free(s);
  }
}

/* D-08 reject: a refusal that is not for good, or that says it has been done, loses nothing */
static void a_passing_refusal_loses_nothing(void **state) {
  static const struct {
    int32_t code;
    const char *text;
  } errors[] = {{420, "FLOOD_WAIT_7"}, {500, "INTERNAL"}, {-503, "Timeout"}, {400, "MSG_WAIT_FAILED"}, {400, "RANDOM_ID_DUPLICATE"}};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof errors / sizeof errors[0]; i++) {
    stage *s = stage_new(19, 1, NULL);
    int64_t id;
    relay_fail_next(s->w->relay, s->w->peers[0].device, SCHAT_REQUEST_SEND_ENCRYPTED, errors[i].code, errors[i].text);
    assert_true(world_text(s->w, 0, s->chat_id, "KEPT CONTENT", &id) >= 0);
    world_run(s->w);
    assert_int_equal(stage_find_plain(s->w->peers[0].store, "KEPT CONTENT", 12), 1);
    world_pass(s->w, 60000);
    assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_SEND_FAILED), 0);
    assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_SENT), 1);
    assert_int_equal(s->sent_count, i == 4 ? 0 : 1);
    assert_int_equal(stage_count(s, SCHAT__ACTION_DELETE), 0);
    stage_free(s);
  }
}

/* D-08 accept: a refusal of the deletion too is tried again until it goes; the content does not come back */
static void a_twice_refused_message_is_tried_until_it_goes(void **state) {
  stage *s = stage_new(20, 1, NULL);
  int64_t id;
  int i;
  (void)state;
  relay_fail_next(s->w->relay, s->w->peers[0].device, SCHAT_REQUEST_SEND_ENCRYPTED, 400, "MESSAGE_REFUSED");
  for (i = 0; i < 3; i++) relay_fail_next(s->w->relay, s->w->peers[0].device, SCHAT_REQUEST_SEND_SERVICE, 400, "MESSAGE_REFUSED");
  assert_true(world_text(s->w, 0, s->chat_id, "SECRET CONTENT", &id) >= 0);
  world_run(s->w);
  world_pass(s->w, 3600000);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_SEND_FAILED), 1);
  assert_int_equal(s->sent_count, 1);
  expect_self_deletion(s, 0, 1, 1, 144, id);
  stage_free(s);
}

/* What strict peers accept ----------------------------------------------------------------------------------------------- */

#define MADE 4096
#define KEYS 512

/* What one account has sent, by raw number. */
typedef struct {
  int there;
  int32_t in_raw, layer;
  schat__action_type action;
  int64_t exchange_id, fingerprint;
  int64_t when;
} made;

typedef struct {
  world *w;
  schat__crypto *crypto;
  schat__arena arena;
  int32_t chat_id;
  int64_t fingerprints[KEYS];
  uint8_t keys[KEYS][256];
  size_t key_count, looked_at, repeated, resends, exchanges;
  made made[2][MADE];
  int32_t count[2]; /* one more than the highest raw number */
  int strict;       /* the host loses nothing, so that the server takes all in order */
} watcher;

static void note_key(watcher *v, int64_t fingerprint, const uint8_t key[256]) {
  size_t i;
  for (i = 0; i < v->key_count; i++) {
    if (v->fingerprints[i] == fingerprint) return;
  }
  assert_true(v->key_count < KEYS);
  v->fingerprints[v->key_count] = fingerprint;
  memcpy(v->keys[v->key_count++], key, 256);
}

static void note_keys(watcher *v) {
  size_t p;
  for (p = 0; p < 2; p++) {
    const schat__slot *slot = puppet_slot(v->w->peers[p].manager, v->chat_id);
    if (slot == NULL || slot->chat.state != SCHAT_STATE_READY) continue;
    note_key(v, slot->chat.key_fingerprint, slot->chat.key);
    if (slot->secrets != NULL && (slot->secrets->has & SCHAT__HAS_NEXT)) {
      note_key(v, slot->secrets->next_fingerprint, slot->secrets->next);
    }
  }
}

static int open_under_any_key(watcher *v, int originator, const relay_sent *sent, schat_bytes *object) {
  uint8_t *work = schat__arena_take(&v->arena, sent->bytes.size);
  int64_t fingerprint = schat__envelope_fingerprint(sent->bytes.data);
  size_t i;
  assert_non_null(work);
  for (i = 0; i < v->key_count; i++) {
    if (v->fingerprints[i] != fingerprint) continue;
    return schat__envelope_open(v->crypto, v->keys[i], fingerprint, 2, originator, sent->bytes.data, sent->bytes.size, work, &object->data,
                                &object->size);
  }
  return 0;
}

/* The message of that kind and exchange among the first `count` of a side; NULL: none. */
static const made *find_exchange(const watcher *v, size_t side, int32_t count, schat__action_type type, int64_t id) {
  int32_t i;
  for (i = 0; i < count; i++) {
    if (v->made[side][i].there && v->made[side][i].action == type && v->made[side][i].exchange_id == id) return &v->made[side][i];
  }
  return NULL;
}

/* An exchange that a side began is over for it: it committed, the other refused it or began one that goes before, or a week has passed. */
static int is_over(const watcher *v, size_t side, int32_t raw, int32_t seen, const made *request, int64_t now) {
  int32_t i;
  if (find_exchange(v, side, raw, SCHAT__ACTION_COMMIT_KEY, request->exchange_id) != NULL) return 1;
  if (find_exchange(v, side, raw, SCHAT__ACTION_ABORT_KEY, request->exchange_id) != NULL) return 1;
  if (find_exchange(v, !side, seen, SCHAT__ACTION_ABORT_KEY, request->exchange_id) != NULL) return 1;
  for (i = 0; i < seen; i++) {
    if (v->made[!side][i].action == SCHAT__ACTION_REQUEST_KEY && v->made[!side][i].exchange_id >= request->exchange_id) return 1;
  }
  return now - request->when > INT64_C(604800000);
}

static void check_exchange(watcher *v, size_t side, int32_t raw, const made *m) {
  const made *found;
  int32_t i;
  switch ((int)m->action) {
    case SCHAT__ACTION_REQUEST_KEY: /* none of its own is open */
      for (i = 0; i < raw; i++) {
        if (v->made[side][i].action == SCHAT__ACTION_REQUEST_KEY) assert_true(is_over(v, side, raw, m->in_raw, &v->made[side][i], m->when));
      }
      assert_null(find_exchange(v, side, raw, SCHAT__ACTION_REQUEST_KEY, m->exchange_id));
      break;
    case SCHAT__ACTION_ACCEPT_KEY: /* of one that it has seen, once */
      assert_non_null(find_exchange(v, !side, m->in_raw, SCHAT__ACTION_REQUEST_KEY, m->exchange_id));
      assert_null(find_exchange(v, side, raw, SCHAT__ACTION_ACCEPT_KEY, m->exchange_id));
      break;
    case SCHAT__ACTION_COMMIT_KEY: /* of its own, after the acceptance, with its fingerprint, once */
      found = find_exchange(v, !side, m->in_raw, SCHAT__ACTION_ACCEPT_KEY, m->exchange_id);
      assert_non_null(found);
      assert_int_equal(found->fingerprint, m->fingerprint);
      assert_non_null(find_exchange(v, side, raw, SCHAT__ACTION_REQUEST_KEY, m->exchange_id));
      assert_null(find_exchange(v, side, raw, SCHAT__ACTION_COMMIT_KEY, m->exchange_id));
      v->exchanges++;
      break;
    case SCHAT__ACTION_ABORT_KEY: /* not after the acceptance, by whomever, and only of one that is there */
      assert_null(find_exchange(v, side, raw, SCHAT__ACTION_ACCEPT_KEY, m->exchange_id));
      assert_null(find_exchange(v, !side, m->in_raw, SCHAT__ACTION_ACCEPT_KEY, m->exchange_id));
      assert_true(find_exchange(v, !side, m->in_raw, SCHAT__ACTION_REQUEST_KEY, m->exchange_id) != NULL ||
                  find_exchange(v, side, raw, SCHAT__ACTION_REQUEST_KEY, m->exchange_id) != NULL);
      break;
    default:
      break;
  }
}

/* A range of messages that the other side has made, and that this message does not confirm; a thousand at most. */
static void check_range(watcher *v, size_t side, int originator, int32_t in_raw, const schat__action *action) {
  int32_t first = (action->start - schat__wire_out(0, !originator)) / 2, last = (action->end - schat__wire_out(0, !originator)) / 2;
  assert_int_equal(action->start, schat__wire_out(first, !originator));
  assert_int_equal(action->end, schat__wire_out(last, !originator));
  assert_true(first >= in_raw && first <= last && last < v->count[!side]);
  assert_true(last - first < 1000);
  v->resends++;
}

static void check_message(watcher *v, size_t side, int originator, const relay_sent *sent) {
  schat__wrapper wrapper;
  schat_bytes object;
  schat_message message;
  schat__action action;
  made now, *before;
  int32_t raw;
  SCHAT_INIT(message);
  assert_int_equal(open_under_any_key(v, originator, sent, &object), 1); /* version 2 */
  assert_int_equal(schat__wrapper_decode(object.data, object.size, &wrapper), SCHAT_OK);
  assert_int_equal(schat__message_decode(&v->arena, wrapper.message, &message, &action), SCHAT_OK); /* with nothing after it */
  assert_true(wrapper.layer == 73 || wrapper.layer == 101 || wrapper.layer == 144);
  assert_true(wrapper.random_bytes.size >= 15);
  raw = (wrapper.out_seq_no - schat__wire_out(0, originator)) / 2;
  memset(&now, 0, sizeof now);
  now.in_raw = (wrapper.in_seq_no - schat__wire_in(0, originator)) / 2;
  now.layer = wrapper.layer;
  now.action = action.type;
  now.exchange_id = action.exchange_id;
  now.fingerprint = action.key_fingerprint;
  now.when = v->w->now;
  assert_int_equal(wrapper.out_seq_no, schat__wire_out(raw, originator));
  assert_int_equal(wrapper.in_seq_no, schat__wire_in(now.in_raw, originator));
  assert_int_equal(sent->random_id, action.type == SCHAT__ACTION_NONE ? message.random_id : action.random_id);
  assert_in_range(raw, 0, MADE - 1);
  assert_in_range(now.in_raw, 0, v->count[!side]);
  if (action.type == SCHAT__ACTION_RESEND) check_range(v, side, originator, now.in_raw, &action);
  before = &v->made[side][raw];
  if (before->there) { /* once more: the same, or what takes its place */
    assert_int_equal(before->in_raw, now.in_raw);
    assert_int_equal(before->layer, now.layer);
    assert_true(before->action == now.action || now.action == SCHAT__ACTION_DELETE || now.action == SCHAT__ACTION_NOOP);
    v->repeated++;
    return;
  }
  if (v->strict) assert_int_equal(raw, v->count[side]);
  check_exchange(v, side, raw, &now);
  now.there = 1;
  *before = now;
  if (v->count[side] <= raw) v->count[side] = raw + 1;
}

/* What a peer reads in the end, in order: neither in_seq_no nor layer goes down. */
static void check_order(const watcher *v, size_t side) {
  int32_t i;
  for (i = 0; i < v->count[side]; i++) {
    assert_true(v->made[side][i].there);
    if (i == 0) continue;
    assert_true(v->made[side][i].in_raw >= v->made[side][i - 1].in_raw);
    assert_true(v->made[side][i].layer >= v->made[side][i - 1].layer);
  }
}

static void on_sent(void *user_data, const relay_sent *sent) {
  watcher *v = user_data;
  size_t side = sent->device == v->w->peers[0].device ? 0 : 1;
  v->chat_id = sent->chat_id;
  note_keys(v);
  check_message(v, side, side == 0, sent);
  schat__arena_reset(&v->arena);
  v->looked_at++;
}

static uint64_t draw(uint64_t *x, uint64_t below) {
  *x ^= *x << 13;
  *x ^= *x >> 7;
  *x ^= *x << 17;
  return *x % below;
}

/* One thing that a user, or a system that stops, does. */
static void do_something(watcher *v, uint64_t *x, int64_t *last) {
  world *w = v->w;
  size_t p = draw(x, 2);
  schat_manager *m = w->peers[p].manager;
  switch (draw(x, 12)) {
    case 0:
      schat_chat_set_ttl(m, v->chat_id, (int32_t)draw(x, 100), 0, w->now);
      break;
    case 1:
    case 2:
      schat_messages_delete(m, v->chat_id, &last[p], 1, 0, w->now);
      break;
    case 3:
      schat_messages_read(m, v->chat_id, relay_date(w->now), w->now);
      break;
    case 4:
      world_restart(w, p, 1);
      world_catch_up(w, p);
      break;
    case 5:
      relay_fail_next(w->relay, w->peers[p].device, SCHAT_REQUEST_SEND_ENCRYPTED, 400, "MESSAGE_REFUSED");
      break;
    default:
      world_text(w, p, v->chat_id, "text", &last[p]);
      break;
  }
}

/* What is due is done at once: no account is told to come back at a moment that has passed. */
static void expect_rest(world *w) {
  int64_t deadline;
  size_t p;
  for (p = 0; p < 2; p++) {
    assert_true(schat_tick(w->peers[p].manager, w->now) >= 0);
    world_drain(w, p);
    assert_int_equal(schat_next_deadline(w->peers[p].manager, &deadline), SCHAT_OK);
    assert_true(deadline > w->now);
  }
}

static void live_through_faults(uint64_t seed, uint32_t flags) {
  static watcher v;
  relay_faults faults;
  uint64_t x = seed * 7919 + 1;
  int64_t last[2] = {1, 1};
  size_t p, i;
  int step;
  memset(&v, 0, sizeof v);
  v.w = world_new(seed, 2);
  assert_int_equal(schat__crypto_new(NULL, NULL, NULL, &v.crypto), SCHAT_OK);
  schat__arena_init(&v.arena, NULL, SIZE_MAX);
  for (p = 0; p < 2; p++) {
    v.w->peers[p].policy.flags = flags;
    v.w->peers[p].policy.rekey_messages = 15;
    world_restart(v.w, p, 0);
  }
  world_run(v.w);
  relay_tap(v.w->relay, on_sent, &v);
  v.chat_id = world_chat(v.w, 0, 1);
  memset(&faults, 0, sizeof faults);
  faults.drop_update = 0.1;
  faults.drop_for_good = 0.05;
  faults.duplicate = 0.1;
  faults.reorder = 0.2;
  v.strict = seed & 1;
  faults.lost_request = faults.lost_answer = v.strict ? 0 : 0.02;
  faults.error_420 = 0.03;
  faults.error_500 = 0.03;
  faults.error_after_effect = 0.03;
  faults.delay_ms_max = 1500;
  relay_set_faults(v.w->relay, &faults);
  for (step = 0; step < 350; step++) {
    note_keys(&v);
    do_something(&v, &x, last);
    world_run(v.w);
    expect_rest(v.w);
    note_keys(&v);
    if (draw(&x, 2)) world_pass(v.w, (int64_t)draw(&x, 40000));
  }
  memset(&faults, 0, sizeof faults);
  relay_set_faults(v.w->relay, &faults);
  for (i = 0; i < 40; i++) { /* and it heals */
    for (p = 0; p < 2; p++) {
      if (i < 2) world_restart(v.w, p, 1);
      world_catch_up(v.w, p);
      if (i < 30) world_text(v.w, p, v.chat_id, "text", NULL);
    }
    world_pass(v.w, 120000);
  }
  for (p = 0; p < 2; p++) {
    assert_int_equal(world_info(v.w, p, v.chat_id).state, SCHAT_STATE_READY);
    assert_int_equal(world_info(v.w, p, v.chat_id).waiting, 0);
    assert_int_equal(puppet_slot(v.w->peers[p].manager, v.chat_id)->chat.in_seq, v.count[!p]);
    check_order(&v, p);
  }
  assert_true(v.looked_at > 200 && v.repeated > 10 && v.resends > 3 && v.exchanges > 3);
  schat__arena_free(&v.arena);
  schat__crypto_free(v.crypto);
  world_free(v.w);
}

/* D-37, R-ENC-01, R-ENC-09, R-ENC-10, R-SEQ-06, R-SEQ-22 accept: a look at every message the server takes while two accounts write, delete,
 * stop, crash and rekey over a bad network: nothing that a strict peer closes a chat for */
static void nothing_that_kills_strict_peers_is_sent(void **state) {
  uint64_t seed;
  (void)state;
  for (seed = 1; seed <= 4; seed++) live_through_faults(seed, seed > 2 ? 0 : SCHAT_POLICY_CHAIN_SENDS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_message_is_wrapped_and_padded),
      cmocka_unit_test(random_bytes_and_padding_are_random),
      cmocka_unit_test(without_randomness_nothing_is_sent),
      cmocka_unit_test(the_bucket_policy_gives_tdlibs_sizes),
      cmocka_unit_test(a_message_over_the_limit_is_not_made),
      cmocka_unit_test(names_are_the_same_inside_and_outside),
      cmocka_unit_test(chosen_names_are_never_zero_and_never_in_use),
      cmocka_unit_test(a_name_means_something_in_its_chat_alone),
      cmocka_unit_test(chained_sends_name_their_predecessor),
      cmocka_unit_test(a_send_that_never_left_is_nobodys_predecessor),
      cmocka_unit_test(unchained_sends_wait_for_their_predecessor),
      cmocka_unit_test(what_waits_for_an_answer_has_no_deadline),
      cmocka_unit_test(the_server_takes_messages_in_order),
      cmocka_unit_test(the_last_number_ends_the_chat),
      cmocka_unit_test(deleting_an_unconfirmed_message_destroys_it),
      cmocka_unit_test(deleting_an_unsent_message_sends_no_content),
      cmocka_unit_test(deleting_anything_else_erases_nothing),
      cmocka_unit_test(deleting_an_unconfirmed_message_destroys_it_in_memory),
      cmocka_unit_test(an_erased_message_keeps_its_layer),
      cmocka_unit_test(a_refused_message_leaves_its_number),
      cmocka_unit_test(a_passing_refusal_loses_nothing),
      cmocka_unit_test(a_twice_refused_message_is_tried_until_it_goes),
      cmocka_unit_test(nothing_that_kills_strict_peers_is_sent),
  };
  return cmocka_run_group_tests_name("outbound", tests, NULL, NULL);
}
