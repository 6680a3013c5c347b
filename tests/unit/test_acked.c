/* SPDX-License-Identifier: BSL-1.0
 * test_acked.c - the numbers of confirmed messages: kept as far as the policy says, and answered for without their content. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stage.h"

/* The list --------------------------------------------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *x) {
  *x ^= *x << 13;
  *x ^= *x >> 7;
  *x ^= *x << 17;
  return *x;
}

#define ADDED 1000

/* D-07 accept / reject: what was added lately is found with its number; what is older, or was never added, is not */
static void the_latest_numbers_are_found(void **state) {
  static const unsigned keeps[] = {1, 2, 5, 100, 128};
  static int32_t in_seq[ADDED];
  size_t k;
  (void)state;
  for (k = 0; k < sizeof keeps / sizeof keeps[0]; k++) {
    uint64_t x = 88172645463325252u + k;
    schat__chat chat;
    int32_t i, j, in = 0;
    memset(&chat, 0, sizeof chat);
    assert_int_equal(schat__acked_find(&chat, 0), -1);
    for (i = 0; i < ADDED; i++) {
      in += (int32_t)(next_random(&x) % 4 == 0 ? next_random(&x) % 3 : 0); /* mostly the same, as in a lively chat */
      in_seq[i] = in;
      schat__acked_add(&chat, 7 + i, in, keeps[k]);
      assert_int_equal(chat.acked_count, i + 1 < (int32_t)keeps[k] ? i + 1 : (int32_t)keeps[k]);
      assert_true(chat.acked_size <= sizeof chat.acked);
      for (j = i > 140 ? i - 140 : 0; j <= i; j++) {
        assert_int_equal(schat__acked_find(&chat, 7 + j), i - j < (int32_t)keeps[k] ? in_seq[j] : -1);
      }
      assert_int_equal(schat__acked_find(&chat, 8 + i), -1);
      assert_int_equal(schat__acked_find(&chat, 6), -1);
      assert_int_equal(schat__acked_find(&chat, -1), -1);
    }
  }
}

/* D-07 accept: large steps take more room, so that fewer fit, and those that fit are right */
static void large_steps_are_kept_as_far_as_there_is_room(void **state) {
  static const int32_t steps[] = {0, 127, 128, 16383, 16384, 2097151, 2097152, 20000000};
  size_t k;
  (void)state;
  for (k = 0; k < sizeof steps / sizeof steps[0]; k++) {
    schat__chat chat;
    int32_t i, count = steps[k] >= 20000000 ? 50 : 200;
    memset(&chat, 0, sizeof chat);
    for (i = 0; i < count; i++) {
      int32_t j;
      schat__acked_add(&chat, i, i * steps[k], SCHAT__KEEP_ACKED_MAX);
      assert_true(chat.acked_size <= sizeof chat.acked);
      assert_int_equal(schat__acked_find(&chat, i), i * steps[k]);
      for (j = i; j > i - (int32_t)chat.acked_count; j--) assert_int_equal(schat__acked_find(&chat, j), j * steps[k]);
      assert_int_equal(schat__acked_find(&chat, i - (int32_t)chat.acked_count), -1);
    }
    assert_true(chat.acked_count >= (count < 30 ? count : 30));
  }
}

/* D-07 reject: the largest number of all fits; a number out of line begins the list anew; keeping none keeps none */
static void the_list_is_never_wrong(void **state) {
  schat__chat chat;
  (void)state;
  memset(&chat, 0, sizeof chat);
  schat__acked_add(&chat, 0, 0, 128);
  schat__acked_add(&chat, 1, SCHAT__SEQ_MAX, 128);
  assert_int_equal(schat__acked_find(&chat, 0), 0);
  assert_int_equal(schat__acked_find(&chat, 1), SCHAT__SEQ_MAX);
  schat__acked_add(&chat, 2, 5, 128); /* less than before */
  assert_int_equal(schat__acked_find(&chat, 1), -1);
  assert_int_equal(schat__acked_find(&chat, 2), 5);
  schat__acked_add(&chat, 4, 6, 128); /* with one left out */
  assert_int_equal(schat__acked_find(&chat, 2), -1);
  assert_int_equal(schat__acked_find(&chat, 3), -1);
  assert_int_equal(schat__acked_find(&chat, 4), 6);
  memset(&chat, 0, sizeof chat);
  schat__acked_add(&chat, 0, 0, 0);
  assert_int_equal(schat__acked_find(&chat, 0), -1);
}

