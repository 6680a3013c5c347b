/* SPDX-License-Identifier: BSL-1.0
 * test_timer.c - messages that destroy themselves: when their clocks start, when they end, and that nothing of them stays anywhere. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "puppet.h"
#include "vault.h"
#include "world.h"

#define CANARY "the-canary-sings"
#define YEAR (INT64_C(31557600) * 1000)

static world *w;
static int32_t chat;
static puppet *p;
static int32_t today; /* UTC seconds */

static int set_up(void **state) {
  (void)state;
  w = world_new(71, 2);
  chat = world_chat(w, 0, 1);
  schat_tick(w->peers[0].manager, w->now);
  world_run(w);
  world_forget(w);
  w->peers[0].hold = 1; /* the peer is a puppet */
  p = puppet_new(w->peers[0].manager, chat);
  today = (int32_t)(w->now / 1000);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  puppet_free(p);
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
static size_t count(int32_t type) {
  return world_count(w, 0, type);
}

static void tick_at(int64_t now) {
  w->now = now;
  assert_true(schat_tick(alice(), now) >= 0);
  world_drain(w, 0);
}

static void restart_at(int64_t now, int crash) {
  w->now = now;
  world_restart(w, 0, crash);
}

static int read_all(void) {
  return schat_messages_read(alice(), chat, INT32_MAX - 1, w->now);
}
static int open_one(int64_t id) {
  return schat_messages_opened(alice(), chat, &id, 1, w->now);
}
static int close_one(int64_t id) {
  return schat_messages_closed(alice(), chat, &id, 1, w->now);
}

/* Messages of a medium ---------------------------------------------------------------------------------------------------------- */

static const uint8_t file_key[32] = {1, 2, 3};

static void fill_media(schat_message *m, int32_t type, int32_t duration) {
  schat_media *media = &m->media;
  media->type = type;
  media->duration = duration;
  if (type >= SCHAT_MEDIA_PHOTO && type <= SCHAT_MEDIA_ANIMATION) {
    media->size = 100;
    media->key.data = file_key;
    media->key.size = 32;
    media->iv = media->key;
    media->width = media->height = 10;
  }
}

static schat_bytes media_object(int64_t random_id, int32_t type, int32_t ttl, int32_t duration) {
  schat_message m;
  schat_bytes object = {NULL, 0};
  uint8_t *out;
  schat_message_init(&m);
  m.random_id = random_id;
  m.ttl = ttl;
  m.text.data = (const uint8_t *)CANARY;
  m.text.size = sizeof CANARY - 1;
  fill_media(&m, type, duration);
  assert_int_equal(schat__message_encode(&p->arena, &m, 144, NULL, 0, &object.size), SCHAT_OK);
  out = schat__arena_take(&p->arena, object.size);
  assert_non_null(out);
  assert_int_equal(schat__message_encode(&p->arena, &m, 144, out, object.size, &object.size), SCHAT_OK);
  object.data = out;
  return object;
}

static void receive(int64_t random_id, int32_t type, int32_t ttl, int32_t duration) {
  assert_int_equal(puppet_send(p, alice(), media_object(random_id, type, ttl, duration), w->now), SCHAT_OK);
  puppet_forget(p);
}

/* Sends a message of ours; its number is answered by the server at `date`. */
static int64_t send_media(int32_t type, int32_t ttl, int32_t duration, int32_t date) {
  schat_message m;
  schat_input_file file;
  schat_answer answer;
  int64_t random_id = 0;
  int has_file = type >= SCHAT_MEDIA_PHOTO && type <= SCHAT_MEDIA_ANIMATION;
  schat_message_init(&m);
  memset(&file, 0, sizeof file);
  file.type = SCHAT_INPUT_FILE_EXISTING;
  file.id = 9;
  m.ttl = ttl;
  m.text.data = (const uint8_t *)CANARY;
  m.text.size = sizeof CANARY - 1;
  fill_media(&m, type, duration);
  assert_int_equal(schat_send(alice(), chat, &m, has_file ? &file : NULL, w->now, &random_id), SCHAT_OK);
  world_drain(w, 0);
  if (date == 0) return random_id;
  SCHAT_INIT(answer);
  answer.type = SCHAT_ANSWER_SENT;
  answer.date = date;
  assert_int_equal(schat_request_done(alice(), w->peers[0].requests[w->peers[0].request_count - 1].token, &answer, w->now), SCHAT_OK);
  world_drain(w, 0);
  return random_id;
}

static void peer_action(schat__action_type type, int64_t id) {
  schat__action action;
  memset(&action, 0, sizeof action);
  action.type = type;
  action.random_ids = &id;
  action.random_id_count = 1;
  assert_int_equal(puppet_send_action(p, alice(), &action, w->now), SCHAT_OK);
  puppet_forget(p);
}

/* The message `id` ends at exactly `milliseconds` from now, not one earlier. */
static void assert_ends_in(int64_t id, int64_t milliseconds) {
  int64_t start = w->now, deadline = 0;
  world_drain(w, 0);
  world_forget(w);
  assert_int_equal(schat_next_deadline(alice(), &deadline), SCHAT_OK);
  assert_true(deadline <= start + milliseconds);
  tick_at(start + milliseconds - 1);
  assert_int_equal(count(SCHAT_EVENT_EXPIRED), 0);
  tick_at(start + milliseconds);
  assert_int_equal(count(SCHAT_EVENT_EXPIRED), 1);
  assert_int_equal(world_last(w, 0, SCHAT_EVENT_EXPIRED)->random_id_count, 1);
  assert_true(world_last(w, 0, SCHAT_EVENT_EXPIRED)->random_ids[0] == id);
  tick_at(start + milliseconds + 1);
  assert_int_equal(count(SCHAT_EVENT_EXPIRED), 1); /* once */
  world_forget(w);
}

static void assert_lives(int64_t milliseconds) {
  size_t before = count(SCHAT_EVENT_EXPIRED);
  tick_at(w->now + milliseconds);
  assert_int_equal(count(SCHAT_EVENT_EXPIRED), before);
}

/* When clocks start ------------------------------------------------------------------------------------------------------------- */

static const int32_t quick[] = {SCHAT_MEDIA_PHOTO, SCHAT_MEDIA_VIDEO, SCHAT_MEDIA_ROUND_VIDEO, SCHAT_MEDIA_VOICE};
static const int32_t slow[] = {SCHAT_MEDIA_NONE,    SCHAT_MEDIA_AUDIO,     SCHAT_MEDIA_DOCUMENT,
                               SCHAT_MEDIA_STICKER, SCHAT_MEDIA_ANIMATION, SCHAT_MEDIA_LOCATION};

/* R-TTL-01, R-TTL-07, D-28 accept: 1 to 60 seconds on photo, video, round video and voice start when they are opened, not when read. */
static void short_lives_of_media_start_when_opened(void **state) {
  static const int32_t ttls[] = {1, 59, 60};
  size_t i, j;
  int64_t id = 100;
  (void)state;
  for (i = 0; i < sizeof quick / sizeof quick[0]; i++) {
    for (j = 0; j < sizeof ttls / sizeof ttls[0]; j++) {
      receive(++id, quick[i], ttls[j], 0);
      assert_int_equal(schat_messages_read(alice(), chat, ++today, w->now), SCHAT_OK);
      assert_lives(120000);
      assert_int_equal(open_one(id), SCHAT_OK);
      assert_ends_in(id, (int64_t)ttls[j] * 1000);
    }
  }
}

/* R-TTL-01, R-TTL-07, D-28 accept: everything else, and 61 seconds, starts when read; reading does not wait for opening. */
static void other_lives_start_when_read(void **state) {
  size_t i;
  int64_t id = 200;
  (void)state;
  for (i = 0; i < sizeof quick / sizeof quick[0]; i++) {
    receive(++id, quick[i], 61, 0);
    assert_lives(3600000);
    today = (int32_t)(w->now / 1000);
    assert_int_equal(schat_messages_read(alice(), chat, today, w->now), SCHAT_OK);
    assert_ends_in(id, 61000);
  }
  for (i = 0; i < sizeof slow / sizeof slow[0]; i++) {
    static const int32_t ttls[] = {1, 60, 61};
    size_t j;
    for (j = 0; j < 3; j++) {
      receive(++id, slow[i], ttls[j], 0);
      assert_lives(3600000);
      today = (int32_t)(w->now / 1000);
      assert_int_equal(schat_messages_read(alice(), chat, today, w->now), SCHAT_OK);
      assert_ends_in(id, (int64_t)ttls[j] * 1000);
    }
  }
}

/* R-TTL-01 reject: what is neither read nor opened lives for ever. */
static void unread_messages_live_for_ever(void **state) {
  (void)state;
  receive(1, SCHAT_MEDIA_NONE, 1, 0);
  receive(2, SCHAT_MEDIA_PHOTO, 1, 0);
  receive(3, SCHAT_MEDIA_NONE, SCHAT_TTL_AT_ONCE, 0);
  assert_lives(10 * YEAR);
  restart_at(w->now + 10 * YEAR, 1);
  tick_at(w->now);
  assert_int_equal(count(SCHAT_EVENT_EXPIRED), 0);
  assert_int_equal(memstore_count(store(), SCHAT_RECORD_TIMER), 3);
}

/* D-28: opening starts a clock that reading would have started. */
static void opening_starts_any_clock(void **state) {
  (void)state;
  receive(1, SCHAT_MEDIA_NONE, 100, 0);
  assert_int_equal(open_one(1), SCHAT_OK);
  assert_lives(50000);
  assert_int_equal(read_all(), SCHAT_OK); /* runs already: not anew */
  assert_int_equal(open_one(1), SCHAT_OK);
  assert_ends_in(1, 50000);
}

/* R-TTL-01: only what was read up to that date: a second more or less. */
static void reading_reaches_up_to_its_date(void **state) {
  (void)state;
  receive(1, SCHAT_MEDIA_NONE, 10, 0);
  assert_int_equal(schat_messages_read(alice(), chat, today - 1, w->now), SCHAT_OK);
  assert_lives(20000);
  assert_int_equal(schat_messages_read(alice(), chat, today - 1, w->now), SCHAT_IGNORED);
  assert_int_equal(schat_messages_read(alice(), chat, today, w->now), SCHAT_OK);
  assert_ends_in(1, 10000);
  assert_int_equal(schat_messages_read(alice(), chat, today - 5, w->now), SCHAT_IGNORED); /* reading goes forwards only */
}

/* D-28: a playable medium lives until it has been played, at least. */
static void playable_media_live_through_their_duration(void **state) {
  static const struct {
    int32_t type, ttl, duration, life;
  } cases[] = {{SCHAT_MEDIA_VOICE, 5, 30, 31},    {SCHAT_MEDIA_VOICE, 5, 4, 5},         {SCHAT_MEDIA_VOICE, 5, 5, 6},
               {SCHAT_MEDIA_VIDEO, 60, 100, 101}, {SCHAT_MEDIA_ROUND_VIDEO, 1, 59, 60}, {SCHAT_MEDIA_PHOTO, 5, 30, 5}};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    int64_t id = 300 + (int64_t)i;
    receive(id, cases[i].type, cases[i].ttl, cases[i].duration);
    assert_int_equal(open_one(id), SCHAT_OK);
    assert_ends_in(id, (int64_t)cases[i].life * 1000);
  }
}

