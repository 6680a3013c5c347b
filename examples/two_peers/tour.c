/* SPDX-License-Identifier: BSL-1.0
 * tour.c - the guided chapters: what a secret chat can do, one thing after the other, each checked on both sides. */
#include "two_peers.h"

#include <stdio.h>
#include <string.h>

/* Lets time pass until something is true; a minute of it at most. */
static void wait_for(world *w, int (*condition)(world *w), const char *what) {
  int i;
  for (i = 0; i < 240 && !condition(w); i++) world_run(w, SECOND / 4);
  if (!condition(w)) fail("this never came: %s", what);
}

static void expect(int truth, const char *what) {
  if (!truth) fail("this is not so: %s", what);
}

static schat_bytes bytes_of(const char *text) {
  schat_bytes bytes;
  bytes.data = (const uint8_t *)text;
  bytes.size = strlen(text);
  return bytes;
}

static void say_and_wait(peer *p, const char *text) {
  const int64_t id = peer_say(p, text, 0);
  world_run(p->world, 2 * SECOND);
  expect(world_other(p)->last_received == id, "the message arrived");
}

/* 1 to 3: the chat begins -------------------------------------------------------------------------------------------------- */

static int invited(world *w) {
  return w->bob.chat_id != 0 && peer_info(&w->bob).state == SCHAT_STATE_INVITED;
}

static int ready(world *w) {
  return peer_info(&w->alice).state == SCHAT_STATE_READY && peer_info(&w->bob).state == SCHAT_STATE_READY;
}

static int layers_known(world *w) {
  return peer_info(&w->alice).layer == SCHAT_LAYER && peer_info(&w->bob).layer == SCHAT_LAYER;
}

static void ask(world *w) {
  peer *alice = &w->alice;
  screen_chapter("Alice asks for a secret chat",
                 "Her device draws a secret exponent a and sends g^a through the server. Only Bob's device can answer it.");
  do {
    peer_did(alice, schat_chat_create(alice->manager, w->bob.user_id, w->now, &alice->chat_id), "asking for a chat");
  } while (peer_recover(alice));
  wait_for(w, invited, "Bob was asked");
}

static void answer(world *w) {
  peer *bob = &w->bob;
  screen_chapter("Bob is asked, and accepts",
                 "Nothing happens until the person has said so. Then both devices know g^ab, and the server knows neither a nor b. Each "
                 "side begins at layer 73, tells the other what it can read (NotifyLayer), and both rise to 144.");
  screen_line("Bob", "?  \"Alice asks for a secret chat. Accept?\"  yes");
  do {
    peer_did(bob, schat_chat_accept(bob->manager, bob->chat_id, w->now), "accepting");
  } while (peer_recover(bob));
  wait_for(w, ready, "both are ready");
  wait_for(w, layers_known, "both write layer 144");
}

void check_pictures(world *w) {
  const schat_chat_info a = peer_info(&w->alice), b = peer_info(&w->bob);
  uint8_t left[SCHAT_PICTURE_SIDE * SCHAT_PICTURE_SIDE], right[SCHAT_PICTURE_SIDE * SCHAT_PICTURE_SIDE];
  schat_key_picture(a.key_hash, left);
  schat_key_picture(b.key_hash, right);
  expect(memcmp(a.key_hash, b.key_hash, SCHAT_KEY_HASH_SIZE) == 0 && memcmp(left, right, sizeof left) == 0, "both see the same picture");
}

static void verify(peer *p) {
  do {
    peer_did(p, schat_chat_set_verified(p->manager, p->chat_id, 1, p->world->now), "noting that the pictures were compared");
  } while (peer_recover(p));
}

static void compare(world *w) {
  const schat_chat_info a = peer_info(&w->alice), b = peer_info(&w->bob);
  screen_chapter("They compare the key picture",
                 "Side by side, or read out over the telephone: if the pictures are the same, nobody sits between them. This, and not the "
                 "64-bit fingerprint, is what proves it.");
  screen_pictures(a.key_hash, b.key_hash);
  check_pictures(w);
  verify(&w->alice);
  verify(&w->bob);
  screen_line("Both", "\"the same\": the chat is marked as verified");
}

/* 4 to 6: texts, receipts -------------------------------------------------------------------------------------------------- */

static void formatted(world *w) {
  static const char text[] = "Tea at nine, Gr\303\274\303\237e. Code: 4711. Keep it secret";
  schat_entity entities[3];
  schat_message message;
  memset(entities, 0, sizeof entities);
  entities[0].type = SCHAT_ENTITY_BOLD;
  entities[0].length = 11;
  entities[1].type = SCHAT_ENTITY_CODE;
  entities[1].offset = 26; /* UTF-16 code units, not bytes */
  entities[1].length = 4;
  entities[2].type = SCHAT_ENTITY_SPOILER;
  entities[2].offset = 32;
  entities[2].length = 14;
  schat_message_init(&message);
  message.text = bytes_of(text);
  message.entities = entities;
  message.entity_count = 3;
  screen_line("Alice", "-> \"%s\", with bold, code and spoiler", text);
  peer_send(&w->alice, &message, NULL);
  world_run(w, 2 * SECOND);
}

