/* SPDX-License-Identifier: BSL-1.0
 * test_flaws_order.c - what others did wrong with the order of messages: replays, holes, requests to send again. failures.tsv lists them all. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager/manager.h"
#include "stage.h"

static stage *s;

static int set_up(void **state) {
  (void)state;
  s = stage_new(51, 1, NULL);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  stage_free(s);
  return 0;
}

static size_t messages(void) {
  return world_count(s->w, 0, SCHAT_EVENT_MESSAGE);
}

/* n messages of the peer, sealed but not delivered; their texts are their numbers. */
typedef struct {
  uint8_t *bytes[8];
  size_t size[8], count;
} pile;

static pile make_pile(size_t n) {
  pile made;
  memset(&made, 0, sizeof made);
  for (made.count = 0; made.count < n; made.count++) {
    char text[2] = {(char)('0' + made.count), 0};
    const int32_t raw = s->p->out_raw + (int32_t)made.count;
    made.bytes[made.count] = puppet_seal(s->p, schat__wire_in(s->p->in_raw, s->p->originator), schat__wire_out(raw, s->p->originator),
                                         puppet_text(s->p, 100 + raw, text, 0), &made.size[made.count]);
  }
  return made;
}

static void free_pile(pile *made) {
  while (made->count > 0) free(made->bytes[--made->count]);
}

static int feed(const pile *made, size_t i) {
  return puppet_feed(stage_manager(s), s->chat_id, made->bytes[i], made->size[i], s->w->now);
}

/* The texts arrived once each and in order. */
static void in_order(size_t n) {
  assert_int_equal(messages(), n);
  for (size_t i = 0; i < n; i++) assert_int_equal(world_nth(s->w, 0, SCHAT_EVENT_MESSAGE, i)->text[0], '0' + (int)i);
}

static void swap(size_t order[], size_t a, size_t b) {
  size_t t = order[a];
  order[a] = order[b];
  order[b] = t;
}

static size_t deal(const memstore *image, const pile *made, size_t order[], size_t at, size_t n) {
  size_t dealt = 0;
  if (at < n) {
    for (size_t i = at; i < n; i++) {
      swap(order, at, i);
      dealt += deal(image, made, order, at + 1, n);
      swap(order, at, i);
    }
    return dealt;
  }
  stage_rewind(s, image);
  stage_forget(s);
  for (size_t i = 0; i < n; i++) assert_true(feed(made, order[i]) >= 0);
  world_drain(s->w, 0);
  in_order(n);
  return 1;
}

/* CVE-2021-36769 ("crime-pizza" in "Four Attacks and a Proof"): whoever carries the messages could exchange them. Every order of five. */
static void messages_in_any_order_are_read_in_theirs(void **state) {
  size_t order[] = {0, 1, 2, 3, 4};
  pile made = make_pile(5);
  memstore *image = world_image(s->w, 0);
  (void)state;
  assert_int_equal(deal(image, &made, order, 0, 5), 120);
  memstore_free(image);
  free_pile(&made);
}

/* telethon-secret-chat 32e7585 ("TODO add checks", :327); von Arx and Paterson on Telethon, Pyrogram and GramJS; Susanka and Kokes on Android:
 * what was read once is read again. */
static void a_replayed_message_is_dropped_unread(void **state) {
  pile made = make_pile(4);
  (void)state;
  for (size_t i = 0; i < made.count; i++) assert_int_equal(feed(&made, i), SCHAT_OK);
  for (size_t round = 0; round < 3; round++) {
    for (size_t i = 0; i < made.count; i++) assert_int_equal(feed(&made, i), SCHAT_DUPLICATE);
    world_restart(s->w, 0, (int)(round & 1));
  }
  world_run(s->w);
  in_order(4);
  free_pile(&made);
}