/* R-TTL-07: no ttl, and a negative one, is none; the longest that is not "at once" overflows nothing. */
static void the_ends_of_the_range_of_lives(void **state) {
  int64_t deadline = 0;
  (void)state;
  receive(1, SCHAT_MEDIA_NONE, 0, 0);
  receive(2, SCHAT_MEDIA_PHOTO, 0, 0);
  { /* negative, as only a peer can write it */
    schat_bytes object = media_object(3, SCHAT_MEDIA_NONE, 5, 0);
    uint8_t *bytes = (uint8_t *)(uintptr_t)object.data;
    schat__store32(bytes + 16, (uint32_t)-1); /* constructor, flags, random_id, ttl */
    assert_int_equal(puppet_send(p, alice(), object, w->now), SCHAT_OK);
  }
  assert_int_equal(memstore_count(store(), SCHAT_RECORD_TIMER), 0);
  receive(4, SCHAT_MEDIA_NONE, 0x7ffffffe, 0);
  read_all();
  assert_lives(60 * YEAR);
  schat_next_deadline(alice(), &deadline);
  assert_true(deadline > w->now);
  tick_at(w->now + 9 * YEAR);
  assert_int_equal(count(SCHAT_EVENT_EXPIRED), 1);
}

/* At once ----------------------------------------------------------------------------------------------------------------------- */