static void texts(world *w) {
  screen_chapter("Texts, formatting, replies",
                 "Alice's device hands every event over by callback; Bob's takes them with schat_peek and schat_pop. What arrives is what "
                 "was sent: formatting too.");
  formatted(w);
  expect(w->bob.last_received == w->alice.last_sent, "Bob has Alice's text");
  peer_say(&w->bob, "I shall be there", w->bob.last_received);
  world_run(w, 2 * SECOND);
  expect(w->alice.last_received == w->bob.last_sent, "Alice has Bob's reply");
}

static int typing_seen(world *w) {
  return w->alice.typing == 1;
}

static void receipts(world *w) {
  peer *bob = &w->bob;
  screen_chapter("Typing, and what was read", "These are no messages: the server learns of them, but not what they are about.");
  screen_line("Bob", "begins to type");
  peer_did(bob, schat_typing(bob->manager, bob->chat_id, 1, w->now), "typing");
  wait_for(w, typing_seen, "Alice sees that Bob types");
  say_and_wait(bob, "And you?");
  screen_line("Alice", "looks at it");
  peer_read(&w->alice);
  world_run(w, 2 * SECOND);
  expect(w->bob.read_date >= w->alice.last_date, "Bob knows what Alice has read");
}

/* 7, 8: files -------------------------------------------------------------------------------------------------------------- */

static void name_path(world *w, const char *name, char path[600]) {
  snprintf(path, 600, "%s/%s", w->settings.directory, name);
}

static void remember_upload(peer *p, const upload *u, int32_t type) {
  memset(&p->uploaded, 0, sizeof p->uploaded);
  p->uploaded.type = type;
  p->uploaded.size = u->size;
  memcpy(p->uploaded.key, u->key, sizeof u->key);
  memcpy(p->uploaded.iv, u->iv, sizeof u->iv);
}

static void fill_media(schat_media *m, int32_t type, const upload *u, const char *mime_type) {
  m->type = type;
  m->size = u->size;
  m->key.data = u->key;
  m->key.size = sizeof u->key;
  m->iv.data = u->iv;
  m->iv.size = sizeof u->iv;
  m->mime_type = bytes_of(mime_type);
}

static void receive_file(world *w, peer *p, const upload *u, const char *name) {
  uint8_t digest[DIGEST_SIZE];
  char path[600];
  expect(p->received.random_id == world_other(p)->last_sent, "the file's message arrived");
  name_path(w, name, path);
  media_download(p, &p->received, path, digest);
  expect(memcmp(digest, u->digest, DIGEST_SIZE) == 0, "the file that arrived has the SHA-256 of the one that was sent");
  screen_line(p->name, "SHA-256 %02x%02x%02x%02x..., the same as the original's", digest[0], digest[1], digest[2], digest[3]);
  remove(path);
}

static void document(world *w) {
  schat_message message;
  upload u;
  char path[600];
  const int64_t size = 1500000 + (int64_t)random_below(&w->random, 500000);
  screen_chapter("A file",
                 "Files have keys of their own, which travel inside the message. What the server keeps is ciphertext; it goes up in "
                 "parts, and in the middle the upload is resumed from a checkpoint as after a crash.");
  name_path(w, "photos.tar", path);
  media_generate(path, size, random_next(&w->random));
  media_upload(&w->alice, path, &u);
  schat_message_init(&message);
  fill_media(&message.media, SCHAT_MEDIA_DOCUMENT, &u, "application/x-tar");
  message.media.file_name = bytes_of("photos.tar");
  remember_upload(&w->alice, &u, SCHAT_MEDIA_DOCUMENT);
  peer_send(&w->alice, &message, &u.file);
  world_run(w, 2 * SECOND);
  receive_file(w, &w->bob, &u, "photos.received");
  expect(w->alice.uploaded.file.id == w->bob.received.file.id, "both name the same file of the server");
  remove(path);
}

/* A hundred samples of five bits. */
static void draw_waveform(uint8_t waveform[63], uint64_t *random) {
  unsigned level = 16;
  size_t i;
  memset(waveform, 0, 63);
  for (i = 0; i < 100; i++) {
    level = (level * 2 + random_below(random, 32)) / 3;
    waveform[i * 5 / 8] = (uint8_t)(waveform[i * 5 / 8] | level << i * 5 % 8);
    if (i * 5 % 8 > 3) waveform[i * 5 / 8 + 1] = (uint8_t)(waveform[i * 5 / 8 + 1] | level >> (8 - i * 5 % 8));
  }
}