/* The same people, on the other ways in: a difference, and updates of reading, of chats and of answers. */
static void a_replay_on_every_way_in_changes_nothing(void **state) {
  pile made = make_pile(1);
  schat_encrypted_message message;
  schat_difference difference;
  schat_answer answer;
  memstore *image;
  (void)state;
  assert_int_equal(feed(&made, 0), SCHAT_OK);
  assert_true(world_text(s->w, 0, s->chat_id, "ours", NULL) >= 0);
  world_run(s->w);
  SCHAT_INIT(message);
  message.chat_id = s->chat_id;
  message.bytes.data = made.bytes[0];
  message.bytes.size = made.size[0];
  SCHAT_INIT(difference);
  difference.messages = &message;
  difference.message_count = 1;
  SCHAT_INIT(answer);
  answer.type = SCHAT_ANSWER_SENT;
  assert_true(schat_input_read(stage_manager(s), s->chat_id, 5, 5, s->w->now) >= 0);
  world_run(s->w);
  world_restart(s->w, 0, 0); /* what was handed over is forgotten */
  world_run(s->w);
  stage_forget(s);
  image = world_image(s->w, 0);
  assert_true(schat_input_difference(stage_manager(s), &difference, s->w->now) >= 0);
  assert_true(schat_input_read(stage_manager(s), s->chat_id, 5, 5, s->w->now) >= 0);
  for (uint64_t token = 1; token < 40; token++)
    assert_int_equal(schat_request_done(stage_manager(s), token, &answer, s->w->now), SCHAT_IGNORED);
  world_run(s->w);
  assert_int_equal(messages() + world_count(s->w, 0, SCHAT_EVENT_READ) + s->sent_count, 0);
  assert_true(stage_same(image, s->w->peers[0].store));
  memstore_free(image);
  free_pile(&made);
}

/* Android 03a6abc, MadelineProto 8.3.5 (shifts the bit away), telethon-secret-chat 32e7585, tg-secret 0.1.0 do not look at the parity; tgl only
 * drops the message. */
static void a_wrong_parity_ends_the_chat(void **state) {
  memstore *image = world_image(s->w, 0);
  (void)state;
  for (int flip = 1; flip < 4; flip++) {
    int32_t in = schat__wire_in(s->p->in_raw, s->p->originator) ^ (flip & 1);
    int32_t out = schat__wire_out(s->p->out_raw, s->p->originator) ^ (flip >> 1);
    stage_rewind(s, image);
    assert_int_equal(puppet_send_wire(s->p, stage_manager(s), in, out, puppet_text(s->p, 1, "text", 0), s->w->now), SCHAT_CHAT_CLOSED);
    assert_int_equal(stage_info(s).close_reason, SCHAT_CLOSE_BAD_PARITY);
  }
  memstore_free(image);
}

/* vysheng/tg#1310 ("Hole in seq in secret chat", at every message from then on), majn/telegram-purple#407, TelegramMessenger/Telegram-iOS#65; tgl
 * has no way to ask for what is missing, telethon-secret-chat ignores that something is. */
static void a_hole_is_asked_for_and_heals(void **state) {
  pile made = make_pile(4);
  puppet_seen seen;
  (void)state;
  for (size_t i = 1; i < 4; i++) assert_int_equal(feed(&made, i), SCHAT_WAITING);
  world_run(s->w);
  assert_int_equal(messages(), 0);
  assert_int_equal(stage_count(s, SCHAT__ACTION_RESEND), 1);
  assert_int_equal(stage_read(s, 0, &seen), 1);
  assert_int_equal(seen.action.start, schat__wire_out(s->p->out_raw, s->p->originator));
  assert_int_equal(seen.action.end, seen.action.start);
  assert_int_equal(feed(&made, 0), SCHAT_OK);
  world_run(s->w);
  in_order(4);
  free_pile(&made);
}

/* MadelineProto 8.3.5 knows one hole. */
static void two_holes_at_once_heal(void **state) {
  pile made = make_pile(6);
  (void)state;
  assert_int_equal(feed(&made, 1), SCHAT_WAITING);
  assert_int_equal(feed(&made, 4), SCHAT_WAITING);
  world_run(s->w);
  assert_int_equal(stage_count(s, SCHAT__ACTION_RESEND), 2);
  assert_int_equal(feed(&made, 5), SCHAT_WAITING);
  assert_int_equal(feed(&made, 2), SCHAT_WAITING);
  assert_int_equal(feed(&made, 0), SCHAT_OK);
  assert_int_equal(feed(&made, 3), SCHAT_OK);
  world_run(s->w);
  in_order(6);
  free_pile(&made);
}