/* R-TTL-07, D-28 accept: 2^31 - 1 ends when the content is closed; until then it may be looked at for as long as one likes. */
static void at_once_ends_when_closed(void **state) {
  size_t i;
  (void)state;
  for (i = 0; i < sizeof quick / sizeof quick[0] + 1; i++) {
    int64_t id = 400 + (int64_t)i;
    world_forget(w);
    receive(id, i == 4 ? SCHAT_MEDIA_NONE : quick[i], SCHAT_TTL_AT_ONCE, 70);
    assert_int_equal(schat_messages_read(alice(), chat, ++today, w->now), SCHAT_OK);
    assert_lives(60000);
    assert_int_equal(close_one(id), SCHAT_OK); /* was never open */
    assert_lives(60000);
    assert_int_equal(open_one(id), SCHAT_OK);
    assert_lives(3600000);
    assert_int_equal(close_one(id), SCHAT_OK);
    world_drain(w, 0);
    assert_int_equal(count(SCHAT_EVENT_EXPIRED), 1);
    assert_true(world_last(w, 0, SCHAT_EVENT_EXPIRED)->random_ids[0] == id);
    assert_int_equal(close_one(id), SCHAT_OK);
    world_drain(w, 0);
    assert_int_equal(count(SCHAT_EVENT_EXPIRED), 1);
  }
  assert_int_equal(memstore_count(store(), SCHAT_RECORD_TIMER), 0);
}

/* D-28 reject: closing ends no other message. */
static void closing_ends_no_message_with_a_clock(void **state) {
  (void)state;
  receive(1, SCHAT_MEDIA_PHOTO, 60, 0);
  open_one(1);
  assert_int_equal(close_one(1), SCHAT_OK);
  assert_int_equal(close_one(2), SCHAT_OK); /* unknown */
  assert_ends_in(1, 60000);
}

/* D-28: what was open when the program ended has been closed by that. */
static void at_once_ends_with_the_program(void **state) {
  (void)state;
  receive(1, SCHAT_MEDIA_PHOTO, SCHAT_TTL_AT_ONCE, 0);
  world_drain(w, 0);
  open_one(1);
  world_forget(w);
  restart_at(w->now + 1, 1);
  world_drain(w, 0);
  assert_int_equal(count(SCHAT_EVENT_EXPIRED), 1);
  assert_int_equal(vault_find_text(store(), CANARY), 0);
}

/* Our own copies ---------------------------------------------------------------------------------------------------------------- */

/* R-TTL-03 accept: our copy's clock starts when the peer's ReadMessages comes. Reject: not with sending, not with delivery. */
static void our_copy_starts_when_the_peer_opens_it(void **state) {
  int64_t id = send_media(SCHAT_MEDIA_PHOTO, 20, 0, today), at_once;
  (void)state;
  assert_lives(3600000);
  p->in_raw = puppet_slot(alice(), chat)->chat.out_seq;
  puppet_send_text(p, alice(), 9, "got it", 0, w->now); /* delivered */
  assert_lives(3600000);
  peer_action(SCHAT__ACTION_READ, id);
  assert_lives(10000);
  peer_action(SCHAT__ACTION_READ, id); /* again: not anew */
  assert_ends_in(id, 10000);
  at_once = send_media(SCHAT_MEDIA_PHOTO, SCHAT_TTL_AT_ONCE, 0, today);
  assert_lives(1000);
  peer_action(SCHAT__ACTION_READ, at_once);
  world_drain(w, 0);
  assert_int_equal(count(SCHAT_EVENT_EXPIRED), 1);
}

/* R-TTL-03: peers that show a text may only tell the server: updateEncryptedMessagesRead starts what lives from reading, up to its date,
 * but not what lives from opening, nor what the server does not have yet. */