static void voice(world *w) {
  schat_message message;
  upload u;
  char path[600];
  uint8_t waveform[63];
  screen_chapter("A voice note", "The picture of the sound travels in the message; the sound is a file like any other.");
  name_path(w, "voice.ogg", path);
  media_generate(path, 23456, random_next(&w->random));
  media_upload(&w->bob, path, &u);
  draw_waveform(waveform, &w->random);
  schat_message_init(&message);
  fill_media(&message.media, SCHAT_MEDIA_VOICE, &u, "audio/ogg");
  message.media.duration = 6;
  message.media.waveform.data = waveform;
  message.media.waveform.size = sizeof waveform;
  remember_upload(&w->bob, &u, SCHAT_MEDIA_VOICE);
  peer_send(&w->bob, &message, &u.file);
  world_run(w, 2 * SECOND);
  receive_file(w, &w->alice, &u, "voice.received");
  screen_line("Alice", "plays it");
  peer_open_message(&w->alice, w->alice.last_received);
  world_run(w, 2 * SECOND);
  remove(path);
}

/* 9 to 11: what goes away -------------------------------------------------------------------------------------------------- */

static void set_timer(peer *p, int32_t seconds) {
  const int64_t id = peer_new_id(p);
  screen_line(p->name, "sets the timer of the chat to %d s", (int)seconds);
  do {
    const int status = schat_chat_set_ttl(p->manager, p->chat_id, seconds, id, p->world->now);
    peer_did(p, status == SCHAT_E_EXISTS ? SCHAT_OK : status, "setting the timer");
  } while (peer_recover(p));
  world_run(p->world, 2 * SECOND);
  expect(world_other(p)->timer == seconds, "the other side knows of the timer");
}

static void self_destruct(world *w) {
  const size_t alice_before = journal_texts(w->alice.journal), bob_before = journal_texts(w->bob.journal);
  screen_chapter("A message that destroys itself",
                 "The clock of a message starts when it is read. Bob's device tells Alice's that it was opened, and after five seconds "
                 "it goes on both. It would go while the program is stopped, too: deadlines are stored.");
  set_timer(&w->alice, 5);
  say_and_wait(&w->alice, "The key is under the third stone");
  world_run(w, MINUTE);
  expect(journal_texts(w->bob.journal) == bob_before + 1, "unread, it stays");
  screen_line("Bob", "reads it now");
  peer_read(&w->bob);
  world_run(w, 10 * SECOND);
  expect(journal_texts(w->bob.journal) == bob_before && journal_texts(w->alice.journal) == alice_before, "it is gone on both sides");
  set_timer(&w->alice, 0);
}

static void delete_for_both(world *w) {
  int64_t id;
  peer *alice = &w->alice;
  screen_chapter("Deleting for both", "What Alice takes back is removed on Bob's device as well.");
  say_and_wait(alice, "I wish I had not written this");
  id = alice->last_sent;
  screen_line("Alice", "deletes it");
  journal_remove(alice->journal, &id, 1);
  do {
    peer_did(alice, schat_messages_delete(alice->manager, alice->chat_id, &id, 1, 0, w->now), "deleting");
  } while (peer_recover(alice));
  world_run(w, 2 * SECOND);
  expect(journal_texts(alice->journal) == journal_texts(w->bob.journal), "both have as many texts");
}

static void screenshot(world *w) {
  peer *bob = &w->bob;
  screen_chapter("A screenshot", "A client that notices one says so.");
  screen_line("Bob", "takes a screenshot");
  do {
    peer_did(bob, schat_screenshot(bob->manager, bob->chat_id, &bob->last_received, 1, 0, w->now), "the notice of a screenshot");
  } while (peer_recover(bob));
  world_run(w, 2 * SECOND);
  expect(w->alice.screenshots >= 1, "Alice knows of it");
}

/* 12 to 14: what goes wrong ------------------------------------------------------------------------------------------------- */

static void losses(world *w) {
  screen_chapter("Updates that are lost",
                 "A push that gets lost stays in the server's queue, and comes with updates.getDifference. A message that the queue loses "
                 "too leaves a hole in the numbers: what comes after it waits, and the peer is asked to send it again.");
  world_faults(w, 1, 0);
  peer_say(&w->alice, "This push is lost", 0);
  world_run(w, MINUTE);
  expect(w->bob.last_received == w->alice.last_sent, "the lost push came with the difference");
  world_faults(w, 0, 1);
  peer_say(&w->alice, "This one the server forgets", 0);
  world_run(w, SECOND);
  expect(w->bob.last_received != w->alice.last_sent, "the message is lost");
  world_faults(w, 0, 0);
  peer_say(&w->alice, "And this one shows that it is missing", 0);
  world_run(w, 10 * SECOND);
  expect(w->bob.last_received == w->alice.last_sent, "both arrived in the end");
  expect(peer_info(&w->bob).waiting == 0, "nothing waits");
}

