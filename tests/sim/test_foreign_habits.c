/* SPDX-License-Identifier: BSL-1.0
 * test_foreign_habits.c - each foreign client is what its table says: habits that the library must live with, and violations that end a chat
 * with the strict one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "foreign_pair.h"
#include "puppet.h"

#define DAY INT64_C(86400000)

static void lose_all(pair *p, int on) {
  relay_faults faults = {0};
  faults.drop_for_good = on;
  relay_set_faults(p->w->relay, &faults);
}

/* In the library's place: keeps no rule, and the library hears no more of it. */
static puppet *impostor(pair *p) {
  puppet *x = puppet_new(p->w->peers[0].manager, p->chat_id);
  const schat__chat *chat = &puppet_slot(p->w->peers[0].manager, p->chat_id)->chat;
  x->originator = schat__is_originator(chat);
  x->out_raw = chat->out_seq;
  x->in_raw = chat->in_seq;
  return x;
}

static void inject(pair *p, const uint8_t *bytes, size_t size) {
  schat_encrypted_message m;
  SCHAT_INIT(m);
  m.chat_id = p->chat_id;
  m.random_id = 4711;
  m.date = relay_date(p->w->now);
  m.bytes.data = bytes;
  m.bytes.size = size;
  relay_inject_message(p->w->relay, p->foreign_device, &m, p->w->now);
  foreign_run(p->f, p->w->now);
}

static void say(pair *p, puppet *x, int32_t in_raw, int32_t out_raw, schat_bytes message) {
  size_t size;
  uint8_t *bytes = puppet_seal(x, schat__wire_in(in_raw, x->originator), schat__wire_out(out_raw, x->originator), message, &size);
  inject(p, bytes, size);
  free(bytes);
}

static const char *closed_for(const pair *p) {
  const foreign_event *e = foreign_last(p->f, FOREIGN_CLOSED);
  return e == NULL ? "" : e->text;
}

static pair *talking(foreign_profile profile, uint64_t seed) {
  pair *p = pair_new(profile, seed);
  pair_chat(p, 1);
  pair_say_here(p);
  pair_say_there(p);
  pair_pass(p, 1000);
  return p;
}

static void every_table_names_rules(void **state) {
  int profile;
  (void)state;
  for (profile = 0; profile < FOREIGN_PROFILES; profile++) {
    const foreign_rule *rule = foreign_rules((foreign_profile)profile);
    assert_non_null(foreign_name((foreign_profile)profile));
    for (; rule->rule != NULL; rule++) assert_true(strlen(rule->rule) > 0 && strlen(rule->what) > 10);
  }
}

/* Android ------------------------------------------------------------------------------------------------------------------- */

static void android_confirms_one_message_late(void **state) {
  pair *p = talking(FOREIGN_ANDROID, 1);
  (void)state;
  assert_int_equal(pair_read_there(p), 1);
  pair_say_there(p);
  pair_run(p);
  assert_int_equal(pair_view(p).received, puppet_slot(p->w->peers[0].manager, p->chat_id)->chat.out_seq);
  assert_int_equal(world_info(p->w, 0, p->chat_id).unacknowledged, 1);
  pair_free(p);
}

static void the_fifth_message_behind_a_gap_ends_the_chat_with_android(void **state) {
  int count;
  (void)state;
  for (count = 4; count <= 5; count++) {
    pair *p = talking(FOREIGN_ANDROID, 2);
    int i;
    lose_all(p, 1);
    pair_say_here(p);
    pair_run(p);
    lose_all(p, 0);
    for (i = 0; i < count; i++) pair_say_here(p);
    world_drain(p->w, 0); /* all before the Resend comes */
    foreign_run(p->f, p->w->now);
    assert_string_equal(closed_for(p), count == 5 ? "too many messages behind a gap" : "");
    pair_run(p);
    assert_int_equal(world_info(p->w, 0, p->chat_id).state, count == 5 ? SCHAT_STATE_CLOSED : SCHAT_STATE_READY);
    if (count == 4) assert_int_equal(pair_read_there(p), 6);
    pair_free(p);
  }
}

