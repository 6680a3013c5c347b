/* SPDX-License-Identifier: BSL-1.0
 * test_inbound_mutants.c - a message that was opened ahead of its turn, among others, is judged as it would be alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "manager/manager.h"
#include "stage.h"

#define MESSAGES 6u

/* What the peer says next in that version, with a layer that fits it. */
static schat_encrypted_message say(stage *s, int mtproto, const char *text) {
  schat_encrypted_message m;
  puppet *p = s->p;
  p->mtproto = mtproto;
  p->layer = mtproto == 1 ? 46 : 144;
  SCHAT_INIT(m);
  m.chat_id = s->chat_id;
  m.date = (int32_t)(s->w->now / 1000);
  m.bytes.data = puppet_seal(p, schat__wire_in(p->in_raw, p->originator), schat__wire_out(p->out_raw, p->originator),
                             puppet_text(p, 700 + p->out_raw, text, 0), &m.bytes.size);
  p->out_raw++;
  assert_non_null(m.bytes.data);
  return m;
}

/* A peer that has shown nothing yet. */
static void forget_the_peer(stage *s) {
  schat__chat *chat = &stage_slot(s)->chat;
  chat->peer_layer = 46;
  chat->flags &= ~(uint32_t)SCHAT__FLAG_SEEN_V2;
}

/* D-01, R-DEC-10, X-04: in a difference as anywhere, version 1 is read until the peer has shown that it knows better, and then no more. */
static void a_difference_reads_version_1_until_version_2_comes(void **state) {
  (void)state;
  static const char *const texts[MESSAGES] = {"old", "old too", "old still", "new", "old again", "newer"};
  static const int versions[MESSAGES] = {1, 1, 1, 2, 1, 2};
  schat_encrypted_message messages[MESSAGES];
  schat_difference difference;
  stage *s = stage_new(51, 1, NULL);
  forget_the_peer(s);
  for (size_t i = 0; i < MESSAGES; i++) {
    if (i == 5) s->p->out_raw--; /* in the place of the one that is refused */
    messages[i] = say(s, versions[i], texts[i]);
  }
  SCHAT_INIT(difference);
  difference.messages = messages;
  difference.message_count = MESSAGES;
  difference.qts = 40;
  difference.date = (int32_t)(s->w->now / 1000);
  assert_int_equal(schat_input_difference(stage_manager(s), &difference, s->w->now), SCHAT_OK);
  world_run(s->w);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_REJECTED), 1);
  assert_int_equal(world_last(s->w, 0, SCHAT_EVENT_REJECTED)->reason, SCHAT_REJECT_NOT_AUTHENTIC);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_MESSAGE), MESSAGES - 1);
  for (size_t i = 0, n = 0; i < MESSAGES; i++) {
    if (i != 4) assert_string_equal(world_nth(s->w, 0, SCHAT_EVENT_MESSAGE, n++)->text, texts[i]);
    free((void *)(uintptr_t)messages[i].bytes.data);
  }
  stage_free(s);
}

/* What has been opened stays as it was found: nobody looks at its bytes again. */
static void what_was_opened_ahead_is_not_opened_again(void **state) {
  (void)state;
  schat_encrypted_message messages[2];
  stage *s = stage_new(52, 1, NULL);
  schat_manager *m = stage_manager(s);
  const int gains = schat__ige_gains(m->env.crypto);
  messages[0] = say(s, 2, "opened");
  messages[1] = say(s, 2, "and this");
  forget_the_peer(s);
  assert_int_equal(schat__ahead_open(&m->env, messages, 2), 2);
  for (size_t i = 0; i < 2; i++) {
    uint8_t *bytes = (void *)(uintptr_t)messages[i].bytes.data;
    bytes[40] ^= 1;
    assert_int_equal(schat_input_message(m, &messages[i], 0, s->w->now), gains ? SCHAT_OK : SCHAT_REJECTED);
  }
  schat__ahead_end(&m->env);
  world_run(s->w);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_MESSAGE), gains ? 2 : 0);
  for (size_t i = 0; i < 2; i++) free((void *)(uintptr_t)messages[i].bytes.data);
  stage_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_was_opened_ahead_is_not_opened_again),
      cmocka_unit_test(a_difference_reads_version_1_until_version_2_comes),
  };
  return cmocka_run_group_tests_name("inbound-mutants", tests, NULL, NULL);
}