/* Android 03a6abc keeps four messages behind a hole, in memory: a restart loses them. */
static void what_waits_behind_a_hole_outlives_a_crash(void **state) {
  pile made = make_pile(8);
  (void)state;
  for (size_t i = 1; i < 8; i++) {
    assert_int_equal(feed(&made, i), SCHAT_WAITING);
    world_restart(s->w, 0, 1);
  }
  assert_int_equal(feed(&made, 0), SCHAT_OK);
  world_run(s->w);
  in_order(8);
  free_pile(&made);
}

/* Three of our messages that the peer has not confirmed; the number of the first. */
static int32_t three_of_ours(void) {
  int32_t first = stage_slot(s)->chat.out_seq;
  static const char *const texts[] = {"one", "two", "three"};
  for (size_t i = 0; i < 3; i++) assert_true(world_text(s->w, 0, s->chat_id, texts[i], NULL) >= 0);
  world_run(s->w);
  assert_int_equal(s->sent_count, 3);
  return first;
}

/* "Four Attacks and a Proof": an unconfirmed message encrypted once more, with fresh padding under the same header, breaks IND-CPA; and
 * telethon-secret-chat 32e7585 sends it under new numbers. Here the bytes are those of the first time. */
static void a_resend_is_the_same_bytes(void **state) {
  int32_t first = three_of_ours();
  stage_sent before[3];
  (void)state;
  memcpy(before, s->sent, sizeof before);
  s->sent_count = 0; /* their bytes are ours now */
  assert_int_equal(stage_resend(s, first, s->p->out_raw++, first, first + 2), SCHAT_OK);
  assert_int_equal(s->sent_count, 3);
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(s->sent[i].size, before[i].size);
    assert_memory_equal(s->sent[i].bytes, before[i].bytes, before[i].size);
    assert_true(s->sent[i].random_id == before[i].random_id);
    free(before[i].bytes);
  }
}

/* MadelineProto 8.3.5 :496 reads $msg[$seq] of the wrong array: something else goes out than was asked for. */
static void a_resend_gets_what_it_asks_for(void **state) {
  int32_t first = three_of_ours();
  puppet_seen seen;
  (void)state;
  stage_forget(s);
  assert_int_equal(stage_resend(s, first, s->p->out_raw++, first + 1, first + 1), SCHAT_OK);
  assert_int_equal(s->sent_count, 1);
  assert_int_equal(stage_read(s, 0, &seen), 1);
  assert_int_equal(seen.out_raw, first + 1);
  assert_memory_equal(seen.message.text.data, "two", 3);
}

/* TDLib 022d602 SecretChatActor.cpp:940-966 and MadelineProto 8.3.5 answer a Resend before they see that it is a repeat: with a gap open, each
 * replay of one message costs up to 1,001. */
static void a_replayed_resend_is_not_answered_again(void **state) {
  int32_t first = three_of_ours(), raw = s->p->out_raw + 3; /* behind a gap */
  schat__action action;
  size_t size;
  (void)state;
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_RESEND;
  action.start = schat__wire_out(first, !s->p->originator);
  action.end = schat__wire_out(first + 2, !s->p->originator);
  uint8_t *bytes = puppet_seal(s->p, schat__wire_in(first, s->p->originator), schat__wire_out(raw, s->p->originator),
                               puppet_action(s->p, &action), &size);
  assert_int_equal(puppet_feed(stage_manager(s), s->chat_id, bytes, size, s->w->now), SCHAT_WAITING);
  world_run(s->w);
  stage_forget(s);
  for (size_t i = 0; i < 100; i++) assert_int_equal(puppet_feed(stage_manager(s), s->chat_id, bytes, size, s->w->now), SCHAT_DUPLICATE);
  world_run(s->w);
  assert_int_equal(s->sent_count, 0);
  free(bytes);
}

/* MadelineProto 8.3.5 SecretChatController.php:641 takes one more than was sent; Android 03a6abc keeps the number without a look; telethon-secret-chat
 * 32e7585 has no check; tgl drops the message and goes on. */
static void an_in_seq_no_of_one_too_many_ends_the_chat(void **state) {
  memstore *image;
  (void)state;
  (void)three_of_ours();
  image = world_image(s->w, 0);
  assert_int_equal(stage_text_raw(s, stage_slot(s)->chat.out_seq, s->p->out_raw, 1, "all"), SCHAT_OK);
  stage_rewind(s, image);
  assert_int_equal(stage_text_raw(s, stage_slot(s)->chat.out_seq + 1, s->p->out_raw, 1, "one too many"), SCHAT_CHAT_CLOSED);
  memstore_free(image);
}

