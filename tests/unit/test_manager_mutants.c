/* SPDX-License-Identifier: BSL-1.0
 * test_manager_mutants.c - an answer of the server that could not be taken can come again, a command whose commit failed has not been given,
 * and time that has passed is written down once it is worth a commit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "crypto/engine.h"
#include "desk.h"
#include "manager/manager.h"
#include "poor.h"
#include "stage.h"

/* Answers ------------------------------------------------------------------------------------------------------------------------ */

static int answer_config(desk *d) {
  static const uint8_t random[256] = {5, 4, 3, 2, 1};
  schat_answer a;
  SCHAT_INIT(a);
  a.type = SCHAT_ANSWER_DH_CONFIG;
  a.g = 3;
  a.p.data = desk_prime();
  a.p.size = 256;
  a.version = 7;
  a.random.data = random;
  a.random.size = sizeof random;
  return schat_request_done(desk_manager(d), world_last_request(d->w, 0, SCHAT_REQUEST_GET_DH_CONFIG)->token, &a, d->w->now);
}

/* It has not come: nothing of it is kept, nobody is told, and its request is still open. */
static void expect_not_come(desk *d, const memstore *before, int status, int expected) {
  memstore *after = desk_image(d);
  assert_int_equal(status, expected);
  assert_true(memstore_equal(before, after));
  assert_int_equal(desk_state(d), SCHAT_STATE_REQUESTING);
  assert_int_equal(desk_manager(d)->env.config_count, 0);
  world_drain(d->w, 0);
  assert_int_equal(world_count(d->w, 0, SCHAT_EVENT_REJECTED), 0);
  memstore_free(after);
}

/* Then it comes once more. */
static void expect_to_come(desk *d) {
  assert_int_equal(answer_config(d), SCHAT_OK);
  world_drain(d->w, 0);
  assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_REQUEST_ENCRYPTION), 1);
}

/* X-17, R-DH-06 */
static void a_configuration_that_finds_no_memory_can_come_again(void **state) {
  (void)state;
  desk *d = desk_new(821);
  schat__env *env = &desk_manager(d)->env;
  int failures = 0;
  desk_create(d);
  memstore *before = desk_image(d);
  for (;; failures++) {
    poor_begin(failures);
    env->mem = env->arena.mem = &poor_allocator;
    const int status = answer_config(d);
    env->mem = env->arena.mem = NULL;
    if (!poor_failed()) {
      assert_int_equal(status, SCHAT_OK);
      break;
    }
    expect_not_come(d, before, status, SCHAT_E_NOMEM);
    assert_true(failures < 1000);
  }
  assert_true(failures >= 2); /* its place, and the secrets that follow from it */
  world_drain(d->w, 0);
  assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_REQUEST_ENCRYPTION), 1);
  memstore_free(before);
  desk_free(d);
}

/* */
static void a_configuration_that_cannot_be_hashed_can_come_again(void **state) {
  (void)state;
  desk *d = desk_new(822);
  schat__crypto *crypto = desk_manager(d)->env.crypto;
  desk_create(d);
  memstore *before = desk_image(d);
  const schat__digest kept = crypto->sha256;
  crypto->sha256 = (schat__digest){NULL, EVP_MD_CTX_new(), 0}; /* a context that knows no digest */
  const int status = answer_config(d);
  EVP_MD_CTX_free(crypto->sha256.ctx);
  crypto->sha256 = kept;
  expect_not_come(d, before, status, SCHAT_E_CRYPTO);
  expect_to_come(d);
  memstore_free(before);
  desk_free(d);
}

/* Commands ----------------------------------------------------------------------------------------------------------------------- */

/* D-27: of what a failed commit took back, no clock stays. */
static void typing_that_was_taken_back_can_be_told_again(void **state) {
  (void)state;
  stage *s = stage_new(823, 1, NULL);
  schat_manager *m = stage_manager(s);
  world_run(s->w);
  memstore_fail_commit(s->w->peers[0].store, 1, SCHAT_E_STORE, 0);
  assert_int_equal(schat_begin(m), SCHAT_OK);
  assert_int_equal(schat_typing(m, s->chat_id, 1, s->w->now), SCHAT_OK);
  assert_int_equal(schat_typing(m, s->chat_id, 1, s->w->now), SCHAT_IGNORED);
  assert_int_equal(schat_screenshot(m, s->chat_id, NULL, 0, 0, s->w->now), SCHAT_OK);
  assert_int_equal(schat_end(m, s->w->now), SCHAT_E_STORE);
  assert_int_equal(world_requests(s->w, 0, SCHAT_REQUEST_SET_TYPING), 0);
  assert_int_equal(schat_typing(m, s->chat_id, 1, s->w->now), SCHAT_OK);
  world_run(s->w);
  assert_int_equal(world_requests(s->w, 0, SCHAT_REQUEST_SET_TYPING), 1);
  stage_free(s);
}

/* Time --------------------------------------------------------------------------------------------------------------------------- */

/* R-TTL-08: while the end of a message is near, each second that has passed is durable, and none sooner. */
static void time_is_written_down_by_the_second(void **state) {
  (void)state;
  stage *s = stage_new(824, 1, NULL);
  schat_manager *m = stage_manager(s);
  assert_int_equal(puppet_send_text(s->p, m, 31, "not for long", 4, s->w->now), SCHAT_OK);
  assert_int_equal(schat_messages_read(m, s->chat_id, INT32_MAX, s->w->now), SCHAT_OK);
  world_run(s->w);
  assert_int_equal(schat_tick(m, s->w->now), SCHAT_OK);
  world_run(s->w);
  const int64_t start = m->stored_clock - m->env.account.clock + s->w->now;
  const size_t commits = memstore_commits(s->w->peers[0].store);
  for (int64_t passed = 0; passed < 1000; passed += 333) {
    assert_int_equal(schat_tick(m, start + passed), SCHAT_OK);
    assert_int_equal(memstore_commits(s->w->peers[0].store), commits);
  }
  assert_int_equal(schat_tick(m, start + 1000), SCHAT_OK);
  assert_int_equal(memstore_commits(s->w->peers[0].store), commits + 1);
  assert_true(m->stored_clock == m->env.account.clock);
  stage_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_configuration_that_finds_no_memory_can_come_again),
      cmocka_unit_test(a_configuration_that_cannot_be_hashed_can_come_again),
      cmocka_unit_test(typing_that_was_taken_back_can_be_told_again),
      cmocka_unit_test(time_is_written_down_by_the_second),
  };
  return cmocka_run_group_tests_name("manager-mutants", tests, NULL, NULL);
}