static void reading_as_the_server_tells_it_starts_our_copies(void **state) {
  int64_t before = send_media(SCHAT_MEDIA_NONE, 30, 0, today), after = send_media(SCHAT_MEDIA_NONE, 30, 0, today + 1);
  int64_t photo = send_media(SCHAT_MEDIA_PHOTO, 30, 0, today);
  (void)state;
  send_media(SCHAT_MEDIA_NONE, 30, 0, 0); /* unsent */
  assert_int_equal(schat_input_read(alice(), chat, today - 1, today, w->now), SCHAT_OK);
  assert_lives(60000);
  assert_int_equal(schat_input_read(alice(), chat, today, today, w->now), SCHAT_OK);
  world_drain(w, 0);
  assert_int_equal(world_last(w, 0, SCHAT_EVENT_READ)->date, today);
  assert_ends_in(before, 30000);
  assert_int_equal(schat_input_read(alice(), chat, today, today, w->now), SCHAT_IGNORED);
  assert_int_equal(schat_input_read(alice(), chat, today + 1, today, w->now), SCHAT_OK);
  assert_ends_in(after, 30000);
  assert_lives(60000);
  peer_action(SCHAT__ACTION_READ, photo);
  assert_ends_in(photo, 30000);
  assert_int_equal(schat_input_read(alice(), chat ^ 1, today + 9, today, w->now), SCHAT_IGNORED);
}

/* R-TTL-03 reject: a peer cannot start the clock of what it sent itself, nor we that of ours by reading. */
static void each_side_starts_the_clocks_of_the_other_only(void **state) {
  int64_t mine = send_media(SCHAT_MEDIA_NONE, 10, 0, today);
  (void)state;
  receive(5, SCHAT_MEDIA_NONE, 10, 0);
  peer_action(SCHAT__ACTION_READ, 5);
  assert_int_equal(schat_input_read(alice(), chat, today - 1, today, w->now), SCHAT_OK);
  assert_int_equal(open_one(mine), SCHAT_OK);
  assert_lives(20000);
  assert_int_equal(read_all(), SCHAT_OK);
  assert_ends_in(5, 10000);
  assert_lives(20000);
}

typedef struct {
  int32_t ttl[8];
  int32_t duration[8];
  size_t count;
} wire;

static void keep_ttl(void *arg, const schat_request *request, const puppet_seen *seen) {
  wire *sent = arg;
  (void)request;
  if (seen->action.type != SCHAT__ACTION_NONE) return;
  assert_true(sent->count < 8);
  sent->ttl[sent->count++] = seen->message.ttl;
}

static void say(int32_t ttl) {
  assert_int_equal(world_text_ttl(w, 0, chat, "text", ttl, NULL), SCHAT_OK);
}

/* R-TTL-02 accept: a message's own ttl wins over the chat's: all three combinations; and 0 is an own ttl too. R-TTL-04: the chat's timer
 * holds for messages after it was set only, whoever set it. */
static void a_messages_own_life_wins_over_the_chats(void **state) {
  static const int32_t expected[] = {0, 10, 60, 10, 0, 5, 0};
  schat__action action;
  wire sent;
  size_t i;
  (void)state;
  memset(&sent, 0, sizeof sent);
  say(SCHAT_TTL_OF_CHAT); /* neither */
  say(10);                /* its own only */
  assert_int_equal(schat_chat_set_ttl(alice(), chat, 60, 0, w->now), SCHAT_OK);
  say(SCHAT_TTL_OF_CHAT); /* the chat's only */
  say(10);                /* both */
  say(0);                 /* none, expressly */
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_SET_TTL;
  action.ttl = 5;
  assert_int_equal(puppet_send_action(p, alice(), &action, w->now), SCHAT_OK);
  say(SCHAT_TTL_OF_CHAT); /* the peer's wish */
  action.ttl = 0;
  assert_int_equal(puppet_send_action(p, alice(), &action, w->now), SCHAT_OK);
  say(SCHAT_TTL_OF_CHAT);
  puppet_collect(p, alice(), keep_ttl, &sent);
  assert_int_equal(sent.count, 7);
  for (i = 0; i < 7; i++) assert_int_equal(sent.ttl[i], expected[i]);
}

/* R-TTL-04 reject: messages that are there already do not change with the chat's timer, on either side. */
static void the_chats_timer_does_not_reach_back(void **state) {
  int64_t old = send_media(SCHAT_MEDIA_NONE, 100, 0, today);
  schat__action action;
  (void)state;
  receive(7, SCHAT_MEDIA_NONE, 0, 0);
  assert_int_equal(schat_chat_set_ttl(alice(), chat, 5, 0, w->now), SCHAT_OK);
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_SET_TTL;
  action.ttl = 6;
  assert_int_equal(puppet_send_action(p, alice(), &action, w->now), SCHAT_OK);
  assert_int_equal(read_all(), SCHAT_OK);
  peer_action(SCHAT__ACTION_READ, old);
  assert_ends_in(old, 100000);
  assert_lives(3600000);
}

/* R-TTL-02 reject, R-TTL-07: a peer's timer of the chat below 0 is 0; every other value is taken as it is. */
static void the_chats_timer_is_taken_as_the_peer_sets_it(void **state) {
  static const int32_t given[] = {INT32_MIN, -1, 0, 1, 60, 61, INT32_MAX}, kept[] = {0, 0, 0, 1, 60, 61, INT32_MAX};
  schat__action action;
  size_t i;
  (void)state;
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_SET_TTL;
  for (i = 0; i < 7; i++) {
    action.ttl = given[i];
    world_forget(w);
    assert_int_equal(puppet_send_action(p, alice(), &action, w->now), SCHAT_OK);
    assert_int_equal(world_info(w, 0, chat).ttl, kept[i]);
    world_drain(w, 0);
    assert_int_equal(world_last(w, 0, SCHAT_EVENT_TTL)->value, kept[i]);
    say(SCHAT_TTL_OF_CHAT);
    restart_at(w->now, 1);
    assert_int_equal(world_info(w, 0, chat).ttl, kept[i]);
  }
}

