/* SPDX-License-Identifier: BSL-1.0
 * test_resend.c - what the peer asks for again, and what it gets without asking: the same messages under the same numbers, once. */
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

#define MINUTE INT64_C(60000)
#define PAUSE 5000 /* between two answers about the same message */

/* Texts of the account up to raw number `last`, confirmed by the server, none by the peer but the NotifyLayer (number 0). */
static stage *with_texts(uint64_t seed, int role, int32_t last, uint32_t span) {
  schat_policy policy;
  stage *s;
  SCHAT_INIT(policy);
  policy.flags = SCHAT_POLICY_CHAIN_SENDS;
  policy.max_resend_span = span;
  policy.rekey_messages = UINT32_MAX;
  s = stage_new(seed, role, &policy);
  stage_acknowledge(s);
  s->p->in_raw = 1;
  while (stage_slot(s)->chat.out_seq <= last) assert_true(world_text(s->w, 0, s->chat_id, "content", NULL) >= 0);
  world_run(s->w);
  return s;
}

typedef struct {
  stage_sent *sent;
  size_t count;
} kept_bytes;

/* Takes the sent messages so far out of the stage. */
static kept_bytes take_sent(stage *s) {
  kept_bytes k;
  k.sent = s->sent;
  k.count = s->sent_count;
  s->sent = NULL;
  s->sent_count = s->sent_capacity = 0;
  stage_forget(s);
  return k;
}

static void free_sent(kept_bytes *k) {
  while (k->count > 0) free(k->sent[--k->count].bytes);
  free(k->sent);
}

/* The stage's message i is the kept one, to the byte. */
static void expect_same(const stage *s, size_t i, const stage_sent *kept) {
  assert_true(i < s->sent_count);
  assert_int_equal(s->sent[i].size, kept->size);
  assert_memory_equal(s->sent[i].bytes, kept->bytes, kept->size);
  assert_int_equal(s->sent[i].random_id, kept->random_id);
  assert_int_equal(s->sent[i].type, kept->type);
}

/* The same bytes --------------------------------------------------------------------------------------------------------- */

/* R-SEQ-06, R-SEQ-14, D-06 accept: also after 50 messages of the peer, and a restart */
static void a_resend_gets_the_bytes_that_were_sent_first(void **state) {
  int role;
  (void)state;
  for (role = 0; role < 2; role++) {
    stage *s = with_texts(1, role, 5, 0);
    kept_bytes k = take_sent(s);
    size_t i;
    assert_int_equal(k.count, 5);
    for (i = 0; i < 50; i++) assert_int_equal(stage_text(s, 100 + (int64_t)i, "theirs"), SCHAT_OK);
    assert_int_equal(stage_resend(s, 1, s->p->out_raw++, 1, 5), SCHAT_OK);
    assert_int_equal(s->sent_count, 5);
    for (i = 0; i < 5; i++) expect_same(s, i, &k.sent[i]);
    world_restart(s->w, 0, 1);
    world_pass(s->w, PAUSE);
    stage_forget(s);
    assert_int_equal(stage_resend(s, 1, s->p->out_raw++, 2, 3), SCHAT_OK);
    assert_int_equal(s->sent_count, 2);
    expect_same(s, 0, &k.sent[1]);
    expect_same(s, 1, &k.sent[2]);
    free_sent(&k);
    stage_free(s);
  }
}

/* R-SEQ-06 accept: an account that has never got an answer sends the same bytes after a restart too */
static void an_unanswered_send_is_repeated_byte_for_byte(void **state) {
  stage *s = with_texts(2, 1, 0, 0);
  relay_faults faults;
  kept_bytes k;
  (void)state;
  memset(&faults, 0, sizeof faults);
  faults.lost_answer = 1;
  relay_set_faults(s->w->relay, &faults);
  assert_true(world_text(s->w, 0, s->chat_id, "content", NULL) >= 0);
  world_run(s->w);
  k = take_sent(s);
  assert_int_equal(k.count, 1);
  world_restart(s->w, 0, 1);
  world_run(s->w);
  assert_int_equal(s->sent_count, 1);
  expect_same(s, 0, &k.sent[0]);
  free_sent(&k);
  stage_free(s);
}

