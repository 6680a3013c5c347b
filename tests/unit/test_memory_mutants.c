/* SPDX-License-Identifier: BSL-1.0
 * test_memory_mutants.c - an input for which there is no memory is not taken, whatever it is: it can come again, and is neither refused nor
 * half taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lab.h"
#include "manager/manager.h"
#include "poor.h"
#include "stage.h"
#include "tl/wire.h"

/* The functions that serve when none are given are those of poor.c, but for the failure: what is there may change hands. */
static void use(schat_manager *m, const schat_allocator *allocator) {
  m->env.mem = allocator;
  m->env.arena.mem = allocator;
}

/* Feeds it until no allocation of it fails; returns that status, and counts the failures. */
static int feed_with_failures(schat_manager *m, int32_t chat_id, const uint8_t *bytes, size_t size, int64_t now, int *failures) {
  for (*failures = 0;; ++*failures) {
    poor_begin(*failures);
    use(m, &poor_allocator);
    const int status = puppet_feed(m, chat_id, bytes, size, now);
    use(m, NULL);
    if (!poor_failed()) return status;
    assert_int_equal(status, SCHAT_E_NOMEM);
    assert_true(*failures < 1000);
  }
}

/* D-05, X-17: what comes without a wrapper is refused for what it says, not because it could not be read just now. */
static void a_bare_message_is_not_refused_for_want_of_memory(void **state) {
  (void)state;
  enum { IDS = 6000 };
  static uint8_t object[64 + 8 * IDS];
  schat__writer w = {object, sizeof object, 0};
  const schat_bytes noise = {(const uint8_t *)"fifteen bytes..", 15};
  schat__write32(&w, schat__tl_constructor_at(SCHAT__TL_decryptedMessageService8)->id);
  schat__write64(&w, 99);
  schat__tl_write_string(&w, noise);
  schat__write32(&w, schat__tl_constructor_at(SCHAT__TL_decryptedMessageActionDeleteMessages)->id);
  schat__write32(&w, 0x1cb5c415u);
  schat__write32(&w, IDS);
  for (uint64_t i = 0; i < IDS; i++) schat__write64(&w, i + 1);
  assert_true(schat__writer_fits(&w));
  stage *s = stage_new(4300, 1, NULL);
  size_t size;
  int failures;
  const schat_bytes bare = {object, w.size};
  uint8_t *sealed = puppet_seal_object(s->p, bare, &size);
  world_forget(s->w);
  assert_int_equal(feed_with_failures(stage_manager(s), s->chat_id, sealed, size, s->w->now, &failures), SCHAT_REJECTED);
  assert_true(failures >= 2); /* the message, the numbers */
  world_run(s->w);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_REJECTED), 1);
  free(sealed);
  stage_free(s);
}

/* D-21, X-17: a request that has to wait is kept, or has not come at all. */
static void a_request_that_cannot_be_kept_has_not_come(void **state) {
  (void)state;
  lab *l = lab_new(4400, 1, NULL);
  size_t held_size, late_size;
  int failures;
  lab_draw(l);
  l->exchange_id = 6;
  const schat__action request = lab_key_action(SCHAT__ACTION_REQUEST_KEY, 6, l->own, 256, 0);
  uint8_t *held = lab_hold(l, &request, &held_size), *late = lab_hold_text(l, "late", &late_size);
  assert_int_equal(lab_say(l, "behind the gap"), SCHAT_WAITING);
  assert_int_equal(feed_with_failures(lab_manager(l), l->chat_id, held, held_size, l->w->now, &failures), SCHAT_OK);
  assert_true(failures >= 1);
  lab_drain(l);
  assert_true(lab_has(l, SCHAT__HAS_PEER));
  assert_int_equal(lab_feed(l, late, late_size), SCHAT_OK);
  assert_int_equal(lab_count(l, SCHAT__ACTION_ACCEPT_KEY), 1);
  free(held);
  free(late);
  lab_free(l);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_bare_message_is_not_refused_for_want_of_memory),
      cmocka_unit_test(a_request_that_cannot_be_kept_has_not_come),
  };
  return cmocka_run_group_tests_name("memory-mutants", tests, NULL, NULL);
}