/* Rule 1 reject: lives that cannot be sent. */
static void unlawful_lives_are_not_sent(void **state) {
  (void)state;
  assert_int_equal(world_text_ttl(w, 0, chat, "text", -2, NULL), SCHAT_E_INVALID);
  assert_int_equal(world_text_ttl(w, 0, chat, "text", INT32_MIN, NULL), SCHAT_E_INVALID);
  assert_int_equal(schat_chat_set_ttl(alice(), chat, INT32_MAX, 0, w->now), SCHAT_OK);
  assert_int_equal(world_text(w, 0, chat, "text", NULL), SCHAT_OK);
}

/* Two messages of one name end together; a name whose clock runs is not given to a new message of ours. */
static void names_of_messages_with_a_clock_are_taken(void **state) {
  schat_message m;
  int64_t mine = send_media(SCHAT_MEDIA_NONE, 50, 0, today);
  (void)state;
  receive(8, SCHAT_MEDIA_NONE, 10, 0);
  receive(8, SCHAT_MEDIA_NONE, 1000, 0);
  receive(mine, SCHAT_MEDIA_NONE, 1, 0); /* a peer that takes the name of ours */
  assert_int_equal(memstore_count(store(), SCHAT_RECORD_TIMER), 2);
  schat_message_init(&m);
  m.random_id = 8;
  m.text.data = (const uint8_t *)"x";
  m.text.size = 1;
  assert_int_equal(schat_send(alice(), chat, &m, NULL, w->now, NULL), SCHAT_E_EXISTS);
  assert_int_equal(read_all(), SCHAT_OK);
  assert_ends_in(8, 10000);
}

/* Receipts ---------------------------------------------------------------------------------------------------------------------- */

static size_t receipts;
static void count_receipts(void *arg, const schat_request *request, const puppet_seen *seen) {
  (void)request;
  if (seen->action.type != SCHAT__ACTION_READ) return;
  assert_int_equal(seen->action.random_id_count, 1);
  ((int64_t *)arg)[receipts++] = seen->action.random_ids[0];
}

/* R-TTL-03 accept: the peer is told when a clock of its message starts, one receipt a message. Reject: not for messages without one. */
static void the_peer_is_told_when_a_clock_starts(void **state) {
  int64_t ids[8];
  (void)state;
  receive(1, SCHAT_MEDIA_NONE, 10, 0);
  receive(2, SCHAT_MEDIA_NONE, 0, 0);
  receive(3, SCHAT_MEDIA_PHOTO, 10, 0);
  receive(4, SCHAT_MEDIA_DOCUMENT, 10, 0);
  receipts = 0;
  assert_int_equal(read_all(), SCHAT_OK);
  puppet_collect(p, alice(), count_receipts, ids);
  assert_int_equal(receipts, 2);
  assert_int_equal(ids[0] + ids[1], 1 + 4);
  receipts = 0;
  assert_int_equal(open_one(3), SCHAT_OK);
  puppet_collect(p, alice(), count_receipts, ids);
  assert_int_equal(receipts, 1);
  assert_int_equal(ids[0], 3);
}

/* readEncryptedHistory goes to the server, until it has heard, also after a restart. */
static void the_server_is_told_what_was_read_until_it_answers(void **state) {
  schat_answer answer;
  (void)state;
  receive(1, SCHAT_MEDIA_NONE, 0, 0);
  assert_int_equal(world_info(w, 0, chat).unread_count, 1);
  assert_int_equal(schat_messages_read(alice(), chat, today, w->now), SCHAT_OK);
  world_drain(w, 0);
  assert_int_equal(world_info(w, 0, chat).unread_count, 0);
  assert_int_equal(world_last_request(w, 0, SCHAT_REQUEST_READ_HISTORY)->max_date, today);
  restart_at(w->now, 1);
  world_forget(w);
  world_drain(w, 0);
  assert_int_equal(world_requests(w, 0, SCHAT_REQUEST_READ_HISTORY), 1);
  assert_int_equal(schat_request_failed(alice(), world_last_request(w, 0, SCHAT_REQUEST_READ_HISTORY)->token, 500, "X", w->now), SCHAT_OK);
  tick_at(w->now + 1000);
  assert_int_equal(world_requests(w, 0, SCHAT_REQUEST_READ_HISTORY), 2);
  SCHAT_INIT(answer);
  answer.type = SCHAT_ANSWER_DONE;
  assert_int_equal(schat_request_done(alice(), world_last_request(w, 0, SCHAT_REQUEST_READ_HISTORY)->token, &answer, w->now), SCHAT_OK);
  restart_at(w->now, 1);
  world_forget(w);
  world_drain(w, 0);
  assert_int_equal(world_requests(w, 0, SCHAT_REQUEST_READ_HISTORY), 0);
}

/* Clocks that jump -------------------------------------------------------------------------------------------------------------- */