/* Ranges ----------------------------------------------------------------------------------------------------------------- */

static int resend_wire(stage *s, int32_t out_raw, int32_t start, int32_t end) {
  schat__action action;
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_RESEND;
  action.start = start;
  action.end = end;
  return stage_action_raw(s, 1, out_raw, &action);
}

typedef struct {
  int32_t start, end; /* of an account that has made `made` messages, for x = 0 */
  int answers;        /* -1: the end of the chat */
} range_case;

static void try_range(stage *s, int32_t x, int behind, const range_case *c) {
  size_t sent;
  int status;
  s->w->peers[0].hold = c->answers < 0; /* the relay hears of no end of the chat */
  if (behind) assert_int_equal(stage_text_raw(s, 1, s->p->out_raw + 2, 1, "makes a gap"), SCHAT_WAITING);
  stage_forget(s);
  status = resend_wire(s, s->p->out_raw + behind, c->start + x, c->end + x);
  for (sent = 0; sent < s->sent_count; sent++) { /* our own requests about the gap come last */
    puppet_seen seen;
    assert_true(stage_read(s, sent, &seen));
    if (seen.action.type == SCHAT__ACTION_RESEND) break;
  }
  if (c->answers < 0) {
    assert_int_equal(status, SCHAT_CHAT_CLOSED);
    assert_int_equal(stage_info(s).close_reason, SCHAT_CLOSE_RESEND_IMPOSSIBLE);
    assert_int_equal(world_requests(s->w, 0, SCHAT_REQUEST_DISCARD_ENCRYPTION), 1);
    assert_int_equal(world_requests(s->w, 0, SCHAT_REQUEST_SEND_ENCRYPTED) + world_requests(s->w, 0, SCHAT_REQUEST_SEND_SERVICE), 0);
  } else {
    assert_int_equal(status, behind ? SCHAT_WAITING : SCHAT_OK);
    assert_int_equal(sent, c->answers);
    assert_int_equal(stage_info(s).state, SCHAT_STATE_READY);
  }
}

/* R-SEQ-14, R-SEQ-22 accept / reject: for both roles, in order and behind a gap: every bound and every parity */
static void only_a_range_that_can_be_answered_is_lawful(void **state) {
  static const range_case cases[] = {{2, 2, 1},
                                     {10, 10, 1},
                                     {2, 10, 5},
                                     {4, 8, 3},
                                     {0, 10, 6}, /* from the confirmed one, which is kept */
                                     {4, 2, -1},
                                     {3, 5, -1},
                                     {2, 5, -1},
                                     {3, 4, -1},
                                     {-2, 4, -1},
                                     {-1, 4, -1},
                                     {2, -2, -1},
                                     {2, -1, -1},
                                     {2, INT_MAX - 1, -1},
                                     {2, INT_MAX - 2, -1},
                                     {INT_MAX - 1, INT_MAX - 1, -1},
                                     {INT_MAX - 2, INT_MAX - 2, -1},
                                     {INT_MIN, 4, -1},
                                     {INT_MIN + 1, INT_MAX - 1, -1},
                                     {INT_MIN, INT_MAX - 1, -1}};
  int role, behind;
  (void)state;
  for (role = 0; role < 2; role++) {
    stage *s = with_texts(3, role, 5, 0);
    memstore *image = world_image(s->w, 0);
    for (behind = 0; behind < 2; behind++) {
      int32_t above = 12 + 2 * behind; /* our request about the gap has a number too */
      const range_case beyond[] = {{2, above, -1}, {above, above, -1}, {above + 2, above + 2, -1}};
      size_t i;
      for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        stage_rewind(s, image);
        try_range(s, role, behind, &cases[i]);
      }
      for (i = 0; i < 3; i++) {
        stage_rewind(s, image);
        try_range(s, role, behind, &beyond[i]);
      }
      s->w->peers[0].hold = 0;
    }
    memstore_free(image);
    stage_free(s);
  }
}