/* In a chat -------------------------------------------------------------------------------------------------------------- */

static stage *keeping(uint64_t seed, uint32_t keep, int meant, int role) {
  schat_policy policy;
  SCHAT_INIT(policy);
  policy.flags = SCHAT_POLICY_CHAIN_SENDS | (meant ? SCHAT_POLICY_KEEP_ACKED : 0);
  policy.keep_acked = keep;
  return stage_new(seed, role, &policy);
}

/* The account makes messages up to raw number `last`, with one of the peer's between every two, and the peer confirms all. */
static void speak_to(stage *s, int32_t last) {
  while (stage_slot(s)->chat.out_seq <= last) {
    assert_true(world_text(s->w, 0, s->chat_id, "SECRET CONTENT", NULL) >= 0);
    world_run(s->w);
    if (stage_slot(s)->chat.out_seq % 2 == 0) assert_int_equal(stage_text(s, 1, "theirs"), SCHAT_OK);
  }
  stage_acknowledge(s);
  assert_int_equal(stage_info(s).unacknowledged, 0);
}

/* D-07, R-SEQ-14 accept / reject: at the bound of what is kept, for both roles, by the default, by several policies, and across restarts */
static void confirmed_messages_are_answered_for_while_kept(void **state) {
  static const struct {
    uint32_t policy;
    int meant;
    int32_t kept;
  } cases[] = {{0, 0, 128}, {128, 1, 128}, {5, 0, 5}, {1, 1, 1}, {0, 1, 0}};
  size_t i;
  (void)state;
  for (i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
    stage *s = keeping(1 + i, cases[i / 2].policy, cases[i / 2].meant, i & 1);
    int32_t made = 150, oldest = made - cases[i / 2].kept, first;
    memstore *image;
    speak_to(s, made - 1);
    image = world_image(s->w, 0);
    for (first = oldest; cases[i / 2].kept > 0 && first <= made - 1; first += made - 1 - first < 3 ? 1 : (made - 1 - first) / 2) {
      puppet_seen seen;
      size_t n;
      stage_rewind(s, image);
      stage_forget(s);
      assert_int_equal(stage_resend(s, made, s->p->out_raw, first, made - 1), SCHAT_OK);
      assert_int_equal(s->sent_count, made - first);
      for (n = 0; n < s->sent_count; n++) { /* Noops under the numbers that were asked for */
        assert_true(stage_read(s, n, &seen));
        assert_int_equal(seen.action.type, SCHAT__ACTION_NOOP);
        assert_int_equal(seen.out_raw, first + (int32_t)n);
        assert_int_equal(seen.action.random_id, s->sent[n].random_id);
        assert_int_equal(s->sent[n].type, SCHAT_REQUEST_SEND_SERVICE);
      }
      assert_int_equal(schat__count(stage_slot(s), SCHAT__OUTBOX), 0); /* and gone when they are out */
      assert_int_equal(memstore_count(s->w->peers[0].store, SCHAT_RECORD_OUTBOX), 0);
      assert_int_equal(stage_slot(s)->chat.out_seq, made);
    }
    stage_rewind(s, image);
    stage_forget(s);
    if (oldest > 0) {
      assert_int_equal(stage_resend(s, made, s->p->out_raw, oldest - 1, made - 1), SCHAT_CHAT_CLOSED);
      assert_int_equal(stage_info(s).close_reason, SCHAT_CLOSE_RESEND_IMPOSSIBLE);
      assert_int_equal(world_requests(s->w, 0, SCHAT_REQUEST_DISCARD_ENCRYPTION), 1);
      assert_int_equal(s->sent_count, 0);
    }
    memstore_free(image);
    stage_free(s);
  }
}

/* D-07, R-SEQ-06 accept: a Noop carries the in_seq_no the message had, not today's */
static void a_noop_carries_the_numbers_of_the_message(void **state) {
  stage *s = keeping(20, 0, 0, 1);
  int32_t in_raw[60];
  puppet_seen seen;
  size_t i;
  (void)state;
  speak_to(s, 59);
  for (i = 0; i < 59; i++) {
    assert_true(stage_read(s, i, &seen));
    in_raw[seen.out_raw] = seen.in_raw;
  }
  stage_forget(s);
  assert_int_equal(stage_resend(s, 60, s->p->out_raw++, 1, 59), SCHAT_OK);
  assert_int_equal(s->sent_count, 59);
  for (i = 0; i < 59; i++) {
    assert_true(stage_read(s, i, &seen));
    assert_int_equal(seen.out_raw, i + 1);
    assert_int_equal(seen.in_raw, in_raw[i + 1]);
  }
  stage_free(s);
}

