/* SPDX-License-Identifier: BSL-1.0
 * bulk.c - many messages in bursts through a bad network between devices that crash, and the check that each arrived once. */
#include "two_peers.h"

#include <stdlib.h>
#include <string.h>

#define IN_FLIGHT 100 /* a person waits for answers now and then */

static void send_one(world *w, peer *p) {
  content c;
  schat_input_file file;
  content_make(&c, random_next(&w->random), p->last_received);
  memset(&file, 0, sizeof file);
  if (p->uploaded.file.id == 0 || random_below(&w->random, 25) != 0) {
    peer_send(p, &c.message, NULL);
    return;
  }
  /* A file the server has already: forwarded without being uploaded again. */
  file.type = SCHAT_INPUT_FILE_EXISTING;
  file.id = p->uploaded.file.id;
  file.access_hash = p->uploaded.file.access_hash;
  file.key_fingerprint = p->uploaded.file.key_fingerprint;
  memset(&c.message.media, 0, sizeof c.message.media);
  c.message.media.type = SCHAT_MEDIA_DOCUMENT;
  c.message.media.size = p->uploaded.size;
  c.message.media.key.data = p->uploaded.key;
  c.message.media.key.size = sizeof p->uploaded.key;
  c.message.media.iv.data = p->uploaded.iv;
  c.message.media.iv.size = sizeof p->uploaded.iv;
  peer_send(p, &c.message, &file);
}

static uint32_t burst(world *w, uint32_t left) {
  peer *p = random_below(&w->random, 2) ? &w->alice : &w->bob;
  uint32_t size = 1 + random_below(&w->random, 8), i;
  if (size > left) size = left;
  for (i = 0; i < size; i++) send_one(w, p);
  if (random_below(&w->random, 10) == 0) peer_read(p);
  return size;
}

static void pause_for(world *w) {
  int i;
  for (i = 0; i < 100 && (peer_info(&w->alice).unacknowledged > IN_FLIGHT || peer_info(&w->bob).unacknowledged > IN_FLIGHT); i++) {
    world_run(w, 5 * SECOND);
  }
  if (random_below(&w->random, 3) != 0) world_run(w, (int64_t)random_below(&w->random, 3000));
}

static int all_arrived(world *w) {
  return journal_count(w->alice.journal, 1) == journal_count(w->bob.journal, 0) &&
         journal_count(w->bob.journal, 1) == journal_count(w->alice.journal, 0);
}

static void receipts(world *w, int64_t pause) {
  peer_open_message(&w->alice, w->alice.last_received);
  peer_open_message(&w->bob, w->bob.last_received);
  world_run(w, pause);
}

static int all_confirmed(world *w) {
  return journal_undelivered(w->alice.journal) + journal_undelivered(w->bob.journal) == 0;
}

/* Patience grows: what is lost again and again is asked for again, but with longer and longer pauses. */
static void receipts_until(world *w, int (*condition)(world *w), const char *what) {
  int round;
  for (round = 0; round < 80 && !condition(w); round++) receipts(w, round < 20 ? 5 * SECOND : round < 40 ? MINUTE : 30 * MINUTE);
  if (!condition(w)) fail("%s", what);
}

/* What is missing shows only when something comes after it, and a message is confirmed by one that comes back. So both sides send
 * receipts until everything has arrived, then each a last word, and receipts until everything is confirmed. */
static void drain(world *w) {
  receipts_until(w, all_arrived, "some messages never arrived");
  screen_mute(0);
  w->alice.crash_every = w->bob.crash_every = 0;
  world_faults(w, 0, 0);
  peer_say(&w->alice, "Good night", 0);
  peer_say(&w->bob, "Sleep well", 0);
  receipts_until(w, all_confirmed, "some messages were never confirmed");
}

void bulk_run(world *w) {
  const settings *s = &w->settings;
  uint32_t left = s->messages;
  screen_chapter("The rest of the conversation",
                 "Messages of all kinds in bursts from both sides, while updates get lost, the server forgets, and processes die. Both "
                 "journals are compared at the end: every message once, in order, bit for bit.");
  screen_line("Both", "%u messages, %.3g %% of updates lost, %.3g %% forgotten, a crash every %u steps", (unsigned)s->messages,
              s->drop * 100, s->drop * 25, (unsigned)s->crash_every);
  world_faults(w, s->drop, s->drop / 4);
  w->alice.crash_every = w->bob.crash_every = s->crash_every;
  screen_mute(1);
  while (left > 0) {
    left -= burst(w, left);
    pause_for(w);
  }
  drain(w);
}

/* The check ---------------------------------------------------------------------------------------------------------------- */

static void compare(const journal_row *sent, size_t sent_count, const journal_row *received, size_t received_count, const char *from) {
  size_t i;
  for (i = 0; i < sent_count && i < received_count; i++) {
    if (sent[i].random_id != received[i].random_id) fail("message %lu of %s is lost, double or out of order", (unsigned long)i + 1, from);
    if (memcmp(sent[i].digest, received[i].digest, DIGEST_SIZE) != 0) fail("message %lu of %s arrived changed", (unsigned long)i + 1, from);
    if (sent[i].state != JOURNAL_DELIVERED) fail("message %lu of %s is in state %d", (unsigned long)i + 1, from, sent[i].state);
    if (sent[i].gone != received[i].gone) fail("message %lu of %s was removed on one side only", (unsigned long)i + 1, from);
  }
  if (sent_count != received_count) {
    fail("%s sent %lu messages, %lu arrived", from, (unsigned long)sent_count, (unsigned long)received_count);
  }
}

static size_t check_direction(peer *from, peer *to) {
  size_t sent_count, received_count;
  journal_row *sent = journal_rows(from->journal, 1, &sent_count);
  journal_row *received = journal_rows(to->journal, 0, &received_count);
  compare(sent, sent_count, received, received_count, from->name);
  free(sent);
  free(received);
  return sent_count;
}

void check_journals(world *w) {
  const size_t there = check_direction(&w->alice, &w->bob), back = check_direction(&w->bob, &w->alice);
  check_pictures(w);
  screen_line("Both", "journals agree: %lu messages from Alice, %lu from Bob, each once, in order, unchanged", (unsigned long)there,
              (unsigned long)back);
}