/* X-13, D-11, R-SEQ-14 accept / reject: no more than the policy's span, 1,000 by default */
static void the_span_of_a_range_is_bounded(void **state) {
  static const uint32_t spans[] = {3, 0};
  size_t i;
  (void)state;
  for (i = 0; i < 2; i++) {
    int32_t span = spans[i] == 0 ? 1000 : (int32_t)spans[i];
    stage *s = with_texts(4, 1, span + 1, spans[i]);
    stage_forget(s);
    assert_int_equal(stage_resend(s, 1, s->p->out_raw++, 1, span), SCHAT_OK);
    assert_int_equal(s->sent_count, span);
    stage_forget(s);
    assert_int_equal(stage_resend(s, 1, s->p->out_raw++, 1, span + 1), SCHAT_CHAT_CLOSED);
    assert_int_equal(stage_info(s).close_reason, SCHAT_CLOSE_RESEND_IMPOSSIBLE);
    assert_int_equal(s->sent_count, 0);
    stage_free(s);
  }
}

/* Once ------------------------------------------------------------------------------------------------------------------- */

/* R-SEQ-15, R-SEQ-16 accept / reject: at once, though it stands behind a gap; not again when the server replays it, nor when its turn
 * comes, nor when both happen after a restart */
static void a_resend_behind_a_gap_is_answered_at_once_and_once(void **state) {
  int restart;
  (void)state;
  for (restart = 0; restart < 2; restart++) {
    stage *s = with_texts(5, 1, 4, 0);
    int32_t first = s->p->out_raw;
    schat__action action;
    uint8_t *packet;
    size_t size;
    memset(&action, 0, sizeof action);
    action.type = SCHAT__ACTION_RESEND;
    action.start = schat__wire_out(1, 1);
    action.end = schat__wire_out(3, 1);
    packet = puppet_seal(s->p, schat__wire_in(1, 0), schat__wire_out(first + 2, 0), puppet_action(s->p, &action), &size);
    assert_int_equal(stage_text_raw(s, 1, first + 1, 1, "text"), SCHAT_WAITING); /* we have a hole, and so has the peer */
    stage_forget(s);
    assert_int_equal(puppet_feed(stage_manager(s), s->chat_id, packet, size, s->w->now), SCHAT_WAITING);
    world_run(s->w);
    assert_int_equal(s->sent_count, 3);
    if (restart) world_restart(s->w, 0, 1);
    world_pass(s->w, 2 * PAUSE); /* so that a second answer would not be held back */
    stage_forget(s);
    assert_int_equal(puppet_feed(stage_manager(s), s->chat_id, packet, size, s->w->now), SCHAT_DUPLICATE);
    world_pass(s->w, 2 * PAUSE);
    assert_int_equal(stage_count(s, SCHAT__ACTION_NONE), 0);
    if (restart) world_restart(s->w, 0, 1);
    assert_int_equal(stage_text_raw(s, 1, first, 2, "text"), SCHAT_OK); /* its turn comes */
    assert_int_equal(stage_info(s).waiting, 0);
    world_pass(s->w, 2 * PAUSE);
    assert_int_equal(stage_count(s, SCHAT__ACTION_NONE), 0);
    assert_int_equal(puppet_feed(stage_manager(s), s->chat_id, packet, size, s->w->now), SCHAT_DUPLICATE);
    world_pass(s->w, 2 * PAUSE);
    assert_int_equal(stage_count(s, SCHAT__ACTION_NONE), 0);
    free(packet);
    stage_free(s);
  }
}

/* R-SEQ-07, D-25 accept: where one send at a time is under way, and the peer asks again for what that one carries, its answer finds nobody;
 * the sends behind it go out all the same. */