/* R-TTL-08 accept: a clock that jumps ahead ends what it passes; one that is set back for ten years lengthens nothing. */
static void a_clock_set_back_lengthens_no_life(void **state) {
  int64_t start = w->now, deadline = 0;
  (void)state;
  receive(1, SCHAT_MEDIA_NONE, 60, 0);
  read_all();
  tick_at(start + 20000);
  tick_at(start - 10 * YEAR); /* 20 s have passed */
  schat_next_deadline(alice(), &deadline);
  assert_int_equal(deadline, w->now + 40000);
  assert_lives(39999);
  tick_at(w->now + 1);
  assert_int_equal(count(SCHAT_EVENT_EXPIRED), 1);
}

static void a_clock_that_jumps_ahead_ends_what_it_passes(void **state) {
  (void)state;
  receive(1, SCHAT_MEDIA_NONE, 60, 0);
  read_all();
  tick_at(w->now + 10 * YEAR);
  assert_int_equal(count(SCHAT_EVENT_EXPIRED), 1);
}

/* R-TTL-08 accept: lives go on through crashes, to the millisecond. */
static void lives_go_on_through_restarts(void **state) {
  int64_t start = w->now;
  int i;
  (void)state;
  receive(1, SCHAT_MEDIA_NONE, 60, 0);
  world_drain(w, 0);
  read_all();
  for (i = 1; i < 6; i++) restart_at(start + i * 10000, i % 2);
  tick_at(start + 59999);
  assert_int_equal(count(SCHAT_EVENT_EXPIRED), 0);
  restart_at(start + 60000, 1);
  world_drain(w, 0);
  assert_int_equal(count(SCHAT_EVENT_EXPIRED), 1);
}

/* R-TTL-08 reject: a clock that is set back while the program is closed, again and again, does not keep a message alive: what has been
 * seen to pass has passed. */
static void restarts_with_a_clock_set_back_lengthen_no_life(void **state) {
  int64_t start = w->now;
  int i, lived = 0;
  (void)state;
  receive(1, SCHAT_MEDIA_NONE, 60, 0);
  world_drain(w, 0);
  read_all();
  for (i = 0; i < 8 && count(SCHAT_EVENT_EXPIRED) == 0; i++) {
    tick_at(w->now + 20000);
    lived += 20;
    restart_at(start - YEAR * i, i % 2);
    world_drain(w, 0);
  }
  assert_int_equal(count(SCHAT_EVENT_EXPIRED), 1);
  assert_int_equal(lived, 60);
}

/* Nothing stays ----------------------------------------------------------------------------------------------------------------- */

/* R-TTL-05, D-28 accept: what expired while the program was closed is gone before anything is shown: no event, no record. */
static void what_expired_while_closed_is_gone_before_anything_is_shown(void **state) {
  (void)state;
  receive(1, SCHAT_MEDIA_NONE, 60, 0); /* the host has not even taken it */
  read_all();
  assert_true(vault_find_text(store(), CANARY) > 0);
  restart_at(w->now + 60000, 1);
  assert_int_equal(vault_find_text(store(), CANARY), 0); /* before the first effect is taken */
  world_forget(w);
  world_drain(w, 0);
  assert_int_equal(count(SCHAT_EVENT_MESSAGE), 0);
  assert_int_equal(count(SCHAT_EVENT_EXPIRED), 1);
  restart_at(w->now, 1);
  assert_int_equal(vault_find_text(store(), CANARY), 0);
  assert_int_equal(memstore_count(store(), SCHAT_RECORD_TIMER), 0);
}

/* R-TTL-05 reject: a millisecond earlier it is all there. */
static void what_has_not_expired_while_closed_is_shown(void **state) {
  (void)state;
  receive(1, SCHAT_MEDIA_NONE, 60, 0);
  read_all();
  restart_at(w->now + 59999, 1);
  world_drain(w, 0);
  assert_int_equal(count(SCHAT_EVENT_MESSAGE), 1);
  assert_memory_equal(world_last(w, 0, SCHAT_EVENT_MESSAGE)->text, CANARY, sizeof CANARY - 1);
}

static void assert_canary(int there) {
  if (there) {
    assert_true(vault_find_text(store(), CANARY) > 0);
  } else {
    assert_int_equal(vault_find_text(store(), CANARY), 0);
  }
  assert_int_equal(memstore_find(store(), CANARY, sizeof CANARY - 1), 0); /* never unsealed */
}

/* No effect that waits shows it either. */
static void assert_silent(void) {
  size_t i;
  world_forget(w);
  world_drain(w, 0);
  for (i = 0; i < w->peers[0].event_count; i++) assert_null(strstr(w->peers[0].events[i].text, CANARY));
}

static void a_peers_message_ends(void) {
  receive(1, SCHAT_MEDIA_NONE, 5, 0);
  read_all();
  assert_canary(1);
  w->now += 5000;
  schat_tick(alice(), w->now);
}

static void our_unsent_message_ends(void) {
  int64_t id = send_media(SCHAT_MEDIA_NONE, 5, 0, 0);
  assert_canary(1);
  peer_action(SCHAT__ACTION_READ, id);
  w->now += 5000;
  schat_tick(alice(), w->now);
}

static void our_sent_message_ends(void) {
  int64_t id = send_media(SCHAT_MEDIA_NONE, 5, 0, today);
  assert_canary(1); /* not confirmed by the peer yet */
  peer_action(SCHAT__ACTION_READ, id);
  w->now += 5000;
  schat_tick(alice(), w->now);
}

static void the_peer_confirms(void) {
  send_media(SCHAT_MEDIA_NONE, 0, 0, today);
  assert_canary(1);
  p->in_raw = puppet_slot(alice(), chat)->chat.out_seq;
  puppet_send_text(p, alice(), 9, "got it", 0, w->now);
}

