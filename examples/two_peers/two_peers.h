/* SPDX-License-Identifier: BSL-1.0
 * two_peers.h - what the parts of the example share: settings, the screen, an application's journal, a peer, and the world around both.
 *
 * Alice and Bob are two devices in one process. Each has what a client has: a store of the library's (SQLite), a table of messages of
 * its own (a second SQLite file, the "journal"), and a manager. They share a simulated clock and a server, the relay. */
#ifndef EXAMPLES_TWO_PEERS_H
#define EXAMPLES_TWO_PEERS_H

#include <stddef.h>
#include <stdint.h>

#include "secretchat/secretchat.h"
#include "secretchat/sqlite.h"
#include "support/relay.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define DAY (24 * 60 * MINUTE)
#define DIGEST_SIZE 32

typedef struct settings {
  uint32_t messages;
  uint32_t crash_every; /* 0: never */
  uint64_t seed;
  double drop;
  const char *directory;
  int quiet;
  int color;
} settings;

/* screen.c: the transcript ------------------------------------------------------------------------------------------------- */

#if defined(__GNUC__)
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#else
#define PRINTF_LIKE(text, first)
#endif

void screen_setup(int quiet, int color);
void screen_mute(int muted); /* the bulk of the messages is counted, not shown */
void screen_clock(int64_t now);
void screen_chapter(const char *title, const char *explanation);
void screen_line(const char *who, const char *format, ...) PRINTF_LIKE(2, 3);
void screen_pictures(const uint8_t left[SCHAT_KEY_HASH_SIZE], const uint8_t right[SCHAT_KEY_HASH_SIZE]);
void screen_progress(const char *who, const char *what, int64_t done, int64_t total);
void screen_waveform(const char *who, schat_bytes waveform);
/* Ends the process: the example found what must never happen. */
_Noreturn void fail(const char *format, ...) PRINTF_LIKE(1, 2);

/* content.c: messages as values --------------------------------------------------------------------------------------------- */

/* SHA-256 over every field that travels. What the receiver computes must be what the sender computed. */
void content_digest(const schat_message *message, uint8_t digest[DIGEST_SIZE]);
/* The text with its formatting as marks (*bold*, _italic_ …), terminated. */
void content_render(const schat_message *message, char *out, size_t capacity);

/* A message with the memory it borrows from. */
typedef struct content {
  schat_message message;
  schat_entity entities[4];
  char text[8192];
} content;
/* Any kind of message, chosen by `seed`; the same for the same seed. `reply_to` may be 0. */
void content_make(content *c, uint64_t seed, int64_t reply_to);

uint64_t random_next(uint64_t *state);
uint32_t random_below(uint64_t *state, uint32_t bound);

/* journal.c: the application's own table of messages ------------------------------------------------------------------------- */

typedef struct journal journal;

typedef enum journal_state { JOURNAL_PLANNED = 1, JOURNAL_QUEUED, JOURNAL_SENT, JOURNAL_DELIVERED, JOURNAL_FAILED } journal_state;

typedef struct journal_row {
  int64_t random_id;
  uint8_t digest[DIGEST_SIZE];
  int state; /* journal_state; of sent rows */
  int gone;  /* deleted or expired: the text is no longer there */
} journal_row;

journal *journal_open(const char *path);
void journal_close(journal *j);
/* Begins the transaction of one event: 1, or 0 when the journal has that event already. Id 0: an event that is never stored. */
int journal_begin(journal *j, uint64_t event_id);
void journal_commit(journal *j);
void journal_plan(journal *j, int64_t random_id, const uint8_t digest[DIGEST_SIZE], const char *text);
void journal_receive(journal *j, int64_t random_id, const uint8_t digest[DIGEST_SIZE], const char *text);
void journal_set_state(journal *j, int64_t random_id, journal_state state); /* never goes back */
void journal_deliver(journal *j, int64_t random_id);                        /* the peer has it, and all before it */
void journal_remove(journal *j, const int64_t *random_ids, size_t count);   /* takes the text away, on either side */
void journal_remove_all(journal *j);
void journal_bump(journal *j, const char *counter); /* adds one to a number that outlives crashes */
int64_t journal_counter(journal *j, const char *counter);
size_t journal_undelivered(journal *j);
size_t journal_count(journal *j, int sent);
size_t journal_texts(journal *j); /* rows that still have a text */
/* Rows in the order sent or received; to be freed. */
journal_row *journal_rows(journal *j, int sent, size_t *count);