static void a_resend_of_what_is_under_way_leaves_the_way_free(void **state) {
  (void)state;
  schat_policy policy;
  SCHAT_INIT(policy); /* no chained sends */
  stage *s = stage_new(91, 1, &policy);
  world_peer *peer = &s->w->peers[0];
  const int32_t raw = stage_slot(s)->chat.out_seq;
  int64_t second = 0;
  size_t i, found = 0;
  peer->hold = 1;
  world_forget(s->w);
  assert_true(world_text(s->w, 0, s->chat_id, "first", NULL) >= 0);
  world_drain(s->w, 0);
  s->w->now += 600000; /* nobody has said what became of it */
  assert_int_equal(stage_resend(s, raw, s->p->out_raw++, raw, raw), SCHAT_OK);
  assert_true(world_text(s->w, 0, s->chat_id, "second", &second) >= 0);
  world_drain(s->w, 0);
  for (i = 0; i < peer->request_count; i++) {
    schat_answer answer;
    SCHAT_INIT(answer);
    answer.type = SCHAT_ANSWER_SENT;
    answer.date = (int32_t)(s->w->now / 1000);
    found += peer->requests[i].random_id == second;
    if (peer->requests[i].type > SCHAT_REQUEST_SEND_SERVICE || peer->requests[i].type < SCHAT_REQUEST_SEND_ENCRYPTED) continue;
    assert_true(schat_request_done(stage_manager(s), peer->requests[i].token, &answer, s->w->now) >= 0);
    world_drain(s->w, 0);
  }
  assert_int_equal(found, 1);
  stage_free(s);
}

/* R-SEQ-16 reject: nor is one that came in order answered again */
static void a_replayed_resend_is_not_answered(void **state) {
  stage *s = with_texts(6, 1, 4, 0);
  int32_t raw = s->p->out_raw++;
  (void)state;
  stage_forget(s);
  assert_int_equal(stage_resend(s, 1, raw, 1, 3), SCHAT_OK);
  assert_int_equal(s->sent_count, 3);
  world_pass(s->w, 2 * PAUSE);
  assert_int_equal(stage_resend(s, 1, raw, 1, 3), SCHAT_DUPLICATE);
  assert_int_equal(resend_wire(s, raw, 4, 3), SCHAT_DUPLICATE); /* not even looked at */
  world_pass(s->w, 2 * PAUSE);
  assert_int_equal(s->sent_count, 3);
  stage_free(s);
}

/* X-13 accept / reject: requests in a row about the same messages are answered with a pause, and together */
static void requests_in_a_row_are_answered_with_a_pause(void **state) {
  stage *s = with_texts(7, 1, 4, 0);
  int i;
  (void)state;
  stage_forget(s);
  for (i = 0; i < 100; i++) assert_int_equal(stage_resend(s, 1, s->p->out_raw++, 1, 4), SCHAT_OK);
  assert_int_equal(s->sent_count, 4);
  world_pass(s->w, PAUSE - 1);
  assert_int_equal(s->sent_count, 4);
  world_pass(s->w, 1);
  assert_int_equal(s->sent_count, 8);
  world_pass(s->w, 10 * PAUSE);
  assert_int_equal(s->sent_count, 8);
  assert_true(world_text(s->w, 0, s->chat_id, "nothing stands in the way of new messages", NULL) >= 0);
  world_run(s->w);
  assert_int_equal(s->sent_count, 9);
  stage_free(s);
}