static void we_delete_the_peers_message(void) {
  int64_t id = 1;
  receive(1, SCHAT_MEDIA_NONE, 0, 0);
  assert_canary(1);
  assert_int_equal(schat_messages_delete(alice(), chat, &id, 1, 0, w->now), SCHAT_OK);
}

static void we_delete_our_message(void) {
  int64_t id = send_media(SCHAT_MEDIA_NONE, 0, 0, 0);
  assert_canary(1);
  assert_int_equal(schat_messages_delete(alice(), chat, &id, 1, 0, w->now), SCHAT_OK);
}

static void the_peer_deletes_its_message(void) {
  receive(1, SCHAT_MEDIA_NONE, 100, 0);
  assert_canary(1);
  peer_action(SCHAT__ACTION_DELETE, 1);
}

static void the_peer_deletes_ours(void) {
  int64_t id = send_media(SCHAT_MEDIA_NONE, 0, 0, today);
  assert_canary(1);
  peer_action(SCHAT__ACTION_DELETE, id);
}

static void the_peer_flushes(void) {
  schat__action action;
  receive(1, SCHAT_MEDIA_NONE, 0, 0);
  receive(2, SCHAT_MEDIA_PHOTO, 30, 0);
  assert_canary(1);
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_FLUSH;
  assert_int_equal(puppet_send_action(p, alice(), &action, w->now), SCHAT_OK);
}

static void we_flush(void) {
  receive(1, SCHAT_MEDIA_NONE, 0, 0);
  send_media(SCHAT_MEDIA_NONE, 0, 0, 0);
  send_media(SCHAT_MEDIA_NONE, 30, 0, today);
  assert_canary(1);
  assert_int_equal(schat_history_flush(alice(), chat, 0, w->now), SCHAT_OK);
}

static void we_flush_and_discard(void) {
  receive(1, SCHAT_MEDIA_NONE, 0, 0);
  send_media(SCHAT_MEDIA_NONE, 0, 0, 0);
  assert_canary(1);
  assert_int_equal(schat_chat_discard(alice(), chat, SCHAT_DISCARD_FLUSH_FIRST, w->now), SCHAT_OK);
}

static void we_discard(void) {
  receive(1, SCHAT_MEDIA_NONE, 0, 0);
  world_drain(w, 0);
  schat_tick(alice(), w->now);
  send_media(SCHAT_MEDIA_NONE, 0, 0, 0);
  puppet_send_raw(p, alice(), p->in_raw, p->out_raw + 5, media_object(2, SCHAT_MEDIA_NONE, 0, 0), w->now); /* behind a gap */
  assert_canary(1);
  assert_int_equal(schat_chat_discard(alice(), chat, 0, w->now), SCHAT_OK);
}

static void the_peer_discards_with_history(void) {
  schat_chat_update update;
  receive(1, SCHAT_MEDIA_NONE, 0, 0);
  send_media(SCHAT_MEDIA_NONE, 0, 0, 0);
  assert_canary(1);
  SCHAT_INIT(update);
  update.type = SCHAT_CHAT_UPDATE_DISCARDED;
  update.chat_id = chat;
  update.history_deleted = 1;
  assert_true(schat_input_chat(alice(), &update, w->now) >= 0);
}

static void the_server_refuses_it_for_good(void) {
  send_media(SCHAT_MEDIA_NONE, 30, 0, 0);
  assert_canary(1);
  assert_int_equal(
      schat_request_failed(alice(), w->peers[0].requests[w->peers[0].request_count - 1].token, 400, "MSG_WAIT_FAILED_X", w->now), SCHAT_OK);
  if (vault_find_text(store(), CANARY) > 0) { /* an error that is worth another try */
    tick_at(w->now + 60000);
    assert_int_equal(schat_request_failed(alice(), w->peers[0].requests[w->peers[0].request_count - 1].token, 400, "DATA_TOO_LONG", w->now),
                     SCHAT_OK);
  }
}

static void we_wipe(void) {
  receive(1, SCHAT_MEDIA_NONE, 0, 0);
  send_media(SCHAT_MEDIA_NONE, 0, 0, 0);
  assert_canary(1);
  assert_int_equal(schat_wipe(alice(), w->now), SCHAT_OK);
}

/* R-TTL-05, D-09, R-LIFE-01: in whatever way a message ends, its content is in no record and no event afterwards, in the commit that
 * ends it. Every record of the store is unsealed and searched. */
static void ended_content_is_nowhere(void **state) {
  typedef void (*ending)(void);
  static const ending endings[] = {a_peers_message_ends,
                                   our_unsent_message_ends,
                                   our_sent_message_ends,
                                   the_peer_confirms,
                                   we_delete_the_peers_message,
                                   we_delete_our_message,
                                   the_peer_deletes_its_message,
                                   the_peer_deletes_ours,
                                   the_peer_flushes,
                                   we_flush,
                                   we_flush_and_discard,
                                   we_discard,
                                   the_peer_discards_with_history,
                                   the_server_refuses_it_for_good,
                                   we_wipe};
  size_t i;
  for (i = 0; i < sizeof endings / sizeof endings[0]; i++) {
    size_t commits;
    if (i > 0) {
      tear_down(state);
      set_up(state);
    }
    endings[i]();
    assert_canary(0);
    assert_silent();
    commits = memstore_commits(store());
    assert_true(commits > 0);
    restart_at(w->now, 1);
    assert_canary(0);
    assert_silent();
  }
}