static void crashes(world *w) {
  const uint64_t before = w->alice.crashes + w->bob.crashes;
  screen_chapter("Crashes",
                 "Nothing leaves the device before the store has it. Alice's process dies after the commit, before the request is out: "
                 "after the start it is sent, once. Bob's dies before his commit: the server still has the message.");
  w->alice.armed = CRASH_AFTER;
  peer_say(&w->alice, "My battery is nearly empty", 0);
  world_run(w, 5 * SECOND);
  expect(w->bob.last_received == w->alice.last_sent, "the message of the crashed process arrived");
  w->bob.armed = CRASH_BEFORE;
  peer_say(&w->alice, "Is yours?", 0);
  world_run(w, MINUTE);
  expect(w->bob.last_received == w->alice.last_sent, "the crashed process has the message");
  expect(w->alice.crashes + w->bob.crashes == before + 2, "both have crashed once");
}

static int64_t rekeys(world *w) {
  return journal_counter(w->alice.journal, "rekeyed");
}

static void chat_until_rekeyed(world *w, int64_t before) {
  char text[64];
  int i;
  for (i = 0; i < 150 && rekeys(w) == before; i++) {
    snprintf(text, sizeof text, "small talk, part %d", i + 1);
    peer_say(i % 2 ? &w->bob : &w->alice, text, 0);
    world_run(w, SECOND);
  }
}

static void a_week_later(world *w) {
  const int64_t before = rekeys(w);
  w->now += 8 * DAY;
  screen_clock(w->now);
  screen_line("", "eight days later");
  say_and_wait(&w->alice, "Long time no see");
  say_and_wait(&w->bob, "It has been a week");
  world_run(w, MINUTE);
  say_and_wait(&w->alice, "See you");
  expect(rekeys(w) > before, "an old key was replaced");
}

static void new_keys(world *w) {
  const schat_chat_info first = peer_info(&w->alice);
  int64_t before = rekeys(w);
  screen_chapter("New keys",
                 "After a hundred messages, or a week, the devices agree on a new key and destroy the old one: who takes a device later "
                 "cannot read what was sent before. The picture stays that of the first key.");
  screen_line("Both", "talk for a while");
  screen_mute(1);
  chat_until_rekeyed(w, before);
  world_run(w, 10 * SECOND);
  screen_mute(0);
  expect(rekeys(w) > before, "a key used a hundred times was replaced");
  screen_line("Both", "use a new key after a hundred messages");
  a_week_later(w);
  a_week_later(w);
  expect(peer_info(&w->alice).key_fingerprint != first.key_fingerprint, "the key is another one");
  expect(peer_info(&w->alice).key_fingerprint == peer_info(&w->bob).key_fingerprint, "and the same on both sides");
  expect(memcmp(peer_info(&w->alice).key_hash, first.key_hash, SCHAT_KEY_HASH_SIZE) == 0, "the picture has not changed");
  check_pictures(w);
}

void tour_begin(world *w) {
  world_faults(w, 0, 0);
  ask(w);
  answer(w);
  compare(w);
  texts(w);
  receipts(w);
  document(w);
  voice(w);
  self_destruct(w);
  delete_for_both(w);
  screenshot(w);
  losses(w);
  crashes(w);
  new_keys(w);
}

/* The end ------------------------------------------------------------------------------------------------------------------ */

static int closed(world *w) {
  return peer_info(&w->alice).state == SCHAT_STATE_CLOSED && peer_info(&w->bob).state == SCHAT_STATE_CLOSED;
}

static void forget(peer *p) {
  do {
    const int status = schat_chat_forget(p->manager, p->chat_id, p->world->now);
    peer_did(p, status == SCHAT_E_NO_CHAT ? SCHAT_OK : status, "forgetting the chat");
  } while (peer_recover(p));
}

void tour_end(world *w) {
  peer *alice = &w->alice;
  screen_chapter("The end", "Alice ends the chat and asks that its history goes, on both sides. Keys are wiped in the same commit.");
  journal_remove_all(alice->journal);
  do {
    const int status = schat_chat_discard(alice->manager, alice->chat_id, SCHAT_DISCARD_HISTORY, w->now);
    peer_did(alice, status == SCHAT_E_STATE ? SCHAT_OK : status, "ending the chat");
  } while (peer_recover(alice));
  wait_for(w, closed, "the chat is closed on both sides");
  expect(journal_texts(alice->journal) == 0 && journal_texts(w->bob.journal) == 0, "no text is left on either side");
  world_run(w, MINUTE);
  forget(alice);
  forget(&w->bob);
  screen_line("Both", "have no message and no key any more");
}