static void android_forgets_at_a_restart_what_waits_and_asks_anew(void **state) {
  pair *p = talking(FOREIGN_ANDROID, 3);
  (void)state;
  lose_all(p, 1);
  pair_say_here(p);
  pair_run(p);
  lose_all(p, 0);
  pair_say_here(p);
  world_drain(p->w, 0);
  foreign_run(p->f, p->w->now);
  assert_int_equal(pair_view(p).waiting, 1);
  foreign_restart(p->f, p->w->now);
  assert_int_equal(pair_view(p).waiting, 0);
  pair_say_here(p);
  pair_pass(p, 1000);
  assert_int_equal(pair_read_there(p), 4);
  pair_free(p);
}

/* S16: what Android makes up confirms messages that were never sent, which ends the chat (R-SEQ-18). */
static void a_filler_of_android_ends_the_chat(void **state) {
  pair *p = talking(FOREIGN_ANDROID, 4);
  int i;
  (void)state;
  foreign_fillers(p->f, 1);
  for (i = 0; i < 10; i++) pair_say_there(p);
  pair_pass(p, 1000);
  lose_all(p, 1);
  pair_say_there(p);
  pair_run(p);
  pair_delete_there(p, p->said_there - 1);
  pair_run(p);
  lose_all(p, 0);
  pair_say_there(p);
  pair_run(p);
  assert_int_equal(world_info(p->w, 0, p->chat_id).close_reason, SCHAT_CLOSE_BAD_IN_SEQ_NO);
  pair_free(p);
}

/* iOS ----------------------------------------------------------------------------------------------------------------------- */

static void ios_reads_no_other_layer_than_its_own(void **state) {
  static const struct {
    int32_t layer;
    int stuck;
  } cases[] = {{73, 0}, {101, 0}, {144, 0}, {66, 1}, {143, 1}, {151, 1}};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    pair *p = talking(FOREIGN_IOS, 5);
    puppet *x = impostor(p);
    x->layer = cases[i].layer;
    say(p, x, x->in_raw, x->out_raw, puppet_text(x, 99, "here 1", 0));
    assert_int_equal(foreign_count(p->f, FOREIGN_STUCK), cases[i].stuck);
    assert_int_equal(foreign_count(p->f, FOREIGN_TEXT), cases[i].stuck ? 1 : 2);
    puppet_free(x);
    pair_free(p);
  }
}

/* S6: the policy takes what would otherwise end the chat. */
static void ios_begins_below_zero(void **state) {
  pair *p = pair_new(FOREIGN_IOS, 6);
  (void)state;
  pair_chat(p, 1);
  pair_run(p);
  assert_true(world_count(p->w, 0, SCHAT_EVENT_IN_SEQ_NO_REPAIRED) > 0);
  pair_open(p);
  pair_free(p);
}

/* S3: what is sent again confirms more than what was sent after it. */
static void ios_confirms_less_after_a_repetition(void **state) {
  pair *p = talking(FOREIGN_IOS, 7);
  size_t before;
  (void)state;
  lose_all(p, 1);
  pair_say_there(p);
  pair_run(p);
  lose_all(p, 0);
  foreign_text(p->f, p->chat_id, "there 2", 0, p->w->now, NULL); /* under way while the library sends more */
  before = world_count(p->w, 0, SCHAT_EVENT_IN_SEQ_NO_REPAIRED);
  pair_say_here(p);
  pair_pass(p, 2000);
  assert_true(world_count(p->w, 0, SCHAT_EVENT_IN_SEQ_NO_REPAIRED) > before);
  pair_open(p);
  pair_free(p);
}

/* K2, D-20: nobody gets a new key from both asking at once when ours is the larger number, until a week is over. */
static void ios_waits_a_week_after_a_tie_it_decides_otherwise(void **state) {
  uint64_t seed;
  int waited = 0;
  (void)state;
  for (seed = 8; seed < 16; seed++) {
    pair *p = talking(FOREIGN_IOS, seed);
    int64_t week = 7 * DAY + 200000;
    p->w->peers[0].policy.rekey_messages = 8;
    pair_restart_here(p, 0);
    assert_int_equal(foreign_rekey(p->f, p->chat_id, p->w->now), 0);
    while (!(world_info(p->w, 0, p->chat_id).flags & SCHAT_CHAT_REKEYING)) pair_say_here(p);
    pair_pass(p, DAY);
    if (foreign_count(p->f, FOREIGN_REKEYED) == 0) {
      waited++;
      pair_pass(p, week);
      assert_true(foreign_count(p->f, FOREIGN_REKEYED) > 0);
    }
    pair_open(p);
    pair_free(p);
  }
  assert_in_range(waited, 1, 7);
}