/* D-06, D-07 accept: with the confirmation the content is gone, from memory and from the store */
static void nothing_of_the_content_is_kept(void **state) {
  stage *s = keeping(21, 0, 0, 1);
  memstore *image;
  (void)state;
  stage_acknowledge(s);
  assert_true(world_text(s->w, 0, s->chat_id, "SECRET CONTENT", NULL) >= 0);
  world_run(s->w);
  assert_int_equal(schat__count(stage_slot(s), SCHAT__OUTBOX), 1);
  image = world_image(s->w, 0);
  assert_int_equal(stage_find_plain(image, "SECRET CONTENT", 14), 1); /* kept, sealed, until then */
  assert_int_equal(memstore_find(image, "SECRET CONTENT", 14), 0);
  memstore_free(image);
  stage_acknowledge(s);
  assert_int_equal(schat__count(stage_slot(s), SCHAT__OUTBOX), 0);
  image = world_image(s->w, 0);
  assert_int_equal(stage_find_plain(image, "SECRET CONTENT", 14), 0);
  memstore_free(image);
  stage_forget(s);
  assert_int_equal(stage_resend(s, 2, s->p->out_raw++, 1, 1), SCHAT_OK);
  assert_int_equal(stage_count(s, SCHAT__ACTION_NOOP), 1);
  stage_free(s);
}

/* D-07, S2 accept: an in_seq_no that lags by one confirms no more than it says: the last message stays, with its content */
static void no_more_is_assumed_than_in_seq_no_says(void **state) {
  stage *s = keeping(22, 0, 0, 1);
  puppet_seen seen;
  (void)state;
  assert_true(world_text(s->w, 0, s->chat_id, "first", NULL) >= 0);
  assert_true(world_text(s->w, 0, s->chat_id, "second", NULL) >= 0);
  world_run(s->w);
  s->p->in_raw = 2;
  assert_int_equal(stage_text(s, 1, "it has both, and says one less"), SCHAT_OK);
  assert_int_equal(stage_info(s).unacknowledged, 1);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_DELIVERED), 1);
  stage_forget(s);
  assert_int_equal(stage_resend(s, 2, s->p->out_raw++, 2, 2), SCHAT_OK);
  assert_true(stage_read(s, 0, &seen));
  assert_int_equal(seen.action.type, SCHAT__ACTION_NONE);
  assert_memory_equal(seen.message.text.data, "second", 6);
  stage_free(s);
}

/* D-07, D-06 accept: a range that begins among the confirmed and ends among the others gets both kinds of answer, in order */
static void a_range_may_reach_from_the_confirmed_to_the_others(void **state) {
  stage *s = keeping(23, 0, 0, 0);
  puppet_seen seen;
  size_t i;
  (void)state;
  for (i = 0; i < 4; i++) assert_true(world_text(s->w, 0, s->chat_id, "text", NULL) >= 0);
  world_run(s->w);
  stage_forget(s);
  assert_int_equal(stage_resend(s, 3, s->p->out_raw++, 0, 4), SCHAT_OK);
  assert_int_equal(s->sent_count, 5);
  for (i = 0; i < 5; i++) {
    assert_true(stage_read(s, i, &seen));
    assert_int_equal(seen.out_raw, i);
    assert_int_equal(seen.action.type, i < 3 ? SCHAT__ACTION_NOOP : SCHAT__ACTION_NONE);
  }
  stage_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_latest_numbers_are_found),
      cmocka_unit_test(large_steps_are_kept_as_far_as_there_is_room),
      cmocka_unit_test(the_list_is_never_wrong),
      cmocka_unit_test(confirmed_messages_are_answered_for_while_kept),
      cmocka_unit_test(a_noop_carries_the_numbers_of_the_message),
      cmocka_unit_test(nothing_of_the_content_is_kept),
      cmocka_unit_test(no_more_is_assumed_than_in_seq_no_says),
      cmocka_unit_test(a_range_may_reach_from_the_confirmed_to_the_others),
  };
  return cmocka_run_group_tests_name("acked", tests, NULL, NULL);
}