/* peer.c: one device ---------------------------------------------------------------------------------------------------------- */

struct world;

typedef enum crash_point { CRASH_NONE = 0, CRASH_BEFORE, CRASH_AFTER } crash_point;

typedef struct attachment {
  int32_t type; /* schat_media_type; 0: none */
  int64_t random_id, size;
  uint8_t key[SCHAT_FILE_KEY_SIZE], iv[SCHAT_FILE_KEY_SIZE];
  schat_encrypted_file file;
  char name[64];
  int32_t duration;
  uint8_t waveform[64];
  size_t waveform_size;
} attachment;

typedef struct peer {
  struct world *world;
  const char *name, *other;
  int pull; /* takes effects with schat_peek and schat_pop instead of callbacks */
  int device;
  int64_t user_id;
  uint64_t random;
  uint8_t storage_key[SCHAT_STORAGE_KEY_SIZE];
  char store_path[512], generation_path[512], journal_path[512];

  schat_sqlite *db;
  schat_manager *manager;
  journal *journal;
  int32_t chat_id;
  int reconnecting; /* opened, and not yet caught up with the server */
  int64_t next_difference;

  /* The crash that waits, and those that come by themselves (--crash-every). */
  int crashed;
  crash_point armed;
  uint32_t crash_every;
  uint64_t steps;
  int crash_after_next;
  int crashes_now; /* at crash_moment */
  int64_t crash_moment;

  /* What the user interface remembers of the events. */
  schat_chat_info shown;
  attachment received, uploaded;
  int64_t last_received, last_sent; /* random_id */
  int32_t last_date;
  int typing, screenshots, timer;
  int64_t read_date;

  /* Counted for the summary, crashes included. */
  uint64_t crashes, repeated_events, pushes, accepted, differences;
  schat_stats totals;
} peer;

void peer_setup(peer *p, struct world *w, const char *name, const char *other, int pull);
void peer_start(peer *p);       /* opens store, journal and manager */
void peer_stop(peer *p);        /* closes them; after a crash nothing more is committed */
void peer_erase(const peer *p); /* removes its files; it is not open */
void peer_add_stats(peer *p);   /* to the totals; peer_stop does it too */
int peer_recover(peer *p);      /* 1: the device had crashed, and has been started again */
void peer_work(peer *p);        /* takes what has arrived, until nothing is left */
void peer_tick(peer *p);
void peer_catch_up(peer *p); /* updates.getDifference */
/* Ends every call into the library: effects are taken, and a failure that is not a crash ends the example. Returns the status. */
int peer_did(peer *p, int status, const char *what);
int64_t peer_deadline(peer *p);
schat_chat_info peer_info(peer *p);
/* What a person does with a message; survives crashes, and gives the random_id. */
int64_t peer_send(peer *p, const schat_message *message, const schat_input_file *file);
int64_t peer_say(peer *p, const char *text, int64_t reply_to);
void peer_open_message(peer *p, int64_t random_id);
void peer_read(peer *p);
int64_t peer_new_id(peer *p);

/* events.c: what the application does with an event. */
void peer_event(peer *p, const schat_event *event);

/* world.c: the clock and the network ------------------------------------------------------------------------------------------ */

typedef struct world {
  settings settings;
  int64_t start, now;
  relay *relay;
  peer alice, bob;
  uint64_t random;
} world;

void world_open(world *w, const settings *s);
void world_close(world *w);
void world_run(world *w, int64_t milliseconds); /* lets time pass */
void world_faults(world *w, double drop_update, double drop_for_good);
peer *world_other(peer *p);

/* media.c: files ---------------------------------------------------------------------------------------------------------------- */

typedef struct upload {
  schat_input_file file;
  uint8_t key[SCHAT_FILE_KEY_SIZE], iv[SCHAT_FILE_KEY_SIZE], digest[DIGEST_SIZE];
  int64_t size;
} upload;
void media_generate(const char *path, int64_t size, uint64_t seed);
void media_upload(peer *p, const char *path, upload *u);
/* Downloads and decrypts into `path`; digest: SHA-256 of what stands there afterwards. */
void media_download(peer *p, const attachment *a, const char *path, uint8_t digest[DIGEST_SIZE]);

/* tour.c, bulk.c: the story ------------------------------------------------------------------------------------------------------- */

void tour_begin(world *w);
void tour_end(world *w);
void bulk_run(world *w);
void check_pictures(world *w);
void check_journals(world *w);

#endif