/* X-13 reject: nor can Noops for what is confirmed be had without end */
static void noops_are_answered_with_a_pause_too(void **state) {
  stage *s = with_texts(8, 1, 100, 0);
  size_t sent;
  int i;
  (void)state;
  s->p->in_raw = 101;
  assert_int_equal(stage_text(s, 1, "confirms all"), SCHAT_OK);
  stage_forget(s);
  for (i = 0; i < 20; i++) assert_int_equal(stage_resend(s, 101, s->p->out_raw++, 1, 100), SCHAT_OK);
  assert_int_equal(s->sent_count, 100);
  assert_true(world_text(s->w, 0, s->chat_id, "nothing stands in the way of new messages", NULL) >= 0);
  world_run(s->w);
  assert_int_equal(s->sent_count, 101);
  world_restart(s->w, 0, 1);
  world_pass(s->w, PAUSE);
  sent = s->sent_count;
  assert_true(sent <= 201);
  assert_int_equal(stage_resend(s, 101, s->p->out_raw++, 1, 100), SCHAT_OK); /* later they can be had again */
  world_pass(s->w, 2 * PAUSE);
  assert_true(s->sent_count >= sent);
  assert_true(s->sent_count >= 201);
  assert_int_equal(stage_info(s).state, SCHAT_STATE_READY);
  stage_free(s);
}

/* Keys ------------------------------------------------------------------------------------------------------------------- */

/* The puppet begins a rekeying and commits to it; returns with the new key in `key` and still speaking under the old one. */
static void rekey(stage *s, uint8_t key[256]) {
  const schat__config *config = &stage_manager(s)->env.configs[0];
  uint8_t exponent[256], value[256], padded[256];
  schat__action action;
  puppet_seen seen;
  memset(&action, 0, sizeof action);
  assert_int_equal(schat__dh_generate(s->p->crypto, config->p, config->g, NULL, 0, exponent, value), SCHAT_OK);
  action.type = SCHAT__ACTION_REQUEST_KEY;
  action.exchange_id = 4711;
  action.g.data = value;
  action.g.size = sizeof value;
  assert_int_equal(stage_action(s, &action), SCHAT_OK);
  assert_true(stage_read(s, s->sent_count - 1, &seen));
  assert_int_equal(seen.action.type, SCHAT__ACTION_ACCEPT_KEY);
  assert_int_equal(schat__dh_check_public(s->p->crypto, config->p, value, seen.action.g.data, seen.action.g.size, padded), 1);
  assert_int_equal(schat__dh_key(s->p->crypto, config->p, padded, exponent, key), SCHAT_OK);
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_COMMIT_KEY;
  action.exchange_id = 4711;
  assert_int_equal(schat__key_fingerprint(s->p->crypto, key, &action.key_fingerprint), SCHAT_OK);
  assert_int_equal(action.key_fingerprint, seen.action.key_fingerprint);
  assert_int_equal(stage_action(s, &action), SCHAT_OK);
  assert_int_equal(stage_info(s).key_fingerprint, action.key_fingerprint);
  assert_true(stage_slot(s)->secrets != NULL && (stage_slot(s)->secrets->has & SCHAT__HAS_PREVIOUS));
}

/* Opens bytes that the library (who started the chat) sent, under a key: 1, and the plaintext with its padding. */
static int plaintext_of(stage *s, const uint8_t key[256], const stage_sent *sent, uint8_t plain[2048]) {
  const uint8_t *bare;
  size_t bare_size;
  int64_t fingerprint;
  assert_true(sent->size < 2048);
  assert_int_equal(schat__key_fingerprint(s->p->crypto, key, &fingerprint), SCHAT_OK);
  return schat__envelope_open(s->p->crypto, key, fingerprint, 2, 1, sent->bytes, sent->size, plain, &bare, &bare_size);
}

/* D-06 accept: while the previous key is held the same bytes are sent; once it is dropped, the same plaintext under the same numbers,
 * sealed with the current key, and from then on those bytes */