/* D-28: what a host has taken already and the peer then deletes: the event says which, so that the host can do its part. */
static void the_host_is_told_what_to_remove(void **state) {
  (void)state;
  receive(1, SCHAT_MEDIA_NONE, 5, 0);
  receive(2, SCHAT_MEDIA_NONE, 5, 0);
  receive(3, SCHAT_MEDIA_NONE, 6, 0);
  world_drain(w, 0);
  read_all();
  tick_at(w->now + 5000);
  assert_int_equal(count(SCHAT_EVENT_EXPIRED), 1);
  assert_int_equal(world_last(w, 0, SCHAT_EVENT_EXPIRED)->random_id_count, 2);
  assert_int_equal(world_last(w, 0, SCHAT_EVENT_EXPIRED)->chat_id, chat);
  tick_at(w->now + 1000);
  assert_int_equal(world_last(w, 0, SCHAT_EVENT_EXPIRED)->random_ids[0], 3);
}

static size_t ended(void) {
  size_t i, ids = 0;
  for (i = 0; i < count(SCHAT_EVENT_EXPIRED); i++) ids += world_nth(w, 0, SCHAT_EVENT_EXPIRED, i)->random_id_count;
  return ids;
}

/* D-28, R-TTL-03 accept: a date that has been read already starts the clock of what came later in the same second. */
static void two_messages_of_one_second_both_end(void **state) {
  int64_t begin = w->now;
  (void)state;
  puppet_send_text(p, alice(), 901, "first", 5, w->now);
  assert_int_equal(schat_messages_read(alice(), chat, today, w->now), SCHAT_OK);
  puppet_send_text(p, alice(), 902, "second", 5, w->now);
  assert_int_equal(schat_messages_read(alice(), chat, today, w->now), SCHAT_OK);
  assert_int_equal(world_info(w, 0, chat).unread_count, 0);
  tick_at(begin + 4999);
  assert_int_equal(ended(), 0);
  tick_at(begin + 5000);
  assert_int_equal(ended(), 2);
}

/* R-TTL-03, D-28 accept: a chat that closes keeps the clocks of its messages, through a restart, and those not read can still be. */
static void closing_lengthens_no_life(void **state) {
  int64_t begin = w->now;
  (void)state;
  puppet_send_text(p, alice(), 903, "read before", 5, w->now);
  assert_int_equal(read_all(), SCHAT_OK);
  puppet_send_text(p, alice(), 904, "read after", 5, w->now);
  assert_int_equal(schat_chat_discard(alice(), chat, 0, w->now), SCHAT_OK);
  world_drain(w, 0);
  assert_int_equal(world_info(w, 0, chat).state, SCHAT_STATE_CLOSED);
  assert_int_equal(read_all(), SCHAT_OK);
  restart_at(begin + 1000, 1);
  tick_at(begin + 5000);
  assert_int_equal(ended(), 2);
  assert_int_equal(memstore_count(store(), SCHAT_RECORD_TIMER), 0);
}

/* R-TTL-06 accept: a long list deletes all it names and nothing else. */
static void a_long_list_deletes_what_it_names(void **state) {
  schat__action action;
  int64_t ids[12];
  size_t i;
  (void)state;
  for (i = 0; i < 20; i++) puppet_send_text(p, alice(), 1000 + (int64_t)i, "text", 60, w->now);
  for (i = 0; i < 12; i++) ids[i] = 1011 - (int64_t)i; /* in no order of ours */
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_DELETE;
  action.random_ids = ids;
  action.random_id_count = 12;
  assert_int_equal(memstore_count(store(), SCHAT_RECORD_TIMER), 20);
  assert_int_equal(puppet_send_action(p, alice(), &action, w->now), SCHAT_OK);
  assert_int_equal(memstore_count(store(), SCHAT_RECORD_TIMER), 8);
  world_drain(w, 0);
  assert_int_equal(count(SCHAT_EVENT_MESSAGE), 8); /* nobody had seen the others */
  assert_int_equal(world_nth(w, 0, SCHAT_EVENT_MESSAGE, 0)->random_id, 1012);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      T(two_messages_of_one_second_both_end),
      T(closing_lengthens_no_life),
      T(a_long_list_deletes_what_it_names),
      T(short_lives_of_media_start_when_opened),
      T(other_lives_start_when_read),
      T(unread_messages_live_for_ever),
      T(opening_starts_any_clock),
      T(reading_reaches_up_to_its_date),
      T(playable_media_live_through_their_duration),
      T(the_ends_of_the_range_of_lives),
      T(at_once_ends_when_closed),
      T(closing_ends_no_message_with_a_clock),
      T(at_once_ends_with_the_program),
      T(our_copy_starts_when_the_peer_opens_it),
      T(reading_as_the_server_tells_it_starts_our_copies),
      T(each_side_starts_the_clocks_of_the_other_only),
      T(a_messages_own_life_wins_over_the_chats),
      T(the_chats_timer_does_not_reach_back),
      T(the_chats_timer_is_taken_as_the_peer_sets_it),
      T(unlawful_lives_are_not_sent),
      T(names_of_messages_with_a_clock_are_taken),
      T(the_peer_is_told_when_a_clock_starts),
      T(the_server_is_told_what_was_read_until_it_answers),
      T(a_clock_set_back_lengthens_no_life),
      T(a_clock_that_jumps_ahead_ends_what_it_passes),
      T(lives_go_on_through_restarts),
      T(restarts_with_a_clock_set_back_lengthen_no_life),
      T(what_expired_while_closed_is_gone_before_anything_is_shown),
      T(what_has_not_expired_while_closed_is_shown),
      T(ended_content_is_nowhere),
      T(the_host_is_told_what_to_remove),
  };
  return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