/* TDLib --------------------------------------------------------------------------------------------------------------------- */

static pair *with_tdlib(uint64_t seed, puppet **x) {
  pair *p = talking(FOREIGN_TDLIB, seed);
  *x = impostor(p);
  return p;
}

static void end_tdlib(pair *p, puppet *x, const char *why) {
  assert_string_equal(closed_for(p), why);
  puppet_free(x);
  pair_free(p);
}

static void tdlib_closes_for_numbers(void **state) {
  puppet *x;
  pair *p = with_tdlib(20, &x);
  size_t size;
  uint8_t *bytes;
  (void)state;
  say(p, x, x->in_raw, x->out_raw, puppet_text(x, 99, "lawful", 0));
  assert_string_equal(closed_for(p), "");
  say(p, x, pair_view(p).sent + 1, x->out_raw + 1, puppet_text(x, 98, "confirms what was never sent", 0));
  end_tdlib(p, x, strict_text(STRICT_IN_SEQ_NO));
  p = with_tdlib(21, &x);
  say(p, x, 0, x->out_raw, puppet_text(x, 99, "confirms less", 0));
  end_tdlib(p, x, strict_text(STRICT_IN_SEQ_NO));
  p = with_tdlib(22, &x);
  bytes = puppet_seal(x, schat__wire_in(x->in_raw, 1), schat__wire_out(x->out_raw, 0), puppet_text(x, 99, "parity", 0), &size);
  inject(p, bytes, size);
  free(bytes);
  end_tdlib(p, x, "parity");
}

static void tdlib_closes_for_layers_and_forms(void **state) {
  static const uint8_t unknown[] = {0x78, 0x56, 0x34, 0x12};
  schat_bytes nonsense = {unknown, sizeof unknown};
  puppet *x;
  pair *p = with_tdlib(23, &x);
  uint8_t *bytes;
  size_t size;
  (void)state;
  x->layer = 73;
  say(p, x, x->in_raw, x->out_raw, puppet_text(x, 99, "lower", 0));
  end_tdlib(p, x, strict_text(STRICT_LAYER_FELL));
  p = with_tdlib(24, &x);
  say(p, x, x->in_raw, x->out_raw, nonsense);
  end_tdlib(p, x, strict_text(STRICT_TL));
  p = with_tdlib(25, &x);
  bytes = puppet_seal(x, schat__wire_in(x->in_raw, 1), schat__wire_out(x->out_raw, 1), puppet_text(x, 99, "bent", 0), &size);
  bytes[30] ^= 1;
  inject(p, bytes, size);
  free(bytes);
  end_tdlib(p, x, "msg_key");
}

static schat_bytes key_action(puppet *x, schat__action_type type, int64_t id) {
  static const uint8_t g[256] = {9, 9};
  schat__action action;
  memset(&action, 0, sizeof action);
  action.type = type;
  action.exchange_id = id;
  action.g.data = g;
  action.g.size = sizeof g;
  return puppet_action(x, &action);
}

static void tdlib_closes_for_keys_out_of_turn(void **state) {
  static const struct {
    schat__action_type type;
    strict_rule rule;
  } cases[] = {{SCHAT__ACTION_ACCEPT_KEY, STRICT_ACCEPT_KEY},
               {SCHAT__ACTION_COMMIT_KEY, STRICT_COMMIT_KEY},
               {SCHAT__ACTION_ABORT_KEY, STRICT_ABORT_KEY}};
  size_t i;
  (void)state;
  for (i = 0; i < 3; i++) {
    puppet *x;
    pair *p = with_tdlib(30 + i, &x);
    say(p, x, x->in_raw, x->out_raw, key_action(x, cases[i].type, 5));
    end_tdlib(p, x, strict_text(cases[i].rule));
  }
}

static schat_bytes resend_of(puppet *x, int32_t first, int32_t last) {
  schat__action action;
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_RESEND;
  action.start = schat__wire_out(first, !x->originator);
  action.end = schat__wire_out(last, !x->originator);
  return puppet_action(x, &action);
}