static void a_resend_after_a_rekeying_is_sealed_with_a_key_the_peer_has(void **state) {
  stage *s = with_texts(9, 1, 3, 0);
  uint8_t old_key[256], new_key[256], before[2048], after[2048], plain[2048];
  kept_bytes k = take_sent(s), resealed;
  size_t i;
  (void)state;
  memcpy(old_key, s->p->key, sizeof old_key);
  rekey(s, new_key);
  stage_forget(s);
  assert_int_equal(stage_resend(s, 1, s->p->out_raw++, 1, 3), SCHAT_OK); /* still under the old key, which is held */
  assert_int_equal(s->sent_count, 3);
  for (i = 0; i < 3; i++) expect_same(s, i, &k.sent[i]);
  world_pass(s->w, 2 * PAUSE);
  puppet_use_key(s->p, new_key);
  stage_forget(s);
  assert_int_equal(stage_resend(s, 1, s->p->out_raw++, 1, 3), SCHAT_OK); /* this shows that the peer has switched */
  assert_true(stage_slot(s)->secrets == NULL);
  assert_int_equal(s->sent_count, 3);
  for (i = 0; i < 3; i++) {
    assert_int_equal(plaintext_of(s, old_key, &k.sent[i], before), 1);
    assert_int_equal(plaintext_of(s, new_key, &s->sent[i], after), 1);
    assert_int_equal(plaintext_of(s, old_key, &s->sent[i], plain), 0);
    assert_int_equal(s->sent[i].size, k.sent[i].size);
    assert_memory_equal(before, after, k.sent[i].size - 24); /* random bytes, numbers, content, padding */
    assert_int_equal(s->sent[i].random_id, k.sent[i].random_id);
  }
  free_sent(&k);
  resealed = take_sent(s);
  world_restart(s->w, 0, 1);
  world_pass(s->w, 2 * PAUSE);
  stage_forget(s);
  assert_int_equal(stage_resend(s, 1, s->p->out_raw++, 1, 3), SCHAT_OK);
  assert_int_equal(s->sent_count, 3);
  for (i = 0; i < 3; i++) expect_same(s, i, &resealed.sent[i]);
  free_sent(&resealed);
  stage_free(s);
}

/* D-06 accept: a peer that has used the new key behind a gap may have dropped the old one too */
static void a_peer_that_has_switched_behind_a_gap_gets_the_new_key(void **state) {
  stage *s = with_texts(10, 1, 3, 0);
  uint8_t old_key[256], new_key[256], plain[2048];
  size_t i;
  (void)state;
  memcpy(old_key, s->p->key, sizeof old_key);
  rekey(s, new_key);
  puppet_use_key(s->p, new_key);
  stage_forget(s);
  assert_int_equal(stage_resend(s, 1, s->p->out_raw + 1, 1, 3), SCHAT_WAITING);
  assert_true(stage_slot(s)->secrets != NULL && (stage_slot(s)->secrets->has & SCHAT__HAS_PREVIOUS)); /* what is missing may need it */
  assert_int_equal(s->sent_count, 4);
  for (i = 0; i < 4; i++) assert_int_equal(plaintext_of(s, new_key, &s->sent[i], plain), 1);
  puppet_use_key(s->p, old_key);
  assert_int_equal(stage_text_raw(s, 1, s->p->out_raw, 1, "from before"), SCHAT_OK);
  assert_true(stage_slot(s)->secrets == NULL);
  stage_free(s);
}

/* Unasked ---------------------------------------------------------------------------------------------------------------- */

/* D-36 accept / reject: when a message of the peer, 60 s and more after the server took ours, still does not cover it, the oldest is sent
 * again, with doubling pauses, eight times; then PEER_STUCK once. Nothing happens while the peer is silent, or only repeats itself. */