/* The same of numbers that go back. */
static void an_in_seq_no_that_goes_back_ends_the_chat(void **state) {
  (void)state;
  int32_t first = three_of_ours();
  assert_int_equal(stage_text_raw(s, first + 2, s->p->out_raw, 1, "two of three"), SCHAT_OK);
  assert_int_equal(stage_text_raw(s, first + 1, s->p->out_raw + 1, 2, "only one"), SCHAT_CHAT_CLOSED);
  assert_int_equal(stage_info(s).close_reason, SCHAT_CLOSE_BAD_IN_SEQ_NO);
}

/* vysheng/tgl#63 ("Sending documents bricks secret chats"), majn/telegram-purple#90 and #550: a message with a file had no number of its own,
 * and after it the peer saw nothing any more. */
static void a_document_takes_its_number_like_any_message(void **state) {
  static const uint8_t key[32] = {1, 2, 3};
  int32_t first = stage_slot(s)->chat.out_seq;
  schat_input_file file;
  schat_message m;
  puppet_seen seen;
  (void)state;
  memset(&file, 0, sizeof file);
  file.type = SCHAT_INPUT_FILE_UPLOADED;
  file.id = 77;
  file.parts = 1;
  relay_upload_part(s->w->relay, s->w->peers[0].device, 77, 0, (schat_bytes){key, 32});
  schat_message_init(&m);
  m.media.type = SCHAT_MEDIA_DOCUMENT;
  m.media.size = 32;
  m.media.key.data = m.media.iv.data = key;
  m.media.key.size = m.media.iv.size = sizeof key;
  assert_true(world_text(s->w, 0, s->chat_id, "before", NULL) >= 0);
  assert_true(schat_send(stage_manager(s), s->chat_id, &m, &file, s->w->now, NULL) >= 0);
  assert_true(world_text(s->w, 0, s->chat_id, "after", NULL) >= 0);
  world_run(s->w);
  assert_int_equal(s->sent_count, 3);
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(stage_read(s, i, &seen), 1);
    assert_int_equal(seen.out_raw, first + (int32_t)i);
    assert_int_equal(seen.message.media.type, i == 1 ? SCHAT_MEDIA_DOCUMENT : SCHAT_MEDIA_NONE);
  }
  assert_int_equal(s->sent[1].type, SCHAT_REQUEST_SEND_ENCRYPTED_FILE);
}

/* majn/telegram-purple#285: after a restart the peer heard us and we did not hear the peer. */
static void both_sides_are_heard_after_a_restart(void **state) {
  world *w = world_new(52, 2);
  int32_t id = world_chat(w, 0, 1);
  (void)state;
  for (size_t i = 0; i < 6; i++) {
    world_restart(w, i % 2, (int)(i / 2 % 2));
    world_run(w);
    world_forget(w);
    assert_int_equal(world_text(w, 0, id, "there", NULL), SCHAT_OK);
    assert_int_equal(world_text(w, 1, id, "back", NULL), SCHAT_OK);
    world_run(w);
    assert_int_equal(world_count(w, 0, SCHAT_EVENT_MESSAGE), 1);
    assert_int_equal(world_count(w, 1, SCHAT_EVENT_MESSAGE), 1);
  }
  world_free(w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(messages_in_any_order_are_read_in_theirs),
      TEST(a_replayed_message_is_dropped_unread),
      TEST(a_replay_on_every_way_in_changes_nothing),
      TEST(a_wrong_parity_ends_the_chat),
      TEST(a_hole_is_asked_for_and_heals),
      TEST(two_holes_at_once_heal),
      TEST(what_waits_behind_a_hole_outlives_a_crash),
      TEST(a_resend_is_the_same_bytes),
      TEST(a_resend_gets_what_it_asks_for),
      TEST(a_replayed_resend_is_not_answered_again),
      TEST(an_in_seq_no_of_one_too_many_ends_the_chat),
      TEST(an_in_seq_no_that_goes_back_ends_the_chat),
      TEST(a_document_takes_its_number_like_any_message),
      cmocka_unit_test(both_sides_are_heard_after_a_restart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