/* Also when the message that asks stands behind a gap: it is carried out at once (S12). */
static void tdlib_closes_for_a_resend_it_cannot_answer(void **state) {
  int behind;
  (void)state;
  for (behind = 0; behind <= 1; behind++) {
    puppet *x;
    pair *p = with_tdlib(40, &x);
    say(p, x, x->in_raw, x->out_raw + behind, resend_of(x, 0, 0));
    end_tdlib(p, x, behind ? "Resend of an acknowledged message" : strict_text(STRICT_RESEND_ACKED));
    p = with_tdlib(41, &x);
    say(p, x, x->in_raw, x->out_raw + behind, resend_of(x, x->in_raw, x->in_raw + 5));
    end_tdlib(p, x, behind ? "Resend of an unsent message" : strict_text(STRICT_RESEND_UNSENT));
  }
}

/* D-36: a stop at the wrong moment loses the request, and nobody asks again; the library sends it unasked. */
static void tdlib_loses_its_own_resend_and_lives(void **state) {
  pair *p = talking(FOREIGN_TDLIB, 50);
  (void)state;
  lose_all(p, 1);
  pair_say_here(p);
  pair_run(p);
  lose_all(p, 0);
  pair_say_here(p);
  pair_run(p);
  assert_int_equal(pair_view(p).waiting, 1);
  foreign_restart(p->f, p->w->now);
  pair_pass(p, 10000);
  assert_int_equal(foreign_count(p->f, FOREIGN_GAP), 0);
  assert_int_equal(foreign_ask_again(p->f, p->chat_id, p->w->now), -1);
  assert_int_equal(pair_read_there(p), 1);
  pair_pass(p, 60000);
  pair_say_there(p);
  pair_pass(p, 1000);
  assert_int_equal(pair_read_there(p), 3);
  pair_free(p);
}

/* H1: g_a and g_b of 255 bytes. */
static void short_public_values_are_taken(void **state) {
  int by_library;
  (void)state;
  for (by_library = 0; by_library <= 1; by_library++) {
    pair *p = pair_new(FOREIGN_TDLIB, 51);
    foreign_short_values(p->f, 1);
    pair_chat(p, by_library);
    pair_say_here(p);
    pair_run(p);
    assert_int_equal(pair_read_there(p), 1);
    pair_free(p);
  }
}

/* MadelineProto ------------------------------------------------------------------------------------------------------------- */

/* R7: NotifyLayer is lost on a host that takes no MTProto 1, and only then. */
static void madeline_begins_with_mtproto_1(void **state) {
  int refuse;
  (void)state;
  for (refuse = 0; refuse <= 1; refuse++) {
    pair *p = pair_new(FOREIGN_MADELINE, 60);
    if (refuse) p->w->peers[0].policy.flags |= SCHAT_POLICY_REFUSE_MTPROTO1;
    world_restart(p->w, 0, 0);
    pair_chat(p, 1);
    assert_int_equal(world_count(p->w, 0, SCHAT_EVENT_PEER_TOO_OLD), refuse);
    pair_say_there(p);
    pair_pass(p, 5000); /* asked for again, it comes as MTProto 2 */
    assert_int_equal(pair_read_here(p), 1);
    assert_int_equal(world_info(p->w, 0, p->chat_id).peer_layer, 144);
    pair_free(p);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_table_names_rules),
      cmocka_unit_test(android_confirms_one_message_late),
      cmocka_unit_test(the_fifth_message_behind_a_gap_ends_the_chat_with_android),
      cmocka_unit_test(android_forgets_at_a_restart_what_waits_and_asks_anew),
      cmocka_unit_test(a_filler_of_android_ends_the_chat),
      cmocka_unit_test(ios_reads_no_other_layer_than_its_own),
      cmocka_unit_test(ios_begins_below_zero),
      cmocka_unit_test(ios_confirms_less_after_a_repetition),
      cmocka_unit_test(ios_waits_a_week_after_a_tie_it_decides_otherwise),
      cmocka_unit_test(tdlib_closes_for_numbers),
      cmocka_unit_test(tdlib_closes_for_layers_and_forms),
      cmocka_unit_test(tdlib_closes_for_keys_out_of_turn),
      cmocka_unit_test(tdlib_closes_for_a_resend_it_cannot_answer),
      cmocka_unit_test(tdlib_loses_its_own_resend_and_lives),
      cmocka_unit_test(short_public_values_are_taken),
      cmocka_unit_test(madeline_begins_with_mtproto_1),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