static void a_message_the_peer_must_have_lost_is_sent_unasked(void **state) {
  stage *s = with_texts(11, 1, 3, 0);
  kept_bytes k = take_sent(s);
  int64_t pause = MINUTE;
  int tries;
  (void)state;
  for (tries = 1; tries <= 8; tries++, pause *= 2) {
    world_pass(s->w, pause - 1);
    assert_int_equal(stage_text(s, 100 + tries, "too early"), SCHAT_OK);
    assert_int_equal(s->sent_count, 0);
    world_pass(s->w, 1);
    assert_int_equal(s->sent_count, 0); /* silence says nothing */
    assert_int_equal(stage_text_raw(s, 1, s->p->out_raw - 1, 1, "known already"), SCHAT_DUPLICATE);
    assert_int_equal(s->sent_count, 0);
    assert_int_equal(stage_text(s, 200 + tries, "does not cover it"), SCHAT_OK);
    assert_int_equal(s->sent_count, 1); /* the oldest alone */
    expect_same(s, 0, &k.sent[0]);
    assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_PEER_STUCK), 0);
    assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_SENT), 0); /* it had been told */
    stage_forget(s);
    if (tries == 4) world_restart(s->w, 0, 1); /* the count is durable */
  }
  world_pass(s->w, pause - 1);
  assert_int_equal(stage_text(s, 300, "too early"), SCHAT_OK);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_PEER_STUCK), 0);
  world_pass(s->w, 1);
  assert_int_equal(stage_text(s, 301, "does not cover it"), SCHAT_OK);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_PEER_STUCK), 1);
  assert_int_equal(world_last(s->w, 0, SCHAT_EVENT_PEER_STUCK)->random_id, k.sent[0].random_id);
  assert_true(stage_info(s).flags & SCHAT_CHAT_PEER_STUCK);
  world_pass(s->w, 2 * pause);
  assert_int_equal(stage_text(s, 302, "does not cover it"), SCHAT_OK);
  assert_int_equal(s->sent_count, 0);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_PEER_STUCK), 1);
  assert_int_equal(stage_info(s).state, SCHAT_STATE_READY);

  s->p->in_raw = 2; /* the first has arrived after all: the second becomes the oldest */
  assert_int_equal(stage_text(s, 303, "covers it"), SCHAT_OK);
  assert_false(stage_info(s).flags & SCHAT_CHAT_PEER_STUCK);
  assert_int_equal(s->sent_count, 1);
  expect_same(s, 0, &k.sent[1]);
  free_sent(&k);
  stage_free(s);
}

/* D-36 accept: both sides miss something, and the peer, which answers in order only, cannot repair our gap before it has read on. What its
 * messages behind the gap say of ours counts, or the one it misses would never be found. */
static void a_message_lost_on_both_sides_of_a_gap_is_sent_unasked(void **state) {
  stage *s = with_texts(15, 1, 3, 0);
  kept_bytes k = take_sent(s);
  (void)state;
  s->p->out_raw++; /* lost */
  s->p->in_raw = 3;
  assert_int_equal(stage_text(s, 100, "behind the gap"), SCHAT_WAITING);
  stage_forget(s);
  world_pass(s->w, MINUTE);
  stage_forget(s);
  assert_int_equal(stage_text(s, 101, "still behind it"), SCHAT_WAITING);
  assert_int_equal(s->sent_count, 1);
  expect_same(s, 0, &k.sent[2]);
  assert_int_equal(stage_info(s).unacknowledged, stage_slot(s)->chat.out_seq - 1); /* nothing is confirmed by that */
  free_sent(&k);
  stage_free(s);
}

/* D-36 reject: what the peer covers in time is never sent twice */
static void nothing_is_repeated_to_a_peer_that_answers(void **state) {
  stage *s = with_texts(12, 1, 3, 0);
  int i;
  (void)state;
  stage_forget(s);
  for (i = 0; i < 50; i++) {
    s->p->in_raw = stage_slot(s)->chat.out_seq;
    assert_int_equal(stage_text(s, 100 + i, "covers all"), SCHAT_OK);
    assert_true(world_text(s->w, 0, s->chat_id, "another", NULL) >= 0);
    world_pass(s->w, 3 * MINUTE);
  }
  assert_int_equal(s->sent_count, 50);
  stage_free(s);
}

/* A peer as TDLib is: it asks for a hole once, and repeats nothing by itself. */
static void make_like_tdlib(schat_manager *m, int32_t chat_id) {
  schat__slot *slot = puppet_slot(m, chat_id);
  size_t i;
  slot->chat.gap_at = 0;
  for (i = 0; i < schat__count(slot, SCHAT__OUTBOX); i++) {
    schat__item_at(slot, SCHAT__OUTBOX, i)->u.out.unasked = 32; /* not before a hundred thousand years */
  }
}

/* D-36, D-10, R-SEQ-13, R-SEQ-15 accept: one message in five is lost for good, both ways, and yet all arrive in order at a peer that asks
 * for each hole only once */
static void a_chat_with_a_peer_that_asks_once_lives_through_losses(void **state) {
  uint64_t seed;
  (void)state;
  for (seed = 1; seed <= 6; seed++) {
    world *w = world_new(100 + seed, 2);
    int32_t chat_id;
    relay_faults faults;
    char text[8];
    int sent[2] = {0, 0}, round, p;
    w->peers[0].policy.rekey_messages = w->peers[1].policy.rekey_messages = UINT32_MAX;
    world_restart(w, 0, 0);
    world_restart(w, 1, 0);
    world_run(w);
    chat_id = world_chat(w, 0, 1);
    memset(&faults, 0, sizeof faults);
    faults.drop_for_good = 0.2;
    relay_set_faults(w->relay, &faults);
    for (round = 0; round < 2000; round++) {
      p = round & 1;
      if (sent[p] < 40 || round % 8 < 2) { /* later on a word now and then */
        snprintf(text, sizeof text, "%d", sent[p]);
        assert_true(world_text(w, (size_t)p, chat_id, text, NULL) >= 0);
        sent[p]++;
      }
      world_run(w);
      make_like_tdlib(w->peers[1].manager, chat_id);
      world_pass(w, 20000);
      if (sent[0] >= 40 && sent[1] >= 40 && world_count(w, 0, SCHAT_EVENT_MESSAGE) >= 40 && world_count(w, 1, SCHAT_EVENT_MESSAGE) >= 40)
        break;
    }
    assert_true(round < 2000);
    for (p = 0; p < 2; p++) {
      size_t n;
      assert_int_equal(world_info(w, (size_t)p, chat_id).state, SCHAT_STATE_READY);
      for (n = 0; n < 40; n++) {
        snprintf(text, sizeof text, "%d", (int)n);
        assert_string_equal(world_nth(w, (size_t)p, SCHAT_EVENT_MESSAGE, n)->text, text);
      }
    }
    assert_int_equal(world_count(w, 0, SCHAT_EVENT_GAP_STUCK) + world_count(w, 0, SCHAT_EVENT_PEER_STUCK), 0);
    world_free(w);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_resend_gets_the_bytes_that_were_sent_first),
      cmocka_unit_test(an_unanswered_send_is_repeated_byte_for_byte),
      cmocka_unit_test(only_a_range_that_can_be_answered_is_lawful),
      cmocka_unit_test(the_span_of_a_range_is_bounded),
      cmocka_unit_test(a_resend_behind_a_gap_is_answered_at_once_and_once),
      cmocka_unit_test(a_resend_of_what_is_under_way_leaves_the_way_free),
      cmocka_unit_test(a_replayed_resend_is_not_answered),
      cmocka_unit_test(requests_in_a_row_are_answered_with_a_pause),
      cmocka_unit_test(noops_are_answered_with_a_pause_too),
      cmocka_unit_test(a_resend_after_a_rekeying_is_sealed_with_a_key_the_peer_has),
      cmocka_unit_test(a_peer_that_has_switched_behind_a_gap_gets_the_new_key),
      cmocka_unit_test(a_message_the_peer_must_have_lost_is_sent_unasked),
      cmocka_unit_test(a_message_lost_on_both_sides_of_a_gap_is_sent_unasked),
      cmocka_unit_test(nothing_is_repeated_to_a_peer_that_answers),
      cmocka_unit_test(a_chat_with_a_peer_that_asks_once_lives_through_losses),
  };
  return cmocka_run_group_tests_name("resend", tests, NULL, NULL);
}
